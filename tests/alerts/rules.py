# SPDX-License-Identifier: Apache-2.0
"""The rules of Prometheus, by promtool: each alert fires when it must and is
silent when it must be; and the tests see every changed threshold and `for`.

usage: rules.py [names of tests...]
"""
import concurrent.futures
import json
import math
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import cases                                                # noqa: E402
from cases_of_alerts import CASES, MORE, RECORDED           # noqa: E402

RULES = ROOT / "compose/prometheus/rules"
# what is read is computed before who reads it, or a case is a step later
ORDER = ["settings", "known_names", "funnel", "hops", "errors", "critical",
         "high", "warning"]
RANKS = {"critical", "high", "warning", "info"}


def alerts():
    """[(place in the file, rule)...]"""
    groups = yaml.safe_load((RULES / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def all_cases():
    for (name, severity), (labels, found) in CASES.items():
        yield name, severity, labels, found
    yield from MORE


def text_of(labels):
    return ",".join(f'{k}="{v}"' for k, v in labels.items())


def group_of(name, series, samples):
    return {"name": name, "interval": "15s",
            "input_series": [{"series": s, "values": v}
                             for s, v in series.items()],
            "promql_expr_test": samples}


def case_group(name, severity, labels, case):
    kind, series, times = case
    want = {"alertname": name, "severity": severity}
    query = f'ALERTS{{alertstate="firing",{text_of(want)}}}'
    firing = text_of({**want, "alertstate": "firing", **labels})
    return group_of(f"{name} {severity} {kind}", series, [
        {"expr": query, "eval_time": f"{seconds}s", "exp_samples":
         [{"labels": f"ALERTS{{{firing}}}", "value": 1}] if fires else []}
        for seconds, fires in times.items()])


def groups_of(name, severity):
    return [case_group(name, severity, labels, case)
            for n, s, labels, found in all_cases()
            if (n, s) == (name, severity) for case in found]


def alone(folder, name):
    """Leave in the files the alerts of this name and what they read: promtool
    computes every rule at every step."""
    trees = {f: yaml.safe_load(f.read_text()) for f in folder.glob("*.yml")}
    rules = [(group, rule) for tree in trees.values()
             for group in tree["groups"] for rule in group["rules"]]
    kept = [rule for _, rule in rules if rule.get("alert") == name]
    read = " ".join(rule["expr"] for rule in kept)
    for group, rule in rules:
        if rule not in kept and rule.get("record", "-") not in read:
            group["rules"].remove(rule)
    for file, tree in trees.items():
        file.write_text(json.dumps(tree))


def judge(groups, changed=None, only=None):
    """promtool's (exit status, words) for the rules; `changed` is a file's
    name and its text."""
    with tempfile.TemporaryDirectory(prefix="cdb-test-") as folder:
        rules = shutil.copytree(RULES, os.path.join(folder, "rules"))
        if changed:
            pathlib.Path(rules, changed[0]).write_text(changed[1])
        if only:
            alone(pathlib.Path(rules), only)
        test = pathlib.Path(folder, "test.yml")
        test.write_text(json.dumps({
            "rule_files": ["rules/*.yml"], "evaluation_interval": "15s",
            "group_eval_order": ORDER,
            "tests": groups}))
        done = subprocess.run(
            ["promtool", "test", "rules", str(test)], text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def holds(groups, changed=None):
    status, said = judge(groups, changed)
    assert status == 0, said[:4000]


def workers():
    return concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1)


def every_alert_fires_and_stays_silent():
    with workers() as pool:
        said = [words for status, words in
                pool.map(lambda key: judge(groups_of(*key), only=key[0]), CASES)
                if status]
    assert not said, "\n".join(said)


def every_alert_has_both_kinds_of_case():
    known = {(r["alert"], r["labels"]["severity"]) for r in alerts()}
    assert known == set(CASES), known ^ set(CASES)
    for name, severity, _, found in all_cases():
        kinds = {kind for kind, _, _ in found}
        times = [fires for _, _, t in found for fires in t.values()]
        if name == "Watchdog":
            continue
        assert {"fires", "threshold"} <= kinds, (name, severity, kinds)
        assert True in times and False in times, (name, severity)
    for rule in alerts():
        expr = expanded(rule["expr"])
        if re.search(r"rate\(|increase\(", expr):
            found = CASES[rule["alert"], rule["labels"]["severity"]][1]
            assert "reset" in {kind for kind, _, _ in found}, rule["alert"]


def expanded(expr):
    """With the expression of a recorded name in its place, once."""
    groups = yaml.safe_load((RULES / "recording.yml").read_text())["groups"]
    for group in groups:
        for rule in group["rules"]:
            expr = re.sub(rf"(?<![\w:]){rule['record']}(?![\w:])",
                          lambda _, r=rule: r["expr"], expr, count=1)
    return expr


def nothing_is_said_without_series():
    holds([group_of("empty", {}, [
        {"expr": 'ALERTS{alertstate="firing",alertname!="Watchdog"}',
         "eval_time": t, "exp_samples": []} for t in ("0s", "1h", "4h")])])


def recorded_names_have_the_right_values():
    for expr, series, seconds, (labels, value) in RECORDED:
        holds([group_of(expr, series, [{
            "expr": f"abs({expr} - {value!r}) < bool 1e-9",
            "eval_time": f"{seconds}s",
            "exp_samples": [{"labels": f"{{{labels}}}", "value": 1}]}])])


def cpu_threshold_is_one_line():
    text = (RULES / "settings.yml").read_text()
    assert len(re.findall(r"^ +expr: vector\(80\)$", text, re.M)) == 1
    labels = {"service": "risk"}
    busy = {'process_cpu_seconds_total{service="risk"}': "0+10.5x600"}

    def case(fires):
        return [case_group("CpuHigh", "warning", labels,
                           ("fires", busy, {7200: fires}))]
    holds(case(False))
    holds(case(True), ("settings.yml", text.replace("(80)", "(60)")))
    for other in ("79", "81"):
        status, _ = judge(groups_of("CpuHigh", "warning"),
                          ("settings.yml", text.replace("80", other)),
                          "CpuHigh")
        assert status != 0, f"nobody sees a threshold of {other}"


def moved(number):
    """A little more and a little less; a number of things by one."""
    if number == 0:
        return [2]
    if number == math.floor(number):
        return [number + 1, number - 1]
    return [number * 1.2, number * 0.8]


def changes(expr):
    """Expressions that differ from it in one number or comparison."""
    bare = re.sub(r'"[^"]*"|\[[^]]*\]|\([\w, ]*\)(?= *[^-+*/])',
                  lambda m: " " * len(m[0]), expr)
    for found in re.finditer(r"(?<![\w.:])\d+(\.\d+)?(?![\w.:])", bare):
        for other in moved(float(found[0])):
            yield expr[:found.start()] + f"{other:.6g}" + expr[found.end():]
    for found in re.finditer(r"(?<= )(==|!=|>|<)(?= )", bare):
        other = {"==": "!=", "!=": "==", ">": ">=", "<": "<="}[found[0]]
        yield expr[:found.start()] + other + expr[found.end():]


def with_rule(place, **words):
    """The file with the rule at this place changed."""
    tree = yaml.safe_load((RULES / "alerts.yml").read_text())
    rules = [rule for group in tree["groups"] for rule in group["rules"]]
    rules[place].update(words)
    return "alerts.yml", json.dumps(tree)


def seconds_of(text):
    return int(text[:-1]) * {"s": 1, "m": 60}[text[-1]]


def mutants():
    """[(alert, severity, what, changed file)...]"""
    for place, rule in enumerate(alerts()):
        key = rule["alert"], rule["labels"]["severity"]
        if rule["alert"] == "Watchdog":
            yield *key, "vector(1) > 1", with_rule(place, expr="vector(1) > 1")
            continue
        for expr in changes(rule["expr"]):
            yield *key, expr, with_rule(place, expr=expr)
        hold = seconds_of(rule.get("for", "0s"))
        for other in {hold + 15, max(hold - 15, 0)} - {hold}:
            yield *key, f"for {other}s", with_rule(place, **{"for": f"{other}s"})


def every_changed_threshold_turns_a_test_red():
    found = list(mutants())
    assert {m[:2] for m in found} == set(CASES)

    def lives(mutant):
        name, severity, what, changed = mutant
        status, said = judge(groups_of(name, severity), changed, name)
        assert "FAILED" in said or status == 0, (mutant, said)
        return None if status else f"{name} {severity}: {what}"

    with workers() as pool:
        alive = [m for m in pool.map(lives, found) if m]
    print(f"# {len(found)} changed rules, {len(found) - len(alive)} noticed")
    assert not alive, "nobody notices:\n" + "\n".join(alive)


def annotations_can_be_read():
    """promtool shows what an alert says where something else is expected."""
    for name, severity, _, found in all_cases():
        series, when = next((s, t) for kind, s, times in found
                            for t, fires in times.items() if fires)
        group = group_of(name, series, [])
        group["alert_rule_test"] = [{"eval_time": f"{when}s",
                                     "alertname": name}]
        _, said = judge([group], only=name)
        for word in ("summary=", "description=", "runbook="):
            assert word in said, (name, said)
        for word in ("<error", "<no value>", "%!"):
            assert word not in said, (name, said)


def page_lists_every_alert():
    page = (ROOT / "docs/ALERTS.md").read_text()
    rows = re.findall(r"^\| \[(\w+)\]\(#(\w+)\) \| (\w+) \| (\w+) \| .+ \|$",
                      page, re.M)
    want = [(r["alert"], r["alert"].lower(), r["labels"]["severity"],
             r.get("for", "0s")) for r in alerts()]
    assert rows == want, set(rows) ^ set(want)
    heads = re.findall(r"^## (\w+)$", page, re.M)
    assert heads == list(dict.fromkeys(r["alert"] for r in alerts())), heads
    for rule in alerts():
        assert rule["labels"]["severity"] in RANKS, rule
        notes = rule["annotations"]
        assert set(notes) == {"summary", "description", "runbook"}, rule
        assert notes["runbook"] == "docs/ALERTS.md#" + rule["alert"].lower()


def rules_name_only_exported_metrics():
    page = (ROOT / "docs/METRICS.md").read_text()
    known = set(re.findall(r"^\| `(\w+)` \|", page, re.M))
    histograms = set(re.findall(r"^\| `(\w+)` \| histogram", page, re.M))
    known |= {h + end for h in histograms
              for end in ("_bucket", "_sum", "_count")}
    # where there is a limit, and Prometheus' own
    known |= {"process_memory_limit_bytes", "up", "scrape_duration_seconds",
              "prometheus_rule_evaluation_failures_total"}
    words = {"sum", "min", "max", "by", "on", "or", "unless", "rate", "changes",
             "increase", "timestamp", "vector", "label_replace",
             "histogram_quantile", "group_left", "and"}
    exprs = []
    for file in sorted(RULES.glob("*.yml")):
        for group in yaml.safe_load(file.read_text())["groups"]:
            for rule in group["rules"]:
                exprs.append(rule["expr"])
                known.add(rule.get("record", "up"))
    for expr in exprs:
        bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^]]*\]', "", expr)
        bare = re.sub(r"\b(by|on|group_left) *\([^)]*\)", "", bare)
        named = set(re.findall(r"(?<!\w)[a-zA-Z_][\w:]*", bare)) - words
        assert named <= known, named - known
        assert named or expr.startswith("vector("), expr


def containers_scrape_each_other_only():
    subprocess.run(["promtool", "check", "config", "--lint-fatal",
                    ROOT / "compose/prometheus/prometheus.yml"], check=True,
                   stdout=subprocess.DEVNULL)
    tree = yaml.safe_load(
        (ROOT / "compose/prometheus/prometheus.yml").read_text())
    assert tree["global"]["scrape_interval"] == "15s", tree["global"]
    targets = {job["job_name"]: job["static_configs"][0]["targets"]
               for job in tree["scrape_configs"]}
    assert targets == {
        "cdb_signal": ["cdb_signal:8001"], "cdb_risk": ["cdb_risk:8002"],
        "cdb_execution": ["cdb_execution:8003"],
        "smx_collector": ["cdb_collector:9464"],
        "prometheus": ["prometheus:9090"],
        "alertmanager": ["alertmanager:9093"]}, targets
    for job in tree["scrape_configs"]:
        assert len(job["static_configs"]) == 1, job
        assert not [k for k in job if k.endswith("_sd_configs")], job
    compose = yaml.safe_load(
        (ROOT / "compose/docker-compose.yml").read_text())["services"]
    for target, in targets.values():
        assert target.split(":")[0] in compose, target


if __name__ == "__main__":
    tests = [every_alert_has_both_kinds_of_case,
             every_alert_fires_and_stays_silent, nothing_is_said_without_series,
             recorded_names_have_the_right_values, cpu_threshold_is_one_line,
             every_changed_threshold_turns_a_test_red, annotations_can_be_read,
             page_lists_every_alert, rules_name_only_exported_metrics,
             containers_scrape_each_other_only]
    chosen = sys.argv[1:]
    cases.run(*[t for t in tests if not chosen or t.__name__ in chosen])
