#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The real collector beside writers that mean harm, scraped all the while.

usage: collector.py SMX_COLLECTOR SEGMENT_WRITER [NAME...]

SMX_HOSTILE_WRITER and SMX_HOSTILE_BUSTER name the programs,
SMX_HOSTILE_SECONDS how long they go on, SMX_HOSTILE_SEED the first seed.
With SMX_SANITIZED memory is not looked at: a sanitizer takes its own.
"""
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
# pylint: disable=wrong-import-position
from box import OM, Box, Writer, main, test, until  # noqa: E402

HOSTILE = os.environ["SMX_HOSTILE_WRITER"]
BUSTER = os.environ["SMX_HOSTILE_BUSTER"]
SECONDS = float(os.environ.get("SMX_HOSTILE_SECONDS", "10"))
SEED = int(os.environ.get("SMX_HOSTILE_SEED", "1"))
SANITIZED = os.environ.get("SMX_SANITIZED", "none") != "none"
MIB = 1 << 20
ACCEPTS = ("text/plain", OM,
           "application/vnd.google.protobuf;encoding=delimited;"
           "proto=io.prometheus.client.MetricFamily")
PEAK = 128 * MIB


class Program:
    """Ends when its standard input does."""

    def __init__(self, box, *command):
        self.proc = subprocess.Popen(
            [str(c) for c in command], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        box.stack.callback(self.proc.kill)

    def end(self):
        said, _ = self.proc.communicate("", timeout=60)
        assert self.proc.returncode == 0, self.proc.returncode
        return said.strip()


def peak_bytes(box):
    status = pathlib.Path(f"/proc/{box.proc.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def good_lines(text):
    return sorted(line for line in text.splitlines()
                  if '{service="good"' in line and not line.startswith("smx_"))


def start_good(box):
    good = Writer(box, "good").do(
        "counter ticks_total 41", "gauge depth 2.5",
        "histogram wait_seconds 5000 30000 9000000000",
        'label by_total BTC"\\ 7')
    return good, good_lines(box.get("/metrics/good").text)


def without_ticks(lines):
    return [line for line in lines if not line.startswith("ticks_total")]


def errors_counted(reply):
    found = reply.samples()["smx_collector_segment_errors_total"]
    return int(sum(found.values()))


def scrape(box, turn, ticks, reference):
    """One of each kind in turn; what is good must be exactly as it is."""
    accept = ACCEPTS[turn % 3]
    r = box.get(Accept=accept, Accept_Encoding="gzip" if turn % 2 else "")
    assert r.status == 200, (r.status, r.text[:200])
    if turn % 3 == 2:
        assert r.plain.count(b"ticks_total") == 1
        return
    # by the line: a strict parser would judge the lies of others as well
    assert f'ticks_total{{service="good"}} {ticks}' in r.text.splitlines()
    now = good_lines(r.text)
    if turn % 3 == 0:
        assert without_ticks(now) == without_ticks(reference)
    for line in r.text.splitlines():
        assert not line.startswith(("ticks_total{service=\"evil",
                                    "depth{service=\"evil",
                                    "by_total{service=\"evil")), line


@test
def hostile_writers_change_nothing_for_others():
    with Box() as box:
        good, reference = start_good(box)
        names = [f"evil-{c}" for c in "abc"]
        evil = [Program(box, HOSTILE, box.dir, name, "good", SEED + i)
                for i, name in enumerate(names)]
        ticks, turn, slowest = 41, 0, 0.0
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            good.do("counter ticks_total 1")
            ticks, turn = ticks + 1, turn + 1
            began = time.monotonic()
            scrape(box, turn, ticks, reference)
            slowest = max(slowest, time.monotonic() - began)
            assert box.proc.poll() is None, "the collector is gone"
            peak = peak_bytes(box)
            assert SANITIZED or peak < PEAK, f"{peak} bytes"
        turns = sum(int(e.end()) for e in evil)
        for name in names:
            assert box.named(f"smx.{name}"), f"{name} was never left out"
        r = box.get()
        said = len(box.lines("segment left out"))
        assert errors_counted(r) == said, (errors_counted(r), said)
        assert r.value("ticks_total", service="good") == ticks
        until("all gone", lambda: box.value("smx_collector_segments") == 1)
        assert box.value("smx_collector_bad_segments") == 0
        print(f"{turns} hostile turns, {turn} scrapes, the slowest "
              f"{slowest:.2f} s, {said} times left out, peak "
              f"{peak / MIB:.0f} MiB", flush=True)


def bust(kind):
    with Box() as box:
        good, reference = start_good(box)
        buster = Program(box, BUSTER, box.dir, "evil", kind)
        assert buster.proc.stdout.readline() == "ok\n"
        until("left out", lambda: box.get().status == 200 and
              box.named("smx.evil"), 60)
        said = box.named("smx.evil")[0]
        assert said["cause"] == "budget", said
        for turn in range(3):
            good.do("counter ticks_total 1")
            scrape(box, turn, 42 + turn, reference)
        r = box.get()
        assert r.value("smx_collector_bad_segments") == 1
        assert r.value("smx_collector_segment_errors_total",
                       cause="budget") >= 1
        assert box.get("/metrics/evil").status == 503
        peak = peak_bytes(box)
        assert SANITIZED or peak < PEAK, f"{peak} bytes"
        print(f"{kind}: peak {peak / MIB:.0f} MiB: {said['reason']}",
              flush=True)
        buster.end()


@test
def a_text_without_end_is_not_begun():
    bust("bounds")


@test
def a_crowd_of_processes_is_not_shown_one_by_one():
    bust("processes")


@test
def a_directory_beyond_the_budget_is_not_read():
    bust("directory")


@test
def a_hard_link_does_not_show_a_service_under_another_name():
    with Box() as box:
        good, reference = start_good(box)
        os.link(box.dir / "smx.good", box.dir / "smx.evil")
        said = until("left out", lambda: box.named("smx.evil"))[0]
        assert said["cause"] == "name" and "smx.good" in said["reason"], said
        scrape(box, 0, 41, reference)
        os.unlink(box.dir / "smx.evil")
        until("gone", lambda: box.value("smx_collector_bad_segments") == 0)
        good.do("counter ticks_total 1")
        scrape(box, 0, 42, reference)


@test
def a_hard_link_in_the_place_of_an_older_segment_shows_nothing():
    with Box() as box:
        evil = Writer(box, "evil")
        evil.do("counter mine_total 1")
        assert box.value("mine_total", service="evil") == 1
        good, reference = start_good(box)
        os.link(box.dir / "smx.good", box.dir / "link")
        os.rename(box.dir / "link", box.dir / "smx.evil")
        scrape(box, 0, 41, reference)
        said = until("left out", lambda: box.named("smx.evil"))[0]
        assert said["cause"] == "name", said
        found = [e for e in box.lines("segment found")
                 if e["file"] == "smx.evil"]
        assert len(found) == 1, found


if __name__ == "__main__":
    sys.exit(main())
