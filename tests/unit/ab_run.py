#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What an A/B run does when, and what it picks out of what it saw.

    ab_run.py SOURCE
"""
import collections
import io
import os
import random
import sys
import unittest

sys.path.insert(0, os.path.join(sys.argv[1], "bench/ab"))
import block                    # noqa: E402
import main as harness          # noqa: E402
import plan                     # noqa: E402
import recorded                 # noqa: E402
import streams                  # noqa: E402
from progress import Progress   # noqa: E402


def schedule(seed, seconds=5, intervals=(5,)):
    return plan.schedule(plan.variants(intervals), seconds,
                         random.Random(seed))


def turns(steps, size):
    keys = [key for key, _ in steps]
    return [tuple(keys[n:n + size]) for n in range(0, len(keys), size)]


class Run(unittest.TestCase):
    def test_scrapes_between_slices_are_not_of_the_block(self):
        loaded = {"slices": [[10 * 10**9, 1.25], [20 * 10**9, 1.25]]}
        assert block.under_load(loaded, 10.5) == 0.5
        assert block.under_load(loaded, 11.5) is None
        assert block.under_load(loaded, 19.9) is None
        assert block.under_load(loaded, 20.5) == 1.75
        assert block.under_load(loaded, 21.25) is None

    def test_every_variant_has_the_same_time_in_an_order_of_the_seed(self):
        assert schedule(1) == schedule(1) != schedule(2)
        times = collections.Counter()
        for key, seconds in schedule(1, 5, (60, 1)):
            times[key] += seconds
        times = {key: round(seconds, 6) for key, seconds in times.items()}
        assert times == dict.fromkeys(
            ("off", "off2", "delayed", "on", "span", "scraped60", "scraped1"),
            5), times

    def test_slices_take_turns_so_that_a_disturbance_meets_all(self):
        found = turns([s for s in schedule(3) if s[1] < 1], 4)
        assert len(found) == 20 and len(set(found)) > 10, found
        assert all(sorted(turn) == ["delayed", "off", "off2", "on"]
                   for turn in found)

    def test_longer_slices_take_turns_anywhere_in_a_round(self):
        places = set()
        for seed in range(100):
            found = turns([s for s in schedule(seed) if s[1] > 1], 2)
            assert len(found) == 4, found
            assert all(sorted(turn) == ["scraped5", "span"] for turn in found)
            places.update(n for n, s in enumerate(schedule(seed)) if s[1] > 1)
        assert len(places) > 80, places

    def test_events_are_those_of_the_slices(self):
        found = [("tick_to_signal", at, at) for at in range(100)]
        times = [(10, 20), (50, 60)]
        kept = streams.within(found, times)["tick_to_signal"]
        assert (kept["events"], kept["p50"], kept["max"]) == (20, 19, 59), kept

    def test_trades_come_at_even_distances(self):
        lines = list(recorded.even(recorded.source(7)[1][:10], 25))
        times = [int(line.split(",")[4]) for line in lines]
        numbers = [int(line.split(",")[0]) for line in lines]
        assert {b - a for a, b in zip(times, times[1:])} == {recorded.STEP_MS}
        assert {b - a for a, b in zip(numbers, numbers[1:])} == {1}

    def test_quantiles_are_nearest_ranks(self):
        found = streams.quantiles(range(1, 101))
        assert found == {"p50": 50, "p90": 90, "p99": 99, "p999": 100,
                         "max": 100}, found
        assert streams.quantiles([]) == {}

    def test_progress_tells_what_is_left_and_keeps_the_limit(self):
        clock, out = [0.0], io.StringIO()
        progress = Progress(100, 20, out, lambda: clock[0])
        assert progress.fits(50)
        for _ in range(4):
            progress.begin("a round")
            clock[0] += 10
            progress.done()
        assert progress.fits(6) and not progress.fits(7)
        progress.begin("one more")
        assert out.getvalue().splitlines()[-1] == (
            "[  5/ 20] one more, 1 min 00 s left")

    def test_wrong_words_are_refused(self):
        sys.stderr = io.StringIO()
        for words in (["--pairs", "0"], ["--intervals", "5,x"],
                      ["--seconds", "0"], ["--rate", "-1"], ["more"]):
            try:
                harness.arguments([*words, "--builds", "a", "b"])
            except SystemExit as stop:
                assert stop.code == 2, words
            else:
                raise AssertionError(f"{words} was taken")
        sys.stderr = sys.__stderr__


if __name__ == "__main__":
    del sys.argv[1]
    unittest.main()
