#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clang takes every file of the build without a warning.

With the flags that the build itself uses, but for code it makes none.
"""
import concurrent.futures
import itertools
import json
import os
import shlex
import shutil
import subprocess
import sys

BUILD = os.path.realpath(sys.argv[1])
SKIPPED = 77
DROPPED = ("-o", "-MF", "-MQ")  # with the word after them


def arguments(command):
    # up to the first option: the compiler, behind ccache where that is
    words = itertools.dropwhile(lambda word: not word.startswith("-"),
                                shlex.split(command))
    for word in words:
        if word in DROPPED:
            next(words)
        elif word not in ("-c", "-MD"):
            yield word


def complaints(entry):
    compiler = "clang" if entry["file"].endswith(".c") else "clang++"
    done = subprocess.run(
        [compiler, "-fsyntax-only", "-Werror", *arguments(entry["command"])],
        cwd=entry["directory"], capture_output=True, text=True)
    return done.stderr if done.returncode != 0 else ""


def main():
    if shutil.which("clang") is None:
        print("no clang here")
        return SKIPPED
    with open(os.path.join(BUILD, "compile_commands.json"),
              encoding="utf-8") as commands:
        entries = json.load(commands)
    # of a file that several targets compile, one will do
    files = {e["file"]: e for e in entries}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        bad = [text for text in pool.map(complaints, files.values()) if text]
    for text in bad:
        print(text)
    print("%d files, %d refused" % (len(files), len(bad)))
    return 1 if bad or not files else 0


sys.exit(main())
