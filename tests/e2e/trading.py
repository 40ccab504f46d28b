# SPDX-License-Identifier: Apache-2.0
"""The whole trading pipeline: everything is counted once, everywhere.

usage: trading.py BUILD [test...]
"""
import decimal
import json
import os
import random
import re
import shutil
import subprocess
import tempfile

import market
import pipeline
from market import SERVICES, MarketTest
from pipeline import status, until


def told(m):
    with open(m.path("told"), "rb") as lines:
        return sum(1 for _ in lines)


class Trading(MarketTest):
    def test_everything_is_counted_once_everywhere(self):
        m = self.market().up().collect()
        m.wait_end()
        n, filled, rejected, blocked = self.assertBalances(m)
        self.assertGreaterEqual(n["signals"], 300)
        self.assertGreaterEqual(filled, 50)
        self.assertGreaterEqual(rejected, 2)
        self.assertGreaterEqual(len(blocked), 3 if market.RECORDED else 2)
        self.assertEqual(len(status(m.services["risk"])["positions"]), 2)

    def test_three_days_of_candles(self):
        m = self.market(data=self.candles()).up().collect()
        m.wait_end()
        n, filled, _, _ = self.assertBalances(m)
        self.assertGreater(n["signals"], 50)
        self.assertGreater(filled, 10)
        self.assertEqual(m.pg.one(
            "SELECT count(DISTINCT to_timestamp(timestamp_ms / 1000)::date) "
            "FROM risk_events"), "3")

    def candles(self):
        """Three days of one-second candles, recorded or made."""
        days = [f"coinbase_2016100{day}_btcusd_second_trade.csv"
                for day in (7, 8, 9)]
        if market.RECORDED:
            folder = os.path.join(os.environ["CDB_MARKET_DATA"],
                                  "lean_klines")
            return [os.path.join(folder, day) for day in days]
        folder = tempfile.mkdtemp(prefix="cdb-candles-")
        self.addCleanup(shutil.rmtree, folder)
        dice = random.Random(5)
        price = 61500
        for day in days:
            with open(os.path.join(folder, day), "w", encoding="ascii") as f:
                for ms in range(0, 86400000, 25000):
                    for at in (ms, ms + 2000):
                        past, price = price, price + dice.randrange(-9, 10)
                        low, high = sorted((past, price))
                        f.write(",".join((str(at), *(
                            f"{p / 100:.2f}" for p in
                            (past, high, low, price)), "0.5")) + "\n")
        return [os.path.join(folder, day) for day in days]

    def assertBalances(self, m):
        """Redis, PostgreSQL, /status and /metrics count alike."""
        sql = m.pg.one
        risk = status(m.services["risk"])
        n = risk["counters"]
        blocked = {k: v for k, v in n["blocked"].items() if v}
        filled, rejected = (int(sql(
            f"SELECT count(*) FROM trades WHERE status {how} 'FILLED'"))
            for how in ("=", "<>"))
        self.assertEqual(n["ticks"], m.rows)
        self.assertEqual(n["signals"], m.added("signals"))
        self.assertEqual(n["signals"], int(sql("SELECT count(*) FROM signals")))
        self.assertEqual(n["orders"], m.added("orders"))
        self.assertEqual(n["orders"], int(sql("SELECT count(*) FROM orders")))
        self.assertEqual(n["decisions"],
                         int(sql("SELECT count(*) FROM risk_events")))
        self.assertEqual(
            {k: int(v) for k, v in m.pg(
                "SELECT reason_code, count(*) FROM risk_events WHERE "
                "decision = 'BLOCKED' GROUP BY 1")}, blocked)
        # received = generated = orders + blocked; orders = filled + rejected
        self.assertEqual(n["signals"] + n["stop_orders"],
                         n["orders"] + sum(blocked.values()))
        self.assertEqual(n["orders"], filled + rejected)
        self.assertEqual((n["filled"], n["rejected"]), (filled, rejected))
        self.assertEqual(sql("SELECT count(*) FROM orders WHERE status = "
                             "'SUBMITTED'"), "0")
        done = status(m.services["execution"])
        self.assertEqual(done["counters"]["received"], n["orders"])
        self.assertEqual(done["counters"]["filled"], filled)
        self.assertEqual(sql("SELECT count(*) FROM rejected_messages"), "0")
        self.check_metrics(m, n, filled, rejected, blocked)
        self.check_money(m, risk, done)
        self.check_chains(m)
        self.told(m)
        return n, filled, rejected, blocked

    def check_metrics(self, m, n, filled, rejected, blocked):
        """The collector sees what the services counted; they count when a
        transaction has been answered, so give them that moment."""
        want = {"market_data_published_total": m.rows,
                "cdb_ticks_total": m.rows,
                "signals_generated_total": n["signals"],
                "signals_received_total": n["signals"],
                "orders_total": n["orders"],
                "orders_blocked_total": sum(blocked.values()),
                "execution_orders_received_total": n["orders"],
                "execution_orders_filled_total": filled,
                "execution_orders_rejected_total": rejected,
                "cdb_alerts_total": m.added("alerts"),
                "cdb_notifications_sent_total": m.added("alerts")}

        def seen():
            found = dict.fromkeys(want, 0)
            for key, value in m.metrics().items():
                if key and key[0] in found:
                    found[key[0]] += value
            return found

        try:
            until("the metrics agree", lambda: seen() == want, 10)
        except AssertionError:
            self.assertEqual(seen(), want)

    def check_money(self, m, risk, done):
        """Profit and loss from the trades alone."""
        marks = {p["symbol"]: decimal.Decimal(p["price"])
                 for p in risk["positions"]}
        total = decimal.Decimal(0)
        for symbol, held, cash in m.pg("SELECT * FROM cash_flow"):
            total += decimal.Decimal(cash) + \
                decimal.Decimal(held) * marks[symbol]
        self.assertEqual(total, decimal.Decimal(risk["pnl"]["total"]))
        fees = decimal.Decimal(m.pg.one("SELECT sum(fees) FROM trades"))
        self.assertEqual(fees, decimal.Decimal(risk["pnl"]["fees"]))
        self.assertEqual(fees, decimal.Decimal(done["fees"]))
        self.assertGreater(fees, 0)
        realized = m.pg.one("SELECT sum(realized_pnl) FROM positions")
        self.assertEqual(decimal.Decimal(realized),
                         decimal.Decimal(risk["pnl"]["realized"]))

    def check_chains(self, m):
        """Tick to trade can be followed by the ids in every message."""
        broken = m.pg.one(
            "SELECT count(*) FROM trades t LEFT JOIN orders o USING "
            "(order_id) LEFT JOIN signals s ON s.event_id = o.signal_id "
            "LEFT JOIN risk_events r ON r.payload->>'order_id' = o.order_id "
            "WHERE o.order_id IS NULL OR r.event_id IS NULL OR "
            "(o.signal_id IS NOT NULL AND s.event_id IS NULL)")
        self.assertEqual(broken, "0")

    def test_same_again_without_metrics(self):
        m = self.market(**{s: ["--no-metrics"] for s in SERVICES}).up()
        m.wait_end()
        self.assertAsUndisturbed(m)

    def test_another_seed_is_another_run(self):
        m = self.market()
        m.extra = {s: ["--seed", "8"] for s in SERVICES}
        m.up().wait_end()
        digests = m.digests()
        self.assertNotEqual(digests["order_results"],
                            market.expected()[0]["order_results"])

    def test_messages_nobody_understands_stop_nothing(self):
        m = self.market().up()
        bad = [("orders", "{"), ("orders", "[]"), ("orders", '{"a":1}'),
               ("order_results", '{"order_id":"x"}'), ("signals", "\u00e4"),
               ("risk_events", '{"event_id":"e","decision":"MAYBE"}'),
               ("portfolio", '{"event_id":"f\\u0000"}')]
        for topic, text in bad:
            m.ask("XADD", topic, "*", "data", text)
        m.ask("XADD", "signals", "*", "other", "x")
        m.wait_end()
        self.assertEqual(m.pg.one("SELECT count(*) FROM rejected_messages"),
                         str(len(bad) + 1))
        want = market.expected()[1]
        got = m.tables()
        for table in ("orders", "trades", "positions", "risk_events"):
            self.assertEqual(got[table], want[table], table)

    def test_other_rules_are_refused(self):
        m = self.market().up()
        until("some orders", lambda: m.added("orders") > 5)
        for name, option in (("risk", ["--orders-per-minute", "59"]),
                             ("risk", ["--seed", "99"]),
                             ("execution", ["--fee", "0.01"])):
            m.services[name].kill()
            m.services[name].wait()
            child = m.start(name, *m.arguments(name), *option,
                            log="refused.log")
            self.assertEqual(child.wait(20), 2)
            m.up(name)
        m.wait_end()
        self.assertAsUndisturbed(m)

    def test_two_of_each_at_once(self):
        m = self.market().up()
        for name in ("risk", "execution", "writer"):
            m.start(name, *m.arguments(name), log=name + "2.log")
        m.wait_end()
        self.assertAsUndisturbed(m)

    def test_what_has_been_notified_is_acknowledged(self):
        """Also what a command has taken while others were being read."""
        m = self.market(data=[], notify=["--sink-command", "cat >/dev/null"])
        m.up("notify")
        until("there is a group", lambda: "notify" in m.ask(
            "XINFO", "GROUPS", "alerts"))
        alert = json.dumps({
            "schema_version": 1, "event_id": "a", "sequence_id": 1,
            "correlation_id": "a", "type": "alert", "level": "INFO",
            "code": "RISK_LIMIT", "message": "m", "timestamp": 1})
        with open(m.path("told"), "ab"):
            pass
        for n in range(80):
            m.ask("XADD", "alerts", "*", "data", alert)
        until("all are told", lambda: told(m) == 80)
        until("nothing is left", lambda: m.backlog("alerts") == 0, 20)

    def test_waits_for_the_wall_when_live(self):
        """--speed of the exchange: a result comes when it is due."""
        m = self.market(execution=["--speed", "1", "--latency-ms", "400",
                                   "--error-rate", "0"])
        m.up("execution", "risk", "signal")
        until("the rules are told", lambda: m.ask(
            "HGET", "state:execution", "exchange"))
        subprocess.run([os.path.join(pipeline.BIN, "cdb-load"), "--redis",
                        f"127.0.0.1:{m.port}", "--signals", "1"], check=True)
        until("an order", lambda: m.added("orders") == 1)
        until("its result", lambda: m.added("order_results") == 1)
        sent = [int(re.search(r"sent_us\n(\d+)", m.ask(
            "XRANGE", t, "-", "+"))[1]) for t in ("orders", "order_results")]
        self.assertGreaterEqual(sent[1] - sent[0], 400000)
        until("the book has it", lambda:
              status(m.services["risk"])["pending_orders"] == 0)

    def test_orders_answered_out_of_order_are_answered_once(self):
        """Killed while some wait for their time, and later ones are done:
        those are in the pending list, and come again."""
        m = self.market(execution=["--speed", "1", "--latency-ms",
                                   "20-800"], risk=["--orders-per-minute",
                                                      "0"])
        m.up("execution", "risk", "signal")
        until("the rules are told", lambda: m.ask(
            "HGET", "state:execution", "exchange"))
        subprocess.run([os.path.join(pipeline.BIN, "cdb-load"), "--redis",
                        f"127.0.0.1:{m.port}", "--signals", "40"], check=True)
        until("some are held", lambda: m.ask(
            "XPENDING", "orders", "execution").split("\n")[0] != "0")
        m.services["execution"].kill()
        m.services["execution"].wait()
        m.up("execution")
        until("all are answered", lambda: (lambda risk:
              risk["counters"]["signals"] == 40 and
              risk["pending_orders"] == 0)(status(m.services["risk"])))
        ids = re.findall(r'"order_id": ?"(\w+)"', m.ask(
            "--raw", "XRANGE", "order_results", "-", "+"))
        self.assertGreater(len(ids), 5)
        self.assertEqual(len(ids), len(set(ids)))
        self.assertEqual(len(ids), m.added("orders"))
        done = status(m.services["execution"])["counters"]
        self.assertEqual(done["received"], len(ids))


if __name__ == "__main__":
    market.main()
