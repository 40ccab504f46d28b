# SPDX-License-Identifier: Apache-2.0
"""docs/REQUIREMENTS.md: every row has a test, every test named there exists,
and, given the logs of runs of all suites, it ran and a case of it passed.

usage: requirements.py SOURCE BUILD [TESTLOG.json...]
"""
import json
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tools/cdb.d"))
from count import cases  # noqa: E402

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


def result_of(entry):
    """meson calls OK what exits with 0, even if it skipped every case."""
    passed, _, skipped = cases(entry)
    if entry["result"] == "OK" and skipped and not passed:
        return "skipped every case"
    return entry["result"]


def results(lines):
    """{test: its last result} of meson's testlog.json, a line each."""
    found = {}
    for line in lines:
        entry = json.loads(line)
        found[entry["name"].split(" / ")[-1]] = result_of(entry)
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


def logged(name, result="OK", out="ok - a\n"):
    return json.dumps({"name": f"smx:s / {name}", "result": result,
                       "stdout": out})


def notices(text, tests):
    """What is wrong is seen, in the page and in a log."""
    bad = [text.replace("| 7 |", "| 77 |", 1),
           text.replace("`e2e/determinism`", "`e2e/no_such`", 1),
           re.sub(r"(?m)^\| 33 .*$", "| 33 | a | nothing |", text)]
    for broken in bad:
        assert list(faults_of(broken, tests)), "a fault went unnoticed"
    names = sorted(set(NAME.findall(text)) & tests)
    good = [logged(name) for name in names]
    assert not list(faults_of(text, tests, results(good))), "all ran"
    for name in {n for _, proof in rows_of(text).values()
                 for n in NAME.findall(proof)}:
        others = [logged(n) for n in names if n != name]
        for last in ([], [logged(name, "FAIL")], [logged(name, "SKIP")],
                     [logged(name, "TIMEOUT")],
                     [logged(name, out="skipped - a: no right\n")]):
            assert any(name in fault for fault in faults_of(
                text, tests, results(others + last))), (name, last)


def main():
    source, build, *logs = sys.argv[1:]
    text = pathlib.Path(source, "docs/REQUIREMENTS.md").read_text("utf-8")
    tests = known(build)
    notices(text, tests)
    lines = [line for log in logs
             for line in pathlib.Path(log).read_text("utf-8").splitlines()]
    faults = list(faults_of(text, tests, results(lines) if logs else None))
    print("\n".join(faults) or f"{ROWS} rows, each with a test that "
          + ("ran and passed" if logs else "exists"))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
