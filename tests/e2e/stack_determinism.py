# SPDX-License-Identifier: Apache-2.0
"""Monitoring changes no decision: the same signals, byte for byte."""
import stack


def digest_of(recording, name, *options):
    with stack.Stack(name, *recording.replay, "--seed", 11, *options) as run:
        run.wait_end(recording.rows)
        return run.digest()


def digest_with_collector_killed(recording):
    with stack.Stack("killed", *recording.options(speed=40),
                     "--seed", 11) as run:
        stack.until("half of the rows", lambda:
                    run.added("market_data") >= recording.rows // 2)
        run.kill("collector")
        assert run.added("market_data") < recording.rows, "killed too late"
        run.wait_end(recording.rows)
        run.books()             # and its death cost no count
        return run.digest()


def signals_are_the_same_watched_or_not(recording):
    plain = digest_of(recording, "plain")
    assert int(plain.split()[0]) >= 200, plain
    assert digest_of(recording, "again") == plain
    assert digest_with_collector_killed(recording) == plain
    assert digest_of(recording, "bare", "--no-metrics") == plain


if __name__ == "__main__":
    stack.main(signals_are_the_same_watched_or_not)
