# SPDX-License-Identifier: Apache-2.0
"""Count the test cases in meson's testlog.json: `N passed, N failed`.

A program that uses check says how many cases it ran, one of ours prints a
line per case; anything else is one case.  Lines that begin with `report: `
are for whoever asked.
"""
import json
import re
import sys

CHECKS = re.compile(r"Checks: (\d+), Failures: (\d+), Errors: (\d+)")
REPORT = re.compile(r"^report: (.*)$", re.M)
CASE = re.compile(r"^(ok|not ok|skipped) - (.*)$", re.M)


def cases(test):
    """(passed, failed, reasons for what was skipped) of one program."""
    out = test.get("stdout") or ""
    passed, failed, skipped = 0, 0, []
    for ran, wrong, errors in CHECKS.findall(out):
        bad = int(wrong) + int(errors)
        passed += int(ran) - bad
        failed += bad
    for verdict, name in CASE.findall(out):
        passed += verdict == "ok"
        failed += verdict == "not ok"
        if verdict == "skipped":
            skipped.append(name)
    if test["result"] == "SKIP":
        skipped = skipped or [test["name"]]
    elif test["result"] in ("OK", "EXPECTEDFAIL"):
        passed = passed or (0 if skipped else 1)
    else:
        failed = failed or 1        # killed, or out of time
    return passed, failed, skipped


def main(path):
    passed, failed = 0, 0
    with open(path, encoding="utf-8") as log:
        for line in log:
            test = json.loads(line)
            good, bad, skipped = cases(test)
            passed += good
            failed += bad
            for row in REPORT.findall(test.get("stdout") or ""):
                print(row)
            for what in skipped:
                print(f"skipped: {what}")
            if bad:
                print(f"failed: {test['name']}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
