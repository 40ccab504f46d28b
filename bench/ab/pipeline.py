# SPDX-License-Identifier: Apache-2.0
"""Starting and stopping the pipeline, as a user does: with ./cdb."""
import json
import os
import pathlib
import subprocess
import tempfile
import time
import urllib.request

from streams import Redis

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
SERVICES = ("feed", "signal", "risk", "execution", "writer", "notify")
MONITORS = ("collector", "prometheus")


class Failed(Exception):
    """What went wrong, to be shown as it is."""


class Job:
    """A command that runs where Ctrl-C does not reach it.

    Its output goes to a file, so that several can run at once.
    """

    def __init__(self, command, env=None):
        self.command = [str(word) for word in command]
        self.out = tempfile.TemporaryFile("w+", encoding="utf-8",
                                          errors="replace")
        self.process = subprocess.Popen(
            self.command, env=env, stdin=subprocess.DEVNULL, stdout=self.out,
            stderr=subprocess.STDOUT, start_new_session=True)

    def result(self, timeout=120):
        """What it printed.

        When we are interrupted it is asked to end, and has the time to tidy up.
        """
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failed(f"{self.command[0]}: not done after "
                         f"{timeout} s") from None
        except BaseException:
            self.stop()
            raise
        with self.out:
            self.out.seek(0)
            text = self.out.read()
        if self.process.returncode != 0:
            raise Failed(f"{' '.join(self.command[:3])}...: exit status "
                         f"{self.process.returncode}\n{text[-2000:]}")
        return text

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()


def quiet(command, env=None, timeout=120):
    return Job(command, env).result(timeout)


def fetch(url, timeout=10):
    with DIRECT.open(url, timeout=timeout) as reply:
        return reply.read()


class Pipeline:
    """begin(), ready(); end(), ended(): many can start and stop at once."""

    def __init__(self, build, folder, options, key):
        self.options = options
        self.env = {**os.environ, "CDB_RUN": f"ab-{os.getpid()}-{key}",
                    "CDB_TMP": str(folder), "CDB_BUILD": str(build),
                    "CDB_NO_BUILD": "1"}
        self.env.pop("SMX_DIR", None)
        self.job = None                 # up, then down
        self.now = {}
        self.pids = {}

    def cdb(self, *words):
        return Job([ROOT / "cdb", *words], self.env)

    def begin(self):
        self.job = self.cdb("up", *self.options)

    def is_begun(self):
        return self.job.process.poll() is not None

    def ready(self):
        self.job.result()
        self.now = json.loads(self.cdb("status", "--json").result())
        self.pids = {name: part["pid"]
                     for name, part in self.now["parts"].items()}
        return self

    def end(self):
        """Of whatever there is of it."""
        if self.job:
            self.job.stop()
            self.job = self.cdb("down")

    def ended(self):
        if self.job:
            self.job.result()
        self.job = None

    def supervised(self, name):
        """The process that runs as `name` now."""
        folder = pathlib.Path(self.now["home"], "sv", name)
        return int((folder / "supervise/pid").read_text("ascii"))

    def address(self, name):
        return self.now["parts"][name]["address"]

    def redis(self):
        return Redis(self.now["parts"]["redis"])

    def get(self, name, path):
        return fetch(f"http://{self.address(name)}{path}")

    def full_speed(self):
        """Have the feed go on as fast as it can; (when, in us of the wall).

        It is started anew with another speed, and goes on where it was.
        """
        folder = pathlib.Path(self.now["home"], "sv/feed")
        run = folder / "run"
        text = run.read_text("utf-8")
        # another run may take the port while nobody listens on it
        for old, new in ((f"'--speed' '{self.now['speed']}'",
                          "'--speed' 'max'"),
                         (f"'--listen' '{self.address('feed')}'",
                          "'--listen' '127.0.0.1:0'")):
            if old not in text:
                raise Failed(f"{run}: {old} is not there")
            text = text.replace(old, new)
        run.write_text(text, "utf-8")
        wall_us = int(time.time() * 1e6)
        with open(folder / "supervise/control", "wb", buffering=0) as pipe:
            pipe.write(b"t")
        return wall_us

    def restarts(self):
        """{part: how often it ended and was started again}."""
        found = {}
        for path in pathlib.Path(self.now["home"], "sv").glob("*/restarts"):
            found[path.parent.name] = len(path.read_text("ascii").splitlines())
        return found

    def log_errors(self):
        """What the services' logs say of failures."""
        found = []
        for name in SERVICES:
            path = pathlib.Path(self.now["home"], "log", name, "current")
            with open(path, encoding="utf-8", errors="replace") as lines:
                found += [line.rstrip() for line in lines
                          if '"level":"error"' in line]
        return found
