#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The arrows between the parts, as the compiler and the linker saw them.

    layout <- hot <- writer <- services
    layout <- view, snapshot;  snapshot <- expo;  view, expo <- collector, tools
    runtime knows no metrics

`ninja -t deps` names every header that an object was made from, `ninja -t
inputs` everything that a program was linked from.
"""
import os
import re
import subprocess
import sys

ROOT, BUILD = (os.path.realpath(p) for p in sys.argv[1:3])

WRITER = r"libshm/include/smx/(hot|writer)\.h"
READER = r"libshm/include/smx/(view|snapshot)\.h"
INSIDE = r"libshm/src/"

# (source or object, what none of them may have read, why)
HEADERS = [
    (r"libshm/", r"(runtime|collector|services|tools)/", "the library is "
     "below everything else"),
    (r"libshm/libsmx-reader\.", WRITER, "the reader knows no writer"),
    (r"libshm/libsmx\.", READER, "the writer knows no reader"),
    (r"runtime/", r"(libshm|collector|services|tools)/",
     "the runtime knows no metrics"),
    (r"collector/", WRITER + "|" + INSIDE, "the collector only reads"),
    (r"collector/expo/", r"libshm/include/smx/view\.h|runtime/|"
     r".*/(uv|microhttpd|sys/mman|sys/socket)\.h$",
     "encoders: snapshot in, bytes out"),
    (r"collector/", r"services/|tools/", "the collector knows no service"),
    (r"services/", READER + "|" + INSIDE, "a service never sees the reader"),
    (r"services/", r"collector/|tools/", "services know no collector"),
    (r"tools/(?!smx\.p/|admin\.c$)", WRITER + "|" + INSIDE,
     "tools only read"),
    (r"tools/admin\.c", WRITER + "|" + INSIDE + r"(?!admin\.h)",
     "rm and reset know one part of the library's inside"),
    (r"bench/ab/", r"(libshm|runtime|collector|services)/",
     "the harness knows nothing of what it measures"),
    (r"examples/", READER + "|" + INSIDE, "examples are users"),
]

# (programs, what none of them may be linked from, why)
LINKS = [
    (r"collector/smx-collector", r".*/?libsmx\.(a|so.*)$",
     "the collector never links the writer"),
    (r"tools/smx", r".*/?libsmx\.(a|so.*)$",
     "the tools never link the writer"),
    (r"(collector/smx-collector|services/.*|examples/.*)", r".*/?libsmx-admin\.a$",
     "removing and emptying is for the tools alone"),
    (r"services/.*", r".*/?libsmx-reader\.(a|so.*)$",
     "no service links the reader"),
    (r"libshm/libsmx\.(a|so.*)", r".*/?libsmx-reader\.(a|so.*)$",
     "the two libraries stand alone"),
    (r"libshm/libsmx-reader\.(a|so.*)", r".*/?libsmx\.(a|so.*)$",
     "the two libraries stand alone"),
]

# Direct includes of the public headers.
PUBLIC = {
    "layout.h": set(),
    "error.h": set(),
    "off.h": {"error.h"},
    "hot.h": {"layout.h", "error.h", "off.h"},
    "writer.h": {"hot.h", "error.h"},
    "snapshot.h": {"layout.h", "error.h"},
    "view.h": {"snapshot.h", "layout.h", "error.h"},
}


def ninja(*words):
    return subprocess.run(["ninja", "-C", BUILD, *words], check=True,
                          capture_output=True, text=True).stdout


def relative(path):
    """Ours below ROOT; a system header stays absolute."""
    path = os.path.normpath(os.path.join(BUILD, path))
    return os.path.relpath(path, ROOT) if path.startswith(ROOT + "/") else path


def objects():
    """(object, source, the headers it read) of every one that was built."""
    entry = []
    for line in [*ninja("-t", "deps").splitlines(), ""]:
        if line.startswith(" "):
            entry.append(relative(line.strip()))
            continue
        if len(entry) > 1:
            yield entry[0], entry[1], entry[2:]
        entry = [line.split(":")[0]]


def faults_in_headers():
    seen = set()
    for made, source, headers in objects():
        seen.add(source)
        for which, forbidden, why in HEADERS:
            if re.match(which, source) or re.match(which, made):
                for header in headers:
                    if re.match(forbidden, header):
                        yield f"{source} reads {header}: {why}"
    for must in ("libshm/", "runtime/", "collector/expo/", "services/"):
        if not any(s.startswith(must) for s in seen):
            yield f"no object of {must} was built: nothing was checked"


def faults_in_links():
    outputs = [line.split(":")[0] for line in
               ninja("-t", "targets", "all").splitlines()]
    for program, forbidden, why in LINKS:
        for output in outputs:
            if not re.fullmatch(program, output) or output.endswith(".o"):
                continue
            for used in ninja("-t", "inputs", output).splitlines():
                if re.match(forbidden, used):
                    yield f"{output} is linked from {used}: {why}"


def faults_in_public():
    folder = os.path.join(ROOT, "libshm/include/smx")
    for name in sorted(os.listdir(folder)):
        if name not in PUBLIC:
            yield f"smx/{name} has no place among the arrows"
            continue
        with open(os.path.join(folder, name), encoding="utf-8") as text:
            for used in re.findall(r'^#\s*include\s*[<"](?:smx/)?(\w+\.h)[">]',
                                   text.read(), re.M):
                if used in PUBLIC and used not in PUBLIC[name]:
                    yield f"smx/{name} includes {used}"


def main():
    failed = 0
    for name, check in (("headers_follow_the_arrows", faults_in_headers),
                        ("links_follow_the_arrows", faults_in_links),
                        ("public_headers_in_order", faults_in_public)):
        faults = sorted(set(check()))
        for fault in faults:
            print(f"# {fault}")
        print(f"{'not ok' if faults else 'ok'} - {name}")
        failed += bool(faults)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
