# SPDX-License-Identifier: Apache-2.0
"""The dashboards keep the rules, and a dashboard that breaks one is noticed.

Reads files only.  Every rule of rules.py is also shown real dashboards with
one thing broken: it must find that, or it is worth nothing.
"""
import copy
import pathlib
import re
import subprocess
import sys

import model
import rules

sys.path.insert(0, str(model.ROOT / "tests"))
from cases import run           # noqa: E402


def the_dashboards_keep_the_rules():
    boards = model.load()
    faults = [f"{rule.__name__}: {fault}" for rule in rules.RULES
              for fault in rule(boards)]
    assert not faults, "\n".join(faults)


def the_files_are_in_their_one_form():
    said = subprocess.run(
        [sys.executable, model.FOLDER / "format.py", "--check",
         *sorted(model.FOLDER.glob("*.json"))],
        stderr=subprocess.PIPE, text=True, check=False)
    assert said.returncode == 0, said.stderr


def another_order_of_keys_is_put_right():
    sys.path.insert(0, str(model.FOLDER))
    import format as form       # pylint: disable=import-outside-toplevel

    def backwards(node):
        if isinstance(node, dict):
            return {k: backwards(v) for k, v in reversed(node.items())}
        return [*map(backwards, node)] if isinstance(node, list) else node

    for name, board in model.load().items():
        want = (model.FOLDER / f"{name}.json").read_text("utf-8")
        saved = {**backwards(board), "id": 7, "version": 3}
        assert form.text(saved) == want, name


def grafana_is_given_what_they_name():
    folder = model.ROOT / "compose/grafana/provisioning"
    source = (folder / "datasources/prometheus.yml").read_text("utf-8")
    uid = re.search(r"^ *uid: (\S+)$", source, re.M)[1]
    for name, board in model.load().items():
        assert board["templating"]["list"][0]["current"]["value"] == uid, name
    provider = (folder / "dashboards/cdb.yml").read_text("utf-8")
    path = re.search(r"^ *path: (\S+)$", provider, re.M)[1]
    compose = (model.ROOT / "compose/docker-compose.yml").read_text("utf-8")
    mounts = re.findall(r"- (\S+):(\S+):ro$", compose, re.M)
    there = {pathlib.Path(model.ROOT, "compose", outside).resolve(): inside
             for outside, inside in mounts}
    assert there.get(model.FOLDER) == path, there
    assert there.get(folder) == "/etc/grafana/provisioning", there


def the_schema_is_of_the_grafana_that_runs():
    environment = (model.ROOT / "compose/.env").read_text("utf-8")
    image = re.search(r"^GRAFANA_IMAGE=\S+:([\d.]+)$", environment, re.M)[1]
    wanted = re.search(r'"@grafana/schema@([\d.]+)"', pathlib.Path(
        __file__).with_name("schema.py").read_text("utf-8"))[1]
    assert wanted == image, (wanted, image)


# How to break what a rule protects: rule, part of what it must say, and what
# is done to a copy of all dashboards.

def panel(boards, uid, title):
    for board in boards.values():
        if board["uid"] == uid:
            return next(p for _, p in model.panels(board)
                        if p["title"] == title)
    raise LookupError(uid)


ONE = "HTTP requests"


def look(boards):
    """One panel of many, and what Grafana needs to draw it."""
    found = panel(boards, "cdb-health", ONE)
    return found, found["targets"][0], found["fieldConfig"]["defaults"]


def edit(place, key, value):
    def change(boards):
        look(boards)[place][key] = value
    return change


def expression(old, new, uid="cdb-health", title=ONE):
    def change(boards):
        target = panel(boards, uid, title)["targets"][0]
        assert old in target["expr"], target
        target["expr"] = target["expr"].replace(old, new)
    return change


def without_panel(uid, title):
    def change(boards):
        gone = panel(boards, uid, title)
        for board in boards.values():
            board["panels"] = [p for p in board["panels"] if p is not gone]
    return change


def of_board(key, value):
    def change(boards):
        boards["3-latency"][key] = value
    return change


def onto_its_neighbour(boards):
    panels = boards["1-system-health"]["panels"]
    panels[2]["gridPos"]["x"] = panels[1]["gridPos"]["x"] + 1


def with_one_more_variable(boards):
    made = boards["1-system-health"]["templating"]["list"]
    made.append({**made[1], "name": "planet"})


LIMIT = {"mode": "absolute", "steps": [
    {"color": "green", "value": None}, {"color": "red", "value": 5},
    {"color": "orange", "value": 3}]}
AWAY = [{"title": "x", "targetBlank": False,
         "url": "/d/cdb-nowhere?${__url_time_range}"}]
BROKEN = [
    ("nine_with_stable_names", "uids are", of_board("uid", "latency")),
    ("nine_with_stable_names", "title Latency", of_board("title", "Latency")),
    ("nine_with_stable_names", "schemaVersion", of_board("schemaVersion", 12)),
    ("nine_with_stable_names", "not linked", of_board("tags", [])),
    ("nine_with_stable_names", "says not", of_board("description", "")),
    ("every_panel_says_what_it_shows", "no description",
     edit(0, "description", "HTTP")),
    ("every_panel_says_what_it_shows", "kind graph", edit(0, "type", "graph")),
    ("every_panel_says_what_it_shows", "twice",
     edit(0, "title", "Ticks")),
    ("ids_are_unique", "twice", edit(0, "id", 1)),
    ("nothing_overlaps", "overlaps", onto_its_neighbour),
    ("nothing_overlaps", "beyond", lambda b: look(b)[0]["gridPos"].update(
        x=20)),
    ("source_is_the_variable", "datasource of " + ONE,
     edit(0, "datasource", {"type": "prometheus", "uid": "P18F7"})),
    ("units_fit", "unit None", edit(2, "unit", None)),
    ("units_fit", "bananas", edit(2, "unit", "suffix: bananas")),
    ("units_fit", "is in bytes", lambda b: panel(
        b, "cdb-use", "Resident memory")["fieldConfig"]["defaults"].update(
            unit="s")),
    ("units_fit", "60 seconds",
     expression(" * 60", "", title="Orders")),
    ("thresholds_rise", "without a base", edit(2, "thresholds", {})),
    ("thresholds_rise", "thresholds [", edit(2, "thresholds", LIMIT)),
    ("every_target_asks", "0 targets", edit(0, "targets", [])),
    ("every_target_asks", "refIds", lambda b: look(b)[0].update(
        targets=look(b)[0]["targets"] * 2)),
    ("every_target_asks", "asks nothing", edit(1, "expr", " ")),
    ("every_target_asks", "neither", edit(1, "instant", True)),
    ("every_target_asks", "no legend", edit(1, "legendFormat", "")),
    ("every_target_asks", "another format", edit(1, "format", "heatmap")),
    ("nothing_is_made_up", "nobody measured", edit(
        1, "expr", "sum(rate(cdb_errors_total[1m])) or vector(0)")),
    ("nothing_is_made_up", "a pattern", edit(
        1, "expr", '{__name__=~"process_.+"}')),
    ("metrics_exist", "nobody exports cdb_htpp_request",
     expression("cdb_http", "cdb_htpp")),
    ("every_metric_is_shown", "cdb_data_staleness_seconds is on no panel",
     lambda b: [without_panel(*w)(b) for w in (
         ("cdb-trading", "Age of the last tick"),
         ("cdb-risk", "Age of the last tick"))]),
    ("counters_are_rates", "is not a rate", expression("[1m]", "")),
    ("windows_are_as_said", "window 2m", expression("[1m]", "[2m]")),
    ("windows_are_as_said", "not over one minute",
     expression("[1m]", "[5m]")),
    ("variables_are_used", "planet is only made", with_one_more_variable),
    ("variables_are_used", "planet is only used",
     expression("$service", "$planet")),
    ("links_lead_somewhere", "cdb-nowhere", edit(2, "links", AWAY)),
    ("links_lead_somewhere", "has no label service",
     edit(1, "legendFormat", "HTTP")),
    ("links_lead_somewhere", "no way", of_board("links", [])),
]


def every_rule_notices_what_it_is_for():
    boards = model.load()
    tried = set()
    for name, says, change in BROKEN:
        rule = getattr(rules, name)
        broken = copy.deepcopy(boards)
        change(broken)
        said = list(rule(broken))
        assert any(says in fault for fault in said), (name, says, said)
        tried.add(rule)
    assert tried == set(rules.RULES), set(rules.RULES) - tried


if __name__ == "__main__":
    run(the_dashboards_keep_the_rules, every_rule_notices_what_it_is_for,
        the_files_are_in_their_one_form, another_order_of_keys_is_put_right,
        grafana_is_given_what_they_name,
        the_schema_is_of_the_grafana_that_runs)
