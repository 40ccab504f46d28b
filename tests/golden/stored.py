#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Stored segments, which every later build must read and write on.

usage: stored.py SMX SEGMENT_WRITER FILE.bin.gz...

Beside each FILE.bin.gz lies FILE.txt, by hand: what `smx dump` must say.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

import smx
from smx.dump import document
from segments import lease, unpack

TOOL, WRITER = sys.argv[1:3]


def run(*words, **more):
    done = subprocess.run(words, text=True, capture_output=True, check=False,
                          **more)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


def check(stored, folder):
    path = folder / "smx.golden"
    unpack(stored, path)
    text = stored.with_name(stored.name.replace(".bin.gz", ".txt"))
    wanted = text.read_text(encoding="utf-8").split("\n--\n")[1]
    fd = lease(path, 0)
    said = run(TOOL, "dump", str(path))
    assert said == wanted, f"{stored.name}:\n{said}"
    run(TOOL, "check", str(path))
    with smx.Segment(str(path)) as segment:
        ours = document("golden", segment, segment.read()) + "\n"
    assert ours == run(TOOL, "dump", "--json", str(path))
    # somebody lives: a writer of today takes the other slot and goes on
    run(WRITER, "golden", input="counter hits_total 4\ngauge depth 0.4\n",
        env={**os.environ, "SMX_DIR": str(folder)})
    with smx.Segment(str(path)) as segment:
        shot = segment.read()
    assert shot.get("hits_total").value == 4
    assert shot.get("cpu_seconds_total").cell == 1500000001
    os.close(fd)


def main():
    assert len(sys.argv) > 3
    for name in sys.argv[3:]:
        with tempfile.TemporaryDirectory(dir="/dev/shm",
                                         prefix="smx-test-") as folder:
            check(pathlib.Path(name), pathlib.Path(folder))
        print(f"ok - {pathlib.Path(name).name}")


if __name__ == "__main__":
    main()
