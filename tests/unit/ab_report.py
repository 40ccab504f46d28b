#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""From the blocks of a run to its verdicts, its table and its pictures.

    ab_report.py SOURCE AB_STATS
"""
import argparse
import collections
import importlib.util
import io
import json
import os
import pathlib
import random
import re
import sys
import tempfile
import traceback
import types
import xml.etree.ElementTree as tree
from html.parser import HTMLParser

sys.path.insert(0, os.path.join(sys.argv[1], "bench/ab"))
import judge                    # noqa: E402
import kernel                   # noqa: E402
import measures                 # noqa: E402
import page                     # noqa: E402
import pictures                 # noqa: E402
import plan                     # noqa: E402
import report                   # noqa: E402
import svg                      # noqa: E402

VARIANTS = plan.variants([5])
DELAY_NS = 10000                # of 100 µs


def latency(us):
    return {"p50": us * 1e3, "p90": us * 2e3, "p99": us * 5e3,
            "p999": us * 9e3, "max": us * 20e3}


def block_of(variant, number, part, slow=1.0, busy=1.0):
    """A block whose times are `slow` times, whose CPU `busy` times usual."""
    us = 100 * slow
    use = {"cpu_ns": 4e8 * busy, "user_ns": 3e8 * busy, "system_ns": 1e8,
           "minor_faults": 9, "major_faults": 0, "switches": 5000,
           "preemptions": 70, "rss_bytes": 9e6, "pss_bytes": 2e6}
    names = list(measures.SERVICES) + ["redis"]
    if variant.interval:
        names += measures.MONITORS
    hop = {"events": 100, **latency(us)}
    events = {h: hop for h, _ in measures.HOPS}
    made = {
        "variant": variant.key, "round": number, "part": part, "began": 0, "ended": 9,
        "window_s": 6.0, "used": {name: use for name in names},
        "http": {"start_ns": 0, "seconds": 5.5, "requests": 5000,
                 "errors": {"status": 0, "connection": 0, "unanswered": 0},
                 "latency": latency(us), "lateness": latency(1),
                 "curve": [[0, 5e4], [0.5, us * 1e3], [0.99, us * 5e3],
                           [1, us * 2e4]],
                 "targets": [{"latency": latency(us)}] * 2,
                 "timeline": [[n / 10, 100, us * 1e3, us * 4e3]
                              for n in range(55)]},
        "samples": [{"s": n / 4, **{name: (n * 1e7, 9e6) for name in names}}
                    for n in range(22)],
        "machine": {"busy_s": 8.0, "steal_s": 0.1, "harness_s": 1.0},
        "ab": None, "full": {"ticks_per_s": 20000 / slow},
        "events": {"paced": events, "full": events},
        "hash": "same", "log_errors": [], "restarts": {}}
    if part:
        made.update(full=None, events={"paced": events, "full": {}})
    if variant.interval:
        made["scrapes"] = {"rows": [["cdb_signal", 1.0, 0.003],
                                    ["smx_collector", 2.5, 0.007]],
                           "page_bytes": 90000, "page_series": 1000}
    return made


def blocks_made(pairs, scatter=0.005, seed=3, **slow):
    """Rounds of all variants; slow={key: factor} on top of the noise."""
    dice = random.Random(seed)
    slow = {"delayed": 1.1, **slow}
    return [block_of(v, number, part,
                     dice.gauss(1, scatter) * slow.get(v.key, 1),
                     dice.gauss(1, scatter))
            for number in range(pairs) for v in [*VARIANTS, plan.SPAN]
            for part in range(plan.parts(v.key))]


def whole_of(blocks, delay_ns=DELAY_NS, simulated=200):
    judge.SIMULATED = simulated
    run = types.SimpleNamespace(
        asked=argparse.Namespace(rate=1000, ticks=500, seconds=5.5, seed=1),
        variants=VARIANTS, blocks=blocks, source="made", began=0,
        ended="complete", delay_ns=delay_ns,
        hot=[{"op": "inc", "threads": 1, "ns": 0.25, "ns_low": 0.24,
              "ns_high": 0.3, "instructions": 6.0}])
    ask = kernel.Statistics(sys.argv[2], 1)
    found = judge.effects(ask, blocks, [v.key for v in VARIANTS])
    whole = report.structure(
        run, found, judge.controls(ask, blocks, delay_ns),
        judge.simulation(ask, found),
        judge.monitoring(blocks, [v.key for v in VARIANTS]))
    ask.close()
    return whole


def effect_of(whole, variant, measure):
    return next(e for e in whole["effects"]
                if (e["variant"], e["measure"]) == (variant, measure))


def outcomes(whole):
    return [e["outcome"] for e in whole["controls"]["entries"]]


def test_equal_programs_are_within_and_controls_right():
    whole = whole_of(blocks_made(9))
    assert outcomes(whole) == ["right"] * 4, whole["controls"]
    assert effect_of(whole, "on", "http_p50")["verdict"] == "within"


def test_a_cost_above_the_criterion_is_beyond():
    whole = whole_of(blocks_made(9, on=1.08))
    effect = effect_of(whole, "on", "http_p50")
    assert effect["verdict"] == "beyond", effect
    assert effect["low"] < 1.08 < effect["high"] or (
        abs(effect["median"] - 1.08) < 0.01), effect
    assert effect_of(whole, "scraped5", "http_p50")["verdict"] == "within"


def test_noise_is_undecided_and_says_how_many_pairs():
    whole = whole_of(blocks_made(9, scatter=0.15))
    effect = effect_of(whole, "on", "http_p50")
    assert effect["verdict"] == "undecided", effect
    assert effect["pairs_more"] > 5, effect
    assert "not shown" in outcomes(whole)
    assert re.search(r"needs about \d+ more pairs", report.text(whole))


def test_processes_that_matter_are_told():
    title = "HTTP latency p50"
    assert whole_of(blocks_made(12))["likeness"][title] < 2
    blocks, dice = blocks_made(12), random.Random(5)
    matters = [dice.gauss(1, 0.03) for _ in range(12)]
    for block in blocks:
        if block["variant"] == "off2":
            block["http"]["latency"]["p50"] *= matters[block["round"]]
    assert whole_of(blocks)["likeness"][title] > 3


def test_what_is_measured_once_of_a_pipeline_is_one_pair():
    whole = whole_of(blocks_made(7))
    for measure, pairs in (("http_p50", 14), ("tick_time", 7), ("pss", 7)):
        assert len(effect_of(whole, "on", measure)["pairs"]) == pairs
    assert len(effect_of(whole, "scraped5", "http_p50")["pairs"]) == 7


def test_two_offs_that_differ_are_wrong():
    whole = whole_of(blocks_made(9, off2=1.1))
    assert whole["controls"]["outcome"] == "wrong", whole["controls"]
    assert "CONTROLS ARE WRONG" in report.text(whole)


def test_a_delay_that_is_not_there_is_wrong():
    whole = whole_of(blocks_made(9, delayed=1.0))
    assert outcomes(whole)[-1] == "wrong", whole["controls"]


def test_a_delay_of_another_size_is_wrong():
    whole = whole_of(blocks_made(9, delayed=1.2))
    assert outcomes(whole)[-1] == "wrong", whole["controls"]


def test_a_delay_lost_in_noise_is_not_shown():
    assert judge.delay_control((0.95, 1.30), 1.1) == "not shown"
    assert judge.delay_control((1.05, 1.15), 1.1) == "right"
    whole = whole_of(blocks_made(3, scatter=0.1))
    assert outcomes(whole)[-1] == "not shown", whole["controls"]


def test_few_pairs_decide_nothing():
    whole = whole_of(blocks_made(2))
    assert {e["verdict"] for e in whole["effects"]
            if e["measure"] != "errors"} == {"undecided"}


def test_an_unfinished_round_is_left_out():
    blocks = blocks_made(7)
    full = whole_of(blocks)
    lost = [b for b in blocks if (b["round"], b["variant"]) != (6, "off2")]
    assert (full["pairs"], full["rounds"]) == (14, 7)
    assert (whole_of(lost)["pairs"], whole_of(lost)["rounds"]) == (12, 6)


def test_a_run_cut_short_still_has_a_report():
    for kept in (blocks_made(1)[:1], blocks_made(1)[3:4], blocks_made(2)[:7]):
        whole = whole_of(kept)
        text = page.render(whole, pictures.draw(whole))
        json.dumps(whole, allow_nan=False)
        assert "could not be shown" in text and report.text(whole)
        assert len(whole["blocks"]) == len(kept)


def test_errors_and_other_results_are_shown():
    blocks = blocks_made(7)
    for block in blocks:
        if block["variant"] == "on":
            block["log_errors"] = ["{}"]
            block["hash"] = "other"
    whole = whole_of(blocks)
    assert effect_of(whole, "on", "errors")["verdict"] == "beyond"
    assert "RESULTS DIFFER" in report.text(whole)


def test_simulation_tells_the_false_alarms():
    found = whole_of(blocks_made(9), simulated=10000)["simulation"]
    assert [r["runs"] for r in found["rows"]] == [10000] * 6
    for row in found["rows"]:
        assert row["within"] + row["beyond"] + row["undecided"] == 10000
        assert row["effect"] != 1.0 or row["beyond"] < 50, row


class Page(HTMLParser):
    """Every tag that is opened is closed; what is loaded from elsewhere."""
    EMPTY = {"meta", "link", "img", "br", "hr"}
    DRAWN = {"line", "rect", "circle", "path"}

    def __init__(self):
        super().__init__()
        self.open, self.outside, self.seen = [], [], collections.Counter()

    def handle_starttag(self, tag, attrs):
        self.seen[tag] += 1
        if tag not in self.EMPTY:
            self.open.append(tag)
        self.outside += [v for k, v in attrs
                         if k in ("src", "href", "xlink:href")]

    def handle_startendtag(self, tag, attrs):
        self.seen[tag] += 1

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag


def test_the_page_stands_alone_and_is_whole():
    whole = whole_of(blocks_made(9))
    text = page.render(whole, pictures.draw(whole))
    parser = Page()
    parser.feed(text)
    assert parser.open == [], parser.open
    assert parser.outside == [], parser.outside
    assert "@import" not in text and "url(" not in text
    assert parser.seen["script"] == 0
    assert parser.seen["svg"] == 4 and parser.seen["table"] >= 8
    assert "prefers-color-scheme:dark" in text


def test_pictures_stay_inside_their_frame():
    whole = whole_of(blocks_made(9, scatter=0.2))
    for name, picture in pictures.draw(whole).items():
        root = tree.fromstring(svg.alone(picture))
        width, height = float(root.get("width")), float(root.get("height"))
        for node in root.iter():
            for key, most in (("x1", width), ("x2", width), ("cx", width),
                              ("y1", height), ("y2", height),
                              ("cy", height), ("x", width), ("y", height)):
                value = node.get(key)
                if value:
                    assert -1 <= float(value) <= most + 1, (name, node.attrib)


def test_files_are_written_and_json_keeps_the_blocks():
    blocks = blocks_made(6)
    with tempfile.TemporaryDirectory() as folder:
        report.write(whole_of(blocks), folder)
        names = {p.name for p in pathlib.Path(folder).iterdir()}
        assert {"report.json", "report.html", "report.txt", "forest.svg",
                "percentiles.svg", "over-time.svg", "scrapes.svg"} <= names
        kept = json.loads(pathlib.Path(folder, "report.json").read_text())
    assert kept["blocks"] == json.loads(json.dumps(blocks))
    assert kept["schema"] == report.SCHEMA


def test_pictures_are_kept_for_the_readme():
    with tempfile.TemporaryDirectory() as out, \
            tempfile.TemporaryDirectory() as docs:
        for name in report.KEPT:
            pathlib.Path(out, f"{name}.png").write_bytes(name.encode())
        report.keep_pictures(out, docs)
        for name in report.KEPT:
            kept = pathlib.Path(docs, f"ab-{name}.png").read_bytes()
            assert kept == name.encode(), name


def test_the_table_is_the_proposals():
    rows = report.rows_of(whole_of(blocks_made(9)), "scraped5")
    words = " ".join(row[0] for row in rows)
    for what in ("HTTP latency", "CPU", "memory", "errors per hour",
                 "scrape latency"):
        assert what in words, what
    cpu = next(row for row in rows if row[0].startswith("CPU"))
    assert "points" in cpu[3] and "%" not in cpu[3], cpu
    assert "MB" in next(r for r in rows if r[0].startswith("memory"))[3]


def test_what_is_scraped_is_held_against_slices_of_its_length():
    blocks = blocks_made(9, span=1.5, scraped5=1.5)
    whole = whole_of(blocks)
    assert abs(effect_of(whole, "scraped5", "http_p50")["median"] - 1) < 0.02
    assert abs(effect_of(whole, "on", "http_p50")["median"] - 1) < 0.02


def test_peers_are_compared_within_a_round():
    folder = os.path.join(sys.argv[1], "bench/peers/run.py")
    spec = importlib.util.spec_from_file_location("peers", folder)
    peers = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(peers)
    # the machine is twice as slow in the second round
    rounds = [{"smx": {"inc": 1.0}, "other": {"inc": 5.0}},
              {"smx": {"inc": 2.0}, "other": {"inc": 10.0, "observe": 3.0}}]
    found = peers.summary(rounds, ["inc", "observe"])
    assert found["other"]["inc"]["ratio"] == 5.0, found
    assert "observe" not in found["other"], found
    assert "5×" in peers.text(found, ["inc", "observe"])
    tree.fromstring(svg.alone(peers.picture(found, ["inc", "observe"])))


def main():
    failed = 0
    for name, test in list(globals().items()):
        if not name.startswith("test_"):
            continue
        try:
            test()
            print(f"ok - {name[5:]}")
        except Exception:       # pylint: disable=broad-except
            failed += 1
            print(f"not ok - {name[5:]}\n# "
                  + traceback.format_exc().replace("\n", "\n# "))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
