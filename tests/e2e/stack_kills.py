# SPDX-License-Identifier: Apache-2.0
"""SIGKILL of each process in the middle: as if nothing had been."""
import functools

import stack

COUNTED = ("market_data_published_total", "cdb_ticks_total",
           "signals_generated_total")


@functools.lru_cache
def undisturbed(recording):
    """(digest, signals) of a run that nobody disturbs."""
    with stack.Stack("calm", *recording.replay) as run:
        run.wait_end(recording.rows)
        return run.digest(), run.added("signals")


def killed(recording, name):
    """Kill in the middle, wait for the end, compare.  Returns the counters
    before the kill and at the end."""
    digest, signals = undisturbed(recording)
    with stack.Stack("kill-" + name, *recording.slowly) as run:
        stack.until("a third of the rows", lambda:
                    run.added("market_data") >= recording.rows // 3)
        before = run.metrics()
        assert run.added("market_data") < recording.rows, "killed too late"
        pid = run.kill(name)
        stack.until("it comes back", lambda:
                    run.part(name)["state"] == "healthy"
                    and run.part(name)["pid"] != pid)
        run.wait_end(recording.rows)
        assert run.added("market_data") == recording.rows
        assert run.added("signals") == signals
        assert run.digest() == digest
        counters_settle(run)
        after = run.metrics()
        assert run.part(name)["restarts"] == 1, run.now
        for counter in COUNTED:
            assert after[counter] >= before.get(counter, 0), counter
        return after, signals


def counters_settle(run):
    """A counter moves when EXEC has been answered: give it that moment."""
    last = [None]

    def still():
        now = {k: v for k, v in run.metrics().items() if k in COUNTED}
        same, last[0] = now == last[0] and len(now) == len(COUNTED), now
        return same

    stack.until("the counters stand still", still)


def exact(after, recording, signals):
    assert after["market_data_published_total"] == recording.rows, after
    assert after["cdb_ticks_total"] == recording.rows, after
    assert after["signals_generated_total"] == signals, after


def collector_killed_loses_nothing(recording):
    after, signals = killed(recording, "collector")
    exact(after, recording, signals)


# What one transaction may hold; a kill between its answer and the counting
# loses the count, and a kill of Redis the answer.
IN_FLIGHT = 1024


def nearly(after, recording, signals):
    for counter, whole in zip(COUNTED, (recording.rows, recording.rows,
                                        signals)):
        assert whole - IN_FLIGHT <= after[counter] <= whole, (counter, after)


def feed_killed_streams_end_the_same(recording):
    after, signals = killed(recording, "feed")
    nearly(after, recording, signals)
    assert after["cdb_ticks_total"] == recording.rows, after


def signal_killed_streams_end_the_same(recording):
    after, signals = killed(recording, "signal")
    nearly(after, recording, signals)
    assert after["market_data_published_total"] == recording.rows, after


def redis_killed_streams_end_the_same(recording):
    after, signals = killed(recording, "redis")
    nearly(after, recording, signals)


if __name__ == "__main__":
    stack.main(collector_killed_loses_nothing,
               feed_killed_streams_end_the_same,
               signal_killed_streams_end_the_same,
               redis_killed_streams_end_the_same)
