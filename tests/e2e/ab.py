# SPDX-License-Identifier: Apache-2.0
"""The A/B harness with the real pipeline, as short as it goes.

    ab.py SOURCE BUILD
"""
import glob
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import traceback

SOURCE, BUILD = map(pathlib.Path, sys.argv[1:3])
SERVICES = ("digest", "execution", "feed", "load", "notify", "risk", "signal",
            "writer")
SHORT = ("--intervals", "1", "--seconds", "2", "--ticks", "200")


def build_off(folder):
    """The services without metrics."""
    quiet = {"check": True, "stdout": subprocess.DEVNULL}
    subprocess.run(["meson", "setup", folder, SOURCE, "-Dmetrics=false",
                    "-Dtests=false"], **quiet)
    subprocess.run(["ninja", "-C", folder,
                    *(f"services/cdb-{name}" for name in SERVICES)], **quiet)


def harness(folder, *words):
    return subprocess.Popen(
        [sys.executable, SOURCE / "bench/ab/main.py", "--builds", BUILD,
         folder / "off", "--out", folder / "out", *SHORT, *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True)


def report_of(folder):
    return json.loads((folder / "out/report.json").read_text("utf-8"))


def left_behind(pid):
    """The folder that this harness worked in, and processes in it."""
    found = glob.glob(f"/dev/shm/smx-ab-{pid}-*")
    for link in glob.glob("/proc/[0-9]*/cwd"):
        try:
            if f"/smx-ab-{pid}-" in os.readlink(link):
                found.append(link)
        except OSError:
            pass
    return found


def test_one_round_of_everything(folder):
    process = harness(folder, "--pairs", "1")
    text, told = process.communicate(timeout=900)
    # one pair cannot prove the controls
    assert process.returncode == 1, (process.returncode, told)
    whole = report_of(folder)
    blocks = {(b["variant"], b["part"]): b for b in whole["blocks"]}
    assert set(blocks) == {("span", 0), ("scraped1", 0), *(
        (key, part) for key in ("off", "off2", "delayed", "on")
        for part in (0, 1))}
    assert len(whole["hashes"]) == 1, whole["hashes"]
    assert whole["delay_ns"] > 0 and whole["ended"] == "complete"
    for (key, part), block in blocks.items():
        seconds = 2 if key in ("span", "scraped1") else 1
        assert block["http"]["requests"] == seconds * 2000, block["http"]
        assert sum(s for _, s in block["slices"]) == seconds, block["slices"]
        assert part or block["full"]["ticks"] > 1000, block["full"]
        assert block["events"]["paced"]["tick_to_signal"]["events"] > 0
        assert block["used"]["signal"]["cpu_ns"] > 0
        assert block["restarts"] == {}, block["restarts"]
    assert blocks["scraped1", 0]["scrapes"]["rows"], "nothing was scraped"
    assert "collector" in blocks["scraped1", 0]["used"]
    assert "collector" not in blocks["on", 1]["used"]
    assert "the same, byte for byte" in text, text
    assert left_behind(process.pid) == []


def test_an_interrupt_reports_and_leaves_nothing(folder):
    process = harness(folder, "--pairs", "50")
    for line in process.stderr:
        if line.startswith("[  2/"):
            break
    time.sleep(1)               # anywhere in the second round
    process.send_signal(signal.SIGINT)
    text, told = process.communicate(timeout=300)
    assert process.returncode == 130, (process.returncode, told)
    assert "interrupted" in text, text
    assert {b["round"] for b in report_of(folder)["blocks"]} == {0}
    assert left_behind(process.pid) == []


def main():
    failed = 0
    with tempfile.TemporaryDirectory(prefix="ab-e2e-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        build_off(folder / "off")
        for test in (test_one_round_of_everything,
                     test_an_interrupt_reports_and_leaves_nothing):
            try:
                test(folder)
                print(f"ok - {test.__name__[5:]}", flush=True)
            except Exception:       # pylint: disable=broad-except
                failed += 1
                print(f"not ok - {test.__name__[5:]}\n# "
                      + traceback.format_exc().replace("\n", "\n# "))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
