# SPDX-License-Identifier: Apache-2.0
"""./cdb bench ab: what monitoring costs the pipeline.

Exit status: 0 the controls are right, 1 they are not or the run failed,
2 wrong usage, 130 interrupted.
"""
import argparse
import os
import pathlib
import random
import shutil
import stat
import statistics
import sys
import tempfile
import time

import block
import hot
import judge
import kernel
import plan
import recorded
import report
from interrupt import Interrupt
from pipeline import Failed
from progress import Progress
from round import Round

QUICK = {"intervals": "5", "pairs": 9, "seconds": 3.0, "limit_s": 460}
FULL = {"intervals": "60,15,5,1", "pairs": 24, "seconds": 8.0,
        "limit_s": 3360}
UP_S = 20                       # the most that a feed runs while others start
ROOM = 512 << 20                # bytes that a run needs
DELAY = 0.1                     # of the baseline's median HTTP latency


def arguments(words):
    p = argparse.ArgumentParser(
        prog="./cdb bench ab",
        description="Compare the pipeline without metrics, with them, and "
        "with them collected; with controls.  docs/AB.md says how.")
    p.add_argument("--quick", action="store_true",
                   help="under 8 minutes instead of under 60")
    p.add_argument("--pairs", type=number(1, 4096), metavar="N",
                   help="rounds, whatever time they take [as many as fit: "
                   "24, quick 9]")
    p.add_argument("--intervals", type=seconds_list, metavar="S,S...",
                   help="Prometheus' scrape intervals [60,15,5,1; quick 5]")
    p.add_argument("--rate", type=number(1, 100000), default=2000,
                   metavar="R", help="HTTP requests per second [2000]")
    p.add_argument("--ticks", type=number(1, 10000), default=1000,
                   metavar="R", help="ticks per second of the replay [1000]")
    p.add_argument("--seconds", type=float, metavar="S",
                   help="of load on a variant in a round [8; quick 3]")
    p.add_argument("--seed", type=number(0, 2**63), default=1, metavar="N",
                   help="of the order of the slices, and the bootstrap [1]")
    p.add_argument("--out", metavar="DIR", default="ab-report",
                   help="where the report goes [ab-report]")
    p.add_argument("--pictures", metavar="DIR",
                   help="keep the README's pictures there, too (PNG)")
    p.add_argument("--builds", nargs=2, metavar="DIR", required=True,
                   help=argparse.SUPPRESS)
    asked = p.parse_args(words)
    kind = QUICK if asked.quick else FULL
    asked.limit_s = float("inf") if asked.pairs else kind["limit_s"]
    asked.pairs = asked.pairs or kind["pairs"]
    asked.intervals = asked.intervals or seconds_list(kind["intervals"])
    if asked.seconds is None:
        asked.seconds = kind["seconds"]
    if not 1 <= asked.seconds <= 600:
        p.error("--seconds: from 1 to 600")
    return asked


def number(least, most):
    def read(text):
        value = int(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"from {least} to {most}")
        return value
    return read


def seconds_list(text):
    found = [number(1, 86400)(word) for word in text.split(",")]
    return list(dict.fromkeys(found))


def workplace():
    """A folder open to the user that the services run as: in memory, unless
    programs may not run from there or there is little room (containers)."""
    memory = None
    if os.access("/dev/shm", os.W_OK):
        is_like = os.statvfs("/dev/shm")
        room = is_like.f_bavail * is_like.f_frsize
        if room >= ROOM and not is_like.f_flag & os.ST_NOEXEC:
            memory = "/dev/shm"
    if not memory:
        print("cdb: /dev/shm does not do for a run: disk noise will show",
              file=sys.stderr)
    folder = tempfile.mkdtemp(prefix=f"smx-ab-{os.getpid()}-", dir=memory)
    os.chmod(folder, 0o755)
    return folder


def delayed_build(builds, folder, delay_ns):
    """The build without metrics, with cdb-signal behind the delay."""
    made = pathlib.Path(folder, "delayed")
    shutil.rmtree(made, ignore_errors=True)
    services = made / "services"
    services.mkdir(parents=True)
    for path in pathlib.Path(builds["off"], "services").glob("cdb-*"):
        if path.is_file():
            shutil.copy(path, services)
    real = shutil.move(services / "cdb-signal", made / "cdb-signal")
    module = shutil.copy(
        pathlib.Path(builds["on"], "bench/ab/ab-delay.so"), made)
    start = services / "cdb-signal"
    start.write_text(f"#!/bin/sh\nexec env AB_DELAY_NS={delay_ns} "
                     f"LD_PRELOAD='{module}' '{real}' \"$@\"\n", "ascii")
    start.chmod(start.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP
                | stat.S_IXOTH)
    return str(made)


def rows_needed(asked):
    """Ticks of the recording: paced ones (a pipeline that is scraped has a
    span as well), and those at full speed."""
    paced = 2 * 1.3 * asked.seconds + UP_S
    return int(asked.ticks * paced) + 2 * block.FULL_TICKS


def ten_percent(pilots):
    """The delay in ns: a tenth of the median that the pilots measured."""
    return round(DELAY * statistics.median(
        p["http"]["latency"]["p50"] for p in pilots))


class Run:
    """The rounds, and what is known about them."""

    def __init__(self, asked, folder, interrupt):
        self.asked = asked
        self.interrupt = interrupt
        self.variants = plan.variants(asked.intervals)
        self.dice = random.Random(asked.seed)
        rows = rows_needed(asked)
        recording, self.source = recorded.write(folder, rows, asked.seed)
        builds = dict(zip(("on", "off"), asked.builds))
        self.rig = block.Rig(builds, folder, recording, rows, asked)
        self.blocks, self.hot = [], []
        self.delay_ns = 0
        self.ended = "complete"
        self.began = time.time()

    def prepare(self, progress):
        """A round that only warms up, and sizes the delay."""
        progress.step("warming up")
        pilot = self.round([plan.OFF, plan.AGAIN], -1, progress)
        self.delay_ns = ten_percent(pilot)
        self.rig.builds["delayed"] = delayed_build(
            self.rig.builds, self.rig.folder, self.delay_ns)
        progress.step("the hot path alone")
        self.hot = hot.measure(self.rig.builds["on"])

    def round(self, variants, number, progress):
        with Round(self.rig, variants, number, self.dice) as one:
            self.interrupt.check()
            return one.run(progress.step)

    def measure(self, progress):
        """Round by round; one that would not end in time is not begun."""
        for number in range(self.asked.pairs):
            if not progress.fits(1):
                self.ended = (f"{number} of {self.asked.pairs} rounds: the "
                              "time was over")
                return
            self.interrupt.check()
            progress.begin(f"starting {len(self.variants)} pipelines")
            self.blocks += self.round(self.variants, number, progress)
            progress.done()

    def everything(self):
        progress = Progress(self.asked.limit_s, self.asked.pairs)
        try:
            self.prepare(progress)
            self.measure(progress)
        except KeyboardInterrupt:
            self.ended = "interrupted"
            progress.step("interrupted: this is what there is")

    def judged(self):
        """The whole report as one structure (report.json)."""
        keys = [variant.key for variant in self.variants]
        ask = kernel.Statistics(f"{self.rig.tools}/ab-stats", self.asked.seed)
        try:
            found = judge.effects(ask, self.blocks, keys)
            return report.structure(
                self, found, judge.controls(ask, self.blocks, self.delay_ns),
                judge.simulation(ask, found),
                judge.monitoring(self.blocks, keys))
        finally:
            ask.close()


def main(words):
    asked = arguments(words)
    interrupt = Interrupt()
    folder = workplace()
    try:
        run = Run(asked, folder, interrupt)
        run.everything()
        if not run.blocks:
            print("cdb: no block was finished: there is no report",
                  file=sys.stderr)
            return 130 if run.ended == "interrupted" else 1
        whole = run.judged()
    except Failed as why:
        print(f"cdb: bench ab: {why}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    report.write(whole, asked.out)
    if asked.pictures:
        report.keep_pictures(asked.out, asked.pictures)
    print(report.text(whole))
    print(f"{asked.out}/report.html and report.json have all of it.")
    if run.ended == "interrupted":
        return 130
    return 0 if whole["controls"]["outcome"] == "right" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
