# SPDX-License-Identifier: Apache-2.0
"""python3-prometheus-client, alone or with its files for many processes.

python_client.py [files] hot | scrape counters N; see peer.h.
"""
import os
import statistics
import sys
import tempfile
import time

FILES = tempfile.TemporaryDirectory() if "files" in sys.argv else None
if FILES:                       # the library looks when it is imported
    sys.argv.remove("files")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = FILES.name

import prometheus_client as client              # noqa: E402
from prometheus_client import multiprocess      # noqa: E402

PEER = "python-multiprocess" if FILES else "python"
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
MASK = (1 << 64) - 1
CHUNKS, CHUNK_NS = 21, 1500000


def values(count=65536):
    x, found = 88172645463325252, []
    for _ in range(count):
        x ^= x << 13 & MASK
        x ^= x >> 7
        x ^= x << 17 & MASK
        found.append(0.001 * 12000 ** ((x >> 11) / 2 ** 53))
    return found


def timed(run, n):
    begin = time.perf_counter_ns()
    run(n)
    return (time.perf_counter_ns() - begin) / n


def hot_row(name, run):
    n = 16
    while timed(run, n) * n < CHUNK_NS:
        n *= 2
    times = [timed(run, n) for _ in range(CHUNKS)]
    print("hot", PEER, name, 1, f"{statistics.median(times):.4f}",
          f"{min(times):.4f}", sep="\t", flush=True)


def hot():
    registry = client.CollectorRegistry()
    family = client.Counter("bench_total", "h", ["method", "shard"],
                            registry=registry)
    for i in range(100):
        family.labels("get", f"s{i:06d}")
    counter = family.labels("get", "s000001")
    gauge = client.Gauge("bench_level", "h", registry=registry)
    histogram = client.Histogram("bench_seconds", "h", buckets=BOUNDS,
                                 registry=registry)
    seen = values()

    def inc(n):
        for _ in range(n):
            counter.inc()

    def inc_labels(n):
        for _ in range(n):
            family.labels("get", "s000001").inc()

    def gauge_set(n):
        for _ in range(n):
            gauge.set(1.5)

    def observe(n):
        for i in range(n):
            histogram.observe(seen[i % 65536])

    for name, run in (("inc", inc), ("inc_labels", inc_labels),
                      ("gauge_set", gauge_set), ("observe", observe)):
        hot_row(name, run)


def scrape(n):
    registry = client.CollectorRegistry()
    for i in range(0, n, 100):
        family = client.Counter(f"bench_requests_{i // 100:05d}_total",
                                "Requests.", ["method", "shard"],
                                registry=registry)
        for j in range(i, min(i + 100, n)):
            family.labels("get", f"s{j:06d}").inc(1234567 + 7919 * j)
    read = registry
    if FILES:
        read = client.CollectorRegistry()
        multiprocess.MultiProcessCollector(read)
    times = []
    for _ in range(3):
        begin = time.perf_counter_ns()
        page = client.generate_latest(read)
        times.append(time.perf_counter_ns() - begin)
    print("scrape", PEER, "counters", n, round(statistics.median(times)),
          min(times), len(page), sep="\t")


if __name__ == "__main__":
    if len(sys.argv) > 3:
        scrape(int(sys.argv[3]))
    else:
        hot()
