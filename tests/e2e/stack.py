# SPDX-License-Identifier: Apache-2.0
"""A run of the whole system for a test, through ./cdb as a user would.

Every Stack is a run of its own (CDB_RUN), with its own folders and ports.
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import traceback
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/cdb.d"))
sys.path.insert(0, str(ROOT / "tests"))
from cases import until  # noqa: E402
from recording import make_recording  # noqa: E402
SPOT = "binance_trades/BTCUSDT-spot-trades-2024-08-08T2355.csv"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Skip(Exception):
    """The reason why a test cannot run here."""


def cdb(*words, run, env=None, check=None, timeout=120):
    """Run ./cdb; (exit status, output).  `check` is the status to expect."""
    done = subprocess.run(
        [ROOT / "cdb", *map(str, words)], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=timeout, check=False,
        env={**os.environ, "CDB_RUN": run, **(env or {})})
    if check is not None and done.returncode != check:
        raise AssertionError(f"./cdb {' '.join(map(str, words))}: exit status "
                             f"{done.returncode}, not {check}:\n{done.stdout}")
    return done.returncode, done.stdout


def json_of(text):
    """The one line that is an object; a warning may stand beside it."""
    found = [line for line in text.splitlines() if line.startswith("{")]
    if len(found) != 1:
        raise AssertionError(f"not one JSON object: {text}")
    return json.loads(found[0])


class Stack:
    """with Stack("name", "--speed", "max", ...) as stack: ..."""

    def __init__(self, name, *options, env=None, prometheus=False):
        self.run = f"test-{name}-{os.getpid()}"
        self.env = env or {}
        self.options = list(options)
        if not prometheus:
            self.options.append("--no-prometheus")
        self.said = ""
        self.now = {}

    def __enter__(self):
        try:
            _, self.said = self("up", *self.options, check=0)
            self.status()
        except BaseException:
            _, last = self("logs")
            print("# " + last.replace("\n", "\n# "))
            self("down")
            raise
        return self

    def __exit__(self, *failure):
        if failure[0]:
            _, last = self("logs")
            print("# " + last.replace("\n", "\n# "))
        home, smx = self.now["home"], self.now["smx_dir"]
        self("down", check=0)
        if not failure[0]:
            left = [p for p in pathlib.Path("/proc").glob("[0-9]*/cwd")
                    if link(p).startswith(home)]
            assert not left, f"processes are left: {left}"
            assert not os.path.exists(home), f"{home} is left"
            if not self.env.get("SMX_DIR"):
                assert not os.path.exists(smx), f"{smx} is left"

    def __call__(self, *words, **how):
        return cdb(*words, run=self.run, env=self.env, **how)

    def status(self):
        _, text = self("status", "--json")
        self.now = json_of(text)
        return self.now

    def part(self, name):
        return self.status()["parts"][name]

    def pid(self, name):
        """As runit knows it; None while it is down."""
        text = pathlib.Path(self.now["home"], "sv", name,
                            "supervise/pid").read_text("ascii")
        return int(text) if text else None

    def kill(self, name, number=signal.SIGKILL):
        pid = self.pid(name)
        os.kill(pid, number)
        return pid

    def answers(self, name):
        if name == "redis":
            return self.redis("PING") == ["PONG"]
        path = "/-/ready" if name in ("collector", "prometheus",
                                      "alertmanager") else "/health"
        try:
            return self.get(name, path)[0] == 200
        except OSError:
            return False

    def get(self, name, path):
        """(status, headers, body); redirects are not followed."""
        url = f"http://{self.now['parts'][name]['address']}{path}"

        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_):
                return None

        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), Stay)
        try:
            with opener.open(url, timeout=10) as reply:
                return reply.status, reply.headers, reply.read().decode()
        except urllib.error.HTTPError as err:
            return err.code, err.headers, err.read().decode()

    def metrics(self, path="/metrics"):
        """Sums over the series of each name."""
        _, _, text = self.get("collector", path)
        sums = {}
        for line in text.splitlines():
            sample = re.match(r"([a-zA-Z_:][\w:]*)(?:\{.*\})? (\S+)$", line)
            if sample:
                sums[sample[1]] = sums.get(sample[1], 0) + float(sample[2])
        return sums

    def promql(self, query):
        """The rows that Prometheus answers."""
        _, _, text = self.get("prometheus", "/api/v1/query?" +
                              urllib.parse.urlencode({"query": query}))
        return json.loads(text)["data"]["result"]

    def resets(self, only=""):
        """Of all counters there are or that match `only` as well, as PromQL
        sees it over the last 15 minutes.  resets() drops the names, so they
        are kept in a label."""
        query = (
            'sum(resets(label_replace({__name__=~".+_(total|count|sum|bucket)"'
            f',job!="prometheus"{only}}}, "family", "$1", "__name__", "(.+)")'
            "[15m:1s]))")

        # a subquery is empty before its first whole step
        return int(until("two scrapes to compare", lambda:
                         self.promql(query))[0]["value"][1])

    def redis(self, *words):
        """Lines of the answer; [] where Redis does not answer (now)."""
        redis = self.now["parts"]["redis"]
        host, port = redis["address"].split(":")
        password = pathlib.Path(redis["password_file"]).read_text("ascii")
        done = subprocess.run(
            ["redis-cli", "--user", "operator", "--no-auth-warning", "-h",
             host, "-p", port, *map(str, words)],
            env=dict(os.environ, REDISCLI_AUTH=password.strip()),
            capture_output=True, text=True, timeout=60, check=False)
        return done.stdout.splitlines() if done.returncode == 0 else []

    def added(self, stream):
        """Entries ever added to a stream; 0 where there is none yet."""
        lines = self.redis("XINFO", "STREAM", stream)
        if "entries-added" not in lines:
            return 0
        return int(lines[lines.index("entries-added") + 1])

    def backlog(self, stream):
        """Entries that a group has not finished; None where unknown."""
        lines = self.redis("XINFO", "GROUPS", stream)
        found = [value for key, value in zip(lines, lines[1:])
                 if key in ("pending", "lag")]
        return sum(map(int, found)) if found and all(found) else None

    def wait_end(self, rows, seconds=100.0):
        """Until every row of the recording went through."""
        until(f"{rows} rows went through", lambda:
              self.added("market_data") >= rows
              and self.backlog("market_data") == 0, seconds)

    def books(self, wait=30, check=0):
        _, text = self("books", "--json", "--wait", wait)
        books = json_of(text)
        if check == 0:
            assert not books["faults"], books
        return books

    def digest(self):
        return self.books(wait=0, check=None)["digest"]

    def log(self, name):
        """All that it wrote: svlogd's older files (@...), then the newest."""
        folder = pathlib.Path(self.now["home"], "log", name)
        return "".join(p.read_text("utf-8", "replace") for p in
                       [*sorted(folder.glob("@*")), folder / "current"])


def link(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""


class Recording:
    """The recorded spot trades, or ones from a seed, and their row count."""

    def __init__(self, folder):
        market = os.environ.get("CDB_MARKET_DATA")
        self.recorded = bool(market)
        self.path = os.path.join(market or folder,
                                 SPOT if market else "BTCUSDT-spot-trades-made.csv")
        if not market:
            make_recording(self.path)
        with open(self.path, "rb") as lines:
            self.rows = sum(1 for _ in lines)
        self.replay = self.options("max")

    def options(self, speed):
        """For up; the recording takes 650 s / speed."""
        return ("--profile", "replay", "--speed", speed, "--data", self.path)


def main(*tests):
    """Run test functions of (recording); one line each; exit status."""
    failed = 0
    with tempfile.TemporaryDirectory(prefix="cdb-test-") as folder:
        os.chmod(folder, 0o755)
        recording = Recording(folder)
        if not recording.recorded:
            print("skipped - the recorded market data (CDB_MARKET_DATA is "
                  "not set); a recording made from a seed is used")
        for test in tests:
            try:
                test(recording)
                print(f"ok - {test.__name__}", flush=True)
            except Skip as reason:
                print(f"skipped - {test.__name__}: {reason}", flush=True)
            except BaseException:       # pylint: disable=broad-except
                failed += 1
                print("# " + traceback.format_exc().replace("\n", "\n# "))
                print(f"not ok - {test.__name__}", flush=True)
    sys.exit(1 if failed else 0)
