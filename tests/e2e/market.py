# SPDX-License-Identifier: Apache-2.0
"""A place where the whole pipeline runs: for the tests of trading.

Each has a Redis and a PostgreSQL of its own.  Two recordings, spot and
futures, are replayed as two symbols; what comes out must be the same whoever
died or stood still.
"""
import atexit
import glob
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import pipeline
from pipeline import free_port, get, status, until
from stack import make_recording

SCHEMA = str(pathlib.Path(__file__).resolve().parents[2] /
             "services/writer/schema")
COLLECTOR = None
SEED = 7
DATA = [None, None]             # the recordings
RECORDED = False
TOPICS = ("market_data", "signals", "orders", "order_results", "risk_events",
          "portfolio", "alerts")
SERVICES = ("feed", "signal", "risk", "execution", "writer", "notify")
NOBODY = pwd.getpwnam("nobody")
SAMPLE = re.compile(r"([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)$")
LABEL = re.compile(r'(\w+)="([^"]*)"')


def recordings():
    """Spot and futures, recorded or made from seeds."""
    global RECORDED
    market = os.environ.get("CDB_MARKET_DATA")
    if market:
        RECORDED = True
        folder = os.path.join(market, "binance_trades")
        DATA[:] = [os.path.join(folder, f) for f in (
            "BTCUSDT-spot-trades-2024-08-08T2355.csv",
            "BTCUSDT-um-trades-2024-08-08T2354.csv")]
        return
    print("skipped - the recorded market data (CDB_MARKET_DATA is not set); "
          "recordings made from seeds are used")
    folder = tempfile.mkdtemp(prefix="cdb-trading-")
    atexit.register(shutil.rmtree, folder)
    for i, name in enumerate(("BTCUSDT-spot-trades.csv",
                              "BTCUSDT-um-trades.csv")):
        DATA[i] = os.path.join(folder, name)
        make_recording(DATA[i], seed=7 + i)


def rows_of(path):
    with open(path, "rb") as lines:
        return sum(1 for n, line in enumerate(lines)
                   if n or line[:1].isdigit())


def as_nobody():
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY.pw_gid)
        os.setuid(NOBODY.pw_uid)


class Postgres:
    """A private server, reached by its socket."""

    def __init__(self, folder, data=None):
        self.bin = max(glob.glob("/usr/lib/postgresql/*/bin"))
        self.folder = folder
        self.data = data or os.path.join(folder, "db")
        self.server = None
        os.makedirs(folder, exist_ok=True)
        if os.geteuid() == 0:
            os.chown(folder, NOBODY.pw_uid, NOBODY.pw_gid)
        self.run("initdb", "-D", self.data, "-U", "cdb", "-A", "trust",
                 "-E", "UTF8", "--no-locale", "--no-sync")
        self.start()
        self.run("createdb", "-h", folder, "-U", "cdb", "cdb")

    def run(self, program, *args):
        subprocess.run([os.path.join(self.bin, program), *args], check=True,
                       cwd=self.folder, preexec_fn=as_nobody,
                       stdout=subprocess.DEVNULL)

    def start(self):
        """Until it answers: what a killed one left running (backends that
        still hold its memory) sends the next one home at first."""
        def up():
            if self.server is None or self.server.poll() is not None:
                self.launch()
            return self.answers()

        until("PostgreSQL answers", up)

    def launch(self):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.server = subprocess.Popen(
                [os.path.join(self.bin, "postgres"), "-D", self.data,
                 "-c", "listen_addresses=", "-c",
                 f"unix_socket_directories={self.folder}",
                 "-c", "shared_buffers=16MB", "-c", "max_wal_size=32MB",
                 "-c", "min_wal_size=32MB",
                 "-c", "dynamic_shared_memory_type=mmap"],
                stdout=log, stderr=log, cwd=self.folder,
                preexec_fn=as_nobody)

    def answers(self):
        return subprocess.run(
            ["psql", "-XAtqc", "SELECT 1", "-h", self.folder, "-U", "cdb",
             "-d", "postgres"], capture_output=True, check=False).returncode == 0

    def kill(self):
        """As a supervisor finds it: what serves the connections ends, too,
        but in its own time."""
        self.server.kill()
        self.server.wait()

    def stand_still(self, number=signal.SIGSTOP):
        """It, and what serves the connections."""
        children = subprocess.run(["pgrep", "-P", str(self.server.pid)],
                                  capture_output=True, text=True, check=False)
        for pid in (self.server.pid, *map(int, children.stdout.split())):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def go_on(self):
        self.stand_still(signal.SIGCONT)

    def close(self):
        if self.server.poll() is None:
            self.go_on()
            self.server.send_signal(signal.SIGINT)
            self.server.wait()

    def conninfo(self):
        return f"host={self.folder} user=cdb dbname=cdb"

    def __call__(self, sql):
        """Rows of strings."""
        out = subprocess.run(
            ["psql", "-XAtqF", "\t", "-v", "ON_ERROR_STOP=1", "-c", sql,
             self.conninfo()], capture_output=True, text=True, check=False,
            timeout=60)
        if out.returncode:
            raise AssertionError(out.stderr)
        return [line.split("\t") for line in out.stdout.splitlines()]

    def one(self, sql):
        return self(sql)[0][0]


class Market(pipeline.Place):
    """All services on the two recordings, restarted when they die.

    `tables` is where PostgreSQL keeps its files; further arguments are
    options of a service: feed=["--speed", "1"].
    """

    def __init__(self, profile="replay", data=None, tables=None, **extra):
        super().__init__()
        os.chmod(self.dir, 0o755)
        self.profile = profile
        self.data = DATA if data is None else data
        self.extra = extra              # service: options
        self.services = {}
        self.rows = sum(map(rows_of, self.data))
        self.pg = Postgres(self.path("pg"), tables)

    def arguments(self, name):
        args = ["--profile", self.profile, "--seed", str(SEED)]
        if name == "feed":
            # nothing is trimmed: the digest takes what is there
            args += ["--speed", "max", "--stream-limit", "1000000",
                     "--group", "signal", "--group", "risk"]
            for path in self.data:
                args += ["--data", path]
        elif name == "signal":
            args += ["--group", "risk", "--group", "writer"]
        elif name == "risk":
            args += ["--group", "writer", "--alert-group", "notify"]
        elif name == "execution":
            args += ["--speed", "max", "--group", "risk", "--group",
                     "writer"]
        elif name == "writer":
            args += ["--postgres", self.pg.conninfo(), "--schema", SCHEMA,
                     "--sample-s", "0"]
        elif name == "notify":
            args += ["--sink-file", self.path("told")]
        return args + list(self.extra.get(name, ()))

    def up(self, *names):
        for name in names or SERVICES:
            self.services[name] = self.start(name, *self.arguments(name))
        return self

    def collect(self):
        """A collector beside them; its /metrics is metrics()."""
        self.web = free_port()
        with open(self.path("collector.log"), "ab") as err:
            self.children.append(subprocess.Popen(
                [COLLECTOR, f"--dir={self.segments}",
                 f"--web.listen-address=127.0.0.1:{self.web}"], stderr=err))
        until("the collector answers", lambda: self.exposition())
        return self

    def exposition(self):
        return get(self.web, "/metrics")[1]

    def metrics(self):
        """{(name, ((label, value), ...)): value}, service_instance left
        out; types of the families under None."""
        found = {}
        types = {}
        for line in self.exposition().splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split()
                types[name] = kind
            sample = SAMPLE.match(line)
            if sample:
                labels = tuple(pair for pair in LABEL.findall(sample[2] or "")
                               if pair[0] != "service_instance")
                found[sample[1], labels] = float(sample[3])
        found[None] = types
        return found

    def revive(self):
        """What a supervisor does."""
        for name, child in self.services.items():
            if child.poll() is not None:
                self.up(name)
        if self.redis.poll() is not None:
            self.redis_start()
        if self.pg.server.poll() is not None:
            self.pg.start()

    def tick(self, n, symbol, price="100"):
        """A tick made by hand; n is its sequence id."""
        self.ask("XADD", "market_data", "*", "data", json.dumps({
            "schema_version": 1, "event_id": f"{n:032x}", "sequence_id": n,
            "correlation_id": f"{n:032x}", "source": "test",
            "symbol": symbol, "ts_ms": 1700000000000 + n, "trade_qty": "1",
            "side": "buy", "price": price}), "sent_us", "1")

    def entries(self, stream):
        """(id, {field: text}) of each entry."""
        for at, fields in json.loads(self.ask("--json", "XRANGE", stream,
                                              "-", "+")):
            yield at, dict(zip(fields[::2], fields[1::2]))

    def backlog(self, stream):
        lines = self.ask("XINFO", "GROUPS", stream).splitlines()
        found = [v for k, v in zip(lines, lines[1:])
                 if k in ("pending", "lag")]
        return sum(map(int, found)) if found and all(found) else None

    def finished(self):
        return self.added("market_data") == self.rows and \
            self.state("feed", "done") == 1 and \
            self.state("signal", "ticks") == self.rows and \
            all(self.backlog(t) == 0 for t in
                ("market_data", "signals", "orders", "order_results",
                 "risk_events", "portfolio")) and \
            status(self.services["risk"]).get("pending_orders") == 0 and \
            self.backlog("order_results") == 0 and \
            self.backlog("portfolio") == 0

    def wait_end(self, limit=200.0):
        until("everything is worked off", self.finished, limit)

    def digests(self):
        return {t: self.digest(t) for t in TOPICS}

    def tables(self):
        """Every row of what is written, in an order of its own."""
        return {t: self.pg(f"SELECT md5(string_agg(x::text, ',' ORDER BY "
                           f"x::text)), count(*) FROM {t} x")[0]
                for t in ("signals", "orders", "trades", "positions",
                          "portfolio_snapshots", "risk_events",
                          "rejected_messages")}

    def close(self):
        for child in self.children:
            if child.poll() is None:
                child.send_signal(signal.SIGCONT)
        try:
            self.pg.close()
        finally:
            super().close()


def expected():
    """Digests and tables of the undisturbed run, made once."""
    if not hasattr(expected, "value"):
        market = Market()
        try:
            market.up().wait_end()
            expected.value = (market.digests(), market.tables())
        finally:
            market.close()
    return expected.value


class MarketTest(unittest.TestCase):
    maxDiff = None

    def market(self, *args, **kwargs):
        market = Market(*args, **kwargs)
        self.addCleanup(market.close)
        return market

    def assertAsUndisturbed(self, market, trimmed=()):
        """`trimmed`: streams that no longer hold all, and are counted."""
        digests, tables = expected()
        self.assertEqual(market.tables(), tables)
        for topic in TOPICS:
            if topic in trimmed:
                self.assertEqual(market.added(topic),
                                 int(digests[topic].split()[0]), topic)
            else:
                self.assertEqual(market.digest(topic), digests[topic], topic)

    def told(self, market):
        """The notifications; each alert is one of them, once."""
        until("all are told", lambda: market.backlog("alerts") == 0)
        with open(market.path("told"), encoding="utf-8") as lines:
            alerts = list(map(json.loads, lines))
        self.assertEqual(len({a["event_id"] for a in alerts}),
                         market.added("alerts"))
        return alerts


def trades(path, rows):
    """A recording of (ms, price) for a test."""
    with open(path, "w", encoding="ascii") as out:
        for n, (ms, price) in enumerate(rows):
            out.write(f"{1000 + n},{price},1.0,{price},"
                      f"{1700000000000 + ms},False,True\n")


def main():
    """usage: <test>.py BUILD [unittest's own words]"""
    global COLLECTOR
    build = pathlib.Path(sys.argv.pop(1))
    pipeline.BIN = str(build / "services")
    COLLECTOR = str(build / "collector/smx-collector")
    recordings()
    unittest.main(verbosity=2)
