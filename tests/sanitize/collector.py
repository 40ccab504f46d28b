#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The collector, built with a sanitizer, under all that can be done to it at
once; no report is wanted.

usage: collector.py SMX_COLLECTOR SEGMENT_WRITER SOURCE BUILD KIND [NAME...]

100,000 series are written to without a pause while good clients take every
format, hostile ones come and go, a service is killed and started again, its
file removed, and the web configuration replaced.  LOAD_SECONDS (default 20)
says for how long.  SMX_COLLECTOR gives way to one built with KIND in BUILD.
"""
import concurrent.futures
import multiprocessing
import os
import pathlib
import random
import signal
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]
import run                                              # noqa: E402
SOURCE, BUILD, KIND = sys.argv[3:6]
del sys.argv[3:6]
import box as boxes                                     # noqa: E402
import hostile                                          # noqa: E402
from box import OM, Writer, main, test                  # noqa: E402
from web_box import Web, bcrypt                         # noqa: E402

SECONDS = float(os.environ.get("LOAD_SECONDS", 20))
SERVICES, SERIES = 4, 25000     # of each
PATIENCE = 120                  # seconds: it is slow, and so is the machine
PROTO = ("application/vnd.google.protobuf;encoding=delimited;"
         "proto=io.prometheus.client.MetricFamily")
ATTACKS = [hostile.slowloris, hostile.silence, hostile.garbage,
           hostile.oversized, hostile.pipelined, hostile.half_closed,
           hostile.resets, hostile.slow_readers]
PATHS = ["/metrics", "/metrics?exclude=loaded1", "/metrics/loaded0",
         "/metrics/comes-and-goes", "/sd", "/", "/-/healthy"]


def build_collector():
    build = os.path.join(BUILD, "sanitize-" + KIND.split(",")[0])
    run.configure(SOURCE, build, KIND)
    status, out = run.run(["ninja", "-C", build, "collector/smx-collector"])
    assert status == 0, out[-3000:]
    return os.path.join(build, "collector/smx-collector")


class Task(threading.Thread):
    """Does fn(turn) again and again."""

    def __init__(self, fn, end, pause):
        super().__init__()
        self.fn, self.end, self.pause = fn, end, pause
        self.turns, self.error = 0, None
        self.start()

    def run(self):
        try:
            while time.monotonic() < self.end:
                self.fn(self.turns)
                self.turns += 1
                time.sleep(self.pause)
        except Exception as e:  # pylint: disable=broad-except
            self.error = e


def scraper(box, seed):
    rng = random.Random(seed)

    def scrape(_):
        path = rng.choice(PATHS)
        accept = rng.choice(["text/plain", OM, PROTO])
        c = box.connect(PATIENCE)
        try:
            c.request("GET", path, headers={
                **box.credentials(), "Accept": accept,
                "Accept-Encoding": rng.choice(["gzip", "identity"])})
            reply = boxes.Reply(r := c.getresponse(), r.read())
        finally:
            c.close()
        assert reply.status == 200 or (
            reply.status in (404, 503) and path == PATHS[3]), reply.status
        if path == "/metrics":
            assert reply.plain.count(b"loaded") > SERVICES * SERIES
    return scrape


def attacker(box, kind):
    pool = concurrent.futures.ProcessPoolExecutor(
        1, mp_context=multiprocessing.get_context("fork"))
    box.stack.callback(pool.shutdown)

    def attack(turn):
        which = ATTACKS[(kind + turn) % len(ATTACKS)]
        pool.submit(hostile.run, which, turn, box.port, 5).result(
            timeout=PATIENCE)
    return attack


def changing_service(box):
    def live_and_die(turn):
        w = Writer(box, "comes-and-goes").do(
            f"counter n{turn % 50}_total 1", "spin wait_seconds",
            "exemplar ack_seconds 20000 17", "gauge depth 1")
        time.sleep(0.2)
        w.kill()
        if turn % 3 == 0:
            (box.dir / "smx.comes-and-goes").unlink()
    return live_and_die


def reconfiguring(box, users):
    def reload(turn):
        box.write(tls_server_config=Web.TLS, basic_auth_users=users,
                  http_server_config={"headers": {
                      "X-Frame-Options": ("deny", "sameorigin")[turn % 2]}})
        if turn % 2:
            box.proc.send_signal(signal.SIGHUP)
    return reload


def sanitized(command):
    """The sandbox would keep a report from being written."""
    options = {name: value + ":log_path=stderr"
               for name, value in run.OPTIONS.items()}
    return {**os.environ, **options}, [
        command, "--no-sandbox.landlock", "--no-sandbox.seccomp"]


def under_load(box):
    for i in range(SERVICES):
        Writer(box, f"loaded{i}", cells=3 * SERIES).do(
            f"load loaded{i} {SERIES}", "spin wait_seconds",
            "native work_seconds 1000 30000")
    end = time.monotonic() + SECONDS
    users = {"good": bcrypt("yes")}
    tasks = {f"scraper {i}": Task(scraper(box, i), end, 0.02)
             for i in range(4)}
    tasks.update({f"attacker {i}": Task(attacker(box, i * 4), end, 0.1)
                  for i in range(2)})
    tasks["service"] = Task(changing_service(box), end, 0.1)
    tasks["configuration"] = Task(reconfiguring(box, users), end, 0.5)
    for task in tasks.values():
        task.join()
    print("  " + ", ".join(f"{n}: {t.turns}" for n, t in tasks.items()))
    for name, task in tasks.items():
        assert task.error is None and task.turns, (name, repr(task.error))
    assert box.get("/-/healthy").status == 200
    box.stop()          # with leaks, its status says so
    assert box.lines("stopped")


@test
def no_sanitizer_has_anything_to_say():
    users = {"good": bcrypt("yes")}
    with Web(tls_server_config=Web.TLS, basic_auth_users=users) as box:
        box.login = "good:yes"
        box.environment, box.command = sanitized(build_collector())
        box.start()
        under_load(box)


if __name__ == "__main__":
    sys.exit(main())
