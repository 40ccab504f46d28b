# SPDX-License-Identifier: Apache-2.0
"""Monitoring changes no decision: the same signals, byte for byte."""
import stack


def digest_of(recording, name, *options, meanwhile=None):
    with stack.Stack(name, *recording.replay, "--seed", 11, *options) as run:
        if meanwhile:
            meanwhile(run)
        run.wait_end(recording.rows)
        return run.digest()


def signals_are_the_same_watched_or_not(recording):
    def kill_collector(run):
        stack.until("half of the rows", lambda:
                    run.added("market_data") >= recording.rows // 2)
        run.kill("collector")

    plain = digest_of(recording, "plain")
    assert len(plain.split()) >= 2, plain
    assert int(plain.split()[0]) >= 100 or int(plain.split()[1]) >= 100, plain
    assert digest_of(recording, "again") == plain
    assert digest_of(recording, "killed", meanwhile=kill_collector) == plain
    assert digest_of(recording, "bare", "--no-metrics") == plain


if __name__ == "__main__":
    stack.main(signals_are_the_same_watched_or_not)
