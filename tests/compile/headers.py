#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every header compiles alone; what services include, as C++11 too.

The public headers under strict -std=c11, and with SMX_OFF as well, since that
is another text: off.h is the second half of hot.h and no header of its own.
"""
import concurrent.futures
import glob
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.realpath(sys.argv[1])
WARN = ["-Wall", "-Wextra", "-Wconversion", "-Werror"]
# In C++, g++ calls a function beside a struct of the same name a shadow.
WARN_C = ["-Wshadow", "-Wstrict-prototypes"]
SERVICES = ("hot.h", "writer.h")
PACKAGES = ("libuv", "libmicrohttpd", "hiredis", "jansson", "libdeflate")


def flags_of_packages():
    done = subprocess.run(["pkg-config", "--cflags", *PACKAGES],
                          capture_output=True, text=True, check=True)
    # hiredis adds -D_FILE_OFFSET_BITS; include folders are all we want
    return [f.replace("-I", "-isystem", 1) for f in done.stdout.split()
            if f.startswith("-I")]


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
    failed, ran = 0, set()
    every = list(cases())
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for case, fault in zip(every, pool.map(compiles, every)):
            compiler, _, std, flags, path = case
            ran.add(compiler)
            failed += bool(fault)
            if fault:
                print("# " + fault)
            what = " ".join([compiler, "-std=" + std,
                             *(f for f in flags if f == "-DSMX_OFF"),
                             os.path.relpath(path, ROOT)])
            print(f"{'not ok' if fault else 'ok'} - alone: {what}")
    if not any(c.startswith("clang") for c in ran):
        print("skipped - headers alone under clang, which is not installed")
    return 1 if failed or not ran else 0


if __name__ == "__main__":
    sys.exit(main())
