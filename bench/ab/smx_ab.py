# SPDX-License-Identifier: Apache-2.0
"""smx-ab: the same comparison for a program of your own.

Exit status: 0 the control is right, 1 it is not or a command failed, 2 wrong
usage, 130 interrupted.
"""
import argparse
import json
import math
import os
import random
import re
import resource
import shlex
import signal
import statistics
import subprocess
import sys
import time

import words
from interrupt import Interrupt
from kernel import Statistics
from progress import Progress

SIDES = ("off", "off again", "on")
JOINT = 0.999                   # of the control
FIGURE = re.compile(r"^([A-Za-z_][\w.-]*)[ \t:=]+([-+0-9.eE]+)$")
USAGE = ("smx-ab [--load CMD] [--ready CMD] [--pairs N] [--seed N]\n"
         "              [--limit PERCENT] [--out FILE] "
         "-- COMMAND_OFF... -- COMMAND_ON...")
UNITS = {"wall": "s", "user": "s", "system": "s", "max_rss": "MB",
         "switches": "", "preemptions": "", "faults": ""}


class Failed(Exception):
    """What went wrong, to be shown as it is."""


def arguments(argv):
    p = argparse.ArgumentParser(
        prog="smx-ab", usage=USAGE,
        description="Run two commands in turn and say by how much the second "
        "differs: time, CPU, memory, and every line NAME NUMBER that the "
        "command (or the load) prints; less is better.  The first one is "
        "run twice in each round: it must not differ from itself.")
    p.add_argument("--load", metavar="CMD", help="a shell command: the "
                   "commands are servers, started for it and then ended; "
                   "$SMX_AB_PID is the server")
    p.add_argument("--ready", metavar="CMD", help="repeated until it "
                   "succeeds, before the load")
    p.add_argument("--pairs", type=int, default=10, metavar="N")
    p.add_argument("--seed", type=int, default=1, metavar="N")
    p.add_argument("--limit", type=float, default=5.0, metavar="PERCENT",
                   help="what a verdict is held against [5]")
    p.add_argument("--out", metavar="FILE", help="all figures as JSON")
    p.add_argument("--tools", required=True, help=argparse.SUPPRESS)
    marks = [i for i, word in enumerate(argv) if word == "--"]
    if len(marks) != 2 and not {"-h", "--help"} & set(argv):
        p.error("two commands, each behind a --")
    asked = p.parse_args(argv[:marks[0]] if marks else argv)
    asked.off, asked.on = argv[marks[0] + 1:marks[1]], argv[marks[1] + 1:]
    if not asked.off or not asked.on or asked.pairs < 1:
        p.error("two commands, and at least one pair")
    return asked


def figures_in(text):
    """{name: number} of the lines that are one."""
    found = {}
    for line in text.splitlines():
        match = FIGURE.match(line.strip())
        try:
            if match:
                found[match[1]] = float(match[2])
        except ValueError:      # a lone sign or dot
            pass
    return found


def reaped(process):
    """(exit status, rusage) of a child of ours."""
    _, status, use = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, use


def wait_ready(command, env):
    end = time.monotonic() + 30
    while subprocess.run(command, shell=True, env=env, check=False,
                         stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL).returncode != 0:
        if time.monotonic() > end:
            raise Failed(f"not ready after 30 s: {command}")
        time.sleep(0.05)


def loaded(asked, process):
    """(seconds, output) of the load on a server."""
    env = {**os.environ, "SMX_AB_PID": str(process.pid)}
    if asked.ready:
        wait_ready(asked.ready, env)
    began = time.monotonic()
    done = subprocess.run(asked.load, shell=True, env=env, check=False,
                          stdout=subprocess.PIPE, text=True)
    took = time.monotonic() - began
    if done.returncode != 0:
        raise Failed(f"the load failed: exit status {done.returncode}")
    return took, done.stdout


def serve(asked, command):
    """A server, for as long as the load takes."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL)
    try:
        took, text = loaded(asked, process)
    except BaseException:
        process.kill()          # which may have reaped it already
        process.wait()
        raise
    process.terminate()
    status, use = reaped(process)
    if status not in (0, -signal.SIGTERM):
        raise Failed(f"{shlex.join(command)}: exit status {status}")
    return took, text, use


def finish(command):
    """A command that ends by itself."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, text=True)
    try:
        text = process.stdout.read()
    except BaseException:
        process.kill()          # which may have reaped it already
        process.wait()
        raise
    status, use = reaped(process)
    took = time.monotonic() - began
    process.stdout.close()
    if status != 0:
        raise Failed(f"{shlex.join(command)}: exit status {status}")
    return took, text, use


def peak_mb(use):
    """The kernel counts what we had when it forked: 0 if that was more."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return use.ru_maxrss / 1e3 if use.ru_maxrss > own else 0.0


def run(asked, side):
    """All figures of one run."""
    command = asked.on if side == "on" else asked.off
    took, text, use = serve(asked, command) if asked.load else finish(command)
    return {"wall": took, "user": use.ru_utime, "system": use.ru_stime,
            "max_rss": peak_mb(use), "switches": use.ru_nvcsw,
            "preemptions": use.ru_nivcsw, "faults": use.ru_minflt,
            **figures_in(text)}


def ratios(rounds, name, side):
    """Of each round that has the figure, and not as zero."""
    found = []
    for sides in rounds:
        off, again, on = (sides[s].get(name, 0) for s in SIDES)
        if min(off, again, on) > 0:
            found.append(again / off if side == "off again"
                         else on / math.sqrt(off * again))
    return found


def effect(ask, rounds, name, limit):
    pairs = ratios(rounds, name, "on")
    if len(pairs) < len(rounds):        # zero now and then: no ratio
        return None
    def middle(*sides):
        return statistics.median(r[s][name] for r in rounds for s in sides)
    return {"title": name, "unit": UNITS.get(name, ""), "kind": "ratio",
            "pairs": pairs, "without": middle("off", "off again"),
            "with": middle("on"), **ask.interval(pairs, limit)}


def control(ask, rounds, limit):
    """The first command against itself, by its time."""
    pairs = ratios(rounds, "wall", "off again")
    usual = ask.interval(pairs, limit)
    joint = ask.ratio(pairs, JOINT)
    if joint and not joint[0] <= 1 <= joint[1]:
        outcome = "wrong"
    elif 1 / limit < usual["low"] and usual["verdict"] == "within":
        outcome = "right"
    else:
        outcome = "not shown"
    return {"outcome": outcome, "kind": "ratio", **usual}


def measure(asked, progress, interrupt):
    """The rounds that were completed, and how it ended."""
    dice = random.Random(asked.seed)
    rounds = []
    try:
        for number in range(asked.pairs):
            sides = {}
            for side in dice.sample(SIDES, len(SIDES)):
                interrupt.check()
                progress.begin(f"round {number + 1}: {side}")
                sides[side] = run(asked, side)
                progress.done()
            rounds.append(sides)
    except KeyboardInterrupt:
        return rounds, "interrupted"
    return rounds, "complete"


def told(found):
    """The report as text."""
    rows = [("figure", "off", "on", "change [95 % interval]", "verdict")]
    rows += [(e["title"], words.amount(e["without"], e["unit"]).strip(),
              words.amount(e["with"], e["unit"]).strip(), words.change(e),
              words.verdict(e)) for e in found["effects"]]
    return (f"{len(found['rounds'])} pairs, {found['ended']}.\n"
            f"Control, off against off again: {words.change(found['control'])}"
            f": {found['control']['outcome']}.\n\n" + words.table(rows))


def judged(asked, rounds, ended):
    limit = 1 + asked.limit / 100
    ask = Statistics(os.path.join(asked.tools, "ab-stats"), asked.seed)
    names = list(dict.fromkeys(n for r in rounds for n in r["on"]))
    effects = [effect(ask, rounds, name, limit) for name in names]
    found = {"schema": 1, "off": asked.off, "on": asked.on, "ended": ended,
             "control": control(ask, rounds, limit), "rounds": rounds,
             "effects": [e for e in effects if e]}
    ask.close()
    return found


def main(argv):
    asked = arguments(argv)
    try:
        rounds, ended = measure(asked, Progress(
            float("inf"), asked.pairs * len(SIDES)), Interrupt())
    except (Failed, OSError) as why:
        print(f"smx-ab: {why}", file=sys.stderr)
        return 1
    if not rounds:
        print("smx-ab: no round was completed", file=sys.stderr)
        return 130
    found = judged(asked, rounds, ended)
    if asked.out:
        with open(asked.out, "w", encoding="utf-8") as out:
            json.dump(found, out, indent=1)
    print(told(found))
    if ended == "interrupted":
        return 130
    return 0 if found["control"]["outcome"] == "right" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
