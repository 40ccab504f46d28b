# SPDX-License-Identifier: Apache-2.0
"""How far signal has come is told at once (services/common/watermark.h).

usage: trading_watermark.py BUILD [test...]
"""
import json
import subprocess

import market
from market import MarketTest
from pipeline import status, until

CHANNEL = "worked:signal"
TICKS = 6000


def order_of(stream_id):
    return tuple(map(int, stream_id.split("-")))


class Listener:
    """All that is published on the channel."""

    def __init__(self, m):
        self.path = m.path("heard")
        with open(self.path, "wb") as out:
            m.children.append(subprocess.Popen(
                ["redis-cli", "-p", str(m.port), "SUBSCRIBE", CHANNEL],
                stdout=out))
        until("it listens", self.lines)

    def lines(self):
        with open(self.path, encoding="ascii") as heard:
            return heard.read().split("\n")[:-1]

    def marks(self):
        """(seq, id) in the order of telling."""
        lines = self.lines()
        for kind, text in zip(lines[::3], lines[2::3]):
            if kind == "message":
                seq, at = text.split(" ")
                yield int(seq), order_of(at)


class Watermark(MarketTest):
    def waiting(self, m):
        return status(m.services["risk"])["waiting"]["ticks"]

    def tell(self, m, seq, at):
        until("risk listens", lambda: m.ask(
            "PUBLISH", CHANNEL, f"{seq} {at}") == "1")

    def test_risk_goes_as_far_as_it_is_told(self):
        """And not before it has the signals that it is told about."""
        m = self.market(data=[]).up("execution", "risk")
        for n in range(1, 6):
            m.tick(n, "AUSDT")
        until("the ticks are there", lambda: self.waiting(m) == 5)
        self.tell(m, 2, "0-0")
        until("two are taken", lambda: self.waiting(m) == 3)
        self.tell(m, 4, "99999999999999-0")
        m.tick(6, "AUSDT")
        until("one more waits, and all that did", lambda: self.waiting(m) == 4)
        m.ask("XADD", "signals", "99999999999999-0", "data", "{")
        until("four are taken", lambda: self.waiting(m) == 2)

    def test_what_is_no_watermark_changes_nothing(self):
        m = self.market(data=[]).up("execution", "risk")
        m.tick(1, "AUSDT")
        until("the tick is there", lambda: self.waiting(m) == 1)
        until("risk listens", lambda: m.ask("PUBLISH", CHANNEL, "") == "1")
        for text in ("x", "1", "1 ", "1 x", "-1 0-0", "1 0-0 0"):
            m.ask("PUBLISH", CHANNEL, text)
        self.tell(m, 1, "0-0")
        until("it is taken", lambda: self.waiting(m) == 0)
        self.assertIsNone(m.services["risk"].poll())

    def test_a_gap_is_told_only_once_the_fence_is_passed(self):
        """Whoever has been taken over may miss what was trimmed since."""
        m = self.market(data=[])
        heard = Listener(m)
        m.up("signal")
        m.tick(1, "AUSDT")
        until("it is committed", lambda: m.state("signal", "seq") == 1)
        m.ask("INCR", "epoch:signal")
        m.tick(5, "AUSDT")
        until("that is, too", lambda: m.state("signal", "seq") == 5)
        until("it is told", lambda: 5 in (seq for seq, _ in heard.marks()))
        # by the life that found its transaction refused: 1, and no more
        self.assertEqual([seq for seq, _ in heard.marks()], [1, 1, 5])

    def test_what_is_told_holds_whoever_dies(self):
        """Nothing comes of a tick any more once it was told, in no life of
        signal: what has come of it stands at or before the id."""
        m = self.market(data=[], feed=["--ticks", str(TICKS), "--rate",
                                       "2000", "--speed", "1"])
        heard = Listener(m)
        m.up("signal", "feed")
        for n in range(1000, TICKS, 1000):
            until("some more ticks", lambda n=n: m.added("market_data") >= n)
            m.services["signal"].kill()
            m.services["signal"].wait()
            m.up("signal")
        until("all are worked off", lambda: m.state("feed", "done") == 1 and
              m.state("signal", "seq") == TICKS)
        seq_of = {}
        for _, found in m.entries("market_data"):
            tick = json.loads(found["data"])
            seq_of[tick["event_id"]] = tick["sequence_id"]
        signals = [(seq_of[json.loads(found["data"])["causation_id"]],
                    order_of(at)) for at, found in m.entries("signals")]
        self.assertGreater(len(signals), 20)
        marks = list(heard.marks())
        self.assertGreater(len(marks), len(signals))
        for seq, at in marks:
            late = [s for s in signals if s[0] <= seq and s[1] > at]
            self.assertEqual(late, [], (seq, at))
        self.assertEqual(marks[-1], (TICKS, signals[-1][1]))


if __name__ == "__main__":
    market.main()
