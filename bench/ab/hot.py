# SPDX-License-Identifier: Apache-2.0
"""The hot path alone: nanoseconds, and instructions where valgrind is."""
import os
import pathlib
import shutil
import statistics
import sys

from pipeline import quiet

ROUNDS = 5
COUNT = pathlib.Path(__file__).resolve().parents[1] / "instructions.py"


def measure(build):
    """[{op, threads, ns, ns_low, ns_high, instructions}]: best chunks."""
    bench = os.path.join(build, "bench/bench-hot")
    times, steps = {}, {}
    for _ in range(ROUNDS):
        for row in rows(quiet([bench, "hot"])):
            times.setdefault((row[2], int(row[3])), []).append(float(row[5]))
    if shutil.which("valgrind"):
        for row in rows(quiet([sys.executable, COUNT, bench])):
            steps[row[2]] = int(row[3])
    return [{"op": op, "threads": threads, "ns": statistics.median(ns),
             "ns_low": min(ns), "ns_high": max(ns),
             "instructions": steps.get(op) if threads == 1 else None}
            for (op, threads), ns in times.items()]


def rows(text):
    return [line.split("\t") for line in text.splitlines()]
