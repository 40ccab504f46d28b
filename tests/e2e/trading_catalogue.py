# SPDX-License-Identifier: Apache-2.0
"""Every metric of the services moves by the exact amount.

Each test brings about a known number of events, or counts them where the
metrics have no part in it (Redis, PostgreSQL, /proc), and compares.  TABLE
says for each metric of docs/METRICS.md how; a metric without a row, and a row
that no test compared, are failures.

usage: trading_catalogue.py BUILD [test...]
"""
import collections
import decimal
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

import market
from market import SERVICES, Market, MarketTest
from pipeline import get, status, until

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs/METRICS.md"
# metric: what it is compared with ("bound": no exact figure exists)
TABLE = {
    "cdb_bus_consumer_lag": "a group that reads nothing: XLEN (not notify's)",
    "cdb_bus_publish_duration_seconds": "EXECs of Redis's commandstats",
    "cdb_clock_skew_total": "orders stamped in the future",
    "cdb_errors_total": "ticks out of sequence, a transaction that fails, "
                        "symbols beyond the book, /status; bound: kills of "
                        "Redis",
    "cdb_event_loop_stall_seconds": "bound: idle and busy are the wall time",
    "cdb_health_status": "Redis killed and started: /health",
    "cdb_heartbeat_timestamp_seconds": "between two looks at the clock",
    "cdb_http_request_duration_seconds": "requests sent, by route and code",
    "cdb_loop_active_handles": "bound: listener, timers, Redis",
    "cdb_loop_idle_seconds_total": "bound: idle and busy are the wall time",
    "cdb_malloc_arena_bytes": "bound: within the virtual memory",
    "cdb_malloc_in_use_bytes": "bound: within the arena",
    "cdb_malloc_mmap_bytes": "bound: within the virtual memory",
    "cdb_parse_errors_total": "bad rows of the recording; bad messages sent",
    "cdb_redis_reconnects_total": "kills of Redis",
    "cdb_redis_up": "Redis killed and started",
    "cdb_scheduler_hiccup_seconds": "bound: sleeps are the wall time",
    "process_context_switches_total": "/proc/PID/status before and after",
    "process_cpu_seconds_total": "/proc/PID/stat before and after",
    "process_max_fds": "/proc/PID/limits",
    "process_open_fds": "/proc/PID/fd",
    "process_page_faults_total": "/proc/PID/stat before and after",
    "process_resident_memory_bytes": "bound: VmRSS, a tenth",
    "process_start_time_seconds": "/proc/PID/stat",
    "process_threads": "/proc/PID/task",
    "process_virtual_memory_bytes": "/proc/PID/status",
    "cdb_data_staleness_seconds": "the stamp of the last tick",
    "cdb_feed_dropped_total": "duplicates and bad rows of the recording",
    "cdb_feed_gaps_total": "gaps of the recording",
    "cdb_feed_latency_seconds": "count: entries of market_data",
    "cdb_feed_out_of_order_total": "late ids of the recording",
    "market_data_published_total": "entries of market_data",
    "cdb_signals_suppressed_total": "a recording with a known number",
    "cdb_tick_to_signal_seconds": "count: entries of signals",
    "cdb_ticks_total": "entries of market_data",
    "signals_generated_total": "SQL, by symbol",
    "cdb_alerts_total": "entries of alerts, by level",
    "cdb_daily_drawdown_ratio": "SQL over the trades, marks from the ticks",
    "cdb_pending_orders": "orders while execution stands still",
    "cdb_signal_to_order_seconds": "count: SQL, orders that have a signal",
    "cdb_stop_orders_total": "SQL: orders without a signal",
    "cdb_total_exposure_ratio": "SQL over the trades, marks from the ticks",
    "circuit_breaker_active": "a day's loss beyond its limit",
    "orders_blocked_total": "SQL over risk_events, by reason",
    "orders_total": "SQL over orders",
    "signals_received_total": "SQL over signals",
    "cdb_fees_quote_total": "SQL: sum of the fees",
    "cdb_order_ack_seconds": "count: entries of order_results",
    "cdb_order_conservation_difference": "orders stolen from the group",
    "cdb_order_retries_total": "SQL: attempts after the first",
    "cdb_slippage_bps": "SQL: count and sum over the fills",
    "cdb_tick_to_trade_seconds": "count: results that carry a tick's stamp",
    "execution_orders_filled_total": "SQL over trades",
    "execution_orders_received_total": "entries of orders",
    "execution_orders_rejected_total": "SQL over trades",
    "cdb_db_metric_batches_total": "SQL: distinct times in the table metrics",
    "cdb_db_waiting_messages": "bound: some while PostgreSQL is away, then 0",
    "cdb_db_write_seconds": "count: transactions a trigger saw",
    "cdb_postgres_up": "PostgreSQL killed and started",
    "db_writer_events_failed_total": "bad messages sent, by channel",
    "db_writer_events_processed_total": "rows of the tables, by channel",
    "cdb_notifications_failed_total": "alerts that the sink refuses",
    "cdb_notifications_sent_total": "lines of the sink",
}
COMPARED = set()
BOOK_SYMBOLS = 64       # CDB_RISK_SYMBOLS
STORED = {"signals": "signals", "orders": "orders", "order_results": "trades",
          "risk_events": "risk_events", "portfolio": "portfolio_snapshots",
          "health": "health_checks"}
TRIGGER = """
CREATE TABLE seen (id bigint PRIMARY KEY);
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
INSERT INTO seen VALUES (txid_current()) ON CONFLICT DO NOTHING;
RETURN NULL; END $$;
"""


def fields(entry):
    return dict(zip(entry[::2], entry[1::2]))


class Recording:
    """Trades with a known number of faults."""

    def __init__(self, path, seed, n=1500):
        dice = random.Random(seed)
        self.bad, self.gaps, self.twice, self.late = 0, 0, 0, 0
        price, trade_id, held_back = 10000, 5000, None
        with open(path, "w", encoding="ascii") as out:
            for i in range(n):
                # a fall in the middle, for the stop-loss
                price += dice.randrange(-3, 4) - 400 * (i == n // 2)
                row = (f"{price / 100:.2f},1.0,{price / 100:.2f},"
                       f"{1700000000000 + i * 200},False,True\n")
                trade_id += 1
                if i % 100 == 40:
                    self.gaps += 1
                    trade_id += 5
                out.write(f"{trade_id},{row}")
                if i % 300 == 41:
                    self.late += 1
                    out.write(f"{trade_id - 3},{row}")
                if i % 90 == 3:
                    self.twice += 1
                    out.write(f"{trade_id},{row}")
                if i % 70 == 5:
                    self.bad += 1
                    out.write(f"{trade_id},no price,{row}")
        self.ticks = n + self.late


class Watch:
    """The figures of a collector, for tests that compare."""

    def figures(self, m):
        found = m.metrics()
        found.pop(None)
        return found

    def value(self, m, name, service, **labels):
        """The sum over the series that have these labels."""
        want = {("service", service), *labels.items()}
        return sum(v for (n, has), v in self.figures(m).items()
                   if n == name and want <= set(has))

    def reaches(self, m, name, service, want, **labels):
        """The metric becomes what `want` (a figure, or a function) is."""
        COMPARED.add(re.sub("_(count|sum)$", "", name))
        seen = []

        def same():
            wanted = want() if callable(want) else want
            seen[:] = [self.value(m, name, service, **labels), wanted]
            return abs(seen[0] - float(wanted)) < 1e-9 * max(1, seen[0])

        with self.subTest(name, service=service, **labels):
            try:
                until(name, same, 20)
            except AssertionError:
                self.fail(f"{name} of {service} {labels}: {seen[0]}, not "
                          f"{seen[1]}")

    def within(self, name, low, value, high):
        COMPARED.add(re.sub("_(count|sum)$", "", name))
        with self.subTest(name):
            self.assertLessEqual(low, value)
            self.assertLessEqual(value, high)


class Catalogue(Watch, MarketTest):
    """One run on a faulty recording; then what a run does not bring."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cdb-catalogue-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        paths = [os.path.join(cls.folder, f"{c}USDT-spot-trades.csv")
                 for c in "AB"]
        cls.made = [Recording(p, seed) for seed, p in enumerate(paths)]
        m = cls.m = Market(data=paths, execution=[
            "--error-rate", "0.3", "--reject-rate", "0.1", "--retries", "2"],
            notify=["--sink-command", "grep -vq REFUSE"])
        cls.addClassCleanup(m.close)
        m.rows = sum(r.ticks for r in cls.made)
        m.collect()
        m.extra["writer"] = ["--collector-url", f"http://127.0.0.1:{m.web}",
                             "--sample-s", "1"]
        m.up("writer")
        until("there are tables", lambda: m.pg.one(
            "SELECT count(*) FROM pg_tables WHERE tablename = "
            "'rejected_messages'") == "1")
        m.pg(TRIGGER + "".join(
            f"CREATE TRIGGER see AFTER INSERT ON {t} EXECUTE FUNCTION see();"
            for t in (*STORED.values(), "rejected_messages")))
        m.up(*(s for s in SERVICES if s != "writer"))
        m.wait_end(60)

    def sql(self, text):
        return float(self.m.pg.one(text) or 0)

    def test_feed(self):
        m = self.m
        bad, gaps, twice, late = (sum(getattr(r, k) for r in self.made) for k
                                  in ("bad", "gaps", "twice", "late"))
        for name, want, labels in (
                ("market_data_published_total", m.added("market_data"), {}),
                ("cdb_feed_latency_seconds_count", m.rows, {}),
                ("cdb_feed_gaps_total", gaps, {}),
                ("cdb_feed_out_of_order_total", late, {}),
                ("cdb_feed_dropped_total", twice, {"reason": "duplicate"}),
                ("cdb_feed_dropped_total", bad, {"reason": "bad_row"}),
                ("cdb_parse_errors_total", bad, {})):
            self.reaches(m, name, "feed", want, **labels)

    def test_signal_and_risk(self):
        m = self.m
        signals = m.added("signals")
        self.reaches(m, "cdb_ticks_total", "signal", m.added("market_data"))
        self.reaches(m, "cdb_tick_to_signal_seconds_count", "signal", signals)
        for symbol, n in m.pg("SELECT symbol, count(*) FROM signals "
                              "GROUP BY 1"):
            self.reaches(m, "signals_generated_total", "signal", n,
                         symbol=symbol)
        count = "SELECT count(*) FROM orders WHERE signal_id IS "
        self.reaches(m, "signals_received_total", "risk", signals)
        self.reaches(m, "orders_total", "risk", m.added("orders"))
        self.reaches(m, "cdb_stop_orders_total", "risk",
                     self.sql(count + "NULL"))
        self.assertGreater(self.sql(count + "NULL"), 0)
        self.reaches(m, "cdb_signal_to_order_seconds_count", "risk",
                     self.sql(count + "NOT NULL"))
        blocked = m.pg("SELECT reason_code, count(*) FROM risk_events WHERE "
                       "decision = 'BLOCKED' GROUP BY 1")
        self.assertGreater(len(blocked), 1)
        for reason, n in blocked:
            self.reaches(m, "orders_blocked_total", "risk", n, reason=reason)
        self.reaches(m, "orders_blocked_total", "risk",
                     sum(int(n) for _, n in blocked))

    def test_execution(self):
        m = self.m
        fills = "FROM trades WHERE status = 'FILLED'"
        slips = f"(SELECT greatest(slippage_bps, 0) AS s {fills}) x"
        for name, text in (
                ("execution_orders_received_total",
                 "SELECT count(*) FROM orders"),
                ("execution_orders_filled_total", f"SELECT count(*) {fills}"),
                ("execution_orders_rejected_total",
                 "SELECT count(*) FROM trades WHERE status <> 'FILLED'"),
                ("cdb_order_retries_total",
                 "SELECT sum(attempts - 1) FROM trades"),
                ("cdb_fees_quote_total", "SELECT sum(fees) FROM trades"),
                ("cdb_slippage_bps_count", f"SELECT count(*) FROM {slips}"),
                ("cdb_slippage_bps_sum", f"SELECT sum(s) FROM {slips}"),
                ("cdb_order_ack_seconds_count",
                 "SELECT count(*) FROM trades"),
                ("cdb_tick_to_trade_seconds_count",
                 "SELECT count(*) FROM trades")):
            self.assertGreater(self.sql(text), 0, name)
            self.reaches(m, name, "execution", self.sql(text))

    def test_money(self):
        m = self.m
        last = {}
        for entry in m.ask("--raw", "XRANGE", "market_data", "-",
                           "+").splitlines():
            if entry[:1] == "{":
                tick = json.loads(entry)
                last[tick["symbol"]] = decimal.Decimal(tick["price"])
        equity, held = decimal.Decimal(10000), decimal.Decimal(0)
        for symbol, size, cash in m.pg("SELECT * FROM cash_flow"):
            held += decimal.Decimal(size) * last[symbol]
            equity += decimal.Decimal(cash)
        equity += held
        self.reaches(m, "cdb_total_exposure_ratio", "risk", held / equity)
        self.reaches(m, "cdb_daily_drawdown_ratio", "risk",
                     max(0, 1 - equity / 10000))

    def test_alerts_and_notifications(self):
        m = self.m
        levels = collections.Counter(
            json.loads(line)["level"] for line in
            m.ask("--raw", "XRANGE", "alerts", "-", "+").splitlines()
            if line[:1] == "{")
        self.assertGreater(sum(levels.values()), 0)
        for level in ("INFO", "WARNING", "CRITICAL"):
            self.reaches(m, "cdb_alerts_total", "risk", levels[level],
                         level=level)

    def test_notifications(self):
        m = self.m
        self.reaches(m, "cdb_notifications_sent_total", "notify",
                     m.added("alerts"))
        for summary in ("one", "two", "REFUSE"):
            self.assertEqual(self.request("notify", "POST", "/webhook",
                                          json.dumps({"alerts": [{
                "status": "firing", "fingerprint": summary,
                "startsAt": "2024-01-01T00:00:00Z",
                "labels": {"alertname": "A", "severity": "warning"},
                "annotations": {"summary": summary}}]})), 200)
            if summary != "REFUSE":
                self.reaches(m, "cdb_notifications_sent_total", "notify",
                             lambda: self.lines())
        self.reaches(m, "cdb_notifications_failed_total", "notify", 1)

    def lines(self):
        with open(self.m.path("told"), encoding="utf-8") as told:
            return sum("REFUSE" not in line for line in told)

    def request(self, service, method, path, body=None):
        c = http.client.HTTPConnection("127.0.0.1",
                                       self.m.services[service].http,
                                       timeout=20)
        try:
            c.request(method, path, body)
            return c.getresponse().status
        finally:
            c.close()

    def test_http(self):
        name = "cdb_http_request_duration_seconds_count"
        asked = (("GET", "/health", 200, 5), ("GET", "/status", 200, 4),
                 ("GET", "/metrics", 307, 3), ("GET", "/none", 404, 2),
                 ("DELETE", "/health", 405, 1))
        for service in SERVICES:
            for method, path, code, n in asked:
                route = path[1:].replace("none", "other")
                labels = {"route": route, "code": str(code)}
                before = self.value(self.m, name, service, **labels)
                for _ in range(n):
                    self.assertEqual(self.request(service, method, path),
                                     code)
                self.reaches(self.m, name, service, before + n, **labels)

    def test_handles(self):
        """A listener, timers and the connection to Redis at least."""
        for service in SERVICES:
            self.within("cdb_loop_active_handles", 4, self.value(
                self.m, "cdb_loop_active_handles", service), 30)

    def test_lag(self):
        m = self.m
        topics = {"feed": "market_data", "signal": "market_data",
                  "risk": "signals", "execution": "orders",
                  "writer": "risk_events"}
        for service, topic in topics.items():
            self.reaches(m, "cdb_bus_consumer_lag", service, 0, topic=topic)
        for topic in set(topics.values()):
            m.ask("XGROUP", "CREATE", topic, "idle", "0")
        try:
            for service, topic in topics.items():
                n = int(m.ask("XLEN", topic))
                self.assertGreater(n, 0)
                self.reaches(m, "cdb_bus_consumer_lag", service, n,
                             topic=topic)
        finally:
            for topic in set(topics.values()):
                m.ask("XGROUP", "DESTROY", topic, "idle")

    def test_transactions(self):
        """Redis counts the EXECs of all."""
        m = self.m
        name = "cdb_bus_publish_duration_seconds_count"

        def execs():
            found = re.search(r"cmdstat_exec:calls=(\d+)",
                              m.ask("INFO", "commandstats"))
            return int(found[1]) if found else 0

        def published():
            return sum(self.value(m, name, s) for s in SERVICES)

        def agree():
            before, seen, after = execs(), published(), execs()
            return before - len(SERVICES) <= seen <= after
        COMPARED.add("cdb_bus_publish_duration_seconds")
        until("as many as Redis has executed", agree, 20)

    def test_process(self):
        m = self.m
        tick = os.sysconf("SC_CLK_TCK")
        for service in SERVICES:
            pid = m.services[service].pid
            proc = f"/proc/{pid}/"

            def read(name, p=proc):
                with open(p + name, encoding="ascii") as f:
                    return f.read()

            def stat(*columns):
                found = read("stat").rsplit(")", 1)[1].split()
                return sum(int(found[c - 3]) for c in columns)

            def word(key):
                return int(re.search(key + r":\s+(\d+)", read("status"))[1])

            for name, want in (
                    ("process_open_fds",
                     lambda p=proc: len(os.listdir(p + "fd"))),
                    ("process_threads",
                     lambda p=proc: len(os.listdir(p + "task"))),
                    ("process_max_fds", int(re.search(
                        r"Max open files\s+(\d+)", read("limits"))[1])),
                    ("process_virtual_memory_bytes",
                     lambda: word("VmSize") * 1024)):
                self.reaches(m, name, service, want)
            for name, now, labels, slack in (
                    ("process_cpu_seconds_total",
                     lambda: stat(14, 15) / tick, {}, 2 / tick),
                    ("process_page_faults_total", lambda: stat(10),
                     {"kind": "minor"}, 0),
                    ("process_page_faults_total", lambda: stat(12),
                     {"kind": "major"}, 0)):
                low = now()
                until(name, lambda n=name, lb=labels, lo=low - slack:
                      self.value(m, n, service, **lb) >= lo, 20)
                value = self.value(m, name, service, **labels)
                self.within(name, low - slack, value, now() + slack)
            name = "process_resident_memory_bytes"
            self.within(name, word("VmRSS") * 900,
                        self.value(m, name, service), word("VmRSS") * 1150)
            with open("/proc/stat", encoding="ascii") as f:
                booted = int(re.search(r"btime (\d+)", f.read())[1])
            start = booted + stat(22) / tick
            name = "process_start_time_seconds"
            self.within(name, start - 2, self.value(m, name, service),
                        start + 2)
            self.switches(service, word)
            arena, used, mapped = (self.value(
                m, f"cdb_malloc_{k}_bytes", service)
                for k in ("arena", "in_use", "mmap"))
            size = word("VmSize") * 1024
            self.within("cdb_malloc_arena_bytes", 4096, arena, size)
            self.within("cdb_malloc_in_use_bytes", 1024, used, arena)
            self.within("cdb_malloc_mmap_bytes", 0, mapped, size)

    def switches(self, service, word):
        """Of the whole process: at least those of its first thread."""
        name = "process_context_switches_total"
        for kind in ("voluntary", "nonvoluntary"):
            label = kind.replace("nonv", "inv")
            low = word(kind + "_ctxt_switches")
            until(name, lambda k=label, lo=low: self.value(
                self.m, name, service, kind=k) >= lo, 20)
            COMPARED.add(name)

    def test_time(self):
        """Heartbeats; and waiting and working are all the time there is."""
        m = self.m

        def spent(service):
            return self.value(m, "cdb_loop_idle_seconds_total", service)

        def busy(service):
            return self.value(m, "cdb_event_loop_stall_seconds_sum", service)

        def slept(service):
            return self.value(m, "cdb_scheduler_hiccup_seconds_count",
                              service) / 100 + \
                self.value(m, "cdb_scheduler_hiccup_seconds_sum", service)

        def turn(service):
            """Just after the idle time has been told."""
            was = spent(service)
            until("idle time", lambda: spent(service) != was, 20)
            return time.monotonic(), spent(service) + busy(service), \
                slept(service)

        for service in SERVICES[:2]:
            t0 = time.time()
            until("a heartbeat", lambda s=service, t=t0: self.value(
                m, "cdb_heartbeat_timestamp_seconds", s) >= t, 20)
            self.within("cdb_heartbeat_timestamp_seconds", t0, self.value(
                m, "cdb_heartbeat_timestamp_seconds", service), time.time())
            (a, loop_a, sleep_a), (b, loop_b, sleep_b) = turn(service), \
                turn(service)
            for name in ("cdb_loop_idle_seconds_total",
                         "cdb_event_loop_stall_seconds"):
                self.within(name, b - a - 1, loop_b - loop_a, b - a + 1)
            self.within("cdb_scheduler_hiccup_seconds", b - a - 1,
                        sleep_b - sleep_a, b - a + 1)

    def test_writer(self):
        m = self.m
        failed = collections.Counter()
        for topic, bad in (("signals", 2), ("orders", 1), ("portfolio", 3)):
            for _ in range(bad):
                m.ask("XADD", topic, "*", "data", "{")
            failed[topic] = bad
            self.reaches(m, "db_writer_events_failed_total", "writer", bad,
                         channel=topic)
        for topic, service in (("signals", "risk"), ("orders", "execution")):
            self.reaches(m, "cdb_parse_errors_total", service, failed[topic])
        # the bad one of test_database_away, too
        self.reaches(m, "cdb_parse_errors_total", "writer", lambda: self.sql(
            "SELECT count(*) FROM rejected_messages"))
        for topic, table in STORED.items():
            self.reaches(m, "db_writer_events_processed_total", "writer",
                         lambda t=table: self.sql(
                             f"SELECT count(*) FROM {t}"), channel=topic)
        self.reaches(m, "cdb_db_metric_batches_total", "writer",
                     lambda: self.sql(
                         "SELECT count(DISTINCT ts) FROM metrics"))
        self.reaches(m, "cdb_db_write_seconds_count", "writer",
                     lambda: self.sql("SELECT count(*) FROM seen"))

    def test_database_away(self):
        m = self.m
        self.reaches(m, "cdb_postgres_up", "writer", 1)
        m.pg.kill()
        try:
            m.ask("XADD", "health", "*", "data", "{")
            self.reaches(m, "cdb_postgres_up", "writer", 0)
            self.reaches(m, "cdb_health_status", "writer", 0)
            until("messages wait", lambda: self.value(
                m, "cdb_db_waiting_messages", "writer") >= 1, 20)
            until("some tries fail", lambda: self.failures() > 2)
        finally:
            m.pg.start()
        self.reaches(m, "cdb_postgres_up", "writer", 1)
        self.reaches(m, "cdb_db_waiting_messages", "writer", 0)
        self.reaches(m, "cdb_errors_total", "writer", self.failures,
                     kind="database")

    def failures(self):
        return status(self.m.services["writer"])["counters"]["failures"]

    def test_redis_killed(self):
        names = "cdb_redis_reconnects_total", "cdb_errors_total"
        m = Market(data=[]).collect()
        self.addCleanup(m.close)
        m.up(*SERVICES[1:])

        def all_are(up):
            for service in SERVICES[1:]:
                self.reaches(m, "cdb_redis_up", service, up)
                self.reaches(m, "cdb_health_status", service, lambda s=service:
                             get(m.services[s].http, "/health")[0] == 200)
        all_are(1)
        for kills in (1, 2):
            m.redis_kill()
            all_are(0)
            m.redis_start()
            all_are(1)
            for service in SERVICES[1:]:
                self.reaches(m, names[0], service, kills)
                self.assertGreaterEqual(
                    self.value(m, names[1], service, kind="redis"), kills)

    def test_orders_that_wait_or_vanish(self):
        m = Market(data=[], execution=["--latency-ms", "0"]).collect()
        self.addCleanup(m.close)
        m.up("execution", "risk", "signal")
        name = "cdb_order_conservation_difference"
        until("there is a group", lambda: "execution" in m.ask(
            "XINFO", "GROUPS", "orders"))
        self.reaches(m, name, "execution", 0)
        m.services["execution"].kill()
        m.services["execution"].wait()
        for _ in range(3):
            m.ask("XADD", "orders", "*", "data", "{")
        m.ask("XREADGROUP", "GROUP", "execution", "thief", "COUNT", "3",
              "NOACK", "STREAMS", "orders", ">")
        m.up("execution")
        self.reaches(m, name, "execution", 3)

    def test_suppressed_and_loss(self):
        """A price that rises: the first move of a second is a signal; it
        falls to a third, and the day is over."""
        path = os.path.join(self.folder, "CUSDT-spot-trades.csv")
        rows = [(i * 550, f"{100 + i * 0.02:.2f}") for i in range(30)]
        rows += [(rows[-1][0] + 550 * i, f"{33 + i * .1:.2f}")
                 for i in range(1, 4)]
        market.trades(path, rows)
        m = Market(data=[path], execution=[
            "--latency-ms", "0", "--reject-rate", "0",
            "--error-rate", "0"]).collect()
        self.addCleanup(m.close)
        m.up().wait_end(60)
        moves = len(rows) - 1       # each is beyond the threshold
        self.reaches(m, "cdb_signals_suppressed_total", "signal",
                     moves - m.added("signals"), reason="cooldown")
        self.assertGreater(moves - m.added("signals"), 10)
        self.reaches(m, "circuit_breaker_active", "risk", 1)

    def test_silence(self):
        """The feed waits for a tick of tomorrow."""
        path = os.path.join(self.folder, "DUSDT-spot-trades.csv")
        market.trades(path, [(0, "100"), (86400000, "100")])
        m = Market(data=[path], feed=["--speed", "1"]).collect()
        self.addCleanup(m.close)
        m.up("feed")
        until("a tick", lambda: m.added("market_data") == 1)
        sent = int(re.search(r"sent_us\n(\d+)", m.ask(
            "XRANGE", "market_data", "-", "+"))[1]) / 1e6
        name = "cdb_data_staleness_seconds"
        until("silence", lambda: self.value(m, name, "feed") > 1)
        alive = self.value(m, "cdb_heartbeat_timestamp_seconds", "feed")
        self.within(name, alive - sent - 1, self.value(m, name, "feed"),
                    time.time() - sent)

    def test_signal_alone(self):
        """A gap of the feed's numbers is an error; and too little volume
        makes no signal of a large move."""
        m = Market(profile="default", data=[]).collect()
        self.addCleanup(m.close)
        m.up("signal")
        for i, n in enumerate((1, 5, 6, 9)):
            m.tick(n, "AUSDT", price="110" if i else "100")
        self.reaches(m, "cdb_ticks_total", "signal", 4)
        self.reaches(m, "cdb_errors_total", "signal", 2, kind="sequence")
        self.reaches(m, "cdb_signals_suppressed_total", "signal", 3,
                     reason="volume")

    def test_a_transaction_that_fails(self):
        """MULTI does not roll back: signal counts it and ends."""
        m = Market(data=[]).collect()
        self.addCleanup(m.close)
        m.up("signal")
        until("there is a group", lambda: "signal" in m.ask(
            "XINFO", "GROUPS", "market_data"))
        m.ask("SET", "state:signal", "no hash")
        m.tick(1, "AUSDT")
        self.assertEqual(m.services["signal"].wait(20), 1)
        self.reaches(m, "cdb_errors_total", "signal", 1, kind="transaction")

    def test_more_symbols_than_the_book_has_room_for(self):
        m = Market(data=[], execution=["--latency-ms", "0"]).collect()
        self.addCleanup(m.close)
        m.up("execution", "risk")
        n = BOOK_SYMBOLS + 3
        for i in range(n):
            m.tick(i + 1, f"A{i}USDT")
        m.ask("HSET", "state:signal", "seq", str(n))
        self.reaches(m, "cdb_errors_total", "risk", 3, kind="book")

    def test_clocks_that_differ(self):
        order = next(line for line in self.m.ask(
            "--raw", "XRANGE", "orders", "-", "+").splitlines()
            if line[:1] == "{" and '"order_id"' in line)
        m = Market(data=[], execution=["--latency-ms", "0"]).collect()
        self.addCleanup(m.close)
        m.up("execution")
        future = str(int(time.time() + 86400) * 1000000)
        m.ask("XADD", "orders", "*", "data", order, "sent_us", future,
              "origin_us", future)
        self.reaches(m, "cdb_clock_skew_total", "execution", 2)
        for name in ("cdb_order_ack", "cdb_tick_to_trade"):
            self.reaches(m, name + "_seconds_count", "execution", 0)

    def test_orders_that_wait(self):
        m = Market(data=[], execution=["--latency-ms", "0"]).collect()
        self.addCleanup(m.close)
        m.up("execution", "risk", "signal")
        until("the rules are told", lambda: m.ask(
            "HGET", "state:execution", "exchange"))
        m.services["execution"].send_signal(market.signal.SIGSTOP)
        subprocess.run([os.path.join(market.pipeline.BIN, "cdb-load"),
                        "--redis", f"127.0.0.1:{m.port}", "--signals", "1"],
                       check=True)
        self.reaches(m, "cdb_pending_orders", "risk", 1)
        m.services["execution"].send_signal(market.signal.SIGCONT)
        self.reaches(m, "cdb_pending_orders", "risk", 0)

    def test_zz_the_table_is_complete(self):
        with open(DOCS, encoding="utf-8") as docs:
            shown = set(re.findall(r"^\| `(\w+)`", docs.read(), re.M))
        shown = {n for n in shown if not n.startswith("smx_")}
        self.assertEqual(set(TABLE), shown)
        self.assertLessEqual(COMPARED, shown)
        if len(sys.argv) == 1:          # all tests have run
            self.assertEqual(set(TABLE) - COMPARED, set())


if __name__ == "__main__":
    market.main()
