# SPDX-License-Identifier: Apache-2.0
"""Secrets that were planted come out nowhere; labels are few and bounded.

A canary is in every value of the configuration that could hold a secret, in
the environment, and in every text field of a message of every stream.  What
may hold a message (its stream, its table, the sink of notify) is not searched;
everything that monitoring shows is.

usage: secrets.py BUILD [test...]
"""
import json
import os
import pathlib
import subprocess
import sys
import unittest
from collections import defaultdict

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))
import market  # noqa: E402
from market import MarketTest  # noqa: E402
from pipeline import get, until  # noqa: E402

CANARY = "canary-5e3cr3t"
LIMIT = 10              # values of a label, `other` among them
# What must stay what it is for a message to be one.
KEPT = {"event_id", "symbol", "side", "type", "status", "decision", "level",
        "code", "message", "reason_code", "service"}
TOPICS = ("market_data", "signals", "orders", "order_results", "risk_events",
          "portfolio", "alerts", "health")
PAGES = ("/", "/metrics", "/metrics?exclude=signal", "/sd", "/-/healthy",
         "/-/ready", "/api/v1/state", "/api/v1/series",
         *(f"/metrics/{s}" for s in market.SERVICES))


def planted(value, key=None):
    """The message with a canary in every text that may be any."""
    if isinstance(value, dict):
        return {k: planted(v, k) for k, v in value.items()} | (
            {} if key else {"api_key": CANARY + "-unknown"})
    if isinstance(value, list):
        return [planted(v, key) for v in value]
    if isinstance(value, str) and key not in KEPT and not number(value):
        return f"{CANARY}-{key}"
    return value


def number(text):
    try:
        float(text)
        return True
    except ValueError:
        return False


class Secrets(MarketTest):
    @classmethod
    def setUpClass(cls):
        os.environ["CDB_CANARY"] = os.environ["PGPASSWORD"] = CANARY + "-env"
        cls.m = m = market.Market(notify=[
            "--sink-command", f"cat >/dev/null # token={CANARY}-sink"])
        cls.addClassCleanup(m.close)
        cls.addClassCleanup(os.environ.pop, "PGPASSWORD")
        cls.addClassCleanup(os.environ.pop, "CDB_CANARY")
        m.collect()
        m.extra["writer"] = ["--postgres", m.pg.conninfo() +
                             f" password={CANARY}-postgres"]
        m.up().wait_end()
        cls.n = 0
        cls.many_symbols(m)
        for topic in TOPICS:
            cls.plant(m, topic)
        cls.many_paths(m)
        until("all is read", lambda: all(
            m.backlog(t) == 0 for t in TOPICS if t != "market_data"))

    @classmethod
    def plant(cls, m, topic):
        """A message like the last one, with canaries; and two broken ones."""
        def last():
            return [line for line in m.ask(
                "--raw", "XREVRANGE", topic, "+", "-", "COUNT",
                "1").splitlines() if line[:1] == "{"]

        message = planted(json.loads(until("a message of " + topic,
                                           last)[0]))
        message["event_id"] = "planted-" + topic
        text = json.dumps(message)
        for data in (text, text[:-1], CANARY):
            m.ask("XADD", topic, "*", "data", data)
            cls.n += 1

    @classmethod
    def many_symbols(cls, m):
        """Signals of more symbols than a label has values."""
        last = next(line for line in m.ask(
            "--raw", "XREVRANGE", "market_data", "+", "-", "COUNT",
            "1").splitlines() if line[:1] == "{")
        tick = json.loads(last)
        for n in range(24):
            for step, price in enumerate(("100.00", "110.00")):
                made = {**tick, "symbol": f"S{n:02d}USDT", "price": price,
                        "event_id": f"made-{n}-{step}",
                        "ts_ms": tick["ts_ms"] + 1000 * (2 * n + step),
                        "trade_qty": "5.0"}
                m.ask("XADD", "market_data", "*", "data", json.dumps(made))
        signals = m.added("signals")
        until("signals of many symbols", lambda: len({
            labels for name, labels in cls.series(m)
            if name == "signals_generated_total"}) >= 8)
        assert m.added("signals") >= signals

    @staticmethod
    def many_paths(m):
        """Requests for more paths than a label has values."""
        for child in m.services.values():
            for n in range(24):
                get(child.http, f"/none{n}")

    @staticmethod
    def series(m):
        return [k for k in m.metrics() if k]

    def shown(self):
        """{where: text} of all that monitoring shows."""
        m = self.m
        found = {}
        for page in PAGES:
            found["collector" + page] = get(m.web, page)[1]
        for name, child in m.services.items():
            for page in ("/health", "/status", "/metrics", "/", "/none"):
                found[f"{name}{page}"] = get(child.http, page)[1]
            with open(m.path(f"{name}.log"), encoding="utf-8") as log:
                found[f"log of {name}"] = log.read()
        with open(m.path("collector.log"), encoding="utf-8") as log:
            found["log of the collector"] = log.read()
        for path in pathlib.Path(m.segments).iterdir():
            if path.is_file():
                found["segment " + path.name] = path.read_bytes().decode(
                    "latin-1")
        return found

    def test_no_secret_comes_out(self):
        shown = self.shown()
        self.assertGreater(len(shown["collector/metrics"]), 1000)
        for service in market.SERVICES:
            self.assertTrue(shown[f"log of {service}"], service)
        for where, text in shown.items():
            at = text.find(CANARY)
            self.assertEqual(at, -1, f"{where}: "
                             f"{text[max(0, at - 200):at + 100]}")

    def test_what_was_planted_has_arrived(self):
        """Else nothing is proved."""
        held = self.m.pg.one("SELECT count(*) FROM rejected_messages WHERE "
                             f"encode(data, 'escape') LIKE '%{CANARY}%'")
        self.assertGreaterEqual(int(held), 6)
        for topic in TOPICS:
            self.assertIn(CANARY, self.m.ask("XRANGE", topic, "-", "+"),
                          topic)

    def test_a_bad_connection_string_is_not_cited(self):
        done = subprocess.run(
            [os.path.join(market.pipeline.BIN, "cdb-writer"), "--postgres",
             f"host=/tmp password={CANARY} {CANARY}"],
            capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--postgres", done.stderr)
        self.assertNotIn(CANARY, done.stdout + done.stderr)

    def test_labels_are_few_and_bounded(self):
        values = defaultdict(set)
        for name, labels in self.series(self.m):
            for label, value in labels:
                if label not in ("le", "service"):
                    values[name, label].add(value)
        symbols = values["signals_generated_total", "symbol"]
        self.assertIn("other", symbols)
        for key, found in values.items():
            self.assertLess(len(found), LIMIT, (key, found))


if __name__ == "__main__":
    market.main()
