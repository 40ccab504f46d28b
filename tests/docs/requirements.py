# SPDX-License-Identifier: Apache-2.0
"""docs/REQUIREMENTS.md: every row has a test, every test named there exists,
and, given the log of a run of all suites, it ran.

usage: requirements.py SOURCE BUILD [TESTLOG.json...]
"""
import json
import pathlib
import re
import subprocess
import sys

ROWS = 70
NAME = re.compile(r"`([a-z0-9-]+/[a-z0-9_-]+)`")


def rows_of(text):
    """{number: (what, proof)}"""
    found = {}
    for line in text.splitlines():
        cells = [c.strip() for c in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0].isdigit():
            assert cells[0] not in found, f"row {cells[0]} is there twice"
            assert len(cells) == 3, line
            found[int(cells[0])] = tuple(cells[1:])
    return found


def known(build):
    text = subprocess.run(["meson", "introspect", build, "--tests"],
                          check=True, capture_output=True, text=True).stdout
    return {t["name"] for t in json.loads(text)}


def results(logs):
    """{test: its last result} of meson's testlog.json, a line each."""
    found = {}
    for log in logs:
        for line in pathlib.Path(log).read_text("utf-8").splitlines():
            entry = json.loads(line)
            found[entry["name"].split(" / ")[-1]] = entry["result"]
    return found


def faults_of(text, tests, ran=None):
    rows = rows_of(text)
    for number in range(1, ROWS + 1):
        if number not in rows:
            yield f"row {number} is missing"
            continue
        proof = rows[number][1]
        names = NAME.findall(proof)
        if not names:
            yield f"row {number} names no test"
        for name in names:
            if name not in tests:
                yield f"row {number}: there is no test {name}"
            elif ran is not None and ran.get(name) != "OK":
                yield f"row {number}: {name}: {ran.get(name, 'did not run')}"
    yield from (f"row {n} is none" for n in rows if not 0 < n <= ROWS)
    for name in NAME.findall(text[text.index("## Broken on purpose"):]):
        if name not in tests:
            yield f"broken on purpose: there is no test {name}"


def notices(text, tests):
    """What is wrong is seen."""
    bad = [text.replace("| 7 |", "| 77 |", 1),
           text.replace("`e2e/determinism`", "`e2e/no_such`", 1),
           re.sub(r"(?m)^\| 33 .*$", "| 33 | a | nothing |", text)]
    for broken in bad:
        assert list(faults_of(broken, tests)), "a fault went unnoticed"
    assert list(faults_of(text, tests, {})), "tests that did not run"


def main():
    source, build, *logs = sys.argv[1:]
    text = pathlib.Path(source, "docs/REQUIREMENTS.md").read_text("utf-8")
    tests = known(build)
    notices(text, tests)
    faults = list(faults_of(text, tests, results(logs) if logs else None))
    print("\n".join(faults) or f"{ROWS} rows, each with a test that exists")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
