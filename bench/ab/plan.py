# SPDX-License-Identifier: Apache-2.0
"""What is compared, and in which order it runs."""
import random
from typing import NamedTuple


class Variant(NamedTuple):
    """One way to run the pipeline; `up` are the options of ./cdb up."""
    key: str
    title: str
    build: str                  # "off", "on" or "delayed"
    up: tuple = ()
    interval: int = 0           # of Prometheus, in seconds; 0: there is none


OFF = Variant("off", "off (compiled without metrics)", "off",
              ("--no-metrics",))
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


def rounds(which, pairs, seed):
    """One list per round: every variant once, in an order from the seed."""
    dice = random.Random(seed)
    plan = []
    for _ in range(pairs):
        order = list(which)
        dice.shuffle(order)
        plan.append(order)
    return plan
