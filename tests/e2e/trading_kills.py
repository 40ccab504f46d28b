# SPDX-License-Identifier: Apache-2.0
"""Everybody is killed or stopped, again and again, and nothing changes.

The test lets the feed go on stretch by stretch, so that every hit falls into
a run that still has ticks to come, however slow the machine.

usage: trading_kills.py BUILD [test...]
CDB_KILLS: how many hits [16]
"""
import os
import random
import signal
import time

import market
from market import SERVICES, MarketTest
from pipeline import get, until

KILLS = int(os.environ.get("CDB_KILLS", "16"))
VICTIMS = (*SERVICES, "redis", "postgres")
COUNTERS = ("counter", "histogram")


BATCH = 512             # ticks that a feed may be over its limit


def open_gate(m):
    """`gate` is a group of the ticks, and the feed gets ahead of it by as
    much as its stream may be long: one more stretch."""
    last = m.ask("XREVRANGE", "market_data", "+", "-", "COUNT", "1")
    if last:
        m.ask("XGROUP", "SETID", "market_data", "gate", last.split("\n")[0])


class Kills(MarketTest):
    def test_seeded_schedule(self):
        dice = random.Random(20240808)
        rows = sum(map(market.rows_of, market.DATA))
        stretch = max(rows // (KILLS + 2) - BATCH, 64)
        m = self.market(feed=["--stream-limit", str(stretch), "--group",
                              "gate"])
        m.up().collect()
        seen = {}
        hits = []
        for victim in self.schedule(dice):
            self.somewhere(m, dice, stretch)
            self.assertLess(m.added("market_data"), rows, hits)
            hits.append((victim, self.hit(m, dice, victim)))
            m.revive()
            self.never_less(m, seen)
            open_gate(m)
        self.assertEqual({v for v, _ in hits}, set(VICTIMS))
        self.assertEqual({how for _, how in hits}, {"killed", "stopped"})
        m.ask("XGROUP", "DESTROY", "market_data", "gate")
        until("all are back", lambda: all(
            get(c.http, "/health")[0] == 200 for c in m.services.values()))
        m.wait_end()
        self.never_less(m, seen)
        self.assertAsUndisturbed(m, trimmed=("market_data",))

    def schedule(self, dice):
        """All of them in turn, each turn in another order."""
        turn = []
        for _ in range(KILLS):
            if not turn:
                turn = dice.sample(VICTIMS, len(VICTIMS))
            yield turn.pop()

    def somewhere(self, m, dice, stretch):
        """Wait for a moment within the stretch under way."""
        at = m.added("market_data") + dice.randrange(stretch)
        end = time.monotonic() + 2 * dice.random()
        while m.added("market_data") < at and time.monotonic() < end:
            pass

    def hit(self, m, dice, victim):
        process = {"redis": m.redis, "postgres": m.pg.server}.get(
            victim, m.services.get(victim))
        if dice.random() < 0.5:
            process.kill()
            process.wait()
            return "killed"
        stop, go_on = (m.pg.stand_still, m.pg.go_on) \
            if victim == "postgres" else \
            (lambda: process.send_signal(signal.SIGSTOP),
             lambda: process.send_signal(signal.SIGCONT))
        stop()
        time.sleep(dice.random() * 0.7)     # how long it stands still
        go_on()
        return "stopped"

    def never_less(self, m, seen):
        """No counter falls, and none disappears: resets() would be 0."""
        now = m.metrics()
        kinds = now.pop(None)
        for (name, labels), value in now.items():
            family = name
            for tail in ("_bucket", "_count", "_sum"):
                if name.endswith(tail) and name[:-len(tail)] in kinds:
                    family = name[:-len(tail)]
            if kinds[family] in COUNTERS:
                self.assertGreaterEqual(value, seen.get((name, labels), 0),
                                        (name, labels))
                seen[name, labels] = value
        self.assertLessEqual(set(seen), set(now))


if __name__ == "__main__":
    market.main()
