#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""smx-ab with commands whose figures are known.

    ab_own.py SMX_AB
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import traceback

FOLDER = tempfile.TemporaryDirectory(prefix="ab-own-")
OUT = os.path.join(FOLDER.name, "found.json")


def smx_ab(*words, expect=(0, 1)):
    """(output, the JSON); 1: on a busy machine the control may not hold."""
    done = subprocess.run([sys.argv[1], "--out", OUT, *words], check=False,
                          capture_output=True, text=True, timeout=200)
    assert done.returncode in expect, (done.returncode, done.stderr)
    if done.returncode == 2 or not os.path.exists(OUT):
        return done.stderr, None
    return done.stdout + done.stderr, json.loads(
        pathlib.Path(OUT).read_text("utf-8"))


def says(text):
    return ["sh", "-c", f"echo '{text}'"]


def effect_of(found, name):
    return next(e for e in found["effects"] if e["title"] == name)


def test_a_figure_that_is_printed_is_compared():
    text, found = smx_ab("--pairs", "7", "--", *says("cost_ns 100"), "--",
                         *says("cost_ns: 110"))
    effect = effect_of(found, "cost_ns")
    assert abs(effect["median"] - 1.1) < 1e-9, effect
    assert (effect["without"], effect["with"]) == (100, 110), effect
    assert effect["verdict"] == "beyond", effect
    assert "+10.0 % [+10.0, +10.0]" in text, text


def test_the_limit_is_the_users():
    _, found = smx_ab("--pairs", "7", "--limit", "20", "--",
                      *says("cost 100"), "--", *says("cost 110"))
    assert effect_of(found, "cost")["verdict"] == "within", found


def test_few_pairs_decide_nothing():
    _, found = smx_ab("--pairs", "2", "--", *says("cost 1"), "--",
                      *says("cost 9"))
    assert effect_of(found, "cost")["verdict"] == "undecided", found


def test_figures_that_are_zero_have_no_ratio():
    _, found = smx_ab("--pairs", "2", "--", *says("lost 0"), "--",
                      *says("lost 0"))
    assert not any(e["title"] == "lost" for e in found["effects"])


def test_time_is_of_the_command():
    _, found = smx_ab("--pairs", "1", "--", "sleep", "0.05", "--", "sleep",
                      "0.4")
    sides = found["rounds"][0]
    assert sides["on"]["wall"] >= 0.4 and sides["off"]["wall"] >= 0.05


def test_a_server_lives_as_long_as_its_load():
    mark = os.path.join(FOLDER.name, "pids")
    _, found = smx_ab("--pairs", "1", "--ready", 'kill -0 "$SMX_AB_PID"',
                      "--load", f'echo $SMX_AB_PID >>{mark}; echo asked 5',
                      "--", "sleep", "1000", "--", "sleep", "1000")
    assert effect_of(found, "asked")["without"] == 5
    pids = pathlib.Path(mark).read_text("ascii").split()
    assert len(set(pids)) == 3, pids
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids), pids


def test_a_command_or_load_that_fails_is_named():
    for words in (["--", "false", "--", "true"],
                  ["--load", "exit 3", "--", "sleep", "9", "--", "sleep",
                   "9"]):
        pathlib.Path(OUT).unlink(missing_ok=True)
        text, found = smx_ab(*words, expect=(1,))
        assert found is None and "exit status" in text, (text, found)


def test_wrong_words_are_refused():
    for words in ([], ["--", "true"], ["--", "--", "true"],
                  ["--pairs", "0", "--", "true", "--", "true"]):
        smx_ab(*words, expect=(2,))


def test_an_interrupt_reports_the_rounds_there_are():
    pathlib.Path(OUT).unlink(missing_ok=True)
    mark = os.path.join(FOLDER.name, "runs")
    process = subprocess.Popen(
        [sys.argv[1], "--out", OUT, "--pairs", "500", "--", "sh", "-c",
         f"echo >>{mark}", "--", "true"], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True, start_new_session=True)
    end = time.monotonic() + 100
    while not os.path.exists(mark) or os.path.getsize(mark) < 8:
        assert time.monotonic() < end
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    text = process.communicate(timeout=100)[0]
    assert process.returncode == 130, process.returncode
    found = json.loads(pathlib.Path(OUT).read_text("utf-8"))
    assert found["ended"] == "interrupted" and len(found["rounds"]) >= 2
    assert "pairs, interrupted" in text, text


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
    FOLDER.cleanup()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
