# SPDX-License-Identifier: Apache-2.0
"""Record locks of open file descriptions (section 7).

fcntl packs `struct flock` itself nowhere, so its layout is spelled out: that
of Linux with 64-bit offsets.
"""
import errno
import fcntl
import struct
import time

from . import layout
from .errors import Busy

_FLOCK = struct.Struct("hhqqi4x")  # type, whence, start, len, pid
_RDLCK, _WRLCK, _UNLCK = fcntl.F_RDLCK, fcntl.F_WRLCK, fcntl.F_UNLCK
# fcntl has the names since Python 3.9, on Linux
_GETLK = getattr(fcntl, "F_OFD_GETLK", 36)
_SETLK = getattr(fcntl, "F_OFD_SETLK", 37)


def _set(fd: int, kind: int, byte: int) -> bool:
    """False if another description holds it."""
    try:
        fcntl.fcntl(fd, _SETLK, _FLOCK.pack(kind, 0, byte, 1, 0))
    except OSError as e:
        if e.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True


def _blocked(fd: int, kind: int, byte: int, n: int = 1) -> bool:
    """Would a lock of this kind meet another description's?"""
    asked = fcntl.fcntl(fd, _GETLK, _FLOCK.pack(kind, 0, byte, n, 0))
    return int(_FLOCK.unpack(asked)[0]) != _UNLCK


def lease(fd: int, slot: int) -> bool:
    return _set(fd, _WRLCK, layout.LOCK_SLOT0 + slot)


def leased(fd: int, slot: int) -> bool:
    """A read lock, which any reader may take, is not a life."""
    return _blocked(fd, _RDLCK, layout.LOCK_SLOT0 + slot)


def join_crowd(fd: int) -> bool:
    return _set(fd, _RDLCK, layout.LOCK_CROWD)


def crowd(fd: int) -> bool:
    return _blocked(fd, _WRLCK, layout.LOCK_CROWD)


def anyone(fd: int) -> bool:
    return _blocked(fd, _RDLCK, layout.LOCK_SLOT0, layout.MAX_ROWS) or \
        crowd(fd)


class Registration:
    """with Registration(fd, seconds): the registration lock is ours.

    Polled, since a stopped holder must not hang its siblings; released by
    name, since a forked copy of the descriptor would keep it.
    """

    def __init__(self, fd: int, patience: float) -> None:
        self._fd, self._patience = fd, patience

    def __enter__(self) -> None:
        end = time.monotonic() + self._patience
        pause = 0.00002
        while not _set(self._fd, _WRLCK, layout.LOCK_REGISTER):
            if time.monotonic() >= end:
                raise Busy(f"the registration lock was held for "
                           f"{self._patience} s (a stopped process?)")
            time.sleep(pause)
            pause = min(2 * pause, 0.005)

    def __exit__(self, *_: object) -> None:
        _set(self._fd, _UNLCK, layout.LOCK_REGISTER)
