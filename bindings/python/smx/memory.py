# SPDX-License-Identifier: Apache-2.0
"""Mappings at fixed addresses, and atomic operations on what they hold.

The standard library has neither: `mmap` keeps a copy of the descriptor and
cannot map over itself, and nothing has a compare-and-swap.  Both come through
ctypes: the first from the C library, the second from libatomic.so.1, which is
a part of GCC (Debian: libatomic1).
"""
import ctypes
import os
from typing import Any, Tuple

from .errors import Error
from .layout import PAGE

RELAXED, ACQUIRE, RELEASE, ACQ_REL = 0, 2, 3, 4

_NONE, _RW = 0, 3
_SHARED, _PRIVATE, _FIXED, _ANONYMOUS, _NORESERVE = 1, 2, 16, 32, 0x4000
_DONTDUMP = 16

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int,
                       ctypes.c_int, ctypes.c_int, ctypes.c_int64]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


def _load() -> Any:
    try:
        # PyDLL keeps the GIL: giving it up takes longer than the operation
        return ctypes.PyDLL("libatomic.so.1")
    except OSError as e:
        raise Error("writing needs libatomic.so.1 (Debian: libatomic1)") \
            from e


class Atomic:
    """The operations on addresses, as functions; made once."""

    def __init__(self) -> None:
        lib, u64, u32 = _load(), ctypes.c_uint64, ctypes.c_uint32
        at, order = ctypes.c_void_p, ctypes.c_int
        self.load8 = self._function(lib, "load_8", u64, at, order)
        self.load4 = self._function(lib, "load_4", u32, at, order)
        self.store8 = self._function(lib, "store_8", None, at, u64, order)
        self.store4 = self._function(lib, "store_4", None, at, u32, order)
        self.add8 = self._function(lib, "fetch_add_8", u64, at, u64, order)
        self._swap = self._function(lib, "compare_exchange_8",
                                    ctypes.c_bool, at, at, u64, order, order)

    @staticmethod
    def _function(lib: Any, name: str, result: Any, *arguments: Any) -> Any:
        f = getattr(lib, "__atomic_" + name)
        f.restype, f.argtypes = result, list(arguments)
        return f

    def swap8(self, at: int, old: int, new: int) -> bool:
        """Compare-and-swap: acquires what the last owner left, and releases
        what we do, as who owns a lane must."""
        expected = ctypes.c_uint64(old)
        return bool(self._swap(at, ctypes.addressof(expected), new, ACQ_REL,
                               RELAXED))

    def raise8(self, at: int, to: int) -> None:
        """At least `to`, released: the pages exist by now."""
        seen = self.load8(at, RELAXED)
        while seen < to and not self.swap8(at, seen, to):
            seen = self.load8(at, RELAXED)


def _map(at: int, size: int, protection: int, flags: int, fd: int,
         offset: int) -> int:
    address = _libc.mmap(at, size, protection, flags, fd, offset)
    if address in (None, ctypes.c_void_p(-1).value):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return int(address)


def _pages(start: int, end: int) -> Tuple[int, int]:
    """First byte and length of the pages that hold [start, end)."""
    first = start // PAGE * PAGE
    return first, -(-end // PAGE) * PAGE - first


class Area:
    """A part of the file, at one address for as long as we live.

    The address space is reserved whole; pages of the file appear in it as far
    as they are committed.  bury() puts private zero pages in their place: what
    an update meets that comes too late.
    """

    def __init__(self, start: int, size: int) -> None:
        self.start, self.size, self.mapped = start, size, 0
        self._first, self._length = _pages(start, start + size)
        self._at = _map(0, self._length, _NONE,
                        _PRIVATE | _ANONYMOUS | _NORESERVE, -1, 0)
        self.base = self._at + start - self._first

    def commit(self, fd: int, need: int) -> None:
        """The first `need` bytes exist and are mapped."""
        if need <= self.mapped:
            return
        need = min(max(need, 2 * self.mapped), self.size)
        first, length = _pages(self.start + self.mapped, self.start + need)
        os.posix_fallocate(fd, first, length)
        if self.mapped:  # its last page stays as it is
            first, length = _pages(-(-(self.start + self.mapped) // PAGE) *
                                   PAGE, self.start + need)
        if length > 0:
            at = self._at + first - self._first
            _map(at, length, _RW, _SHARED | _FIXED, fd, first)
            _libc.madvise(at, length, _DONTDUMP)
        self.mapped = need

    def bury(self) -> None:
        _map(self._at, self._length, _RW,
             _PRIVATE | _ANONYMOUS | _NORESERVE | _FIXED, -1, 0)
        self.mapped = 0

    def release(self) -> None:
        """Nobody may have its address any more."""
        _libc.munmap(self._at, self._length)
