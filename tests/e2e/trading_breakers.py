# SPDX-License-Identifier: Apache-2.0
"""Each rule of the risk manager that stops orders, through the real services.

usage: trading_breakers.py BUILD [test...]
"""
import json
import os
import shutil
import tempfile

import market
from market import SERVICES, MarketTest, trades
from pipeline import status, until

DEFAULT = {s: ["--profile", "default"] for s in SERVICES}
SURE = ["--latency-ms", "0", "--reject-rate", "0", "--error-rate", "0"]
DAY_MS = 86400000


def rising(n, start=0, price=100.0, step=0.01, ms=1100):
    """A BUY each: a price that rises, on and on."""
    return [(start + i * ms, f"{price + i * step:.8f}") for i in range(n)]


class Breakers(MarketTest):
    def play(self, *recordings, **extra):
        """The pipeline on recordings of (ms, price), each another symbol."""
        folder = tempfile.mkdtemp(prefix="cdb-breaker-")
        self.addCleanup(shutil.rmtree, folder)
        paths = []
        for n, rows in enumerate(recordings):
            paths.append(os.path.join(
                folder, f"{'ABCDEF'[n]}USDT-spot-trades.csv"))
            trades(paths[-1], rows)
        m = self.market(data=paths, **extra).up().collect()
        m.wait_end()
        return m

    def blocked(self, m):
        """What was blocked, and why; counted alike in all places."""
        found = {f"{reason} {cause}".strip(): int(n)
                 for reason, cause, n in m.pg(
            "SELECT reason_code, coalesce(payload->>'cause', ''), count(*) "
            "FROM risk_events WHERE decision = 'BLOCKED' GROUP BY 1, 2")}
        n = status(m.services["risk"])["counters"]
        self.assertEqual(sum(n["blocked"].values()), sum(found.values()))
        self.assertEqual(n["signals"] + n["stop_orders"],
                         n["orders"] + sum(found.values()))
        self.counted(m, n["blocked"])
        return found

    def counted(self, m, blocked):
        """orders_blocked_total says the same, reason by reason."""
        def seen():
            found = dict.fromkeys(blocked, 0)
            for key, value in m.metrics().items():
                if key and key[0] == "orders_blocked_total":
                    found[dict(key[1])["reason"]] = value
            return found

        until("the metric agrees", lambda: seen() == blocked, 20)

    def held(self, m):
        """What is held, as a part of all there is."""
        risk = status(m.services["risk"])
        return float(risk["exposure"]) / float(risk["equity"])

    def codes(self, m):
        return {(a["code"], a["level"]) for a in self.told(m)}

    def test_slippage(self):
        m = self.play(rising(30), execution=[
            "--slippage", "1", "--slippage-cap", "0.05", "--latency-ms", "0"])
        self.assertIn("CIRCUIT_BREAKER SLIPPAGE", self.blocked(m))
        self.assertIn(("CIRCUIT_BREAKER", "CRITICAL"), self.codes(m))

    def test_error_rate(self):
        up_and_down = [(i * 2000, f"{100 + (i % 2) * 0.02:.8f}")
                       for i in range(60)]
        m = self.play(up_and_down, execution=["--reject-rate", "0.5"])
        self.assertIn("CIRCUIT_BREAKER ERROR_RATE", self.blocked(m))
        self.assertIn(("CIRCUIT_BREAKER", "CRITICAL"), self.codes(m))

    def test_order_rate_and_position(self):
        m = self.play(rising(40), risk=["--orders-per-minute", "5"])
        self.assertIn("CIRCUIT_BREAKER ORDER_RATE", self.blocked(m))
        # without that limit the position becomes too large
        m = self.play(rising(16), execution=SURE)
        self.assertEqual(list(self.blocked(m)), ["POSITION"])
        held = self.held(m)
        self.assertAlmostEqual(held, 0.1, delta=0.001)

    def test_exposure(self):
        m = self.play(*[rising(16, start=n * 100) for n in range(6)],
                      execution=SURE, risk=["--orders-per-minute", "0"])
        blocked = self.blocked(m)
        self.assertIn("EXPOSURE", blocked)
        held = self.held(m)
        self.assertGreater(held, 0.48)
        self.assertLess(held, 0.5)

    def test_no_position(self):
        m = self.play(rising(4, step=-0.01))
        self.assertEqual(self.blocked(m), {"NO_POSITION": 3})

    def test_stale_data(self):
        # enough quote volume for the default rules, but a silence of 31 s
        m = self.play([(0, "200000"), (31000, "210000")], **DEFAULT)
        self.assertEqual(self.blocked(m), {"DATA_STALE": 1})
        m = self.play([(0, "200000"), (29999, "210000")], **DEFAULT)
        self.assertEqual(self.blocked(m), {})
        self.assertEqual(m.added("orders"), 1)

    def test_daily_loss_and_stop_loss(self):
        # a position of 10 % falls to a third of its price at once: -6.6 %
        rows = rising(14, step=0.02)
        rows += rising(3, start=rows[-1][0] + 1100, price=33.0, step=0.1)
        m = self.play(rows, execution=SURE)
        self.assertIn("DAILY_LOSS", self.blocked(m))
        risk = status(m.services["risk"])
        self.assertTrue(risk["circuit_breaker"]["halted_by_daily_loss"])
        self.assertEqual(risk["counters"]["stop_orders"], 1)
        self.assertIn(("RISK_LIMIT", "CRITICAL"), self.codes(m))
        self.assertEqual(m.pg.one("SELECT count(*) FROM orders WHERE "
                                  "signal_id IS NULL"), "1")

    def test_drawdown(self):
        # four days that lose 4.5 % each stay below the daily limit
        rows = []
        price = 100.0
        for day in range(5):
            rows += rising(14, start=day * DAY_MS, price=price,
                           step=price / 5000)
            price *= 0.56
            rows.append((rows[-1][0] + 1100, f"{price:.8f}"))
        m = self.play(rows, execution=SURE)
        blocked = self.blocked(m)
        self.assertIn("DRAWDOWN", blocked)
        self.assertNotIn("DAILY_LOSS", blocked)
        self.assertIn("no orders: the drawdown is above its limit",
                      {a["message"] for a in self.told(m)})

    def test_spread(self):
        """Recordings have no quotes: these ticks come from the test."""
        m = self.market()
        m.up("execution", "risk", "signal", "writer", "notify").collect()
        n = 30
        for i in range(n):
            spread = 0.01 if i < n - 1 else 0.06
            price = 100 + 0.02 * (i == n - 1)
            m.ask("XADD", "market_data", "*", "data", json.dumps({
                "schema_version": 1, "event_id": f"{i:032x}",
                "sequence_id": i + 1, "correlation_id": f"{i:032x}", "source": "test", "symbol": "AUSDT",
                "ts_ms": 1700000000000 + i * 1000, "price": f"{price:.8f}",
                "trade_qty": "1", "side": "buy", "bid": f"{price:.8f}",
                "ask": f"{price + spread:.8f}"}), "sent_us", "1")
        m.ask("HSET", "state:feed", "done", "1", "seq", str(n))
        until("decided", lambda: int(m.pg.one(
            "SELECT count(*) FROM pg_tables WHERE tablename='risk_events'"))
            and self.blocked(m))
        self.assertEqual(self.blocked(m), {"CIRCUIT_BREAKER SPREAD": 1})


if __name__ == "__main__":
    market.main()
