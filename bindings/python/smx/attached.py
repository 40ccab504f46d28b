# SPDX-License-Identifier: Apache-2.0
"""A process in its segment: slot, lane, gauge area (sections 5 to 7, 11).

One lane serves all threads of the process: every update is an atomic
read-modify-write, so neither threads nor signal handlers lose any.  That
costs a Python program nothing it would notice; a C thread takes a lane of
its own instead.
"""
import os
import threading
import time
from typing import Dict, List, Optional

from . import files, layout, locks
from .directory import Directory
from .errors import Busy, Error, Full, NotSound
from .layout import ROW, Header, Series
from .memory import ACQUIRE, RELAXED, RELEASE, Area, Atomic


class Attached:
    """Made under the registration lock; `fd` may be closed afterwards.

    need    bytes of the lane (False) and of the gauge area (True) that
            handles of this process may point into: committed at once.
    """

    def __init__(self, fd: int, path: str, header: Header, atomic: Atomic,
                 need: Dict[bool, int]) -> None:
        self.path, self.header, self.atomic = path, header, atomic
        self.need = need
        self.identity = files.identity(fd)
        self.directory = Directory(header)
        self.lane, self.own = 0, None  # type: int, Optional[Area]
        self.exemplars: Optional[Area] = None
        self.areas: List[Area] = []
        try:
            self._take_up(fd)
            self.claim(fd)
        except BaseException:
            self.bury()
            raise

    def _area(self, start: int, size: int) -> Area:
        area = Area(start, size)
        self.areas.append(area)
        return area

    def _take_up(self, fd: int) -> None:
        h = self.header
        self.slot = self._lease(fd)
        # mapped from the description that has the lease, and never replaced:
        # the kernel keeps the lease as long as this mapping
        head = self._area(0, h.dir_off)
        head.commit(fd, h.dir_off)
        self.head = head.base
        self.refresh(fd)
        self.shared = self._area(h.lane_off, h.lane_size)
        self._commit(self.shared, fd, self.need[False],
                     self._lane_row(0) + layout.LANE_COMMITTED)
        self.gauges = self._area(
            h.gauge_off + max(self.slot, 0) * h.gauge_stride, h.gauge_size)
        if self.slot < 0:
            self.gauges.bury()  # nobody would read them
            self.count("no_slot")
        else:
            self._take_over(fd)

    @property
    def lane_base(self) -> int:
        return (self.own or self.shared).base

    def commit(self, fd: int, gauge: bool, end: int) -> None:
        """Before any handle points there: an update checks no bound."""
        if end <= self.need[gauge]:
            return
        if not gauge:
            self._commit(self.shared, fd, end,
                         self._lane_row(0) + layout.LANE_COMMITTED)
            if self.own is not None:
                self._commit(self.own, fd, end, self._lane_row(self.lane) +
                             layout.LANE_COMMITTED)
        elif self.slot >= 0:
            self._commit(self.gauges, fd, end, self._slot_row(self.slot) +
                         layout.SLOT_COMMITTED)
        elif end > self.gauges.size:
            raise Full("no room for more gauges (raise gauges)")
        self.need[gauge] = end

    def commit_exemplars(self, fd: int, end: int) -> None:
        """Only a process with a slot can lock theirs, so only it has them."""
        h = self.header
        if end > h.exemplar_size:
            raise Full("no room for more exemplars (raise exemplars)")
        if self.exemplars is None:
            self.exemplars = self._area(h.exemplar_off, h.exemplar_size)
        self._commit(self.exemplars, fd, end,
                     self.head + layout.EXEMPLARS_COMMITTED)

    def owner_dead(self, owner: int) -> bool:
        """Of an exemplar: has its slot another generation by now?"""
        slot = (owner >> 32) - 1
        return slot >= self.header.slot_cap or self.atomic.load4(
            self._slot_row(slot), ACQUIRE) != owner & 0xFFFFFFFF

    @property
    def owner(self) -> int:
        return self._owner(self.generation)

    def append(self, fd: int, record: bytes) -> None:
        """I4: past the tail, then the tail.  Under the registration lock."""
        tail, h = self.directory.read_to, self.header
        if len(record) > h.dir_size - tail:
            raise Full("the directory is full (raise dir_bytes)")
        if os.pwrite(fd, record, h.dir_off + tail) != len(record):
            raise Full("no room for the directory")
        self.atomic.store8(self.head + layout.DIR_TAIL, tail + len(record),
                           RELEASE)
        self.refresh(fd)

    def note_reserved(self, gauge: bool, end: int) -> None:
        """For people; under the registration lock."""
        self.atomic.raise8(self.head + (layout.GAUGES_RESERVED if gauge
                                        else layout.CELLS_RESERVED), end)

    def check_lease(self, fd: int) -> None:
        """On overlayfs a mapping pins another file than its descriptor."""
        if not (locks.leased(fd, self.slot) if self.slot >= 0 else
                locks.crowd(fd)):
            raise Error("leases do not hold in this directory (overlayfs?): "
                        "use a tmpfs")

    def let_go(self) -> None:
        """The lane is free, and nothing of the file is mapped any more; so
        the kernel ends the lease.  Addresses stay harmless."""
        if self.own is not None:
            self.atomic.store8(self._lane_row(self.lane), 0, RELEASE)
        self.bury()

    def bury(self) -> None:
        for area in self.areas:
            area.bury()

    # ------------------------------------------------------------- words

    def word(self, off: int, order: int = ACQUIRE) -> int:
        return int(self.atomic.load8(self.head + off, order))

    def count(self, trouble: str) -> None:
        self.atomic.add8(self.head + layout.TROUBLES[trouble], 1, RELAXED)

    def _lane_row(self, lane: int) -> int:
        return self.head + self.header.lane_tab_off + lane * ROW

    def _slot_row(self, slot: int) -> int:
        return self.head + self.header.slot_off + slot * ROW

    def _commit(self, area: Area, fd: int, need: int, committed: int) -> None:
        """Pages, the mapping, then the word that says so."""
        if need > area.size:
            raise Full(f"{area.size} bytes of cells are not enough (raise "
                       "cells or gauges)")
        area.commit(fd, need)
        self.atomic.raise8(committed, area.mapped)

    def refresh(self, fd: int) -> None:
        """Take in what was added to the directory."""
        tail = self.word(layout.DIR_TAIL)
        d = self.directory
        if tail < d.read_to or tail > self.header.dir_size:
            raise NotSound("the directory's tail lies")
        d.feed(os.pread(fd, tail - d.read_to,
                        self.header.dir_off + d.read_to))

    # ------------------------------------------------------------- slots

    def _lease(self, fd: int) -> int:
        for slot in range(self.header.slot_cap):
            if locks.lease(fd, slot):
                return slot
        if not locks.join_crowd(fd):
            raise Busy("the lock of processes without a slot is taken")
        return -1

    def _take_over(self, fd: int) -> None:
        """Whoever was here before is dead: its lanes free, its gauges unset,
        the generation odd meanwhile."""
        a, row = self.atomic, self._slot_row(self.slot)
        odd = (a.load4(row, RELAXED) + 1) & 0xFFFFFFFF | 1
        a.store4(row, odd, RELAXED)
        self._free_lanes_of_slot(fd, odd)
        committed = a.load8(row + layout.SLOT_COMMITTED, RELAXED)
        committed = min(committed, self.gauges.size)
        self._commit(self.gauges, fd, max(self.need[True], committed),
                     row + layout.SLOT_COMMITTED)
        # release: whoever sees one of these sees the odd generation as well
        for at in range(0, committed, 8):
            a.store8(self.gauges.base + at, 0, RELEASE)
        a.store4(row + layout.SLOT_PID, os.getpid(), RELEASE)
        a.store8(row + layout.SLOT_START, time.time_ns(), RELEASE)
        self.generation = (odd + 1) & 0xFFFFFFFF
        a.store4(row, self.generation, RELEASE)

    def _owner(self, generation: int) -> int:
        return (self.slot + 1) << 32 | generation

    # ------------------------------------------------------------- lanes

    def _free_lanes_of_slot(self, fd: int, odd: int) -> None:
        for lane in range(1, self.header.lane_cap):
            owner = self.atomic.load8(self._lane_row(lane), RELAXED)
            if owner >> 32 == self.slot + 1:
                self._free_dead(fd, lane, owner, self._owner(odd))

    def _free_dead(self, fd: int, lane: int, owner: int, mine: int) -> bool:
        """Ours first, then mended, then free: two that sweep at once never
        both write."""
        a, row = self.atomic, self._lane_row(lane)
        if not a.swap8(row, owner, mine):
            return False
        try:
            self._mend(fd, lane)
        except BaseException:
            a.store8(row, owner, RELEASE)  # for a later sweep
            raise
        a.store8(row, 0, RELEASE)
        return True

    def _mend(self, fd: int, lane: int) -> None:
        """end = begin: the last observation may be half done."""
        h, a = self.header, self.atomic
        size = a.load8(self._lane_row(lane) + layout.LANE_COMMITTED, RELAXED)
        if size == 0:
            return
        if size > h.lane_size:
            raise NotSound(f"lane {lane} says it is larger than a lane")
        area = Area(h.lane_off + lane * h.lane_stride, h.lane_size)
        try:
            area.commit(fd, size)
            for s in self.directory.series:
                if self._is_histogram(s) and s.cell + 24 <= size:
                    at = area.base + s.cell
                    a.store8(at + 8, a.load8(at, RELAXED), RELEASE)
        finally:
            area.release()
        self.count("adopted")

    def _is_histogram(self, s: Series) -> bool:
        return self.directory.families[s.family].type == layout.HISTOGRAM

    def _dead(self, fd: int, owner: int) -> bool:
        slot = (owner >> 32) - 1
        return slot >= self.header.slot_cap or (
            slot != self.slot and not locks.leased(fd, slot))

    def _sweep(self, fd: int) -> None:
        self.refresh(fd)
        for lane in range(1, self.header.lane_cap):
            owner = self.atomic.load8(self._lane_row(lane), ACQUIRE)
            if owner and self._dead(fd, owner):
                self._free_dead(fd, lane, owner,
                                self._owner(self.generation))

    def claim(self, fd: int) -> None:
        """A lane of our own; lane 0 if there is none."""
        if self.slot < 0:
            return
        for again in (False, True):
            for lane in range(1, self.header.lane_cap):
                if self.atomic.swap8(self._lane_row(lane), 0,
                                     self._owner(self.generation)):
                    self._use(fd, lane)
                    return
            if not again:
                self._sweep(fd)
        self.count("no_lane")

    def _use(self, fd: int, lane: int) -> None:
        h, row = self.header, self._lane_row(lane)
        area = self._area(h.lane_off + lane * h.lane_stride, h.lane_size)
        try:
            self._commit(area, fd, self.need[False],
                         row + layout.LANE_COMMITTED)
        except BaseException:
            self.atomic.store8(row, 0, RELEASE)
            raise
        self.atomic.store8(row + layout.LANE_TID, threading.get_native_id(),
                           RELAXED)
        self.lane, self.own = lane, area
