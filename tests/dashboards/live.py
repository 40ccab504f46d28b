# SPDX-License-Identifier: Apache-2.0
"""Every expression of every dashboard before a real Prometheus, while the
real pipeline replays a recording; then the principal figures against counts
in which no metric has a part.

What Grafana would put in for its variables is put in here.
"""
import json
import math
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse

import model

sys.path.insert(0, str(model.ROOT / "tests/e2e"))
import stack                    # noqa: E402

SPEED = 25                      # the recording takes 650 s / SPEED
SERVICES = {"feed", "signal", "risk", "execution", "writer", "notify"}
# Expressions that may have no data in this run, and why.
EMPTY = {
    "process_memory_limit_bytes": "no cgroup limits memory outside containers",
}


NOTE = model.load()["1-system-health"]["annotations"]["list"][0]["expr"]


class Board:
    """The dashboards of one run, and the Prometheus that they ask."""

    def __init__(self, run, symbols):
        self.run = run
        self.symbols = symbols
        self.values = {"$__rate_interval": "1m", "$interval": "1m",
                       "$service": f"({'|'.join(sorted(SERVICES))})",
                       "$symbol": f"({'|'.join(sorted(symbols))})"}

    def ask(self, path, **words):
        """`data` of the answer; a wrong expression is a failure."""
        address = self.run.now["parts"]["prometheus"]["address"]
        url = f"http://{address}/api/v1/{path}?{urllib.parse.urlencode(words)}"
        try:
            with stack.DIRECT.open(url, timeout=30) as reply:
                return json.load(reply)["data"]
        except urllib.error.HTTPError as err:
            raise AssertionError(f"{words}: {err.read().decode()}") from err

    def filled_in(self, text):
        for name, value in self.values.items():
            text = text.replace(name, value)
        assert "$" not in text, text
        return text

    def series(self, query, now):
        """As its panel asks: [(labels, values)...]"""
        expr = self.filled_in(query.expr)
        if query.instant:
            data = self.ask("query", query=expr, time=now)
            assert data["resultType"] == "vector", (query, data)
            return [(s["metric"], [float(s["value"][1])])
                    for s in data["result"]]
        data = self.ask("query_range", query=expr, start=now - 60, end=now,
                        step=5)
        assert data["resultType"] == "matrix", (query, data)
        return [(s["metric"], [float(v) for _, v in s["values"]])
                for s in data["result"]]

    def shown(self, uid, title, ref="A"):
        """What a panel of figures says now: {legend: figure}"""
        query = next(q for board in model.load().values()
                     for q in model.queries(board)
                     if (q.dashboard, q.panel, q.ref) == (uid, title, ref))
        assert query.instant, query
        return {legend(query, labels): values[0] for labels, values
                in self.series(query, time.time())}


def legend(query, labels):
    return re.sub(r"\{\{\s*(\w+)\s*\}\}",
                  lambda field: labels[field[1]], query.legend)


def may_be_empty(query):
    return [reason for part, reason in EMPTY.items() if part in query.expr]


def faults_of(query, found):
    """What is wrong with the series that an expression gave."""
    if not all(map(math.isnan, (v for _, values in found for v in values))):
        pass
    elif not may_be_empty(query):
        yield "nothing but NaN" if found else "no data"
    for labels, _ in found:
        missing = model.fields(query.legend) - labels.keys()
        if missing:
            yield f"no label {missing} in {labels}"
            return
    names = [legend(query, labels) for labels, _ in found]
    for name in {n for n in names if names.count(n) > 1}:
        yield f"two series are called {name}"
    if query.format == "heatmap":
        yield from faults_of_buckets(found)


def faults_of_buckets(found):
    bounds = {labels.get("le") for labels, _ in found}
    if any(labels.keys() != {"le"} for labels, _ in found):
        yield "buckets have other labels than le"
    if "+Inf" not in bounds or len(bounds) < 10:
        yield f"buckets {sorted(bounds)}"
    if not any(v > 0 for _, values in found for v in values):
        yield "all buckets are empty"


def every_expression_has_data(board):
    now = time.time()
    faults, asked, unused = [], 0, set(EMPTY)
    for dashboard in model.load().values():
        for query in model.queries(dashboard):
            asked += 1
            found = board.series(query, now)
            unused -= {part for part in EMPTY if part in query.expr}
            faults += [f"{query.dashboard}: {query.panel} {query.ref}: "
                       f"{fault}: {query.expr}"
                       for fault in faults_of(query, found)]
    assert not faults, "\n".join(faults)
    assert not unused, f"no expression has {unused}"
    print(f"# {asked} expressions have data of their shape")


def every_variable_has_values(board):
    for name, dashboard in model.load().items():
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                values = options(board, variable["query"]["query"])
                want = {"service": SERVICES, "symbol": board.symbols}
                assert values == want[variable["name"]], (name, values)
            elif variable["type"] == "interval":
                assert variable["query"].split(",") == [
                    o["value"] for o in variable["options"]], name


def options(board, query):
    metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)",
                                 query).groups()
    return set(board.ask(f"label/{label}/values", **{"match[]": metric}))


# What would be wrong with a panel, and what is said of it.
WRONG = [("no data", dict(expr="sum(rate(cdb_tikcs_total[1m]))")),
         ("no data", dict(expr='cdb_health_status{service="sginal"}')),
         ("no data", dict(expr="histogram_quantile(0.9, "
                          "sum(rate(cdb_order_ack_seconds_bucket[1m])))")),
         ("nothing but NaN", dict(expr="sum(up) * 0 / 0")),
         ("no label", dict(expr="sum(cdb_health_status)",
                           legend="{{service}}")),
         ("two series are called", dict(expr="cdb_health_status",
                                        legend="health")),
         ("buckets", dict(expr="sum(cdb_order_ack_seconds_bucket)",
                          format="heatmap")),
         ("all buckets are empty", dict(format="heatmap", expr=
             "sum by (le) (cdb_order_ack_seconds_bucket) * 0"))]


def what_is_wrong_is_noticed(board):
    any_query = next(model.queries(model.load()["1-system-health"]))
    for says, change in WRONG:
        query = any_query._replace(
            **{"instant": False, "legend": "x", **change})
        said = [*faults_of(query, board.series(query, time.time()))]
        assert any(says in fault for fault in said), (query, said)


def foreign_metrics_exist(board):
    """Those of Prometheus itself are on no list of ours."""
    there = set(board.ask("label/__name__/values"))
    for dashboard in model.load().values():
        for query in model.queries(dashboard):
            for name in model.metrics(query.expr):
                assert (not name.startswith(model.FOREIGN) or
                        name in there), query


def exemplars_name_orders(board):
    now, found = time.time(), 0
    for dashboard in model.load().values():
        for _, panel in model.panels(dashboard):
            for target in panel.get("targets", []):
                if not target.get("exemplar"):
                    continue
                series = board.ask(
                    "query_exemplars", start=now - 60, end=now,
                    query=board.filled_in(target["expr"]))
                labels = [e["labels"] for s in series for e in s["exemplars"]]
                assert labels and all(l["order_id"] for l in labels), series
                found += 1
    assert found, "no panel shows exemplars"


def sql(run, text):
    _, said = run("sql", "-XAtqF", " ", "-c", text, check=0)
    return [line.split(" ") for line in said.splitlines() if line]


def count(run, text):
    return int(sql(run, f"SELECT count(*) FROM {text}")[0][0])


def counted_elsewhere(run, rows):
    """{legend of the funnel: count} by Redis, PostgreSQL and the segments."""
    dumped = subprocess.run(
        [stack.os.environ["CDB_BUILD"] + "/tools/smx", "--dir",
         run.now["smx_dir"], "--owner", "nobody", "dump", "signal"],
        capture_output=True, text=True, check=True).stdout
    ticks = int(re.search(r"^cdb_ticks_total (\d+)$", dumped, re.M)[1])
    assert ticks == rows, (ticks, rows)
    blocked = count(run, "risk_events WHERE decision = 'BLOCKED'")
    return {
        "ticks published": run.added("market_data"), "ticks taken": ticks,
        "signals made": run.added("signals"),
        "signals decided": count(run, "signals"),
        "signals blocked": blocked, "orders sent": run.added("orders"),
        "of these by stop-loss":
            count(run, "orders WHERE signal_id IS NULL"),
        "orders taken": count(run, "orders"),
        "filled": count(run, "trades WHERE status = 'FILLED'"),
        "rejected": count(run, "trades WHERE status <> 'FILLED'")}


def agree(what, shown, want):
    """Prometheus shows it a scrape later."""
    seen = []

    def same():
        seen[:] = [shown(), want() if callable(want) else want]
        return seen[0].keys() >= seen[1].keys() and all(
            math.isclose(seen[0][k], float(seen[1].get(k, 0)), rel_tol=1e-9)
            for k in seen[0])
    try:
        stack.until(what, same, 60)
    except AssertionError:
        raise AssertionError(f"{what}: {seen[0]}, not {seen[1]}") from None


def the_funnel_is_what_others_counted(board, rows):
    run = board.run
    refs = [q.ref for q in model.queries(model.load()["2-trading"])
            if q.panel == "Counted so far"]

    def shown():
        return {k: v for ref in refs for k, v in
                board.shown("cdb-trading", "Counted so far", ref).items()}
    agree("the funnel", shown, lambda: counted_elsewhere(run, rows))


def figures_are_what_tables_hold(board):
    run = board.run
    for uid, title, want in (
            ("cdb-trading", "Signals so far, by symbol",
             "SELECT symbol, count(*) FROM signals GROUP BY 1"),
            ("cdb-risk", "Blocked so far, by reason",
             "SELECT reason_code, count(*) FROM risk_events WHERE "
             "decision = 'BLOCKED' GROUP BY 1"),
            ("cdb-trading", "Fees so far",
             "SELECT 'fees', sum(fees) FROM trades"),
            ("cdb-trading", "Orders unaccounted for",
             "SELECT 'difference', (SELECT count(*) FROM orders) - "
             "(SELECT count(*) FROM trades)"),
            ("cdb-bus", "Stored so far",
             "SELECT 'stored', (SELECT count(*) FROM signals) + "
             "(SELECT count(*) FROM orders) + (SELECT count(*) FROM trades) "
             "+ (SELECT count(*) FROM risk_events) + (SELECT count(*) FROM "
             "portfolio_snapshots) + (SELECT count(*) FROM health_checks)"),
            ("cdb-bus", "Metric snapshots",
             "SELECT 'snapshots', count(DISTINCT ts) FROM metrics")):
        agree(title, lambda u=uid, t=title: board.shown(u, t),
              lambda w=want: dict(sql(run, w)))
    agree("alerts", lambda: {"n": sum(board.shown(
        "cdb-risk", "So far").values())}, lambda: {"n": run.added("alerts")})
    agree("backlog", lambda: {"n": sum(board.shown(
        "cdb-bus", "Backlog now").values())},
        lambda: {"n": sum(map(run.backlog, ("market_data", "signals",
                                            "orders", "order_results")))})


def rates_and_counts(board, streams):
    """What two lines of the funnel say of some seconds: (shown, counted)."""
    run = board.run
    began, before = time.time(), {s: run.added(s) for s in streams}
    stack.until("some seconds of trading", lambda: time.time() > began + 10)
    after, window = {s: run.added(s) for s in streams}, time.time() - began
    for query in model.queries(model.load()["2-trading"]):
        for stream, name in streams.items():
            if (query.panel, query.legend) == (
                    "Ticks, signals, orders, fills", name):
                data = board.ask("query", query=query.expr.replace(
                    "[1m]", f"[{math.ceil(window)}s]"),
                    time=began + window + 1)
                yield (float(data["result"][0]["value"][1]) / 60 * window,
                       after[stream] - before[stream])


def rates_are_what_redis_took(board):
    """One-minute averages, over seconds that were counted elsewhere.  A
    scrape that is late moves a count to the next try, not to all of them."""
    streams, tries = {"market_data": "ticks", "signals": "signals"}, []

    def same():
        tries.append([*rates_and_counts(board, streams)])
        return len(tries[-1]) == len(streams) and all(
            real > 0 and 0.7 * real - 5 < shown < 1.3 * real + 5
            for shown, real in tries[-1])
    try:
        stack.until("rates", same, 25)
    except AssertionError:
        raise AssertionError(f"shown and counted: {tries}") from None


def panels_have_true_data(recording):
    with stack.Stack("panels", *recording.options(SPEED), "--alertmanager",
                     "--scrape-interval", 1, prometheus=True) as run:
        board = Board(run, {"BTCUSDT"})
        stack.until("a trade of each kind", lambda: run.metrics().get(
            "execution_orders_rejected_total", 0) > 0, 60)
        run.kill("notify")
        rates_are_what_redis_took(board)
        stack.until("the restart is noted", lambda: board.ask(
            "query", query=NOTE)["result"], 60)
        stack.until("Prometheus counts our own questions", lambda: board.ask(
            "query", query="rate(prometheus_engine_query_duration_seconds_"
            'count{slice="inner_eval"}[1m]) > 0')["result"], 60)
        every_expression_has_data(board)
        every_variable_has_values(board)
        what_is_wrong_is_noticed(board)
        foreign_metrics_exist(board)
        exemplars_name_orders(board)
        run.wait_end(recording.rows)
        the_funnel_is_what_others_counted(board, recording.rows)
        figures_are_what_tables_hold(board)


if __name__ == "__main__":
    stack.main(panels_have_true_data)
