# SPDX-License-Identifier: Apache-2.0
"""The tables that no service decides by: metrics, health_checks, what is kept
and for how long, who may do what, and the queries of docs/DATABASE.md.

usage: tables.py BUILD [test...]
"""
import json
import pathlib
import re
import subprocess
import sys
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))
import market  # noqa: E402
from market import NOBODY, SERVICES, MarketTest  # noqa: E402
from pipeline import free_port, get, until  # noqa: E402

WINDOW_S = 2
WALL_TABLES = {"metrics": "ts", "health_checks": "ts",
               "rejected_messages": "rejected_at"}


def psql(m, *words, login="cdb"):
    return subprocess.run(
        ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", *words,
         f"host={m.pg.folder} user={login} dbname=cdb"],
        capture_output=True, text=True, check=False)


def make_tables(m):
    """Let a writer do it, and end it."""
    m.up("writer")
    until("the tables are there", lambda: int(m.pg.one(
        "SELECT count(*) FROM pg_views WHERE viewname = 'latency_means'")))
    m.services.pop("writer").terminate()


class Prometheus:
    """A private one, that scrapes the collector every second."""

    def __init__(self, m):
        self.port = free_port()
        config = m.path("prometheus.yml")
        with open(config, "w", encoding="ascii") as out:
            json.dump({"global": {"scrape_interval": "1s",
                                  "scrape_timeout": "1s"},
                       "scrape_configs": [
                           {"job_name": "all", "static_configs": [
                               {"targets": [f"127.0.0.1:{m.web}"]}]}]}, out)
        with open(m.path("prometheus.txt"), "wb") as log:
            m.children.append(subprocess.Popen(
                ["prometheus", f"--config.file={config}",
                 f"--storage.tsdb.path={m.path('tsdb')}",
                 f"--web.listen-address=127.0.0.1:{self.port}"],
                stdout=log, stderr=log))
        until("Prometheus has scraped", self.has_scraped)

    def has_scraped(self):
        try:
            return self.sums("orders_total", time.time())
        except (OSError, ValueError):
            return False

    def sums(self, name, at):
        """{service: sum} of the series of a name at a moment."""
        query = urllib.parse.urlencode(
            {"query": f"sum by (service) ({name})", "time": at})
        body = json.loads(get(self.port, "/api/v1/query?" + query)[1])
        return {r["metric"]["service"]: float(r["value"][1])
                for r in body["data"]["result"]}


class Tables(MarketTest):
    @classmethod
    def setUpClass(cls):
        """One run: at rest, then everything, then at rest again."""
        cls.m = m = market.Market()
        cls.addClassCleanup(m.close)
        m.collect()
        m.extra["writer"] = ["--sample-s", str(WINDOW_S), "--collector-url",
                             f"http://127.0.0.1:{m.web}"]
        m.up(*(s for s in SERVICES if s != "feed"))
        cls.prometheus = Prometheus(m)
        cls.rest = cls.sampled_after(time.time() + WINDOW_S)
        m.up("feed").wait_end()
        cls.end = cls.sampled_after(time.time() + WINDOW_S)

    @classmethod
    def sampled_after(cls, moment):
        """The moment of a sample behind it, that Prometheus has passed."""
        rows = []

        def there():
            rows[:] = cls.m.pg(
                "SELECT extract(epoch FROM min(ts))::bigint FROM metrics "
                f"WHERE ts > to_timestamp({moment})") if int(cls.m.pg.one(
                    "SELECT count(*) FROM pg_tables WHERE "
                    "tablename = 'metrics'")) else []
            return rows and rows[0][0]

        at = int(until("a sample", there))
        until("Prometheus has passed it", lambda: time.time() > at + 3)
        return at

    def stored(self, at):
        """{(name, service): sum} of the rows of a moment."""
        return {(n, s): float(v) for n, s, v in self.m.pg(
            "SELECT name, service, sum(value) FROM metrics WHERE "
            f"ts = to_timestamp({at}) GROUP BY 1, 2")}

    def test_rows_of_metrics_equal_promql(self):
        """At rest: every counter of the pipeline, at both ends."""
        names = {"market_data_published_total", "cdb_ticks_total",
                 "signals_generated_total", "signals_received_total",
                 "orders_total", "orders_blocked_total",
                 "execution_orders_filled_total",
                 "execution_orders_rejected_total", "cdb_fees_quote_total",
                 "cdb_tick_to_trade_seconds_count",
                 "cdb_tick_to_signal_seconds_sum"}
        for at in (self.rest, self.end):
            rows = self.stored(at)
            for name in names:
                told = self.prometheus.sums(name, at + 1)
                mine = {s: v for (n, s), v in rows.items() if n == name}
                self.assertEqual(mine, told, (name, at))
        self.assertGreater(rows["orders_total", "risk"], 0)

    def test_increase_and_mean_of_a_window_equal_promql(self):
        for hop, service in (("cdb_tick_to_signal", "signal"),
                             ("cdb_signal_to_order", "risk"),
                             ("cdb_order_ack", "execution")):
            name = hop + "_seconds"
            sums = [[self.prometheus.sums(name + tail, at + 1)[service]
                     for at in (self.rest, self.end)]
                    for tail in ("_sum", "_count")]
            (s0, s1), (n0, n1) = sums
            told = self.m.pg(
                "SELECT sum(observed), sum(mean_ms * observed) FROM "
                f"latency_means WHERE name = '{hop}' AND ts > to_timestamp("
                f"{self.rest}) AND ts <= to_timestamp({self.end})")[0]
            self.assertEqual(float(told[0]), n1 - n0)
            self.assertGreater(n1 - n0, 0)
            self.assertAlmostEqual(float(told[1]) / 1000 / (s1 - s0), 1,
                                   places=6)

    def test_rows_in_flight_lie_between_two_scrapes(self):
        """While the counters move: not less than before, nor more than
        after."""
        moving = 0
        for (at,) in self.m.pg(
                "SELECT DISTINCT extract(epoch FROM ts)::bigint FROM metrics "
                f"WHERE ts >= to_timestamp({self.rest}) AND "
                f"ts <= to_timestamp({self.end}) ORDER BY 1"):
            at = int(at)
            before, mine, after = (
                self.prometheus.sums("cdb_ticks_total", at - 2)["signal"],
                self.stored(at)["cdb_ticks_total", "signal"],
                self.prometheus.sums("cdb_ticks_total", at + 3)["signal"])
            self.assertLessEqual(before, mine, at)
            self.assertLessEqual(mine, after, at)
            moving += before < after
        self.assertGreater(moving, 0)

    def test_every_service_tells_its_health(self):
        rows = {r[0]: r for r in self.m.pg(
            "SELECT service, count(*), min(latency_ms) >= 0, "
            "bool_or(status = 'ok'), max(ts) > now() - interval '1 minute' "
            "FROM health_checks GROUP BY 1")}
        self.assertEqual(set(rows), set(SERVICES))
        for service, row in rows.items():
            self.assertEqual(row[2:], ["t", "t", "t"], service)

    def test_every_query_of_the_page_answers(self):
        text = (ROOT / "docs/DATABASE.md").read_text("utf-8")
        queries = re.findall(r"```sql\n(.*?)```", text, re.S)
        self.assertGreaterEqual(len(queries), 10)
        for query in queries:
            done = psql(self.m, "-c", query)
            self.assertEqual(done.returncode, 0, query + done.stderr)
            self.assertTrue(done.stdout.strip(), "no rows: " + query)
        self.assertEqual(self.m.pg.one(
            "SELECT signals - blocked - (orders - stop_orders) "
            "FROM conservation"), "0")

    def test_every_table_of_the_page_exists(self):
        text = (ROOT / "docs/DATABASE.md").read_text("utf-8")
        listed = set(re.findall(r"^\| `(\w+)` \|", text, re.M))
        there = {r[0] for r in self.m.pg(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
        self.assertEqual(listed, there - {"schema_migrations"})


class Roles(MarketTest):
    def test_roles_may_do_what_they_need_and_no_more(self):
        """A writer that may only add ends with the tables of its owner."""
        m = self.market()
        make_tables(m)
        roles = str(ROOT / "services/writer/roles.sql")
        for _ in range(2):
            done = psql(m, "-f", roles)
            self.assertEqual(done.returncode, 0, done.stderr)
        m.pg("CREATE ROLE adds LOGIN IN ROLE cdb_write")
        m.pg("CREATE ROLE looks LOGIN IN ROLE cdb_read")
        m.extra["writer"] = ["--postgres", f"host={m.pg.folder} user=adds "
                             "dbname=cdb", "--keep-days", "1"]
        m.up().wait_end()
        self.assertEqual(m.tables(), market.expected()[1])
        for login, sql in (
                ("adds", "DELETE FROM risk_events"),
                ("adds", "UPDATE trades SET fees = 0"),
                ("adds", "UPDATE orders SET size = 1"),
                ("adds", "UPDATE risk_events SET decision = 'APPROVED'"),
                ("adds", "TRUNCATE metrics"), ("adds", "DROP TABLE metrics"),
                ("adds", "CREATE TABLE mine (a int)"),
                ("adds", "INSERT INTO schema_migrations VALUES ('a', 'b')"),
                ("looks", "INSERT INTO metrics SELECT * FROM metrics"),
                ("looks", "DELETE FROM health_checks"),
                ("looks", "CREATE TABLE mine (a int)")):
            done = psql(m, "-c", sql, login=login)
            self.assertRegex(done.stderr, "permission denied|must be owner",
                             (login, sql))
        for sql in ("SELECT count(*) FROM risk_events",
                    "SELECT * FROM conservation",
                    "SELECT count(*) FROM latency_means"):
            done = psql(m, "-c", sql, login="looks")
            self.assertEqual(done.returncode, 0, done.stderr)


class Retention(MarketTest):
    ROWS = 12001

    def test_old_rows_go_in_bounded_steps_and_young_ones_stay(self):
        m = self.market()
        make_tables(m)
        for sql in (
                "CREATE TABLE steps (name text, n bigint)",
                "CREATE FUNCTION step() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN INSERT INTO steps SELECT TG_TABLE_NAME, count(*) "
                "FROM gone; RETURN NULL; END $$"):
            m.pg(sql)
        for table in WALL_TABLES:
            m.pg(f"CREATE TRIGGER step AFTER DELETE ON {table} REFERENCING "
                 "OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION "
                 "step()")
        for age, rows in (("49 hours", self.ROWS), ("47 hours", 10)):
            m.pg("INSERT INTO metrics SELECT now() - interval "
                 f"'{age}', 's', n::text, '{{}}', 60, 1 FROM "
                 f"generate_series(1, {rows}) n")
            m.pg(f"INSERT INTO health_checks SELECT '{age}' || n, now() - "
                 f"interval '{age}', 's', 'ok', 1 FROM "
                 f"generate_series(1, {rows}) n")
            m.pg(f"INSERT INTO rejected_messages SELECT '{age}', n::text, "
                 f"'e', '', now() - interval '{age}' FROM "
                 f"generate_series(1, {rows}) n")
        m.pg("INSERT INTO risk_events SELECT 'e' || n, 0, 's', 'BLOCKED', "
             f"'R', 1, '{{}}' FROM generate_series(1, {self.ROWS}) n")
        m.extra["writer"] = ["--keep-days", "2"]
        m.up("writer")
        for table, column in WALL_TABLES.items():
            until(f"old rows of {table} are gone", lambda t=table, c=column:
                  m.pg.one(f"SELECT count(*) FROM {t} WHERE {c} < now() - "
                           "interval '48 hours'") == "0")
            self.assertEqual(m.pg.one(
                f"SELECT count(*) FROM {table} WHERE {column} < now() - "
                "interval '46 hours'"), "10", table)
        worst, sum_ = m.pg("SELECT max(n), sum(n) FROM steps")[0]
        self.assertLessEqual(int(worst), 5000)
        self.assertEqual(int(sum_), 3 * self.ROWS)
        self.assertEqual(m.pg.one("SELECT count(*) FROM risk_events"),
                         str(self.ROWS))

    def test_nothing_goes_when_all_is_kept(self):
        m = self.market(writer=["--keep-days", "0"])
        m.up("writer")
        until("the tables are there", lambda: int(m.pg.one(
            "SELECT count(*) FROM pg_views WHERE viewname = "
            "'latency_means'")))
        m.pg("INSERT INTO rejected_messages SELECT 's', 'i', 'e', '', "
             "'2001-01-01'")
        m.up("risk")
        until("it goes on writing", lambda: int(m.pg.one(
            "SELECT count(*) FROM health_checks")) >= 2)
        self.assertEqual(m.pg.one("SELECT count(*) FROM rejected_messages"),
                         "1")


if __name__ == "__main__":
    market.main()
