# SPDX-License-Identifier: Apache-2.0
"""The dashboards as their tests see them: panels, expressions, metrics."""
import collections
import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "dashboards"
# What Prometheus makes of every scrape and of every rule.
OF_PROMETHEUS = {"up", "scrape_duration_seconds", "scrape_samples_scraped",
                 "scrape_series_added", "ALERTS"}
# Exported by programs that are not ours; only a live one knows them.
FOREIGN = ("prometheus_", "alertmanager_")
# Only where the kernel sets a limit.
SOMETIMES = {"process_memory_limit_bytes"}
GROUPING = r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)"
WORDS = {"by", "without", "and", "or", "unless", "offset", "bool", "on",
         "ignoring", "group_left", "group_right", "inf", "nan"}

# One expression: whose it is, and how it is asked for.
Query = collections.namedtuple(
    "Query", "dashboard panel section ref expr legend instant format")


def load(folder=FOLDER):
    """{name of the file: dashboard}"""
    return {path.stem: json.loads(path.read_text("utf-8"))
            for path in sorted(folder.glob("*.json"))}


def panels(dashboard):
    """(title of its row, panel) of all panels that are not rows."""
    section = ""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            section = panel["title"]
            for inner in panel["panels"]:
                yield section, inner
        else:
            yield section, panel


def queries(dashboard):
    for section, panel in panels(dashboard):
        for target in panel.get("targets", []):
            yield Query(dashboard["uid"], panel["title"], section,
                        target["refId"], target["expr"],
                        target.get("legendFormat", ""),
                        target.get("instant", False),
                        target.get("format", "time_series"))
    for note in dashboard["annotations"]["list"]:
        yield Query(dashboard["uid"], note["name"], "annotations", "A",
                    note["expr"], note["titleFormat"], False, "annotation")


def without_strings(expr):
    return re.sub(r'"(?:\\.|[^"\\])*"', '""', expr)


def selectors(expr):
    """(name of a metric, whether a range of it is meant) in an expression."""
    bare = re.sub(r"\{[^}]*\}", "", without_strings(expr))
    bare = re.sub(GROUPING, " ", bare)
    for found in re.finditer(r"(?<![\w.$:])([a-zA-Z_:][\w:]*)\s*(\(|\[)?",
                             re.sub(r"(?<=\[)[^\]]*", "", bare)):
        if found[2] != "(" and found[1] not in WORDS:
            yield found[1], found[2] == "["


def metrics(expr):
    return {name for name, _ in selectors(expr)}


def catalogue():
    """{metric of docs/METRICS.md: its type}"""
    page = (ROOT / "docs/METRICS.md").read_text("utf-8")
    return dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", page, re.M))


def recorded():
    """Names that the recording rules give."""
    rules = (ROOT / "compose/prometheus/rules").glob("*.yml")
    return {name for path in rules for name in
            re.findall(r"^\s*(?:- )?record: *([\w:]+)", path.read_text("utf-8"),
                       re.M)}


def family(name, known):
    """The metric that a series' name belongs to."""
    base = re.sub(r"_(bucket|sum|count)$", "", name)
    return base if known.get(base) == "histogram" else name


def fields(legend):
    """Labels that a legend or a title shows."""
    return set(re.findall(r"\{\{\s*(\w+)\s*\}\}", legend))
