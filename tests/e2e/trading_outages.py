# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL or Redis away, or a full disk: the feed waits, nothing is lost.

usage: trading_outages.py BUILD [test...]
CDB_POSTGRES_AWAY, CDB_REDIS_AWAY: for how many seconds [3, 2]
"""
import os
import shutil
import subprocess
import tempfile
import time

import market
from cases import fill
from market import NOBODY, TOPICS, MarketTest
from pipeline import get, status, until

POSTGRES_AWAY = float(os.environ.get("CDB_POSTGRES_AWAY", "3"))
REDIS_AWAY = float(os.environ.get("CDB_REDIS_AWAY", "2"))
DISK_MB = 96

# Streams so short that the feed soon waits for the slowest.
SHORT = {"feed": ["--stream-limit", "2000"],
         **{s: ["--stream-limit", "200"]
            for s in ("signal", "risk", "execution")}}


class Outages(MarketTest):
    def under_way(self, m):
        until("some is written", lambda: int(m.pg.one(
            "SELECT count(*) FROM pg_tables WHERE tablename = 'orders'")) and
            int(m.pg.one("SELECT count(*) FROM orders")) > 5)

    def value(self, m, name, service):
        """The sum over the series of a service."""
        found = m.metrics()
        found.pop(None)
        return sum(v for (n, labels), v in found.items()
                   if n == name and ("service", service) in labels)

    def held_up(self, m):
        """Back-pressure from the writer to the feed, as an alert sees it.

        A service stops before its stream is at its limit of 200: what comes
        of the next entry must still fit.
        """
        return status(m.services["feed"]).get("replay") == "paused" and \
            self.value(m, "cdb_bus_consumer_lag", "writer") >= 100 and \
            self.value(m, "cdb_bus_consumer_lag", "feed") >= 1000

    def assertRecovers(self, m, bring_back=lambda: None):
        """To the tables of the run that nobody disturbed, without help but
        the supervisor's."""
        def finished():
            bring_back()
            return m.finished()

        until("everything is worked off", finished, 200)
        self.assertAsUndisturbed(m, trimmed=TOPICS)
        for service in m.services:
            until(service + " is healthy again", lambda s=service:
                  self.value(m, "cdb_health_status", s) == 1)
        until("no backlog is shown", lambda: sum(self.value(
            m, "cdb_bus_consumer_lag", s) for s in m.services) == 0)

    def test_database_away(self):
        m = self.market(**SHORT).up().collect()
        self.under_way(m)
        m.pg.kill()
        back = time.monotonic() + POSTGRES_AWAY
        until("the feed waits", lambda: self.held_up(m))
        # what served its connection may outlive it by a moment
        until("the writer says so", lambda: get(
            m.services["writer"].http, "/health")[0] == 503)
        until("it is shown", lambda:
              self.value(m, "cdb_postgres_up", "writer") == 0 and
              self.value(m, "cdb_health_status", "writer") == 0)
        self.assertLess(m.added("market_data"), m.rows)
        time.sleep(max(0, back - time.monotonic()))
        m.pg.start()
        self.assertRecovers(m)
        self.assertEqual(self.value(m, "cdb_postgres_up", "writer"), 1)

    def test_database_stands_still(self):
        m = self.market(**SHORT).up().collect()
        self.under_way(m)
        m.pg.stand_still()
        until("the feed waits", lambda: self.held_up(m))
        m.pg.go_on()
        self.assertRecovers(m)

    def test_redis_away(self):
        m = self.market(**SHORT).up().collect()
        self.under_way(m)
        m.redis_kill()
        back = time.monotonic() + REDIS_AWAY
        for name, child in m.services.items():
            until(name + " says so", lambda n=name, c=child:
                  get(c.http, "/health")[0] == 503 and
                  self.value(m, "cdb_redis_up", n) == 0)
        time.sleep(max(0, back - time.monotonic()))
        m.redis_start()
        self.assertRecovers(m)
        for name, child in m.services.items():
            self.assertIsNone(child.poll(), name)
            self.assertGreaterEqual(
                self.value(m, "cdb_redis_reconnects_total", name), 1)

    def test_disk_of_the_database_full(self):
        disk = self.small_disk()
        m = self.market(tables=os.path.join(disk, "db"), **{
            **SHORT, "feed": [*SHORT["feed"], "--group", "gate"]})
        m.up().collect()
        self.under_way(m)
        # filling takes a while, and the feed waits for this group meanwhile
        filler = os.path.join(disk, "filler")
        fill(filler)
        m.ask("XGROUP", "DESTROY", "market_data", "gate")
        until("the feed waits", lambda: self.held_up(m))
        self.assertEqual(get(m.services["writer"].http, "/health")[0], 503)
        self.assertLess(m.added("market_data"), m.rows)
        os.unlink(filler)
        self.assertRecovers(m, m.revive)
        self.assertEqual(m.pg.one("SELECT count(*) FROM rejected_messages"),
                         "0")

    def small_disk(self):
        folder = tempfile.mkdtemp(prefix="cdb-disk-")
        self.addCleanup(shutil.rmtree, folder)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0755,"
             f"uid={NOBODY.pw_uid},gid={NOBODY.pw_gid}", "cdb-disk", folder],
            capture_output=True, text=True, check=False)
        if done.returncode:
            self.skipTest("no small disk without the right to mount one: " +
                          done.stderr.strip())
        self.addCleanup(subprocess.run, ["umount", folder], check=True)
        return folder


if __name__ == "__main__":
    market.main()
