# SPDX-License-Identifier: Apache-2.0
"""What is compared, and in which order it runs."""
from typing import NamedTuple

SLICE_S = 0.25                  # of load, before the next variant has its turn
SPAN_S = 1.25                   # the same where Prometheus has to go on first
PARTS = 2                       # of a round; a variant has a block of each


class Variant(NamedTuple):
    """One way to run the pipeline; `up` are the options of ./cdb up."""
    key: str
    title: str
    build: str                  # "off", "on" or "delayed"
    up: tuple = ()
    interval: int = 0           # of Prometheus, in seconds; 0: there is none


OFF = Variant("off", "off (compiled without metrics)", "off",
              ("--no-metrics",))
# The same pipeline, loaded in longer slices, as those are that are scraped.
SPAN = OFF._replace(key="span", title="off, in longer slices")
AGAIN = OFF._replace(key="off2", title="control: off again")
DELAYED = Variant("delayed", "control: off, every HTTP answer 10 % later",
                  "delayed", ("--no-metrics",))
ON = Variant("on", "on (nobody reads the metrics)", "on", ("--no-collector",))
CONTROLS = (AGAIN, DELAYED)


def scraped(seconds):
    return Variant(f"scraped{seconds}",
                   f"on + collector + Prometheus every {seconds} s", "on",
                   ("--scrape-interval", str(seconds)), seconds)


def variants(intervals):
    """All of them; the ratios are formed with the two that are off."""
    return [OFF, AGAIN, DELAYED, ON, *map(scraped, intervals)]


def by_key(which, key):
    return SPAN if key == SPAN.key else next(
        v for v in which if v.key == key)


def baselines(key):
    """What a variant is compared with: blocks of the same kind."""
    if key == AGAIN.key:
        return (OFF.key,)
    if key.startswith("scraped"):
        return (SPAN.key,)
    return (OFF.key, AGAIN.key)


def parts(key):
    """What waits for scrapes meets too few of them in a part of a round."""
    return 1 if key == SPAN.key or key.startswith("scraped") else PARTS


def schedule(which, seconds, dice):
    """[(key, seconds)] of a round, so that each key has `seconds` in all.

    Every variant once before any has its next; at random places among the
    turns of short slices those of longer ones, of what is scraped.
    """
    turns = turns_of([v.key for v in which if not v.interval], seconds,
                     SLICE_S, dice)
    scraped_too = [v.key for v in which if v.interval]
    if scraped_too:
        for turn in turns_of([SPAN.key, *scraped_too], seconds, SPAN_S, dice):
            turns.insert(dice.randrange(len(turns) + 1), turn)
    return [step for turn in turns for step in turn]


def turns_of(keys, seconds, each, dice):
    count = max(round(seconds / each), 1)
    return [[(key, seconds / count)
             for key in dice.sample(keys, len(keys))] for _ in range(count)]
