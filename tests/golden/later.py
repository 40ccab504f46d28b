#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Segments of a later library, as docs/SEGMENT.md, section 4, lets it make
them, before the readers and writers of today.

usage: later.py SMX SEGMENT_WRITER FILE.bin.gz
"""
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import zlib

import smx
from smx import layout
from segments import lease, unpack

TOOL, WRITER, STORED = sys.argv[1:4]


class Segment:
    """A stored one, that a test bends and somebody lives in."""

    def __enter__(self):
        # the directory of temporary files ends before the lease does
        self.folder = tempfile.TemporaryDirectory(dir="/dev/shm",
                                                  prefix="smx-test-")
        self.path = os.path.join(self.folder.name, "smx.golden")
        unpack(pathlib.Path(STORED), self.path)
        self.fd = lease(self.path, 0)
        self.header = layout.header_decode(self.read(0, 512), os.fstat(
            self.fd).st_size)
        return self

    def __exit__(self, *_):
        os.close(self.fd)
        self.folder.cleanup()

    def read(self, off, size):
        return os.pread(self.fd, size, off)

    def write(self, off, form, *values):
        """Into the header, whose CRC stays right."""
        os.pwrite(self.fd, struct.pack(form, *values), off)
        os.pwrite(self.fd, struct.pack("<I", zlib.crc32(self.read(8, 140))),
                  148)

    def append(self, kind, body):
        tail, = struct.unpack("<Q", self.read(layout.DIR_TAIL, 8))
        rest = struct.pack("<II", kind, 5) + body
        record = struct.pack("<II", 8 + len(rest), zlib.crc32(rest)) + rest
        os.pwrite(self.fd, record, self.header.dir_off + tail)
        os.pwrite(self.fd, struct.pack("<Q", tail + len(record)),
                  layout.DIR_TAIL)

    def tool(self, *words):
        done = subprocess.run([TOOL, *words, self.path], text=True,
                              capture_output=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def attach(self, commands):
        """What a writer in C answers."""
        return subprocess.run(
            [WRITER, "golden"], input=commands, text=True, check=False,
            capture_output=True, env={**os.environ,
                                      "SMX_DIR": self.folder.name}).stdout

    def snapshot(self):
        with smx.Segment(self.path) as segment:
            return segment.read()


def what_may_be_ignored_is_ignored():
    with Segment() as s:
        s.write(12, "<I", 1024)  # fields behind those of today
        s.write(24, "<Q", s.header.features | 1 << 40)
        s.append(77, b"whatever")
        assert s.tool("check")[0] == 0
        assert s.attach("counter hits_total 4\n") == "ok\nok\n"
        assert s.snapshot().get("hits_total").value == 4
        with smx.attach("golden", directory=s.folder.name) as w:
            w.counter("hits_total", "H.").inc()
        assert s.snapshot().get("hits_total").value == 5
        assert s.snapshot().get("big_total").value == 12000
        assert s.tool("check")[0] == 0
        # nobody made the later library's fields less
        assert struct.unpack("<I", s.read(12, 4)) == (1024,)
        assert struct.unpack("<Q", s.read(24, 8))[0] >> 40 == 1


def what_would_mislead_is_refused():
    for off, form, value, word in ((8, "<I", 2, "version"),
                                   (24, "<Q", 1 << 9, "unknown features")):
        with Segment() as s:
            s.write(off, form, value)
            status, said = s.tool("check")
            assert status == 1 and word in said, said
            assert "has another layout" in s.attach("")
            try:
                s.snapshot()
                raise AssertionError("read")
            except smx.NotSound as e:
                assert word in str(e)
            try:
                smx.attach("golden", directory=s.folder.name)
                raise AssertionError("attached")
            except smx.Busy as e:
                assert "has another layout" in str(e)
            assert s.tool("rm")[0] == 1  # somebody lives, all the same


def main():
    for check in (what_may_be_ignored_is_ignored,
                  what_would_mislead_is_refused):
        check()
        print(f"ok - {check.__name__}")


if __name__ == "__main__":
    main()
