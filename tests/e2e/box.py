# SPDX-License-Identifier: Apache-2.0
"""A directory of segments, real writers, a real collector, a real Prometheus;
and what runs the tests of a file that uses them.

usage of such a file: FILE SMX_COLLECTOR SEGMENT_WRITER [NAME...]
"""
import base64
import contextlib
import gzip
import http.client
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.parse

from prometheus_client import parser
from prometheus_client.openmetrics import parser as om_parser

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import cases  # noqa: E402

COLLECTOR, WRITER = sys.argv[1:3]
OM = "application/openmetrics-text;version=1.0.0"
TESTS = []


class Skip(Exception):
    """The reason why a test cannot run here."""


def test(fn):
    TESTS.append(fn)
    return fn


def until(what, condition, seconds=10.0):
    return cases.until(what, condition, seconds)


def basic(login):
    return "Basic " + base64.b64encode(login.encode()).decode()


class Writer:
    def __init__(self, box, service, instance=None, user=None, cells=None):
        drop = dict(user=user, group=user, extra_groups=[]) if user else {}
        self.proc = subprocess.Popen(
            [WRITER, service, instance or "", *map(str, filter(None, [cells]))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "SMX_DIR": str(box.dir)}, **drop)
        box.stack.callback(self.kill)
        self.answer()

    def answer(self):
        line = self.proc.stdout.readline().strip()
        assert line == "ok", line

    def do(self, *commands):
        for command in commands:
            self.proc.stdin.write(command + "\n")
            self.proc.stdin.flush()
            self.answer()
        return self

    def signal(self, number):
        self.proc.send_signal(number)

    def kill(self):
        self.proc.kill()
        self.proc.wait()
        self.proc.stdin.close()
        self.proc.stdout.close()


class Reply:
    def __init__(self, response, body):
        self.status = response.status
        self.headers = response.headers
        self.raw = body
        if response.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.plain = body

    @property
    def text(self):
        return self.plain.decode()

    def samples(self):
        """{name: {(label, value)...}: value} of either text format."""
        om = "openmetrics" in self.headers["Content-Type"]
        parse = om_parser if om else parser
        found = {}
        for family in parse.text_string_to_metric_families(self.text):
            for s in family.samples:
                key = frozenset(s.labels.items())
                assert key not in found.setdefault(s.name, {}), \
                    f"twice: {s.name} {s.labels}"
                found[s.name][key] = s.value
        return found

    def value(self, series, **labels):
        return self.samples().get(series, {}).get(frozenset(labels.items()))


class Box:
    """A directory of segments and a collector that reads it."""

    def __init__(self, *flags, start=True, mode=0o755, user=None, tls=None,
                 login=None):
        self.stack = contextlib.ExitStack()
        base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="smxtest-", dir=base))
        self.stack.callback(shutil.rmtree, self.base, ignore_errors=True)
        os.chmod(self.base, 0o755)
        self.dir = self.base / "segments"
        self.dir.mkdir()
        os.chmod(self.dir, mode)
        self.log = self.base / "log"
        self.flags, self.user = flags, user
        self.tls, self.login = tls, login
        self.environment = dict(os.environ)
        self.command = [COLLECTOR]
        self.proc = None
        self.starts = 0
        if start:
            self.start()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if error[0] and self.log.exists():
            print(self.log.read_text(), file=sys.stderr)
        with self.stack:
            if self.proc:
                self.stop()

    def start(self):
        drop = dict(user=self.user, group=self.user, extra_groups=[]) \
            if self.user else {}
        with open(self.log, "ab") as log:
            self.proc = subprocess.Popen(
                [*self.command, "--web.listen-address=127.0.0.1:0",
                 f"--dir={self.dir}", *self.flags], stderr=log,
                env=self.environment, **drop)
        self.starts += 1
        self.port = until("listening", lambda: self.lines("listening")[
            self.starts - 1:])[0]["port"]
        until("ready", self.is_ready)

    def is_ready(self):
        return self.get("/-/ready").status == 200

    def stop(self):
        """Asks it to end and returns the exit status; 0 is expected."""
        self.proc.terminate()
        status = self.proc.wait(timeout=20)
        self.proc = None
        assert status == 0, f"exit status {status}"

    def lines(self, msg):
        """The log lines with this message; every line must be JSON."""
        text = self.log.read_text()
        whole = text[:text.rfind("\n") + 1].splitlines()
        return [r for r in map(json.loads, whole) if r["msg"] == msg]

    def connect(self, seconds):
        if self.tls:
            return http.client.HTTPSConnection(
                "127.0.0.1", self.port, timeout=seconds, context=self.tls)
        return http.client.HTTPConnection("127.0.0.1", self.port,
                                          timeout=seconds)

    def credentials(self):
        return {"Authorization": basic(self.login)} if self.login else {}

    def get(self, path="/metrics", method="GET", **headers):
        c = self.connect(20)
        try:
            c.request(method, path, headers={**self.credentials(), **{
                k.replace("_", "-"): v for k, v in headers.items()}})
            r = c.getresponse()
            return Reply(r, r.read())
        finally:
            c.close()

    def value(self, series, **labels):
        return self.get().value(series, **labels)

    def named(self, file):
        return [r for r in self.lines("segment left out")
                if r["file"] == file]


class Prometheus:
    """A real one, that does the jobs every second."""

    def __init__(self, box, jobs, *flags):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        config = box.base / "prometheus.yml"
        config.write_text(json.dumps({
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "scrape_configs": jobs}))
        self.log = open(box.base / "prometheus.log", "wb")
        self.proc = subprocess.Popen(
            ["prometheus", f"--config.file={config}",
             f"--storage.tsdb.path={box.base}/tsdb",
             f"--web.listen-address=127.0.0.1:{self.port}", *flags],
            stdout=self.log, stderr=self.log)
        box.stack.callback(self.kill)

    def kill(self):
        self.proc.kill()
        self.proc.wait()
        self.log.close()

    def query(self, text):
        """[(labels, value or histogram)...] of an instant query."""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            c.request("GET", "/api/v1/query?query=" +
                      urllib.parse.quote(text))
            data = json.loads(c.getresponse().read())["data"]["result"]
        except (OSError, ValueError, KeyError):
            return []
        finally:
            c.close()
        return [(r["metric"], r["value"][1] if "value" in r
                 else r["histogram"][1]) for r in data]

    def one(self, text):
        found = self.query(text)
        assert len(found) < 2, found
        return found[0][1] if found else None


def main():
    chosen = sys.argv[3:]
    failed = 0
    for fn in TESTS:
        if chosen and fn.__name__ not in chosen:
            continue
        began = time.monotonic()
        try:
            fn()
            result = "ok"
        except Skip as why:
            result = f"skipped: {why}"
        except Exception:   # pylint: disable=broad-except
            traceback.print_exc()
            result = "FAILED"
            failed += 1
        print(f"{fn.__name__}: {result} ({time.monotonic() - began:.1f} s)",
              flush=True)
    return 1 if failed else 0
