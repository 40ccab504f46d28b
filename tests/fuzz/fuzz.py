#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the corpus reaches, whether planted bugs are found, and libFuzzer.

usage: fuzz.py SOURCE BUILD coverage|planted|libfuzzer|long [SECONDS]

Each builds the fuzz targets its own way, below BUILD/fuzz: with gcov, with
gcc's sanitizers, with clang's libFuzzer and sanitizers.
"""
import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

TARGETS = ("view_check", "segment", "expo", "request", "message")
SANITIZE = ["-Db_sanitize=address,undefined", "--buildtype=debugoptimized",
            "-Dwerror=false"]
GCC = {"CC": "gcc", "CXX": "g++"}
CLANG = {"CC": "clang", "CXX": "clang++"}
ENOUGH = 90.0
SHORT_RUNS = 20000
PLANTED_RUNS = 20000
STRICT = {"UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
          "ASAN_OPTIONS": "abort_on_error=0"}

# (target, file, the line, what becomes of it): each a check that a reader or
# an encoder could do without, until somebody hostile comes.
PLANTED = (
    ("view_check", "libshm/src/record.c",
     "if (padded(size) != r->size)", "if (0)"),
    ("view_check", "libshm/src/catalog.c",
     "unretire(d, m->done);", "(void)unretire;"),
    ("segment", "libshm/src/snapshot.c",
     "return value < limit ? value : limit;", "(void)limit; return value;"),
    ("segment", "libshm/src/spans.c",
     "*end = s->hole < to ? s->hole : to;", "*end = s->hole;"),
    ("expo", "collector/expo/escape.c",
     "*p++ = c == '\\n' ? 'n' : c;", "*p++ = c;"),
)


def run(command, env=None, cwd=None):
    return subprocess.run(
        [str(c) for c in command], env={**os.environ, **(env or {})}, cwd=cwd,
        text=True, errors="replace", stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, check=False)


def must(command, **more):
    done = run(command, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout[-4000:]}")
    return done.stdout


def build(source, where, compilers, *options):
    if not (where / "build.ninja").exists():
        must(["meson", "setup", where, source, *options],
             env={**compilers, "CFLAGS": "", "LDFLAGS": ""})
    must(["ninja", "-C", where, "fuzz"])


def program(where, target):
    return where / "tests" / "fuzz" / f"fuzz_{target}"


def verdict(ok, name):
    print(f"{'ok' if ok else 'not ok'} - {name}", flush=True)
    return ok


def lines_of(where, folder):
    """{file: {line: executions}} of one folder of objects."""
    found = collections.defaultdict(collections.Counter)
    data = sorted(str(p) for p in folder.glob("*.gcda"))
    out = must(["gcov", "--json-format", "--stdout", *data], cwd=where)
    for document in filter(str.strip, out.splitlines()):
        for file in json.loads(document)["files"]:
            if file["file"].endswith((".c", ".cc")):
                for line in file["lines"]:
                    found[file["file"]][line["line_number"]] += line["count"]
    return found


def share(lines):
    return 100.0 * sum(1 for n in lines if n) / len(lines)


def print_coverage(what, found):
    every = []
    for file, lines in sorted(found.items()):
        every += lines.values()
        name = file.lstrip("./")
        print(f"  {share(lines.values()):5.1f} % of {len(lines):3} {name}")
    part = share(every)
    return verdict(part >= ENOUGH, f"the corpus reaches {part:.1f} % of "
                   f"{len(every)} lines of {what}, {ENOUGH:.0f} wanted")


def coverage(source, where):
    if not shutil.which("gcov"):
        print("skipped - coverage: no gcov")
        return True
    build(source, where, GCC, "-Db_coverage=true", "--buildtype=debug")
    for old in where.rglob("*.gcda"):
        old.unlink()
    for target in TARGETS:
        must([program(where, target), source / "tests/fuzz/corpus" / target])
    reader = next(p for p in where.glob("libshm/libsmx-reader*.p")
                  if any(p.glob("*.gcda")))
    ok = print_coverage("the reader", lines_of(where, reader))
    return print_coverage("the encoders", lines_of(
        where, where / "collector/expo/libexpo.a.p")) and ok


def copy_tree(source, to):
    def others(folder, names):
        return [n for n in names if n.startswith(".git") or
                (pathlib.Path(folder) / n / "build.ninja").exists()]

    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(source, to, ignore=others)


def seeds(source, target):
    return sorted((source / "tests/fuzz/corpus" / target).glob("seed-*"))


def plant(tree, file, line, bug):
    """Puts the bug in; returns how to take it out again."""
    path = tree / file
    sound = path.read_text()
    assert sound.count(line) == 1, f"{file} no longer has: {line}"
    path.write_text(sound.replace(line, bug))
    return lambda: path.write_text(sound)


def find(where, source, target):
    """The runs that it took to end, and what was said, from seeds alone."""
    return run([program(where, target), f"-runs={PLANTED_RUNS}",
                *seeds(source, target)], env=STRICT)


def planted(source, where):
    tree = where / "tree"
    copy_tree(source, tree)
    # what an earlier run has left has bugs in it, and is newer than the tree
    shutil.rmtree(where / "build", ignore_errors=True)
    build(tree, where / "build", GCC, *SANITIZE)
    ok = True
    for target in TARGETS:
        done = find(where / "build", source, target)
        ok &= verdict(done.returncode == 0, f"{target}: {PLANTED_RUNS} "
                      "mutations of sound inputs, under sanitizers")
        if done.returncode:
            print(done.stdout[-4000:])
    for target, file, line, bug in PLANTED:
        undo = plant(tree, file, line, bug)
        must(["ninja", "-C", where / "build",
              f"tests/fuzz/fuzz_{target}"])
        began = time.monotonic()
        done = find(where / "build", source, target)
        found = any(w in done.stdout for w in (
            "Sanitizer", "runtime error", "broken promise"))
        ok &= verdict(done.returncode != 0 and found,
                      f"{target} finds the loss of `{line}` "
                      f"({time.monotonic() - began:.1f} s)")
        undo()
    return ok


def has_libfuzzer():
    done = run(["clang", "-print-file-name=libclang_rt.fuzzer-"
                f"{os.uname().machine}.a"]) if shutil.which("clang") else None
    return done and os.path.isabs(done.stdout.strip())


def dictionary(source, target):
    own = source / "tests/fuzz" / f"{target}.dict"
    return own if own.exists() else source / "tests/fuzz/segment.dict"


def fuzz(where, source, target, limit):
    with tempfile.TemporaryDirectory() as fresh:
        done = run([program(where, target), limit, "-max_len=16384",
                    "-timeout=120", "-print_final_stats=1",
                    f"-dict={dictionary(source, target)}",
                    f"-artifact_prefix={where}/", fresh,
                    source / "tests/fuzz/corpus" / target], env=STRICT)
    stats = dict(line[6:].split(":", 1) for line in done.stdout.splitlines()
                 if line.startswith("stat::"))
    n = stats.get("number_of_executed_units", "?").strip()
    if done.returncode:
        print(done.stdout[-6000:])
    return done.returncode == 0, n


def libfuzzer(source, where, limit=None):
    if not has_libfuzzer():
        print("skipped - libFuzzer: no clang with its runtime "
              "(apt-get install clang libclang-rt-dev)")
        return True
    build(source, where, CLANG, "-Dfuzz=true", "-Db_lundef=false", *SANITIZE)
    ok = True
    for target in TARGETS:
        began = time.monotonic()
        runs = SHORT_RUNS // (4 if target == "segment" else 1)
        good, n = fuzz(where, source, target, limit or f"-runs={runs}")
        ok &= verdict(good, f"{target}: {n} runs of libFuzzer in "
                      f"{time.monotonic() - began:.0f} s")
    return ok


def main(source, top, what, seconds="1800"):
    source, where = pathlib.Path(source), pathlib.Path(top) / "fuzz" / what
    where.parent.mkdir(exist_ok=True)
    if what == "long":
        return libfuzzer(source, where.parent / "libfuzzer",
                         f"-max_total_time={seconds}")
    return {"coverage": coverage, "planted": planted,
            "libfuzzer": libfuzzer}[what](source, where)


if __name__ == "__main__":
    sys.exit(0 if main(*sys.argv[1:]) else 1)
