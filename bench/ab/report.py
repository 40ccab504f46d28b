# SPDX-License-Identifier: Apache-2.0
"""What a run found, as one structure, as text, and as files."""
import datetime
import json
import os
import pathlib
import platform
import shutil
import sys

import judge
import page
import pictures
import plan
import svg
from measures import (CPU_POINTS, CRITERION, HEADLINE, MEASURES, MEMORY_MB,
                      SCRAPE_MS)
from words import amount, change, table, verdict

SCHEMA = 3
KEPT = ("forest", "percentiles")        # in the README
# The proposal's table: what is extra, without, with, change, verdict.
TABLE = ("http_p50", "http_p99", "paced_tick_to_signal_p50",
         "paced_tick_to_trade_p50", "tick_time", "cpu", "pss", "errors")
ABSURD = 10                     # a bound that says nothing
WORST = ("right", "not shown", "wrong")


def machine():
    model = "unknown"
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as lines:
        for line in lines:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {"processor": model, "processors": os.cpu_count(),
            "memory_mb": os.sysconf("SC_PHYS_PAGES")
            * os.sysconf("SC_PAGESIZE") // 1000000,
            "kernel": platform.release()}


def structure(run, effects, controls, simulation, monitoring):
    asked = {key: value for key, value in vars(run.asked).items()
             if key not in ("builds", "limit_s", "pictures")}
    outcomes = [entry["outcome"] for entry in controls]
    return {
        "schema": SCHEMA,
        "made": datetime.datetime.now(datetime.timezone.utc).strftime(
            "%Y-%m-%d %H:%M UTC"),
        "took_s": round(blocks_end(run) - run.began),
        "ended": run.ended, "asked": asked, "machine": machine(),
        "recording": run.source, "delay_ns": run.delay_ns,
        "pairs": len(judge.rounds_of(run.blocks)),
        "rounds": len({r[plan.OFF.key]["round"]
                       for r in judge.rounds_of(run.blocks)}),
        "criteria": {"ratio": CRITERION, "cpu_points": CPU_POINTS,
                     "memory_mb": MEMORY_MB, "scrape_ms": SCRAPE_MS},
        "variants": [variant._asdict() for variant in run.variants],
        "controls": {"outcome": max(outcomes, key=WORST.index),
                     "joint_level": judge.JOINT, "entries": controls},
        "effects": effects, "monitoring": monitoring,
        "noise": judge.noise(run.blocks), "simulation": simulation,
        "likeness": likeness(effects),
        "hot": run.hot, "hashes": judge.hashes(run.blocks),
        "blocks": run.blocks}


def likeness(effects):
    """Of the pairs of a round, where nothing differs: {title: ratio}."""
    found = {e["title"]: judge.likeness(e) for e in effects
             if e["variant"] == plan.AGAIN.key and e["measure"] in HEADLINE}
    return {title: ratio for title, ratio in found.items() if ratio}


def blocks_end(run):
    return max([run.began, *(b["ended"] for b in run.blocks)])


def rows_of(whole, variant):
    """[(title, without, with, change, verdict)] of the proposal's table."""
    effects = {e["measure"]: e for e in whole["effects"]
               if e["variant"] == variant}
    rows = []
    for name in TABLE:
        effect = effects.get(name)
        if effect:
            rows.append((MEASURES[name].title,
                         amount(effect["without"], effect["unit"]),
                         amount(effect["with"], effect["unit"]),
                         change(effect) if name != "errors" else
                         f"{effect['with'] - effect['without']:+.0f} /h",
                         verdict(effect)))
    for taken in whole["monitoring"]:
        if taken["variant"] == variant and taken["measure"] == "scrape":
            rows.append(("scrape latency, longest", "none",
                         f"{taken['max']:.1f} ms", "",
                         "within" if taken["max"] <= SCRAPE_MS
                         else "beyond"))
    return rows


def shown(whole):
    """The variants with monitoring, the controls left out."""
    return [v for v in whole["variants"][3:] if any(
        e["variant"] == v["key"] for e in whole["effects"])]


CONTROL_WORDS = {
    "right": "The controls are right: off against off is within 5 %, and the "
             "injected delay was found with its size.",
    "not shown": "The controls could not be shown: the machine is too noisy "
                 "for so few pairs. What is said below is not proven.",
    "wrong": "THE CONTROLS ARE WRONG: the harness saw what is not there, or "
             "missed the size of what is. Do not believe the figures below."}


def results_words(whole):
    if len(whole["hashes"]) == 1:
        return (f"The trading results of all {len(whole['blocks'])} blocks "
                "are the same, byte for byte.")
    return (f"THE TRADING RESULTS DIFFER: {len(whole['hashes'])} different "
            f"ones in {len(whole['blocks'])} blocks.")


def control_line(entry):
    words = "off again" if entry["expected"] == 1 else (
        f"delay of {(entry['expected'] - 1) * 100:.1f} %")
    joint = "too few pairs" if not entry["joint"] or (
        entry["joint"][1] > ABSURD) else (
        "jointly [{:+.1f}, {:+.1f}]".format(
            *((bound - 1) * 100 for bound in entry["joint"])))
    return (f"{words}, {entry['title']}",
            f"{(entry['median'] - 1) * 100:+.1f} %",
            f"[{(entry['low'] - 1) * 100:+.1f}, "
            f"{(entry['high'] - 1) * 100:+.1f}]",
            joint, entry["outcome"])


def text(whole):
    """The whole for a terminal."""
    said = [f"\nA/B run of {whole['made']}: {whole['pairs']} pairs in "
            f"{whole['rounds']} rounds, "
            f"{whole['ended']}.", ""]
    said.append(CONTROL_WORDS[whole["controls"]["outcome"]])
    lines = [control_line(e) for e in whole["controls"]["entries"]
             if "median" in e]
    if lines:
        said += [table(lines), ""]
    said += [results_words(whole), ""]
    for variant in shown(whole):
        rows = [(variant["title"], "without", "with",
                 "change [95 % interval]", "verdict")]
        said += [table(rows + rows_of(whole, variant["key"])), ""]
    return "\n".join(said)


def write(whole, folder):
    """report.json, report.html, and the pictures as SVG and PNG."""
    out = pathlib.Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.json").write_text(json.dumps(whole, indent=1,
                                                  allow_nan=False), "utf-8")
    (out / "report.txt").write_text(text(whole) + "\n", "utf-8")
    drawn = pictures.draw(whole)
    for name, picture in drawn.items():
        svg.save(out / name, picture)
    (out / "report.html").write_text(page.render(whole, drawn), "utf-8")


def keep_pictures(out, folder):
    """DIR/ab-NAME.png of those that the README shows."""
    os.makedirs(folder, exist_ok=True)
    for name in KEPT:
        source = pathlib.Path(out, f"{name}.png")
        if source.exists():
            shutil.copy(source, pathlib.Path(folder, f"ab-{name}.png"))
        else:
            print(f"cdb: no {name}.png: rsvg-convert makes it "
                  "(apt install librsvg2-bin)", file=sys.stderr)
