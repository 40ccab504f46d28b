# SPDX-License-Identifier: Apache-2.0
"""feed -> Redis -> signal, with everybody killed on the way.

Each test has a Redis of its own (own port, own folder).  The promise under
test is always the same: the streams end byte for byte as in the undisturbed
run, whoever died or stood still meanwhile.

usage: pipeline.py FOLDER_WITH_BINARIES [test...]
"""
import glob
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
import cases  # noqa: E402
from cases import free_port  # noqa: E402

BIN = None
TICKS = 40000
REDIS = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                     "../../tools/cdb.d/redis.sh")
BATCH_SIGNALS = 12      # six symbols, two sides: a batch is 10 s of events,
                        # a cool-down of the profile demo 15 s


def until(what, check, limit=120.0):
    """As cases.until(), with time for a replay; there are no other sleeps."""
    return cases.until(what, check, limit)


class Place:
    """A private Redis, a folder for logs and segments, and processes."""

    login = ()              # of tools, where Redis asks for one

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="cdb-pipeline-")
        self.port = free_port()
        self.redis = None
        self.children = []
        # on overlayfs, which /tmp of a container is, leases do not hold
        self.segments = tempfile.mkdtemp(prefix="cdb-pipeline-",
                                         dir="/dev/shm")
        self.redis_start()

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def redis_start(self):
        self.redis = subprocess.Popen(
            ["/bin/sh", REDIS, self.dir,
             "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.dir, "--save", "", "--appendonly", "yes",
             "--appendfsync", "always", "--logfile", self.path("redis.log")],
            stdout=subprocess.DEVNULL)
        until("redis answers", lambda: self.ask("PING") == "PONG")

    def redis_kill(self):
        self.redis.kill()
        self.redis.wait()

    def redis_cut(self):
        """As if it had been killed in the middle of its last write."""
        path, = glob.glob(self.path("appendonlydir", "*.incr.aof"))
        with open(path, "rb+") as aof:
            aof.truncate(aof.read().rindex(b"*1\r\n$4\r\nEXEC\r\n") - 5)

    def ask(self, *words):
        out = subprocess.run(
            ["redis-cli", "-p", str(self.port), *words],
            capture_output=True, text=True, check=False)
        return out.stdout.strip()

    def start(self, name, *args, log=None, redis=None):
        port = free_port()
        env = dict(os.environ, SMX_DIR=self.segments)
        with open(self.path(log or f"{name}.log"), "ab") as err:
            child = subprocess.Popen(
                [os.path.join(BIN, f"cdb-{name}"),
                 "--redis", f"127.0.0.1:{redis or self.port}",
                 "--listen", f"127.0.0.1:{port}", *args],
                stderr=err, env=env)
        child.http = port
        self.children.append(child)
        return child

    def log(self, name):
        with open(self.path(f"{name}.log"), encoding="utf-8") as f:
            lines = f.readlines()
        try:
            return [json.loads(line) for line in lines]
        except ValueError as err:
            raise AssertionError(f"{name}.log is not JSON: " + "".join(
                line for line in lines if line[:1] != "{")) from err

    def added(self, stream):
        """Entries ever added, trimmed ones included."""
        lines = self.ask("XINFO", "STREAM", stream).splitlines()
        if "entries-added" not in lines:
            return 0
        return int(lines[lines.index("entries-added") + 1])

    def state(self, service, field):
        return int(self.ask("HGET", f"state:{service}", field) or 0)

    def digest(self, stream):
        out = subprocess.run(
            [os.path.join(BIN, "cdb-digest"), "--redis",
             f"127.0.0.1:{self.port}", *self.login, "--stream", stream],
            capture_output=True, text=True, check=True)
        return out.stdout.strip()

    def close(self):
        for child in self.children:
            if child.poll() is None:
                child.send_signal(signal.SIGCONT)
                child.kill()
            child.wait()
        if self.redis.poll() is None:
            self.redis.send_signal(signal.SIGCONT)
            self.redis.kill()
        self.redis.wait()
        try:
            self.check_logs()
        finally:
            shutil.rmtree(self.dir)
            shutil.rmtree(self.segments)

    def check_logs(self):
        """Every line is a JSON object: a sanitizer's report is none."""
        for name in os.listdir(self.dir):
            if name.endswith(".log") and name != "redis.log":
                for entry in self.log(name[:-4]):
                    assert entry["level"] in ("info", "warn", "error"), entry


class Hold:
    """A wire to Redis that can be held up: what a service sends is then
    kept, and delivered when the service is long dead."""

    def __init__(self, port):
        self.port = port
        self.held = {}          # service's socket: bytes kept
        self.holding = False
        self.execs = None       # so many go through before it holds
        self.lock = threading.Lock()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.listen = self.server.getsockname()[1]
        self.sockets = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.server.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.port))
            self.sockets += [near, far]
            threading.Thread(target=self.up, args=(near, far),
                             daemon=True).start()
            threading.Thread(target=self.down, args=(far, near),
                             daemon=True).start()

    def up(self, near, far):
        try:
            while data := near.recv(1 << 20):
                with self.lock:
                    self.count(data)
                    if self.holding:
                        self.held[far] = self.held.get(far, b"") + data
                        continue
                far.sendall(data)
        except OSError:
            pass                # far stays open: Redis sees no end

    def down(self, far, near):
        try:
            while data := far.recv(1 << 20):
                near.sendall(data)
        except OSError:
            pass

    def count(self, data):
        if self.execs is not None:
            self.execs -= data.count(b"EXEC")
            self.holding = self.holding or self.execs < 0

    def hold_after(self, execs):
        """Hold what comes once so many transactions have gone through; who
        asked for it by a look at the state could come when all is done."""
        with self.lock:
            self.execs = execs

    def holds(self, word):
        with self.lock:
            return any(word in data for data in self.held.values())

    def release(self):
        with self.lock:
            for far, data in self.held.items():
                far.sendall(data)

    def close(self):
        self.server.close()
        for s in self.sockets:
            s.close()


def get(port, path):
    """Status and body of a GET; (0, "") when nobody listens."""
    try:
        with urllib.request.urlopen(
                f"http://127.0.0.1:{port}{path}", timeout=5) as r:
            return r.status, r.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()
    except OSError:
        return 0, ""


def status(child):
    """What /status says; nothing yet while the service starts."""
    return json.loads(get(child.http, "/status")[1] or "{}")


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


FEED = ["--ticks", str(TICKS), "--rate", "50", "--seed", "7", "--speed",
        "max", "--stream-limit", "1000000"]
SIGNAL = ["--profile", "demo", "--seed", "7"]


def last_tick(place):
    """Its event time in ms, and when it was sent."""
    words = place.ask("XREVRANGE", "market_data", "+", "-", "COUNT",
                      "1").splitlines()
    return {"ts": json.loads(words[words.index("data") + 1])["ts_ms"],
            "sent_us": int(words[words.index("sent_us") + 1])}


def finished(place, ticks=TICKS):
    return place.state("feed", "done") == 1 and \
        place.state("signal", "ticks") == ticks


def expected():
    """The digests of the undisturbed run, made once."""
    if not hasattr(expected, "value"):
        place = Place()
        try:
            place.start("signal", *SIGNAL)
            place.start("feed", *FEED)
            until("undisturbed run", lambda: finished(place))
            expected.value = (place.digest("market_data"),
                              place.digest("signals"))
        finally:
            place.close()
    return expected.value


class Pipeline(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.close)

    def assertAsUndisturbed(self):
        p = self.place
        until("the run ends", lambda: finished(p))
        want = expected()
        self.assertEqual(p.digest("market_data"), want[0])
        self.assertEqual(p.digest("signals"), want[1])
        self.assertEqual(p.added("market_data"), TICKS)
        self.assertEqual(p.added("signals"), int(want[1].split()[0]))
        self.assertGreater(p.added("signals"), 20)

    def progress(self, least):
        until(f"{least} ticks", lambda:
              self.place.state("signal", "ticks") >= least)

    def test_same_streams_twice(self):
        self.place.start("signal", *SIGNAL, "--no-metrics")
        self.place.start("feed", *FEED, "--no-metrics")
        self.assertAsUndisturbed()

    def test_feed_killed(self):
        rng = random.Random(1)
        self.place.start("signal", *SIGNAL)
        for part in (1, 2, 3, 4):
            feed = self.place.start("feed", *FEED)
            until("progress", lambda: self.place.state("feed", "seq")
                  >= part * TICKS // 5 + rng.randrange(500))
            feed.kill()
            feed.wait()
        self.place.start("feed", *FEED)
        self.assertAsUndisturbed()

    def test_signal_killed(self):
        rng = random.Random(2)
        self.place.start("feed", *FEED)
        for part in (1, 2, 3, 4):
            child = self.place.start("signal", *SIGNAL)
            self.progress(part * TICKS // 5 + rng.randrange(500))
            child.kill()
            child.wait()
        self.place.start("signal", *SIGNAL)
        self.assertAsUndisturbed()

    def test_redis_killed(self):
        p = self.place
        feed = p.start("feed", *FEED)
        child = p.start("signal", *SIGNAL)
        for part in (1, 2, 3):
            self.progress(part * TICKS // 4)
            p.redis_kill()
            until("feed notices", lambda: get(feed.http, "/health")[0] == 503)
            until("signal notices",
                  lambda: get(child.http, "/health")[0] == 503)
            p.redis_start()
        self.assertAsUndisturbed()
        self.assertEqual(get(feed.http, "/health")[0], 200)
        self.assertGreater(status(child)["redis"]["reconnects"], 2)

    def test_redis_killed_inside_a_write(self):
        """Half a transaction at the end of its file comes to nothing, also
        at the start after the next one."""
        p = self.place
        p.start("feed", *FEED)
        p.start("signal", *SIGNAL)
        for part in (1, 2, 3, 4):
            self.progress(part * TICKS // 5)
            p.redis_kill()
            if part % 2:
                p.redis_cut()
            p.redis_start()
        self.assertAsUndisturbed()

    def test_redis_stopped_and_the_others_killed_meanwhile(self):
        """Transactions left in sockets must not be executed later."""
        p = self.place
        feed = p.start("feed", *FEED)
        child = p.start("signal", *SIGNAL)
        for part in (1, 2, 3):
            self.progress(part * TICKS // 4)
            p.redis.send_signal(signal.SIGSTOP)
            feed.kill()
            child.kill()
            feed.wait()
            child.wait()
            feed = p.start("feed", *FEED)
            child = p.start("signal", *SIGNAL)
            until("they wait", lambda: get(feed.http, "/health")[0] == 503
                  and get(child.http, "/health")[0] == 503)
            p.redis.send_signal(signal.SIGCONT)
        self.assertAsUndisturbed()

    def test_redis_stopped_for_longer_than_anybody_waits(self):
        p = self.place
        feed = p.start("feed", *FEED)
        child = p.start("signal", *SIGNAL)
        self.progress(TICKS // 3)
        p.redis.send_signal(signal.SIGSTOP)
        until("both give up", lambda: get(feed.http, "/health")[0] == 503
              and get(child.http, "/health")[0] == 503)
        p.redis.send_signal(signal.SIGCONT)
        self.assertAsUndisturbed()

    def late_transaction(self, name, args, other):
        """A transaction of a dead service arrives after its successor has
        taken over: it must not be executed."""
        p = self.place
        wire = Hold(p.port)
        self.addCleanup(wire.close)
        wire.hold_after(20)
        p.start(*other)
        child = p.start(name, *args, redis=wire.listen)
        until("a transaction is held", lambda: wire.holds(b"EXEC"))
        child.kill()
        child.wait()
        seen = p.state("signal", "ticks")
        p.start(name, *args)
        self.progress(min(seen + 2000, TICKS))
        wire.release()
        self.assertAsUndisturbed()

    def test_late_transaction_of_the_feed(self):
        self.late_transaction("feed", FEED, ["signal", *SIGNAL])

    def test_late_transaction_of_signal(self):
        self.late_transaction("signal", SIGNAL, ["feed", *FEED])

    def test_full_output_pauses_signal_and_loses_nothing(self):
        p = self.place
        child = p.start("signal", *SIGNAL, "--stream-limit", "10")
        p.start("feed", *FEED)
        until("paused", lambda: status(child).get("state") == "paused")
        # never over the limit by more than what one read can give
        self.assertLess(p.state("signal", "ticks"), TICKS)
        until("full", lambda: p.added("signals") >= 10)
        full = p.added("signals")
        self.assertLess(full, 10 + BATCH_SIGNALS)
        child.kill()
        child.wait()
        child = p.start("signal", *SIGNAL, "--stream-limit", "10")
        until("paused", lambda: status(child).get("state") == "paused")
        self.assertEqual(p.added("signals"), full)
        p.ask("XGROUP", "CREATE", "signals", "reader", "0")

        def read_on():
            out = p.ask("XREADGROUP", "GROUP", "reader", "r", "COUNT", "5",
                        "STREAMS", "signals", ">")
            ids = re.findall(r"^\d+-\d+$", out, re.M)
            if ids:
                p.ask("XACK", "signals", "reader", *ids)
            read.extend(ids)
            return finished(p) and not ids

        read = []
        until("the run ends", read_on)
        want = int(expected()[1].split()[0])
        self.assertEqual(len(read), want)
        self.assertEqual(len(set(read)), want)
        self.assertLess(int(p.ask("XLEN", "signals")), want)

    def test_two_feeds_at_once(self):
        self.place.start("signal", *SIGNAL)
        self.place.start("feed", *FEED)
        self.place.start("feed", *FEED, log="feed2.log")
        self.assertAsUndisturbed()

    def test_a_feed_that_was_stopped_makes_up_for_nothing(self):
        p = self.place
        feed = p.start("feed", "--ticks", "100000", "--rate", "50", "--seed",
                       "7", "--speed", "10", "--stream-limit", "1000000")
        until("progress", lambda: p.added("market_data") > 100)
        feed.send_signal(signal.SIGSTOP)
        before, began = last_tick(p), time.time()
        time.sleep(1)           # what is missed: 500 ticks
        missed = time.time() - began
        feed.send_signal(signal.SIGCONT)
        until("it goes on",
              lambda: last_tick(p)["ts"] > before["ts"] + 10000)
        after = last_tick(p)
        # no sooner than the pace allows, and the standstill on top
        self.assertGreater(
            (after["sent_us"] - before["sent_us"]) / 1e6,
            (after["ts"] - before["ts"]) / 1e3 / 10 + missed * 0.9)

    def test_full_stream_pauses_the_feed(self):
        p = self.place
        limit = ["--stream-limit", "2000"]
        feed = p.start("feed", *FEED, *limit)
        until("paused", lambda: status(feed).get("replay") == "paused")
        self.assertLess(p.added("market_data"), 2000 + 512)
        p.start("signal", *SIGNAL)
        until("the run ends", lambda: finished(p))
        self.assertEqual(p.digest("signals"), expected()[1])
        self.assertEqual(p.added("market_data"), TICKS)
        self.assertLess(int(p.ask("XLEN", "market_data")), 2000 + 512)

    def test_a_group_that_must_see_every_tick_holds_the_trimming(self):
        p = self.place
        feed = p.start("feed", *FEED, "--stream-limit", "2000", "--group",
                       "late")
        p.start("signal", *SIGNAL)
        until("paused", lambda: status(feed).get("replay") == "paused")
        self.progress(2000)
        self.assertEqual(p.added("market_data"),
                         int(p.ask("XLEN", "market_data")))
        p.ask("XGROUP", "DESTROY", "market_data", "late")
        until("the run ends", lambda: finished(p))
        self.assertEqual(p.digest("signals"), expected()[1])

    def test_stops_in_time_while_redis_stands_still(self):
        p = self.place
        children = [p.start("feed", *FEED), p.start("signal", *SIGNAL)]
        self.progress(100)
        p.redis.send_signal(signal.SIGSTOP)
        for child in children:
            begin = time.monotonic()
            child.terminate()
            self.assertEqual(child.wait(timeout=5), 0)
            self.assertLess(time.monotonic() - begin, 2.0)

    def test_missing_file_publishes_nothing(self):
        p = self.place
        child = p.start("feed", "--data", p.path("none.csv"))
        self.assertEqual(child.wait(timeout=10), 2)
        line = p.log("feed")[-1]
        self.assertEqual(line["level"], "error")
        self.assertEqual(line["file"], p.path("none.csv"))
        self.assertEqual(p.ask("DBSIZE"), "0")

    def test_wrong_usage_is_one_line_and_status_2(self):
        for name, *words in (["feed", "--speed", "0"], ["feed", "--speed"],
                             ["feed", "--rate", "1e3"],
                             ["signal", "--profile", "fast"],
                             ["signal", "--redis", "127.0.0.1"],
                             ["signal", "--no-metrics=1"],
                             ["signal", "--nothing"]):
            out = subprocess.run([os.path.join(BIN, f"cdb-{name}"), *words],
                                 capture_output=True, text=True, check=False)
            self.assertEqual(out.returncode, 2, words)
            self.assertEqual(out.stderr.count("\n"), 1, out.stderr)
            self.assertIn(words[0].split("=")[0], out.stderr)

    def test_a_port_in_use_is_named(self):
        p = self.place
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            child = p.start("feed", "--listen", address)
            self.assertEqual(child.wait(timeout=10), 1)
        self.assertIn(address, p.log("feed")[-1]["reason"])
        self.assertEqual(p.ask("DBSIZE"), "0")

    def test_other_data_is_refused(self):
        p = self.place
        feed = p.start("feed", *FEED)
        until("progress", lambda: p.state("feed", "seq") > 0)
        feed.terminate()
        feed.wait()
        added = p.added("market_data")
        other = p.start("feed", *FEED, "--seed", "8", log="other.log")
        self.assertEqual(other.wait(timeout=10), 2)
        self.assertEqual(p.added("market_data"), added)

    def test_endpoints(self):
        p = self.place
        feed = p.start("feed", *FEED, "--collector-url",
                       "http://127.0.0.1:1")
        until("healthy", lambda: get(feed.http, "/health")[0] == 200)
        health = json.loads(get(feed.http, "/health")[1])
        self.assertEqual(health["status"], "ok")
        self.assertEqual(health["service"], "feed")
        opener = urllib.request.build_opener(NoRedirect)
        with self.assertRaises(urllib.error.HTTPError) as caught:
            opener.open(f"http://127.0.0.1:{feed.http}/metrics", timeout=5)
        self.assertEqual(caught.exception.code, 307)
        self.assertEqual(caught.exception.headers["Location"],
                         "http://127.0.0.1:1/metrics/feed")
        self.assertEqual(get(feed.http, "/nothing")[0], 404)

    def test_rubbish_in_the_stream_is_skipped(self):
        p = self.place
        child = p.start("signal", *SIGNAL)
        until("healthy", lambda: get(child.http, "/health")[0] == 200)
        for words in (["data", "{"], ["data", "[]"], ["other", "x"],
                      ["data", '{"symbol":"x"}']):
            p.ask("XADD", "market_data", "*", *words)
        p.start("feed", *FEED)
        until("the run ends", lambda: finished(p))
        self.assertEqual(p.digest("signals"), expected()[1])
        bad = [e for e in p.log("signal") if e["msg"] ==
               "bad message skipped"]
        self.assertEqual(len(bad), 4)


def recorded():
    """The recorded spot file; without it one made from a seed."""
    folder = os.environ.get("CDB_MARKET_DATA")
    if folder:
        path = os.path.join(folder, "binance_trades",
                            "BTCUSDT-spot-trades-2024-08-08T2355.csv")
        if os.path.exists(path):
            return path, None
    print("SKIPPED: the recorded file (CDB_MARKET_DATA is not set); "
          "using one made from a seed", file=sys.stderr)
    rng = random.Random(5)
    path = os.path.join(tempfile.mkdtemp(prefix="cdb-data-"),
                        "BTCUSDT-trades-2024-08-08.csv")
    price, ts = 6180000, 1723161255342
    with open(path, "w", encoding="ascii") as f:
        for i in range(20000):
            price += rng.randrange(-90, 91)
            ts += rng.randrange(60)
            f.write(f"{3735683259 + i},{price / 100:.8f},0.02000000,"
                    f"{price / 100 * 0.02:.8f},{ts},"
                    f"{rng.choice(['True', 'False'])},True\n")
    return path, os.path.dirname(path)


class Recording(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.close)
        self.path, temp = recorded()
        if temp:
            self.addCleanup(shutil.rmtree, temp)
        with open(self.path, encoding="ascii") as f:
            self.rows = sum(1 for _ in f)

    def test_books_balance_and_both_sides_trade(self):
        p = self.place
        child = p.start("signal", "--profile", "replay")
        feed = p.start("feed", "--profile", "replay", "--data", self.path,
                       "--speed", "max")
        until("done", lambda: finished(p, self.rows))
        until("status", lambda: status(feed)["replay"] == "done")
        self.assertEqual(status(feed)["counters"]["published"], self.rows)
        self.assertEqual(p.added("market_data"), self.rows)
        until("status", lambda:
              status(child)["counters"]["ticks"] == self.rows)
        self.assertEqual(status(child)["counters"]["signals"],
                         p.added("signals"))
        entries = p.ask("XRANGE", "signals", "-", "+")
        self.assertGreaterEqual(entries.count('"side":"BUY"'), 100)
        self.assertGreaterEqual(entries.count('"side":"SELL"'), 100)


if __name__ == "__main__":
    BIN = sys.argv.pop(1)
    unittest.main(verbosity=2)
