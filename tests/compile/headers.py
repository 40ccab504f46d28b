#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every header compiles alone; what services include, as C++11 too.

The public headers under strict -std=c11, and with SMX_OFF as well, since that
is another text: off.h is the second half of hot.h and no header of its own.
"""
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT, BUILD = (os.path.realpath(p) for p in sys.argv[1:3])
WARN = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]
WARN_C = ["-Wstrict-prototypes"]
SERVICES = ("hot.h", "writer.h")


def flags_of_packages():
    """The system folders that the build itself looks into."""
    with open(os.path.join(BUILD, "compile_commands.json"),
              encoding="utf-8") as commands:
        folders = set(re.findall(r"-(?:I|isystem *)(/usr/[^ \"]+)",
                                 commands.read()))
    return ["-isystem" + folder for folder in sorted(folders)]


def compiles(case):
    compiler, language, std, flags, header = case
    warn = WARN + (WARN_C if language == "c" else [])
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "alone." + language)
        with open(source, "w", encoding="utf-8") as text:
            text.write(f'#include "{header}"\n#include "{header}"\n')
        done = subprocess.run(
            [compiler, "-std=" + std, "-fsyntax-only", *warn, *flags,
             "-I" + ROOT, "-I" + ROOT + "/libshm/include",
             "-I" + ROOT + "/collector", source],
            capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    return "\n# ".join(done.stderr.splitlines()[:20]) or "no message"


def cases():
    public = sorted(p for p in glob.glob(ROOT + "/libshm/include/smx/*.h")
                    if not p.endswith("/off.h"))
    packages = flags_of_packages()
    private = sorted(p for part in ("libshm/src", "runtime", "collector",
                                    "services", "tools", "bench")
                     for p in glob.glob(f"{ROOT}/{part}/**/*.h",
                                        recursive=True))
    for version in ("", "-14", "-19"):
        if shutil.which("clang" + version):
            break
    for compiler, cxx in (("gcc", "g++"),
                          ("clang" + version, "clang++" + version)):
        if not shutil.which(compiler):
            continue
        for path in public:
            name = os.path.basename(path)
            yield compiler, "c", "c11", ["-pedantic-errors"], path
            if name in SERVICES:
                for off in ([], ["-DSMX_OFF"]):
                    yield cxx, "cc", "c++11", off, path
                yield compiler, "c", "c11", ["-DSMX_OFF"], path
        for path in private:
            yield (compiler, "c", "gnu11",
                   ["-D_GNU_SOURCE", *packages], path)


def main():
    every, faults = list(cases()), {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for case, fault in zip(every, pool.map(compiles, every)):
            compiler, _, std, flags, path = case
            ours = faults.setdefault(os.path.relpath(path, ROOT), [])
            if fault:
                off = " -DSMX_OFF" if "-DSMX_OFF" in flags else ""
                ours.append(f"{compiler} -std={std}{off}: {fault}")
    for path, ours in faults.items():
        for fault in ours:
            print("# " + fault)
        print(f"{'not ok' if ours else 'ok'} - compiles_alone: {path}")
    if not any(case[0].startswith("clang") for case in every):
        print("skipped - headers alone under clang, which is not installed")
    return 1 if any(faults.values()) or not faults else 0


if __name__ == "__main__":
    sys.exit(main())
