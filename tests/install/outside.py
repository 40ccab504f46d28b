# SPDX-License-Identifier: Apache-2.0
"""What `meson install` lays down is enough for a program outside the tree.

usage: outside.py SOURCE BUILD
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from installed import Prefix

SOURCE, BUILD = map(pathlib.Path, sys.argv[1:3])
WARN = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]
LANGUAGES = {"hello.c": ["cc", "-std=c11", "-D_GNU_SOURCE"],
             "gateway.cc": ["c++", "-std=c++11", "-pthread"]}


def run(*words, env=None):
    done = subprocess.run([str(w) for w in words], capture_output=True,
                          text=True, check=False, timeout=120,
                          env={**os.environ, **(env or {})})
    if done.returncode:
        raise AssertionError(f"{words}\n{done.stdout}{done.stderr}")
    return done.stdout


def smx(prefix, segments, *words):
    return run(prefix.root / "bin/smx", *words,
               env={"SMX_DIR": str(segments)})


def builds_and_counts(prefix, folder, source, static):
    """A program of pkg-config's flags runs, and is seen."""
    program = folder / f"{source}-{'static' if static else 'shared'}"
    segments = folder / "segments"
    segments.mkdir(exist_ok=True)
    libs = prefix.flags("--libs", "smx")
    if static:
        libs = [prefix.lib / "libsmx.a", "-lm", "-pthread"]
    run(*LANGUAGES[source], *WARN, *prefix.flags("--cflags", "smx"),
        SOURCE / "examples" / source, "-o", program, *libs)
    needs = run("readelf", "-d", program)
    assert ("libsmx.so.0" in needs) != static, needs
    if source == "hello.c":
        return
    run(program, "5", env={"SMX_DIR": str(segments),
                           "LD_LIBRARY_PATH": str(prefix.lib)})
    assert "gateway_orders_total 5" in smx(prefix, segments, "dump",
                                           "gateway")
    smx(prefix, segments, "rm", "gateway")


def without_metrics_it_needs_no_library(prefix, folder):
    program = folder / "off"
    run(*LANGUAGES["hello.c"], *WARN, "-DSMX_OFF",
        *prefix.flags("--cflags", "smx"), SOURCE / "examples/hello.c",
        "-o", program)
    assert "smx" not in run("nm", "-u", program)


def symbols_have_a_version(prefix):
    symbols = run("readelf", "--dyn-syms", "-W", prefix.lib / "libsmx.so")
    ours = re.findall(r"\b(smx_+\w+)(@@\S+)?\n", symbols)
    assert len(ours) > 20, symbols
    assert not [n for n, version in ours if version != "@@SMX_0.1"], ours


def all_headers_are_there(prefix):
    tree = {p.name for p in (SOURCE / "libshm/include/smx").iterdir()}
    there = {p.name for p in (prefix.root / "include/smx").iterdir()}
    assert tree == there, tree ^ there


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="smx-install-"))
    try:
        prefix = Prefix(BUILD, folder / "root")
        all_headers_are_there(prefix)
        symbols_have_a_version(prefix)
        for source in LANGUAGES:
            for static in (False, True):
                builds_and_counts(prefix, folder, source, static)
        without_metrics_it_needs_no_library(prefix, folder)
        reader = prefix.flags("--libs", "smx-reader")
        assert "-lsmx-reader" in reader, reader
    finally:
        shutil.rmtree(folder)
    print("ok - installed headers, libraries and tools serve a program")


if __name__ == "__main__":
    main()
