#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A second reader, written from docs/SEGMENT.md alone, beside the first.

second_reader.py SEGMENT_WRITER SMX: real writers fill a segment; this reader
and `smx dump --json` must say the same, while they live and afterwards.
"""
import fcntl
import json
import os
import struct
import subprocess
import sys
import tempfile
import zlib
from fractions import Fraction

MAGIC, XOR, TOP = 0x314745535F584D53, 0x7FF0000051C4A9E3, 2**64 - 1
GETLK, RDLCK, UNLCK = 36, 0, 2


class Segment:
    def __init__(self, path):
        self.f = open(path, "rb")
        head = self.f.read(512)
        (magic, version, _, self.size, features, self.slot_off,
         self.lane_tab_off, self.dir_off, self.dir_size, self.gauge_off,
         self.gauge_stride, self.gauge_size, self.lane_off, self.lane_stride,
         self.lane_size, _, _, self.created_ns, self.slot_cap, self.lane_cap,
         _, crc) = struct.unpack_from("<QII14QQIIII", head)
        assert magic == MAGIC and version == 1 and features & 0xFFFFFFFE == 0
        assert crc == zlib.crc32(head[8:148])
        assert self.size == os.fstat(self.f.fileno()).st_size
        (self.tail,) = struct.unpack_from("<Q", head, 192)
        self.families, self.series = {}, []
        self.read_directory()

    def at(self, off, n):
        return os.pread(self.f.fileno(), n, off)

    def read_directory(self):
        data, at = self.at(self.dir_off, self.tail), 0
        while at < self.tail:
            size, crc, kind, flags = struct.unpack_from("<IIII", data, at)
            record = data[at:at + size]
            assert size % 8 == 0 and crc == zlib.crc32(record[8:])
            if kind == 1:
                self.add_family(at, record)
            elif kind == 2:
                self.add_series(record)
            elif kind == 3:
                self.families[struct.unpack_from("<Q", record, 16)[0]][
                    "retired"] = True
            at += size

    def add_family(self, at, r):
        (kind, mode, exponent, n_labels, _, _, _, n, name, unit, hlp,
         labels) = struct.unpack_from("<BBbBBbhIHHII", r, 16)
        buckets = list(struct.iter_unpack("<QiI", r[40:40 + 16 * n]))
        strings = r[40 + 16 * n:].split(b"\0")
        words = [s.decode() for s in strings[:3 + n_labels]]
        assert [len(s) for s in strings[:3]] == [name, unit, hlp]
        for f in self.families.values():
            if f["name"] == words[0]:
                f["retired"] = True
        self.families[at] = {
            "name": words[0], "unit": words[1], "help": words[2],
            "labels": words[3:], "type": kind, "mode": mode,
            "scale": Fraction(10) ** -exponent, "buckets": buckets,
            "retired": False}

    def add_series(self, r):
        family, created, cell, n, length, _ = struct.unpack_from(
            "<QQIIII", r, 16)
        f = self.families[family]
        values = [v.decode() for v in r[48:48 + length].split(b"\0")[:-1]]
        assert len(values) == len(f["labels"]) and cell >= 64
        assert n == (3 + len(f["buckets"]) if f["type"] == 3 else 1)
        self.series.append((f, dict(zip(f["labels"], values)), created,
                            cell, n))

    def cells(self, cell, n):
        """Over all lanes, as far as committed."""
        total = [0] * n
        for lane in range(self.lane_cap):
            _, committed = struct.unpack(
                "<QQ", self.at(self.lane_tab_off + 64 * lane, 16))
            if cell + 8 * n <= min(committed, self.lane_size):
                base = self.lane_off + lane * self.lane_stride
                mine = struct.unpack(f"<{n}Q", self.at(base + cell, 8 * n))
                total = [(a + b) & TOP for a, b in zip(total, mine)]
        return total

    def lives(self, slot):
        ask = struct.pack("hhqqi4x", RDLCK, 0, 2**40 + slot, 1, 0)
        return struct.unpack("hhqqi4x", fcntl.fcntl(self.f, GETLK, ask))[
            0] != UNLCK

    def gauges(self, cell):
        for slot in range(self.slot_cap):
            generation, _, _, committed = struct.unpack(
                "<IIQQ", self.at(self.slot_off + 64 * slot, 24))
            if generation == 0 or generation % 2 or not self.lives(slot):
                continue
            if cell + 8 > min(committed, self.gauge_size):
                continue
            (bits,) = struct.unpack("<Q", self.at(
                self.gauge_off + slot * self.gauge_stride + cell, 8))
            if bits:
                yield struct.unpack("<d", struct.pack("<Q", bits ^ XOR))[0]

    def value(self, f, cell, n):
        if f["type"] == 2:
            values = list(self.gauges(cell))
            combine = {0: sum, 1: min, 2: max}[f["mode"]]
            return {"value": combine(values) if values else None}
        cells = self.cells(cell, n)
        if f["type"] == 1:
            return {"value": cells[0] * f["scale"]}
        return {"sum": cells[2] * f["scale"], "count": sum(cells[3:]),
                "buckets": [[None if upper == TOP else upper * f["scale"], c]
                            for (upper, _, _), c
                            in zip(f["buckets"], cells[3:])]}

    def everything(self):
        return {(f["name"], tuple(sorted(labels.items()))):
                dict(self.value(f, cell, n),
                     created=Fraction(created, 10**9))
                for f, labels, created, cell, n in self.series
                if not f["retired"]}


def exact(x):
    return [exact(i) for i in x] if isinstance(x, list) else \
        None if x == "+Inf" else x


def first_reader(smx, path):
    out = subprocess.run([smx, "dump", "--json", path], check=True,
                         capture_output=True, text=True).stdout
    d = json.loads(out, parse_float=Fraction, parse_int=Fraction)
    shown = {}
    for s in d["series"]:
        f = d["families"][int(s["family"])]
        if not f["retired"]:
            shown[f["name"], tuple(sorted(s["labels"].items()))] = {
                k: exact(v) for k, v in s.items()
                if k in ("value", "sum", "count", "buckets", "created")}
    return shown


class Writer:
    def __init__(self, program, service):
        self.p = subprocess.Popen([program, service], text=True,
                                  stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)
        assert self.p.stdout.readline().startswith("ok")  # attached

    def do(self, command):
        self.p.stdin.write(command + "\n")
        self.p.stdin.flush()
        answer = self.p.stdout.readline()
        assert answer.startswith("ok"), (command, answer)

    def kill(self):
        self.p.kill()
        self.p.wait()
        self.p.stdin.close()
        self.p.stdout.close()


def agree(smx, path, at_least):
    mine, theirs = Segment(path).everything(), first_reader(smx, path)
    for key, value in theirs.items():
        if isinstance(value.get("value"), Fraction) and \
                isinstance(mine[key]["value"], float):
            value["value"] = float(value["value"])
    assert mine.keys() == theirs.keys(), (mine.keys(), theirs.keys())
    for key in mine:
        assert mine[key] == theirs[key], "%s: %.200s; %.200s" % (
            key, mine[key], theirs[key])
    assert len(mine) >= at_least, mine
    return mine


def main(writer, smx):
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="smx-test-") as d:
        os.environ["SMX_DIR"] = d
        path = d + "/smx.two"
        one, two = Writer(writer, "two"), Writer(writer, "two")
        for w, n in (one, 3), (two, 4):
            w.do(f"counter hits_total {n}")
            w.do(f"label by_side_total b\u00fcy {n}")
            w.do(f"gauge depth {n}.25")
            w.do(f"histogram wait_seconds 1 400000 {n}000000000")
            w.do(f"native lag_seconds 1 5000 {n}000000")
        seen = agree(smx, path, 5)
        assert seen["hits_total", ()]["value"] == 7
        assert seen["depth", ()]["value"] == 7.5
        assert seen["wait_seconds", ()]["count"] == 6
        two.kill()
        assert agree(smx, path, 5)["depth", ()]["value"] == 3.25
        one.kill()
        seen = agree(smx, path, 5)
        assert seen["depth", ()]["value"] is None
        assert seen["hits_total", ()]["value"] == 7


if __name__ == "__main__":
    main(*sys.argv[1:3])
