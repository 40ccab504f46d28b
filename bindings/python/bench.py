#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What an update costs: nanoseconds, the best of seven runs."""
import tempfile
import timeit

import smx


class Plain:
    """The least that counting can cost in Python."""

    def __init__(self) -> None:
        self.n = 0

    def inc(self) -> None:
        self.n += 1


with tempfile.TemporaryDirectory(dir="/dev/shm") as folder, \
        smx.attach("bench", directory=folder) as s:
    counter = s.counter("a_total", "A.")
    gauge = s.gauge("b", "B.")
    histogram = s.histogram("c_seconds", "C.", unit="seconds", exponent=9)
    family = s.counter_family("d_total", "D.", ("x",))
    for name, update in (("self.n += 1", Plain().inc),
                         ("Counter.inc", counter.inc),
                         ("Gauge.set", lambda: gauge.set(1.5)),
                         ("Histogram.observe",
                          lambda: histogram.observe(12345)),
                         ("labels().inc", lambda: family.labels("a").inc())):
        best = min(timeit.repeat(update, number=100000, repeat=7))
        print(f"{name:20} {best * 1e4:6.0f}")
