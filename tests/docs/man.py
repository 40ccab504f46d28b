#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The man pages: linted, true to docs/SEGMENT.md and to the tool; and what
smx.1 shows is what the tool prints.

usage: man.py SOURCE SMX
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from segments import lease, unpack

SOURCE, TOOL = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
PAGES = SOURCE / "docs/man"
STORED = SOURCE / "tests/golden/segment-v1.bin.gz"


def pages_are_well_formed():
    for page in sorted(PAGES.glob("*.[1-9]")):
        if shutil.which("mandoc"):
            words = ["mandoc", "-Tlint", "-Wwarning", page]
        else:
            words = ["man", "--warnings", "-l", "-Tutf8", page]
        done = subprocess.run(words, capture_output=True, text=True,
                              check=False, env={**os.environ, "LANG": "C"})
        said = done.stdout if words[0] == "mandoc" else done.stderr
        yield from said.splitlines()


def the_segment_is_that_of_the_normative_page():
    norm = (SOURCE / "docs/SEGMENT.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\.It (\d+) Ta (u\d+) Ta (\w+)",
                      (PAGES / "smx-segment.5").read_text(), re.M)
    if len(rows) < 30:
        yield f"only {len(rows)} fields"
    for offset, kind, name in rows:
        if not re.search(rf"^\| {offset} +\| {kind} +\| `{name}` ", norm,
                         re.M):
            yield f"{offset} {kind} {name} is not in docs/SEGMENT.md"


def every_command_and_option_is_there():
    text = (PAGES / "smx.1").read_text()
    usage = subprocess.run([TOOL, "--help"], capture_output=True, text=True,
                           check=True).stdout
    for word in re.findall(r"--([a-z]+)", usage):
        if not re.search(rf"^\.It (.* )?Fl -{word}\b", text, re.M):
            yield f"no option --{word}"
    commands = re.findall(r"^  ([a-z]+)(?: NAME| {4})", usage, re.M)
    if len(commands) < 7:
        yield f"only {commands}"
    for word in commands:
        if f"\n.It Cm {word}\n" not in text:
            yield f"no command {word}"


def blocks():
    text = (PAGES / "smx.1").read_text()
    for block in re.findall(r"^\.Bd -literal\n(.*?)^\.Ed", text,
                            re.M | re.S):
        yield block.replace(r"\&", "").replace(r"\e", "\\")


def the_examples_print_what_they_say():
    with tempfile.TemporaryDirectory(dir="/dev/shm",
                                     prefix="smx-test-") as folder:
        path = pathlib.Path(folder) / "smx.shop"
        unpack(STORED, path)
        fd = lease(path, 0)  # who lives in the first block is dead in the next
        for block in blocks():
            script = "\n".join(
                f"echo {quote(line)}\n{line[2:]} 2>&1 || true"
                for line in block.splitlines() if line.startswith("$ "))
            said = subprocess.run(
                ["bash", "-c", script], text=True, capture_output=True,
                check=True, env={
                    **os.environ, "SMX_DIR": folder,
                    "PATH": f"{TOOL.parent}:{os.environ['PATH']}"}).stdout
            if said != block:
                yield f"printed instead:\n{said}"
            if fd >= 0:
                os.close(fd)
                fd = -1


def quote(text):
    return "'" + text.replace("'", "'\\''") + "'"


def main():
    failed = 0
    for check in (pages_are_well_formed,
                  the_segment_is_that_of_the_normative_page,
                  every_command_and_option_is_there,
                  the_examples_print_what_they_say):
        faults = list(check())
        for fault in faults:
            print(f"# {fault}")
        print(f"{'not ok' if faults else 'ok'} - {check.__name__}")
        failed += bool(faults)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
