# SPDX-License-Identifier: Apache-2.0
"""SIGKILL of each process in the middle of a replay: the streams end as if
nothing had been, and no counter is reset, as PromQL sees it."""
import stack

COUNTED = ("market_data_published_total", "cdb_ticks_total",
           "signals_generated_total")

# What one transaction may hold.  A kill between its answer and the counting
# loses that count; a kill of Redis loses the answer.
IN_FLIGHT = 1024


def undisturbed(recording):
    """(digest, signals) of a run that nobody disturbs."""
    with stack.Stack("calm", *recording.replay) as run:
        run.wait_end(recording.rows)
        return run.digest(), run.added("signals")


def kill_and_see_it_back(run, name, rows, whole):
    """Kill it once `rows` are published; no counter may have fallen."""
    stack.until(f"{rows} rows", lambda: run.added("market_data") >= rows)
    before = run.metrics()
    assert before["cdb_ticks_total"] > 0, before
    assert run.added("market_data") < whole, "too late to be the middle"
    pid = run.kill(name)
    stack.until(f"{name} comes back", lambda:
                run.pid(name) not in (None, pid) and run.answers(name))
    after = run.metrics()
    for counter in COUNTED:
        assert after[counter] >= before[counter], (name, counter)


def counters_at_rest(run):
    """A counter moves when EXEC has been answered: give it that moment."""
    last = [None]

    def still():
        now = {k: v for k, v in run.metrics().items() if k in COUNTED}
        same, last[0] = now == last[0] and len(now) == len(COUNTED), now
        return same

    stack.until("the counters stand still", still)
    return last[0]


def killed_one_after_the_other_streams_end_the_same(recording):
    digest, signals = undisturbed(recording)
    names = ("collector", "signal", "redis", "feed")
    with stack.Stack("killed", *recording.options(speed=16),
                     "--scrape-interval", 1, prometheus=True) as run:
        # more than the first scrapes of its next life count
        stack.until("Prometheus has seen the collector at work", lambda:
                    run.promql("sum(smx_collector_requests_total) > 20"))
        for turn, name in enumerate(names, start=1):
            kill_and_see_it_back(run, name, recording.rows * turn // 7,
                                 recording.rows)
        run.wait_end(recording.rows)
        assert run.added("market_data") == recording.rows
        assert run.added("signals") == signals
        assert run.digest() == digest
        whole = dict(zip(COUNTED, (recording.rows, recording.rows, signals)))
        for counter, value in counters_at_rest(run).items():
            assert value <= whole[counter], (counter, value)
            assert value >= whole[counter] - IN_FLIGHT, (counter, value)
        for name in names:
            assert run.part(name)["restarts"] == 1, run.now
        # the collector's own began anew with it; what lives in segments did
        # not
        assert run.resets() > 0
        assert run.resets(',service!="",__name__!~"smx_.+"') == 0


if __name__ == "__main__":
    stack.main(killed_one_after_the_other_streams_end_the_same)
