# SPDX-License-Identifier: Apache-2.0
"""Find, make and set aside the file of a segment (section 11, Create)."""
import os
import resource
import stat
import struct
import time
from typing import Dict, Optional, Tuple

from . import layout, locks
from .directory import Directory
from .errors import BeingCreated, Busy, Error, Full, NotSound
from .layout import PAGE, Header

_FLAGS = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_TRIES = 100
DEFAULTS = {"slots": 64, "lanes": 64, "cells": 16384, "gauges": 1024,
            "exemplars": 1024, "dir_bytes": 4 << 20}
Identity = Tuple[int, int]


def _up(n: int, to: int) -> int:
    return -(-n // to) * to


def plan(bounds: Dict[str, int]) -> Header:
    """The header of an empty segment with these bounds."""
    b = {**DEFAULTS, **bounds}
    slots, lanes = b["slots"], b["lanes"] + 1  # lane 0 is the shared one
    lane_tab_off = PAGE + _up(slots * layout.ROW, PAGE)
    dir_off = lane_tab_off + _up(lanes * layout.ROW, PAGE)
    dir_size = _up(b["dir_bytes"], PAGE)
    gauge_off = dir_off + dir_size
    gauge_size = _up(layout.SINK + 8 * b["gauges"], PAGE)
    lane_off = gauge_off + slots * gauge_size
    lane_size = max(PAGE, 1 << (8 * b["cells"] - 1).bit_length())
    lane_stride = lane_size + 65 * 64
    exemplar_off = _up(lane_off + lanes * lane_stride, PAGE)
    exemplar_size = _up(layout.SINK +
                        b["exemplars"] * layout.EXEMPLAR_SLOT, PAGE)
    h = Header(
        magic=0, version=layout.VERSION, header_size=layout.HEADER_SIZE,
        size=exemplar_off + exemplar_size,
        features=layout.FEATURE_EXEMPLARS,
        slot_off=PAGE, lane_tab_off=lane_tab_off, dir_off=dir_off,
        dir_size=dir_size, gauge_off=gauge_off, gauge_stride=gauge_size,
        gauge_size=gauge_size, lane_off=lane_off, lane_stride=lane_stride,
        lane_size=lane_size, exemplar_off=exemplar_off,
        exemplar_size=exemplar_size, created_ns=time.time_ns(),
        slot_cap=slots, lane_cap=lanes, pid=os.getpid(), crc=0)
    data = struct.pack("<Q", layout.MAGIC) + layout.header_encode(h)[8:]
    try:
        return layout.header_decode(data, h.size)
    except NotSound as e:
        raise Error(f"these bounds cannot be: {e}") from e


def _same_regions(a: Header, b: Header) -> bool:
    life = ("magic", "created_ns", "pid", "crc")
    return all(x == y for name, x, y in zip(Header._fields, a, b)
               if name not in life)


def check_limit(size: int) -> None:
    """Writing past RLIMIT_FSIZE would end the process by SIGXFSZ."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if limit not in (resource.RLIM_INFINITY, -1) and limit < size:
        raise Full(f"the segment needs {size} bytes, RLIMIT_FSIZE allows "
                   f"{limit}")


def _create(fd: int, path: str, h: Header) -> Header:
    try:
        check_limit(h.size)
        os.fchmod(fd, 0o640)
        os.ftruncate(fd, 0)
        os.ftruncate(fd, h.size)
        os.posix_fallocate(fd, 0, h.dir_off)
        os.pwrite(fd, layout.header_encode(h), 0)
        os.pwrite(fd, struct.pack("<Q", layout.OWNER_SHARED), h.lane_tab_off)
        os.pwrite(fd, struct.pack("<Q", layout.MAGIC), 0)
    except BaseException:
        os.unlink(path)  # nobody could use it
        raise
    return h


def _open_own(path: str, flags: int = 0) -> int:
    """A plain file of our own: a stranger could cut it under our mapping."""
    fd = os.open(path, _FLAGS | flags, 0o640)
    st = os.fstat(fd)
    if stat.S_ISREG(st.st_mode) and st.st_uid == os.geteuid():
        return fd
    os.close(fd)
    raise Error(f"{path} is not a regular file of this user")


def identity(fd: int) -> Identity:
    st = os.fstat(fd)
    return st.st_dev, st.st_ino


def reopen(path: str, known: Identity) -> int:
    """Another description of the very file we are attached to."""
    fd = _open_own(path)
    if identity(fd) == known:
        return fd
    os.close(fd)
    raise Error(f"{path} is another file by now: this process stays with the "
                "one it has")


def _readable(fd: int, h: Header) -> bool:
    """Is the directory sound to its end?"""
    tail = int.from_bytes(os.pread(fd, 8, layout.DIR_TAIL), "little")
    try:
        Directory(h).feed(os.pread(fd, min(tail, h.dir_size), h.dir_off))
    except NotSound:
        return False
    return tail <= h.dir_size


def _judge(fd: int, path: str, bounds: Dict[str, int],
           fresh: bool) -> Optional[Header]:
    """Under the registration lock: the segment's header, or None after what
    was there has been set aside."""
    try:
        alive = locks.anyone(fd)
        h = layout.header_decode(os.pread(fd, layout.HEADER_SIZE, 0),
                                 os.fstat(fd).st_size)
    except BeingCreated as e:
        if alive:
            raise Busy(f"{path} lost its magic under live processes") from e
        return _create(fd, path, plan(bounds))
    except NotSound as e:
        if alive:
            raise Busy(f"{path} has another layout, and processes that use "
                       "it") from e
        h = None
    if alive:
        if fresh:
            raise Busy(f"{path} is in use by others")
        return h
    if h is not None and not fresh and _readable(fd, h) and \
            (not bounds or _same_regions(h, plan(bounds))):
        return h
    folder, name = os.path.split(path)
    os.rename(path, os.path.join(folder, ".old." + name))
    return None


def open_locked(path: str, bounds: Dict[str, int], fresh: bool,
                patience: float) -> "Tuple[int, Header, locks.Registration]":
    """A descriptor of a sound segment, with its registration lock held."""
    for _ in range(_TRIES):
        try:
            fd = _open_own(path)
        except FileNotFoundError:
            try:
                fd = _open_own(path, os.O_CREAT | os.O_EXCL)
            except FileExistsError:
                continue
        lock = locks.Registration(fd, patience)
        try:
            lock.__enter__()
            try:
                if _names(path, fd):
                    h = _judge(fd, path, bounds, fresh)
                    if h is not None:
                        check_limit(h.size)
                        return fd, h, lock
                    fresh = False
            except BaseException:
                lock.__exit__()
                raise
            lock.__exit__()
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
    raise Busy(f"{path} is replaced again and again")


def _names(path: str, fd: int) -> bool:
    try:
        st = os.stat(path)
    except FileNotFoundError:
        return False
    return (st.st_dev, st.st_ino) == identity(fd)
