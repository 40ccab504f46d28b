# SPDX-License-Identifier: Apache-2.0
"""Starting and stopping the pipeline, as a user does: with ./cdb."""
import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.request

from streams import Redis

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
SERVICES = ("feed", "signal", "risk", "execution", "writer", "notify")
MONITORS = ("collector", "prometheus")


class Failed(Exception):
    """What went wrong, to be shown as it is."""


def quiet(command, env=None, timeout=120):
    """Run it where Ctrl-C does not reach it; its output.

    When we are interrupted it is asked to end, and has the time to tidy up.
    """
    process = subprocess.Popen(
        [str(word) for word in command], env=env, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True)
    try:
        text = process.communicate(timeout=timeout)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise Failed(f"{command[0]}: not done after {timeout} s") from None
    except BaseException:
        process.terminate()
        process.communicate()
        raise
    if process.returncode != 0:
        raise Failed(f"{' '.join(map(str, command[:3]))}...: "
                     f"exit status {process.returncode}\n{text[-2000:]}")
    return text


def fetch(url, timeout=10):
    with DIRECT.open(url, timeout=timeout) as reply:
        return reply.read()


class Pipeline:
    """with Pipeline(build, folder, options) as pipeline: ..."""

    def __init__(self, build, folder, options):
        self.options = options
        self.env = {**os.environ, "CDB_RUN": f"ab-{os.getpid()}",
                    "CDB_TMP": str(folder), "CDB_BUILD": str(build),
                    "CDB_NO_BUILD": "1"}
        self.env.pop("SMX_DIR", None)
        self.now = {}
        self.pids = {}

    def cdb(self, *words, timeout=120):
        return quiet([ROOT / "cdb", *words], self.env, timeout)

    def __enter__(self):
        try:
            self.cdb("up", *self.options)
            self.now = json.loads(self.cdb("status", "--json"))
        except BaseException:
            self.cdb("down")    # what there is of it
            raise
        self.pids = {name: part["pid"]
                     for name, part in self.now["parts"].items()}
        return self

    def __exit__(self, *failure):
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self.cdb("down")
        finally:
            signal.signal(signal.SIGINT, before)

    def address(self, name):
        return self.now["parts"][name]["address"]

    def redis(self):
        return Redis(self.address("redis"))

    def get(self, name, path):
        return fetch(f"http://{self.address(name)}{path}")

    def full_speed(self):
        """Have the feed go on as fast as it can; (when, in ms of the wall).

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
        wall_ms = int(time.time() * 1000)
        with open(folder / "supervise/control", "wb", buffering=0) as pipe:
            pipe.write(b"t")
        return wall_ms

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
