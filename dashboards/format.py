#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write dashboards in the one form they have here.

  dashboards/format.py FILE...           rewrites them
  dashboards/format.py --check FILE...   1 if one would change

The same dashboard always gives the same bytes, so a review shows what changed
and nothing else: keys in one order, what fits into a line on one line, and
without what Grafana adds when it saves (its own id, versions of plug-ins).
"""
import json
import pathlib
import sys

WIDTH = 120
ADDED = {"id", "version", "iteration", "gnetId"}    # of a whole dashboard
# What a thing is comes first, what it shows next, how it looks last.
ORDER = """
id refId type uid name title label description tags schemaVersion editable
graphTooltip refresh timezone time timepicker annotations templating
datasource enable hide gridPos x y w h query expr legendFormat targets range
instant format exemplar fieldConfig options defaults overrides matcher
properties unit decimals min max noValue color mode thresholds steps mappings
custom links transformations collapsed panels text value
""".split()
RANK = {key: rank for rank, key in enumerate(ORDER)}


def ordered(node):
    if isinstance(node, dict):
        keys = sorted(node, key=lambda k: (RANK.get(k, len(RANK)), k))
        return {key: ordered(node[key]) for key in keys}
    if isinstance(node, list):
        return [ordered(item) for item in node]
    return node


def lines(node, indent):
    """The text of a node that starts in column `indent`."""
    flat = json.dumps(node, ensure_ascii=False)
    if not isinstance(node, (dict, list)) or not node:
        return flat
    if indent and len(flat) <= WIDTH - indent:
        return flat
    pad = " " * (indent + 2)
    if isinstance(node, dict):
        open_, close = "{", "}"
        items = [f"{json.dumps(k)}: {lines(v, indent + 2)}"
                 for k, v in node.items()]
    else:
        open_, close = "[", "]"
        items = [lines(item, indent + 2) for item in node]
    body = (",\n" + pad).join(items)
    return f"{open_}\n{pad}{body}\n{' ' * indent}{close}"


def text(dashboard):
    kept = {k: v for k, v in dashboard.items() if k not in ADDED}
    for panel in kept.get("panels", []):
        panel.pop("pluginVersion", None)
    return lines(ordered(kept), 0) + "\n"


def main(arguments):
    check = arguments[:1] == ["--check"]
    status = 0
    for path in map(pathlib.Path, arguments[check:]):
        old = path.read_text("utf-8")
        new = text(json.loads(old))
        if check and old != new:
            print(f"{path}: try dashboards/format.py {path}", file=sys.stderr)
            status = 1
        elif old != new:
            path.write_text(new, "utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
