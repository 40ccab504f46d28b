#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Hostile clients of every kind, while a good one goes on scraping; afterwards
nothing is left of them.

usage: collector_hostile.py SMX_COLLECTOR SEGMENT_WRITER [NAME...]
HOSTILE_SECONDS (default 0.7) says how long each attack takes.
"""
import concurrent.futures
import http.client
import math
import multiprocessing
import os
import re
import sys
import threading
import time

import hostile
from box import Box, Writer, main, test, until
from web_box import Web, bcrypt

SECONDS = float(os.environ.get("HOSTILE_SECONDS", 0.7))
ATTACKS = [hostile.slowloris, hostile.silence, hostile.garbage,
           hostile.oversized, hostile.pipelined, hostile.half_closed,
           hostile.resets, hostile.slow_readers]
FLOOD = 10000           # connections
PATIENCE = 15           # seconds for one good scrape on a busy machine
GROWTH = 16 << 20       # bytes: fragments of a heap that was much larger


class Good(threading.Thread):
    """Scrapes all the while, on new connections and on a kept one."""

    def __init__(self, box):
        super().__init__()
        self.box, self.ended = box, threading.Event()
        self.times, self.errors = [], []
        self.kept = None

    def scrape(self, kept):
        c = (kept and self.kept) or self.box.connect(PATIENCE)
        began = time.monotonic()
        try:
            c.request("GET", "/metrics", headers=self.box.credentials())
            r = c.getresponse()
            body = r.read()
            assert r.status == 200, r.status
            assert body.count(b"service=\"feed\"") >= 3000, len(body)
        except (ConnectionError, http.client.HTTPException) as e:
            # a connection that was kept may have made room for another
            assert kept and self.kept, repr(e)
            self.kept = None
            c.close()
            self.scrape(False)
            return
        self.times.append(time.monotonic() - began)
        if kept:
            self.kept = c
        else:
            c.close()

    def run(self):
        i = 0
        while not self.ended.is_set():
            try:
                self.scrape(i % 2 == 0)
            except Exception as e:    # pylint: disable=broad-except
                self.errors.append(repr(e))
            i += 1
            self.ended.wait(0.05)
        if self.kept:
            self.kept.close()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *error):
        self.ended.set()
        self.join()


def proc(box, name, pattern):
    with open(f"/proc/{box.proc.pid}/{name}", encoding="ascii") as f:
        return int(re.search(pattern, f.read()).group(1))


def resident(box):
    return proc(box, "status", r"VmRSS:\s+(\d+)") * 1024


def descriptors(box):
    return len(os.listdir(f"/proc/{box.proc.pid}/fd"))


def is_sanitized(box):
    """Such a build keeps what is freed, and tells of leaks at the end."""
    with open(f"/proc/{box.proc.pid}/maps", encoding="utf-8") as f:
        return re.search("lib[at]san", f.read())


def attack_all(box, attacks, said, seconds=SECONDS):
    """One after the other, two of a kind at a time, then all at once."""
    context = multiprocessing.get_context("fork")
    waves = [[a, a] for a in attacks] + [attacks]
    with concurrent.futures.ProcessPoolExecutor(
            len(attacks), mp_context=context) as pool:
        for wave in waves:
            with Good(box) as good:
                for done in [pool.submit(hostile.run, a, i, box.port, seconds)
                             for i, a in enumerate(wave)]:
                    done.result(timeout=seconds + 60)
            name = wave[0].__name__ if wave is not attacks else "all at once"
            said.append(f"{name}: {len(good.times)} scrapes, slowest "
                        f"{max(good.times, default=math.nan):.3f} s")
            assert not good.errors, (name, good.errors[:3], len(good.errors))
            assert good.times, name


def withstands(box, attacks):
    """Twice: what the first round leaves behind is the measure."""
    said = []
    Writer(box, "feed").do("many x 3000")
    box.get()
    before = descriptors(box)
    try:
        attack_all(box, attacks, said)
        until("descriptors of the first round", lambda: descriptors(box) <=
              before, 30)
        settled = resident(box)
        attack_all(box, attacks, said)
        until("descriptors of the second round", lambda: descriptors(box) <=
              before, 30)
        assert resident(box) < settled + GROWTH or is_sanitized(box), (
            settled, resident(box))
        said.append(f"resident {settled >> 10} KiB, then "
                    f"{resident(box) >> 10} KiB")
    finally:
        print("  " + "\n  ".join(said))
    assert box.get().status == 200
    assert not [x for x in map(str, box.lines("stopped"))]


@test
def no_hostile_client_stops_a_good_one_or_leaves_anything_behind():
    with Box() as box:
        withstands(box, ATTACKS)


@test
def nor_with_tls_and_passwords():
    with Web(tls_server_config=Web.TLS,
             basic_auth_users={"good": bcrypt("yes")}) as box:
        box.login = "good:yes"
        box.start()
        withstands(box, [hostile.silence, hostile.garbage, hostile.resets])


@test
def ten_thousand_connections_at_once_keep_nobody_out():
    each = min(FLOOD, hostile.descriptors() - 200)
    n = math.ceil(FLOOD / each)
    seconds = max(SECONDS * 4, 6)
    with Box() as box:
        Writer(box, "feed").do("many x 3000")
        box.get()
        before = descriptors(box)
        with Good(box) as good, concurrent.futures.ProcessPoolExecutor(
                n, mp_context=multiprocessing.get_context("fork")) as pool:
            opened = sum(pool.map(hostile.run, [hostile.flood] * n, range(n),
                                  [box.port] * n, [seconds] * n,
                                  [math.ceil(FLOOD / n)] * n))
        print(f"  {opened} connections, {len(good.times)} scrapes, slowest "
              f"{max(good.times):.3f} s")
        assert not good.errors, good.errors[:3]
        assert opened >= FLOOD * 0.9, opened
        until("closed", lambda: descriptors(box) <= before, 30)


@test
def with_few_descriptors_there_are_some_left_for_segments():
    with Box(start=False) as box:
        box.command = ["prlimit", "--nofile=200:200", *box.command]
        box.start()
        Writer(box, "feed").do("many x 3000")
        box.get()
        before = descriptors(box)
        with Good(box) as good, concurrent.futures.ProcessPoolExecutor(
                1, mp_context=multiprocessing.get_context("fork")) as pool:
            done = pool.submit(hostile.run, hostile.flood, 1, box.port,
                               SECONDS * 4, 1000)
            for i in range(20):
                Writer(box, f"late{i}").do("counter n_total 1")
            for i in range(20):
                assert box.value("n_total", service=f"late{i}") == 1
            done.result()
        assert not good.errors, good.errors[:3]
        assert not box.lines("segment left out")
        # a view keeps a descriptor, or two
        until("closed", lambda: descriptors(box) <= before + 2 * 20, 30)


if __name__ == "__main__":
    sys.exit(main())
