# SPDX-License-Identifier: Apache-2.0
"""What is measured of a pipeline after its slices, and read off it."""
import csv
import hashlib
import json
import os
import shutil
import tempfile
import time
import urllib.parse

import recorded
import streams
from pipeline import Failed, fetch, quiet
from streams import digest_words

AB_REQUESTS = 1000
FULL_TICKS = 6000               # at full speed, in every block
COOLDOWN_MS = 300               # of event time: more signals to measure by
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
                "feed:--stream-limit=1000000", "--with",
                f"signal:--cooldown-ms={COOLDOWN_MS}", *variant.up)


def rest(rig, pipeline):
    """What is measured once of a pipeline: ab, full speed, its results."""
    found = {"ab": apache_bench(pipeline), "full": full_speed(rig, pipeline)}
    redis = pipeline.redis()
    found["events"] = streams.hops(redis)
    found["hash"] = trading_hash(rig, pipeline)
    found["log_errors"] = pipeline.log_errors()
    found["restarts"] = restarts(pipeline)
    return found


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
    """The rest of the replay; time per tick of the last FULL_TICKS."""
    redis = pipeline.redis()
    wall_us = pipeline.full_speed()
    end = time.monotonic() + DRAIN_S
    while published(redis) < rig.rows or streams.backlog(redis) > 0:
        if time.monotonic() > end:
            raise Failed(f"the replay was not through after {DRAIN_S} s")
        time.sleep(0.05)
    began_us = streams.last_tick_but(redis, FULL_TICKS)
    if began_us < wall_us:
        raise Failed("too little was left of the replay for the full speed: "
                     "--ticks or --seconds is too high")
    seconds = (streams.last_sent_us(redis) - began_us) / 1e6
    return {"began_us": began_us, "ticks": FULL_TICKS, "seconds": seconds,
            "ticks_per_s": FULL_TICKS / seconds}


def once(found):
    """What further blocks of the same pipeline have of it: it is not to be
    counted twice."""
    return {**found, "ab": None, "full": None, "log_errors": [],
            "restarts": {}}


def events(found, block):
    """Of the ticks that were sent in this block's slices."""
    slices = [(start // 1000, start // 1000 + int(seconds * 1e6))
              for start, seconds in block["slices"]]
    return {"paced": streams.within(found, slices),
            "full": streams.within(found, [(block["full"]["began_us"],
                                            float("inf"))])
            if block["full"] else {}}


def trading_hash(rig, pipeline):
    """One hash of every signal, order and result, stamps left out."""
    digest = os.path.join(rig.builds["on"], "services/cdb-digest")
    redis = pipeline.now["parts"]["redis"]
    text = "".join(quiet(digest_words(digest, redis, stream))
                   for stream in HASHED)
    return hashlib.sha256(text.encode()).hexdigest()


def restarts(pipeline):
    """Of processes that ended; the feed was told to, by full_speed."""
    found = pipeline.restarts()
    found["feed"] = found.get("feed", 0) - 1
    return {name: times for name, times in found.items() if times}


def scrapes(pipeline, block):
    """[[target, seconds of load before it, duration]] of those that came
    under load, and a page."""
    base = f"http://{pipeline.address('prometheus')}/api/v1/query?"
    age = int(time.time() - block["began"]) + 5
    query = urllib.parse.urlencode(
        {"query": f"scrape_duration_seconds[{age}s]"})
    answer = json.loads(fetch(base + query))
    rows = [[series["metric"]["job"], under, float(value)]
            for series in answer["data"]["result"]
            for at, value in series["values"]
            for under in [under_load(block, float(at))] if under is not None]
    page = pipeline.get("collector", "/metrics")
    return {"rows": sorted(rows, key=lambda row: row[1]),
            "page_bytes": len(page),
            "page_series": sum(not line.startswith(b"#")
                               for line in page.splitlines())}


def under_load(block, at):
    """The seconds of load before this time; None between the slices."""
    before = 0.0
    for start_ns, seconds in block["slices"]:
        if 0 <= at - start_ns / 1e9 < seconds:
            return before + at - start_ns / 1e9
        before += seconds
    return None
