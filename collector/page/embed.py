#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files as arrays in C, with their type, their tag and their gzip.

usage: embed.py OUT.c FILE...

The same files give the same bytes.
"""
import gzip
import hashlib
import pathlib
import sys

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


def array(name, data):
    rows = (", ".join(map(str, data[i:i + 16]))
            for i in range(0, len(data), 16))
    return f"static const unsigned char {name}[] = {{\n" + \
        "".join(f"\t{row},\n" for row in rows) + "};\n"


def main(out, *paths):
    arrays, entries = [], []
    for i, path in enumerate(map(pathlib.Path, paths)):
        data = path.read_bytes()
        packed = gzip.compress(data, 9, mtime=0)
        tag = hashlib.sha256(data).hexdigest()[:16]
        url = "/" if path.name == "index.html" else "/page/" + path.name
        arrays += [array(f"plain_{i}", data), array(f"packed_{i}", packed)]
        entries.append(
            f'\t{{ "{url}", "{TYPES[path.suffix]}", "W/\\"{tag}\\"",\n'
            f"\t  plain_{i}, sizeof(plain_{i}), "
            f"packed_{i}, sizeof(packed_{i}) }},\n")
    pathlib.Path(out).write_text(
        '/* made by embed.py */\n#include "collector/assets.h"\n\n' +
        "\n".join(arrays) + "\nconst struct asset assets[] = {\n" +
        "".join(entries) + "};\n"
        f"const unsigned n_assets = {len(entries)};\n", "utf-8")


main(*sys.argv[1:])
