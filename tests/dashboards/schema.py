# SPDX-License-Identifier: Apache-2.0
"""The dashboards before the types that Grafana publishes of itself.

npm's @grafana/schema, of the version that compose runs, and a TypeScript
compiler: from the folder CDB_NODE_MODULES, else fetched by npm from wherever
it is told to look.  Without node or the packages the test is skipped, and
says so.  Broken dashboards go before the same compiler, which must refuse
them.
"""
import copy
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import model

PACKAGES = ("@grafana/schema@11.2.0", "typescript@5.6.3")
SKIPPED = 77                    # as meson understands it
OPTIONS = ("--noEmit", "--strict", "--skipLibCheck", "--target", "es2022",
           "--module", "esnext", "--moduleResolution", "node",
           "--pretty", "false")


def skip(reason):
    print(f"skipped - {reason}")
    sys.exit(SKIPPED)


def packages(folder):
    """node_modules in `folder`."""
    if not shutil.which("node"):
        skip("there is no node")
    here = os.environ.get("CDB_NODE_MODULES")
    if here:
        (folder / "node_modules").symlink_to(here)
        return
    if not shutil.which("npm"):
        skip("there is no npm, and CDB_NODE_MODULES is not set")
    (folder / "package.json").write_text('{"private": true}\n')
    try:
        done = subprocess.run(
            ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund",
             "--no-save", "--prefer-offline", "--fetch-retries=1",
             "--fetch-timeout=20000", *PACKAGES],
            cwd=folder, capture_output=True, text=True, timeout=90,
            check=False)
    except subprocess.TimeoutExpired:
        skip("npm does not get " + " and ".join(PACKAGES) + " within 90 s")
    if done.returncode:
        skip("npm cannot get " + " and ".join(PACKAGES))


def compiler_faults(folder, boards):
    """{name: [what the compiler says of it]}"""
    for name, board in boards.items():
        (folder / f"{name}.ts").write_text(
            "import type { Dashboard } from './grafana';\n"
            f"export const board: Dashboard = {json.dumps(board, indent=1)};\n")
    shutil.copy(pathlib.Path(__file__).with_name("grafana.ts"), folder)
    done = subprocess.run(
        ["node", "node_modules/typescript/bin/tsc", *OPTIONS,
         *(f"{name}.ts" for name in boards)], cwd=folder,
        capture_output=True, text=True, timeout=240, check=False)
    faults = {name: [] for name in boards}
    for line in done.stdout.splitlines():
        name = line.partition(".ts(")[0]
        if name in faults:
            faults[name].append(line)
        else:
            assert line[:1] == " ", f"the compiler says: {line}"
    assert done.returncode == 0 or any(faults.values()), done.stderr
    return faults


def first(board, kind):
    return next(p for p in board["panels"] if p["type"] == kind)


# What no type allows; each is done to the dashboard of that name.
BROKEN = {
    "draws": ("1-system-health", lambda b: first(b, "timeseries")[
        "fieldConfig"]["defaults"]["custom"].update(drawStyle="lines")),
    "placed": ("1-system-health", lambda b: first(b, "stat")[
        "gridPos"].pop("h")),
    "legend": ("2-trading", lambda b: first(b, "timeseries")[
        "options"]["legend"].update(displayMode="grid")),
    "colour": ("2-trading", lambda b: first(b, "stat")["fieldConfig"][
        "defaults"]["color"].update(mode="rainbow")),
    "cells": ("3-latency", lambda b: first(b, "heatmap")[
        "options"]["color"].pop("steps")),
    "spelled": ("3-latency", lambda b: first(b, "timeseries").update(
        fieldconfig={})),
    "kind": ("4-risk", lambda b: first(b, "state-timeline").update(
        type="statetimeline")),
    "asked": ("5-red", lambda b: first(b, "timeseries")["targets"][
        0].update(expression="up")),
    "variable": ("6-use", lambda b: b["templating"]["list"][1].update(
        refresh=9)),
    "steps": ("7-bus-database", lambda b: first(b, "stat")["fieldConfig"][
        "defaults"]["thresholds"]["steps"][0].update(value="low")),
    "folded": ("8-monitoring", lambda b: first(b, "row").update(
        collapsed="no")),
    "text": ("9-ab-overhead", lambda b: first(b, "text")["options"].update(
        mode="md")),
}


def main():
    with tempfile.TemporaryDirectory(prefix="cdb-schema-") as name:
        folder = pathlib.Path(name)
        packages(folder)
        boards = model.load()
        broken = {}
        for what, (board, change) in BROKEN.items():
            broken[f"broken-{what}"] = copy.deepcopy(boards[board])
            change(broken[f"broken-{what}"])
        faults = compiler_faults(folder, {**boards, **broken})
    for board in boards:
        assert not faults[board], "\n".join(faults[board])
    for what in broken:
        assert faults[what], f"the types allow {what}"
    print(f"ok - {len(boards)} dashboards are what {PACKAGES[0]} says, "
          f"{len(broken)} broken ones are not")


if __name__ == "__main__":
    main()
