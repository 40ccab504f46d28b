# SPDX-License-Identifier: Apache-2.0
"""What holds for every dashboard; each rule yields the faults it finds.

A rule takes {name of the file: dashboard} and reads nothing else of the
folder, so that lint.py can also show it dashboards that are broken on purpose.
"""
import itertools
import re

import model

KINDS = {"timeseries", "stat", "bargauge", "heatmap", "state-timeline",
         "table", "text"}
UIDS = ["cdb-health", "cdb-trading", "cdb-latency", "cdb-risk", "cdb-red",
        "cdb-use", "cdb-bus", "cdb-monitoring", "cdb-ab"]
# Grafana's names of units; a word of our own stands behind `suffix:`.
UNITS = {"none", "short", "s", "bytes", "percentunit", "cps", "ops", "reqps",
         "dtdurations", "dateTimeAsIso", "ms", "percent", "decmbytes"}
OWN_UNITS = {"/min", "/h", "bp", "USDT", "USDT/min"}
# A metric's name tells the unit of a panel that shows it as it is.
NAMED = {"_seconds": "s", "_bytes": "bytes", "_ratio": "percentunit",
         "_bps": "suffix: bp", "_ms": "ms", "_mb": "decmbytes",
         "_pct": "percent"}
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
SCHEMA = 39                     # of Grafana 11.2
BUILT_IN = {"__rate_interval", "__url_time_range"}
WINDOWS = {"1m", "5m", "1h", "$__rate_interval", "$interval"}
# The names that the people of the pipeline know, each by a recording rule.
KNOWN = {"cpu_usage_pct", "memory_usage_mb", "http_req_duration",
         "trade_latency_ms"}
# Counters shown as they are over time, and why.
BARE = {("cdb-trading", "In less out less stopped"):
        "a difference of counters that belong together stays where it is"}


def panels(boards):
    for board in boards.values():
        for section, panel in model.panels(board):
            yield board["uid"], section, panel


def queries(boards):
    for board in boards.values():
        yield from model.queries(board)


def nine_with_stable_names(boards):
    found = [board["uid"] for board in boards.values()]
    if found != UIDS:
        yield f"uids are {found}"
    for number, (name, board) in enumerate(boards.items(), 1):
        if not name.startswith(f"{number}-"):
            yield f"{name} is number {number}"
        if not board["title"].startswith(f"{number} "):
            yield f"{name}: title {board['title']}"
        if board["schemaVersion"] != SCHEMA:
            yield f"{name}: schemaVersion {board['schemaVersion']}"
        if board["tags"] != ["cdb"]:
            yield f"{name}: not linked from the others"
        if len(board.get("description", "")) < 30:
            yield f"{name}: says not what it is for"


def every_panel_says_what_it_shows(boards):
    seen = set()
    for uid, section, panel in panels(boards):
        name = f"{uid}: {panel['title']}"
        if panel["type"] not in KINDS:
            yield f"{name}: kind {panel['type']}"
        if len(panel.get("description", "")) < 20:
            yield f"{name}: no description"
        if not section:
            yield f"{name}: above the first row"
        if (uid, section, panel["title"]) in seen:
            yield f"{name}: twice in {section}"
        seen.add((uid, section, panel["title"]))


def ids_are_unique(boards):
    for name, board in boards.items():
        ids = [panel["id"] for panel in board["panels"]]
        ids += [inner["id"] for panel in board["panels"]
                for inner in panel.get("panels", [])]
        for one in {i for i in ids if ids.count(i) > 1}:
            yield f"{name}: panel id {one} twice"


def overlap(a, b):
    return (a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"] and
            a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"])


def nothing_overlaps(boards):
    for name, board in boards.items():
        for panel in board["panels"]:
            at = panel["gridPos"]
            if at["x"] < 0 or at["w"] < 1 or at["x"] + at["w"] > 24:
                yield f"{name}: {panel['title']} is beyond the edge"
        for a, b in itertools.combinations(board["panels"], 2):
            if overlap(a["gridPos"], b["gridPos"]):
                yield f"{name}: {a['title']} overlaps {b['title']}"


def source_is_the_variable(boards):
    for name, board in boards.items():
        asking = [panel for _, panel in model.panels(board)
                  if panel["type"] != "text"]
        asking += board["annotations"]["list"]
        asking += [v for v in board["templating"]["list"]
                   if v["type"] == "query"]
        for one in asking:
            if one.get("datasource") != DATASOURCE:
                yield (f"{name}: datasource of "
                       f"{one.get('title') or one['name']}")
        first = board["templating"]["list"][0]
        if (first["type"], first["query"]) != ("datasource", "prometheus"):
            yield f"{name}: the first variable is not the data source"


def unit_of(panel):
    if panel["type"] == "heatmap":
        return panel["options"]["yAxis"].get("unit")
    return panel["fieldConfig"]["defaults"].get("unit")


def as_it_is(expr):
    """The metric that an expression shows in its own unit, or None."""
    quantile = re.fullmatch(
        r"histogram_quantile\([\d.]+, sum by \([^)]*\) "
        r"\(rate\((\w+)_bucket(\{[^}]*\})?\[[^]]+\]\)\)\)", expr)
    plain = re.fullmatch(
        r"(?:(?:max|sum)(?: by \([^)]*\))? \()?"
        r"(?:(?:max|sum)\()?([\w:]+)(\{[^}]*\})?\)?", expr)
    found = quantile or plain
    return found[1] if found else None


def units_fit(boards):
    for uid, _, panel in panels(boards):
        if panel["type"] == "text":
            continue
        name, unit = f"{uid}: {panel['title']}", unit_of(panel)
        own = (unit or "").removeprefix("suffix: ")
        if unit not in UNITS and not (own != unit and own in OWN_UNITS):
            yield f"{name}: unit {unit}"
        units = {unit}
        for over in panel["fieldConfig"]["overrides"]:
            units |= {p["value"] for p in over["properties"]
                      if p["id"] == "unit"}
        for target in panel["targets"]:
            metric = as_it_is(target["expr"]) or ""
            for end, want in NAMED.items():
                if metric.endswith(end) and want not in units:
                    yield f"{name}: {metric} is in {want}"
            if target["expr"].endswith("* 60") != (own.endswith("/min")):
                yield f"{name}: a minute has 60 seconds"


def thresholds_rise(boards):
    for uid, _, panel in panels(boards):
        if panel["type"] in ("text", "heatmap"):
            continue
        name = f"{uid}: {panel['title']}"
        steps = [s["value"] for s in panel["fieldConfig"]["defaults"].get(
            "thresholds", {}).get("steps", [])]
        if not steps or steps[0] is not None:
            yield f"{name}: thresholds without a base"
        elif steps[1:] != sorted(set(steps[1:])):
            yield f"{name}: thresholds {steps}"
        dashed = panel["fieldConfig"]["defaults"].get("custom", {}).get(
            "thresholdsStyle")
        if dashed and len(steps) < 2:
            yield f"{name}: lines without a limit"


def every_target_asks(boards):
    for uid, _, panel in panels(boards):
        name = f"{uid}: {panel['title']}"
        targets = panel.get("targets", [])
        if bool(targets) == (panel["type"] == "text"):
            yield f"{name}: {len(targets)} targets"
        refs = [t["refId"] for t in targets]
        if len(set(refs)) != len(refs):
            yield f"{name}: refIds {refs}"
        for target in targets:
            if not target["expr"].strip():
                yield f"{name}: {target['refId']} asks nothing"
            if target.get("instant", False) == target.get("range", False):
                yield f"{name}: {target['refId']} is neither instant nor range"
            if not target.get("legendFormat"):
                yield f"{name}: {target['refId']} has no legend"
            if (target.get("format") == "heatmap") != (
                    panel["type"] == "heatmap"):
                yield f"{name}: {target['refId']} has another format"


def nothing_is_made_up(boards):
    for q in queries(boards):
        name = f"{q.dashboard}: {q.panel} {q.ref}"
        if re.search(r"\b(vector|absent|absent_over_time)\s*\(", q.expr):
            yield f"{name}: a figure that nobody measured"
        if "__name__" in q.expr:
            yield f"{name}: metrics by a pattern of names"


def metrics_exist(boards):
    known = model.catalogue()
    there = set(known) | model.recorded() | model.OF_PROMETHEUS
    for q in queries(boards):
        for metric in model.metrics(q.expr):
            if (model.family(metric, known) not in there and
                    not metric.startswith(model.FOREIGN) and
                    metric not in model.SOMETIMES):
                yield (f"{q.dashboard}: {q.panel} {q.ref}: "
                       f"nobody exports {metric}")


def every_metric_is_shown(boards):
    known = model.catalogue()
    shown = {model.family(m, known) for q in queries(boards)
             if q.section != "annotations" for m in model.metrics(q.expr)}
    for metric in sorted((set(known) | KNOWN) - shown):
        yield f"{metric} is on no panel"


def counters_are_rates(boards):
    known = model.catalogue()
    for q in queries(boards):
        if q.instant or (q.dashboard, q.panel) in BARE:
            continue
        for metric, ranged in model.selectors(q.expr):
            kind = known.get(model.family(metric, known))
            if kind in ("counter", "histogram") and not ranged:
                yield f"{q.dashboard}: {q.panel}: {metric} is not a rate"


def windows_are_as_said(boards):
    for uid, section, panel in panels(boards):
        said = section + panel["description"]
        for target in panel.get("targets", []):
            found = set(re.findall(r"\[([^]]+)\]",
                                   model.without_strings(target["expr"])))
            for window in found - WINDOWS:
                yield f"{uid}: {panel['title']}: window {window}"
            if ("one-minute average" in said and "5 minutes" not in said and
                    found - {"1m", "1h"} and "histogram" not in
                    target["expr"]):
                yield f"{uid}: {panel['title']}: not over one minute"


def variables_are_used(boards):
    for name, board in boards.items():
        made = {v["name"] for v in board["templating"]["list"]}
        used = {"datasource"}
        for q in model.queries(board):
            used |= set(re.findall(r"\$(\w+)", q.expr)) - BUILT_IN
        for one in made ^ used:
            yield f"{name}: variable {one} is only " + (
                "made" if one in made else "used")


def links_lead_somewhere(boards):
    there = {board["uid"]: {v["name"] for v in board["templating"]["list"]}
             for board in boards.values()}
    for uid, _, panel in panels(boards):
        links = panel.get("fieldConfig", {}).get("defaults", {}).get(
            "links", [])
        for link in links:
            where = re.match(r"/d/([\w-]+)\?\$\{__url_time_range\}",
                             link["url"])
            wanted = re.findall(r"&var-(\w+)=", link["url"])
            if (not where or where[1] not in there or
                    not set(wanted) <= there[where[1]]):
                yield f"{uid}: {panel['title']}: {link['url']}"
            for label in re.findall(r"__field\.labels\.(\w+)", link["url"]):
                if not all(f"{{{{{label}}}}}" in t["legendFormat"]
                           for t in panel["targets"]):
                    yield f"{uid}: {panel['title']} has no label {label}"
    for name, board in boards.items():
        for link in board["links"]:
            if (link["type"], link["tags"]) != ("dashboards", ["cdb"]):
                yield f"{name}: {link['title']} leads elsewhere"
        if not board["links"]:
            yield f"{name}: no way to the others"


RULES = [nine_with_stable_names, every_panel_says_what_it_shows,
         ids_are_unique, nothing_overlaps, source_is_the_variable, units_fit,
         thresholds_rise, every_target_asks, nothing_is_made_up,
         metrics_exist, every_metric_is_shown, counters_are_rates,
         windows_are_as_said, variables_are_used, links_lead_somewhere]
