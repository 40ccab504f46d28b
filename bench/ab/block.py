# SPDX-License-Identifier: Apache-2.0
"""One block: start a variant, load it, read off everything, stop it.

    up ... | open-loop HTTP beside a replay at a fixed rate | ab | the rest of
    the replay at full speed | read the events | ... down
"""
import csv
import hashlib
import json
import os
import resource
import shutil
import subprocess
import tempfile
import time
import urllib.parse

import procfs
import recorded
import streams
from pipeline import MONITORS, SERVICES, Failed, Pipeline, fetch, quiet

SAMPLE_S = 0.25                 # of CPU and RSS over time
AB_REQUESTS = 4000
DRAIN_S = 60                    # the most the rest of a replay may take
HASHED = ("signals", "orders", "order_results")


class Rig:
    """What all blocks have in common."""

    def __init__(self, builds, folder, recording, rows, asked):
        self.builds = builds            # {"off": folder, ...}
        self.folder = folder            # in memory, of this run
        self.recording = recording
        self.rows = rows
        self.asked = asked              # the command line
        self.tools = os.path.join(builds["on"], "bench/ab")

    def up(self, variant):
        """Simulated latency 0, and nothing that is tried again later."""
        speed = self.asked.ticks * recorded.STEP_MS / 1000
        return ("--profile", "replay", "--seed", "1", "--speed", f"{speed:g}",
                "--data", self.recording, "--with",
                "execution:--latency-ms=0", "--with",
                "execution:--error-rate=0", "--with",
                "feed:--stream-limit=1000000", *variant.up)



def run(rig, variant):
    """All raw figures of one block."""
    with Pipeline(rig.builds[variant.build], rig.folder,
                  rig.up(variant)) as pipeline:
        block = {"variant": variant.key, "began": time.time()}
        block.update(window(rig, pipeline))
        block["ab"] = apache_bench(pipeline)
        block["full"] = full_speed(rig, pipeline)
        with_redis = pipeline.redis()
        block["events"] = events(with_redis, block)
        block["hash"] = trading_hash(rig, pipeline)
        block["log_errors"] = pipeline.log_errors()
        block["restarts"] = restarts(pipeline)
        if variant.interval:
            block["scrapes"] = scrapes(pipeline, block)
        block["ended"] = time.time()
    return block


def harness_s():
    """Our own CPU time, the load generator's included once it has ended."""
    total = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        use = resource.getrusage(who)
        total += use.ru_utime + use.ru_stime
    return total


def watched(pipeline):
    """The processes whose cost is counted; Redis serves all variants."""
    return {name: pid for name, pid in pipeline.pids.items()
            if name in SERVICES + MONITORS + ("redis",)}


def window(rig, pipeline):
    """The open-loop load, and what the processes used meanwhile."""
    pids = watched(pipeline)
    asked = rig.asked
    urls = [f"http://{pipeline.address('signal')}/{page}"
            for page in ("health", "status")]
    load = [f"{rig.tools}/ab-http", "--rate", asked.rate, "--seconds",
            asked.seconds, "--warm-up", 0.5, *urls]
    before = {name: procfs.usage(pid) for name, pid in pids.items()}
    machine = {**procfs.machine(), "harness_s": harness_s()}
    sampler = procfs.Sampler(pids)
    began = time.monotonic()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            list(map(str, load)), stdin=subprocess.DEVNULL, stdout=out,
            start_new_session=True)
        try:
            sampler.until(lambda: process.poll() is not None, SAMPLE_S)
        finally:
            process.kill()
            process.wait()
        elapsed = time.monotonic() - began
        after = {name: procfs.usage(pid) for name, pid in pids.items()}
        machine_after = {**procfs.machine(), "harness_s": harness_s()}
        out.seek(0)
        text = out.read()
    if process.returncode != 0:
        raise Failed(f"ab-http: exit status {process.returncode}")
    used = {name: procfs.difference(before[name], after[name])
            for name in pids}
    for name, pid in pids.items():
        used[name]["pss_bytes"] = procfs.pss_bytes(pid)
    return {"http": json.loads(text), "window_s": elapsed, "used": used,
            "samples": sampler.rows,
            "machine": {key: machine_after[key] - machine[key]
                        for key in machine}}


def apache_bench(pipeline):
    """The same by ab: closed loop, one connection, one after the other."""
    if not shutil.which("ab"):
        return None
    found = {}
    for page in ("health", "status"):
        with tempfile.NamedTemporaryFile("r", suffix=".csv") as table:
            quiet(["ab", "-q", "-k", "-c", 1, "-n", AB_REQUESTS, "-e",
                   table.name, f"http://{pipeline.address('signal')}/{page}"])
            rows = {row[0]: float(row[1]) for row in csv.reader(table)
                    if row and row[0].isdigit()}
        found[page] = {"p50_ns": rows["50"] * 1e6, "p99_ns": rows["99"] * 1e6}
    return found


def published(redis):
    """Ticks sent to the stream so far, trimmed ones included."""
    flat = redis("XINFO", "STREAM", "market_data")
    return dict(zip(flat[::2], flat[1::2]))["entries-added"]


def full_speed(rig, pipeline):
    """The rest of the replay; ticks per second until its last event."""
    redis = pipeline.redis()
    wall_ms = pipeline.full_speed()
    end = time.monotonic() + DRAIN_S
    while published(redis) < rig.rows or streams.backlog(redis) > 0:
        if time.monotonic() > end:
            raise Failed(f"the replay was not through after {DRAIN_S} s")
        time.sleep(0.05)
    first = streams.first_tick_from(redis, wall_ms)
    if not first:
        raise Failed("nothing was left of the replay for the full speed: "
                     "--ticks or --seconds is too high")
    span_us = streams.last_sent_us(redis) - first[1]
    count = rig.rows - first[0] + 1
    return {"began_us": first[1], "ticks": count, "seconds": span_us / 1e6,
            "ticks_per_s": count / (span_us / 1e6)}


def events(redis, block):
    found = streams.hops(redis)
    start = block["http"]["start_ns"] // 1000
    end = start + int(block["http"]["seconds"] * 1e6)
    return {"paced": streams.between(found, start, end),
            "full": streams.between(found, block["full"]["began_us"],
                                    float("inf"))}


def trading_hash(rig, pipeline):
    """One hash of every signal, order and result, stamps left out."""
    digest = os.path.join(rig.builds["on"], "services/cdb-digest")
    text = "".join(quiet([digest, "--redis", pipeline.address("redis"),
                          "--stream", stream]) for stream in HASHED)
    return hashlib.sha256(text.encode()).hexdigest()


def restarts(pipeline):
    """Of processes that ended; the feed was told to, by full_speed."""
    found = pipeline.restarts()
    found["feed"] = found.get("feed", 0) - 1
    return {name: times for name, times in found.items() if times}


def scrapes(pipeline, block):
    """[[target, seconds from the load's start, duration]] and a page."""
    base = f"http://{pipeline.address('prometheus')}/api/v1/query?"
    age = int(time.time() - block["began"]) + 5
    query = urllib.parse.urlencode(
        {"query": f"scrape_duration_seconds[{age}s]"})
    answer = json.loads(fetch(base + query))
    start = block["http"]["start_ns"] / 1e9
    rows = [[series["metric"]["job"], float(at) - start, float(value)]
            for series in answer["data"]["result"]
            for at, value in series["values"]]
    page = pipeline.get("collector", "/metrics")
    return {"rows": sorted(rows, key=lambda row: row[1]),
            "page_bytes": len(page),
            "page_series": sum(not line.startswith(b"#")
                               for line in page.splitlines())}
