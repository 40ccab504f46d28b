#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs/SEGMENT.md and layout.h say the same.

usage: page.py ROOT CC...

The page's tables become assertions in C about the structs and constants of
layout.h, which the compiler judges; and whatever layout.h has, the page has.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT, CC = pathlib.Path(sys.argv[1]), sys.argv[2:]
PAGE = (ROOT / "docs/SEGMENT.md").read_text(encoding="utf-8")
LAYOUT = (ROOT / "libshm/include/smx/layout.h").read_text(encoding="utf-8")
TYPES = {f"{sign}{bits}": f"{'u' * (sign == 'u')}int{bits}_t"
         for sign in "ui" for bits in (8, 16, 32, 64)}


def rows(text):
    """The cells of the first table in text, without its head."""
    table = re.search(r"(?:^\|.*\n)+", text, re.M).group()
    return [[cell.strip() for cell in line.strip("|").split("|")]
            for line in table.splitlines()[2:]]


def structs():
    """{name: (bytes, bytes of the record's header, rows)} of the page."""
    found = {}
    for m in re.finditer(r"^`struct (\w+)`, (\d+) bytes(.*)\n", PAGE, re.M):
        inherited = 16 if "first 16 are the record's" in m[3] else 0
        found[m[1]] = (int(m[2]), inherited, rows(PAGE[m.end():]))
    return found


def constants():
    """{name: value in C} of section 14."""
    text = PAGE[PAGE.index("\n## 14."):]
    return {name.strip("`"): in_c(value) for name, value, _ in rows(text)}


def in_c(value):
    if value.startswith('"'):
        return value
    value = value.replace("\u2212", "-")
    m = re.fullmatch(r"(-?)2\^(\d+)( - 1)?", value)
    if m and m[3]:
        return f"(UINT64_MAX >> {64 - int(m[2])})"
    if m:
        return f"({m[1]}(INT64_C(1) << {m[2]}))"
    assert re.fullmatch(r"\d+|0x[0-9A-F]+", value), value
    return f"UINT64_C({value})"


def field_checks(name, fields):
    """One assertion of place and one of type for each named row."""
    for offset, kind, field, *_ in fields:
        field = field.strip("`")
        if not field:
            continue
        yield f"offsetof(struct {name}, {field}) == {offset}"
        member = f"((struct {name} *)0)->{field}"
        if kind in TYPES:
            yield f"_Generic({member}, {TYPES[kind]}: 1, default: 0)"
        else:
            yield f"sizeof({member}) == {kind.split()[0]}"


def tiling_faults(name, size, inherited, fields):
    """Rows that leave a gap, overlap, or end elsewhere."""
    at = inherited
    for offset, kind, field, *_ in fields:
        if int(offset) != at:
            yield f"{name}: {field or 'reserved'} at {offset}, not {at}"
        at = int(offset) + (int(kind[1:]) // 8 if kind in TYPES
                            else int(kind.split()[0]))
    if at != size:
        yield f"{name}: the rows end at {at}, not {size}"


def compile_faults(checks):
    """The assertions that the compiler refuses."""
    lines = ["#include <string.h>", '#include "smx/layout.h"']
    lines += [f'_Static_assert({c}, "not so");' for c in checks]
    with tempfile.TemporaryDirectory() as d:
        source = pathlib.Path(d) / "page.c"
        source.write_text("\n".join(lines) + "\n")
        done = subprocess.run(
            [*CC, "-std=gnu11", "-fsyntax-only", "-fno-diagnostics-color",
             "-I", ROOT / "libshm/include", source],
            capture_output=True, text=True, check=False)
    for number in re.findall(r"page\.c:(\d+):\d+: error", done.stderr):
        yield f"layout.h has it otherwise: {lines[int(number) - 1]}"
    if done.returncode and "error" not in done.stderr:
        yield done.stderr


def in_layout():
    """{struct: fields} of layout.h, reserved ones left out."""
    return {name: [f for f in re.findall(r"^\t\w[\w ]*?(\w+)(?:\[.*\])?;",
                                         body, re.M)
                   if not re.match(r"reserved|record$", f)]
            for name, body in re.findall(r"^struct (\w+) \{\n(.*?)^\};",
                                         LAYOUT, re.M | re.S)}


def check_structs():
    page = structs()
    checks = []
    for name, (size, inherited, fields) in page.items():
        yield from tiling_faults(name, size, inherited, fields)
        checks.append(f"sizeof(struct {name}) == {size}")
        checks += field_checks(name, fields)
    yield from compile_faults(checks)
    for name, fields in in_layout().items():
        named = [row[2].strip("`") for row in page.get(name, (0, 0, []))[2]
                 if row[2]]
        if fields != named:
            yield f"struct {name}: {fields} in layout.h, {named} on the page"


def check_constants():
    page = constants()
    defined = dict(re.findall(r"^#define SMX_([A-Z][A-Z0-9_]+)[ \t]+(\S.*)",
                              LAYOUT, re.M))
    for name in sorted(defined.keys() ^ page.keys()):
        yield f"SMX_{name} is in one of the two only"
    yield from compile_faults(
        f"sizeof({value}) == sizeof(SMX_{name}) && "
        f"__builtin_strcmp({value}, SMX_{name}) == 0"
        if value.startswith('"') else f"SMX_{name} == {value}"
        for name, value in page.items() if name in defined)


def check_invariants():
    """The same numbers, I1 to the last."""
    comment = re.search(r"/\*\n \* layout.*?\*/", LAYOUT, re.S).group()
    numbers = re.findall(r"^ \* (I\d+)  ", comment, re.M)
    if numbers != re.findall(r"^\| \*\*(I\d+)\*\* \|", PAGE, re.M):
        yield "other invariants than in layout.h"


def main():
    failed = 0
    for check in (check_structs, check_constants, check_invariants):
        faults = list(check())
        for fault in faults:
            print(f"# {fault}")
        print(f"{'not ok' if faults else 'ok'} - {check.__name__}")
        failed += bool(faults)
    print(f"# {len(structs())} structs, {len(constants())} constants")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
