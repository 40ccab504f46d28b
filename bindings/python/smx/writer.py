# SPDX-License-Identifier: Apache-2.0
"""Attach to a segment and register metrics, as section 11 says."""
import os
import threading
import time
import weakref
from typing import (Callable, Dict, Iterator, Mapping, Optional, Sequence,
                    Set, Tuple)

from . import files, layout, locks
from .attached import Attached
from .bounds import Native, Number, Table, table
from .errors import Error, Full, NotSound
from .layout import Exemplars, Family, Series
from .memory import Atomic
from .metrics import Counter, Gauge, Histogram, Labelled, M
from .reader import path_of

# Attaching, registering and forking exclude each other in this process: no
# child inherits a descriptor that holds a lock.
_process = threading.RLock()
_writers: "weakref.WeakSet[Writer]" = weakref.WeakSet()

_SAMPLES = {layout.COUNTER: ("", "_total", "_created"),
            layout.GAUGE: ("",),
            layout.HISTOGRAM: ("", "_created", "_bucket", "_sum", "_count")}


def _samples(f: Family) -> Set[str]:
    """Names that the family takes in a scrape."""
    stem = f.name[:-len("_total")] if f.type == layout.COUNTER else f.name
    return {stem + suffix for suffix in _SAMPLES[f.type]}


class Writer:
    """This process in the segment of a service; made by attach().

    with smx.attach("shop") as s:
        orders = s.counter("orders_total", "Orders sent.")
        orders.inc()

    Threads   all calls may come from any thread, but close() only when no
              other thread updates any more.
    fork()    the child attaches by itself at its first update, with a slot
              and a lane of its own.
    """

    def __init__(self, path: str, given: Dict[str, int], fresh: bool,
                 series_max: int, patience: float) -> None:
        self.atomic = Atomic()
        self.add8 = self.atomic.add8
        self._path, self._given = path, given
        self._series_max, self._patience = series_max, patience
        self._ours: Set[int] = set()
        self._closed = False
        self._need = {True: layout.SINK, False: layout.SINK}
        self._exemplars_need = 0
        self.lane = self.gauges = 0  # addresses; 0: attach first
        self.exemplars = 0  # 0: there are none
        with _process:
            self._attach(fresh)
            _writers.add(self)

    def _attach(self, fresh: bool) -> None:
        fd, header, lock = files.open_locked(self._path, self._given, fresh,
                                             self._patience)
        try:
            try:
                self._a = Attached(fd, self._path, header, self.atomic,
                                   self._need)
            finally:
                lock.__exit__()
        finally:
            os.close(fd)
        fd = self._reopen()
        try:
            self._a.check_lease(fd)
            if self._exemplars_need and self._a.slot >= 0:
                self._a.commit_exemplars(fd, self._exemplars_need)
        except BaseException:
            self._a.let_go()
            raise
        finally:
            os.close(fd)
        self.lane, self.gauges = self._a.lane_base, self._a.gauges.base
        self._publish_exemplars()

    def _publish_exemplars(self) -> None:
        if self._a.exemplars is not None:
            self.exemplars = self._a.exemplars.base
            self.owner, self.owner_dead = self._a.owner, self._a.owner_dead

    def _reopen(self) -> int:
        return files.reopen(self._path, self._a.identity)

    def awake(self) -> "Writer":
        """In the child of a fork: attach for itself, or count for nobody."""
        with _process:
            if self.lane == 0:
                old = self._a
                try:
                    if os.stat(self._path).st_ino != old.identity[1]:
                        raise Error("another file by now")
                    self._attach(False)
                except (Error, OSError):
                    self._a, self._closed = old, True
                    self.lane = old.lane_base  # buried
                    self.gauges = old.gauges.base
        return self

    def forked(self) -> None:
        """In the child: nothing of the parent's may be written."""
        if not self._closed:
            self._a.bury()
            self.lane = self.gauges = self.exemplars = 0

    def close(self) -> None:
        """Give slot and lane back.  Handles stay, and do nothing."""
        with _process:
            if not self._closed:
                self._closed = True
                self.exemplars = 0
                self._a.let_go()

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def count(self, trouble: str) -> None:
        if not self._closed:
            self._a.count(trouble)

    # ---------------------------------------------------------- register

    def counter(self, name: str, help: str, *, unit: str = "",
                exponent: int = 0,
                labels: Optional[Mapping[str, str]] = None) -> Counter:
        """A counter; cells count 10^-exponent of the unit.  Its name ends in
        the unit, if there is one, and `_total`."""
        f = _family(layout.COUNTER, name, help, unit, tuple(labels or ()),
                    exponent=exponent)
        return Counter(self, self._cell(f, labels))

    def gauge(self, name: str, help: str, *, unit: str = "",
              mode: str = "sum",
              labels: Optional[Mapping[str, str]] = None) -> Gauge:
        """A gauge; `mode` makes one value of those of all live processes:
        sum, min, max or each."""
        f = _family(layout.GAUGE, name, help, unit, tuple(labels or ()),
                    gauge_mode=layout.MODES[mode])
        return Gauge(self, self._cell(f, labels))

    def histogram(self, name: str, help: str, *, unit: str = "",
                  exponent: int = 0,
                  bounds: Optional[Sequence[Number]] = None,
                  native: Optional[Native] = None,
                  labels: Optional[Mapping[str, str]] = None,
                  exemplars: bool = False) -> Histogram:
        """A histogram with explicit bounds (in the exposed unit), native
        buckets, or both; with neither, those of latencies in seconds.
        With `exemplars`, observe() keeps the last one of each bucket; if
        there is no room for them, it goes without."""
        f = _family(layout.HISTOGRAM, name, help, unit, tuple(labels or ()),
                    exponent=exponent, bounds=bounds, native=native)
        return self._histogram(f, tuple((labels or {}).values()), exemplars)

    def counter_family(self, name: str, help: str, labels: Sequence[str], *,
                       unit: str = "", exponent: int = 0,
                       series_max: int = 0) -> "Labelled[Counter]":
        f = _family(layout.COUNTER, name, help, unit, tuple(labels),
                    exponent=exponent)
        return Labelled(self._members(
            f, series_max, lambda values, most: Counter(
                self, self._register(f, values, most).cell)), len(labels))

    def gauge_family(self, name: str, help: str, labels: Sequence[str], *,
                     unit: str = "", mode: str = "sum",
                     series_max: int = 0) -> "Labelled[Gauge]":
        f = _family(layout.GAUGE, name, help, unit, tuple(labels),
                    gauge_mode=layout.MODES[mode])
        return Labelled(self._members(
            f, series_max, lambda values, most: Gauge(
                self, self._register(f, values, most).cell)), len(labels))

    def histogram_family(self, name: str, help: str, labels: Sequence[str],
                         *, unit: str = "", exponent: int = 0,
                         bounds: Optional[Sequence[Number]] = None,
                         native: Optional[Native] = None,
                         exemplars: bool = False,
                         series_max: int = 0) -> "Labelled[Histogram]":
        f = _family(layout.HISTOGRAM, name, help, unit, tuple(labels),
                    exponent=exponent, bounds=bounds, native=native)
        return Labelled(self._members(
            f, series_max, lambda values, most: self._histogram(
                f, values, exemplars, most)), len(labels))

    def _histogram(self, f: Family, values: Tuple[str, ...],
                   exemplars: bool, series_max: int = 0) -> Histogram:
        cell = self._register(f, values, series_max, exemplars).cell
        known = self._a.directory.exemplars.get(cell)
        return Histogram(self, cell, f, known.off if exemplars and known and
                         known.end <= self._exemplars_need else 0)

    def _cell(self, f: Family, labels: Optional[Mapping[str, str]]) -> int:
        return self._register(f, tuple((labels or {}).values())).cell

    def _members(self, f: Family, series_max: int,
                 make: Callable[[Tuple[str, ...], int], M]
                 ) -> Callable[[Tuple[str, ...]], M]:
        self._register(f, None)  # what cannot be is said at once

        def member(values: Tuple[str, ...]) -> M:
            if not all(map(layout.value_valid, values)):
                values = ("other",) * len(f.labels)
            return make(values, series_max or self._series_max)
        return member

    def _register(self, f: Family, values: Optional[Tuple[str, ...]],
                  series_max: int = 0, exemplars: bool = False) -> Series:
        """Get or create.  Of a family alone the series has no meaning."""
        for value in values or ():
            if not layout.value_valid(value):
                raise Error(f"{f.name}: a label value that is not text")
        with _process:
            if self.lane == 0:
                self.awake()
            if self._closed:
                raise Error("this segment is closed")
            fd = self._reopen()
            try:
                with locks.Registration(fd, self._patience):
                    files.check_limit(self._a.header.size)
                    self._a.refresh(fd)
                    at = self._get_family(fd, f)
                    if values is None:
                        return Series(at, 0, 0, 0, ())
                    s = self._get_series(fd, at, f, values, series_max)
                    if exemplars:
                        self._opt_in(fd, s.cell, f)
                    return s
            except Error:
                self.count("refused")
                raise
            finally:
                os.close(fd)

    def _get_family(self, fd: int, f: Family) -> int:
        d = self._a.directory
        at = d.shown(f.name)
        if at is not None and d.families[at].means(f):
            self._ours.add(at)
            return at
        if at in self._ours:
            raise Error(f"{f.name} is registered already, with another type, "
                        "unit, labels or bounds")
        mine = [o for o in self._ours & d.retired
                if d.families[o].name == f.name and d.families[o].means(f)]
        if mine:  # another process took the name: we go on, not shown
            return mine[0]
        self._retire_colliding(fd, f)
        new = d.read_to
        # the new one first: a kill in between must not leave none
        self._a.append(fd, layout.family_encode(f))
        if at is not None:
            self._retire(fd, at)
        self._ours.add(new)
        return new

    def _retire_colliding(self, fd: int, f: Family) -> None:
        """Names that share a sample: within a process an error of its author;
        between processes the last definition wins."""
        for at, other in self._shown():
            if other.name != f.name and _samples(other) & _samples(f):
                if at in self._ours:
                    raise Error(f"{f.name} and {other.name} would share a "
                                "sample's name")
                self._retire(fd, at)

    def _shown(self) -> "Iterator[Tuple[int, Family]]":
        d = self._a.directory
        return iter([(at, f) for at, f in d.families.items()
                     if at not in d.retired])

    def _retire(self, fd: int, at: int) -> None:
        self.count("redefined")
        self._a.append(fd, layout.retirement_encode(at))

    def _get_series(self, fd: int, at: int, f: Family,
                    values: Tuple[str, ...], series_max: int) -> Series:
        d, gauge = self._a.directory, f.type == layout.GAUGE
        if (at, values) not in d.by_key and \
                0 < series_max <= d.n_series[at]:
            values = self._other(at, len(values))
        s = d.by_key.get((at, values))
        if s is None:
            cell = d.ends[gauge]
            s = Series(at, time.time_ns(), cell, f.n_cells, values)
            self._a.commit(fd, gauge, cell + 8 * f.n_cells)
            self._a.note_reserved(gauge, cell + 8 * f.n_cells)
            self._a.append(fd, layout.series_encode(s))
        else:
            self._a.commit(fd, gauge, s.cell + 8 * s.n_cells)
        return s

    def _opt_in(self, fd: int, cell: int, f: Family) -> None:
        """Slots for exemplars; the histogram goes without if there is no
        room."""
        d, new = self._a.directory, cell not in self._a.directory.exemplars
        e = Exemplars(cell, len(layout.exemplar_bounds(f)) + 1,
                      d.exemplars_end) if new else d.exemplars[cell]
        if self._a.slot < 0:
            return
        try:
            self._a.commit_exemplars(fd, e.end)
            if new:
                self._a.append(fd, layout.exemplars_encode(e))
        except Full:
            self.count("refused")
            return
        self._exemplars_need = max(self._exemplars_need, e.end)
        self._publish_exemplars()

    def _other(self, at: int, n: int) -> Tuple[str, ...]:
        other = ("other",) * n
        if (at, other) not in self._a.directory.by_key:
            self.count("overflowed")
        return other


def _family(kind: int, name: str, help: str, unit: str,
            labels: Tuple[str, ...], exponent: int = 0, gauge_mode: int = 0,
            bounds: Optional[Sequence[Number]] = None,
            native: Optional[Native] = None) -> Family:
    if not help:
        raise Error(f"{name}: help is needed")
    t = table(exponent, bounds, native) if kind == layout.HISTOGRAM \
        else Table(0, 0, 0, ())
    f = Family(kind, gauge_mode, exponent, t.hist_flags, t.schema,
               t.zero_exp2, t.buckets, name, unit, help, labels)
    try:
        layout.family_check(f)
    except NotSound as e:
        raise Error(f"{name}: {e}") from e
    stem = name[:-len("_total")] if kind == layout.COUNTER else name
    if unit and (not stem.endswith("_" + unit) or len(stem) == len(unit) + 1):
        raise Error(f"{name} does not end in its unit {unit}")
    return f


def attach(service: str, *, instance: Optional[str] = None,
           directory: Optional[str] = None, fresh: bool = False,
           slots: int = 0, lanes: int = 0, cells: int = 0, gauges: int = 0,
           exemplars: int = 0, dir_bytes: int = 0, series_max: int = 1000,
           patience: float = 1.0) -> Writer:
    """Open or create the segment of `service`, and take a slot and a lane.

    directory   default $SMX_DIR, else /dev/shm
    fresh       begin with an empty segment; Busy if others live
    slots …     bounds of a segment that is made; 0 is the default.  With
                none given, a segment that is there is used as it is
    patience    seconds for a stopped sibling that holds the lock
    """
    given = {"slots": slots, "lanes": lanes, "cells": cells,
             "gauges": gauges, "exemplars": exemplars,
             "dir_bytes": dir_bytes}
    path = path_of(service, instance, directory)
    return Writer(os.path.abspath(path),
                  {k: v for k, v in given.items() if v}, fresh, series_max,
                  patience)


def _in_child() -> None:
    for w in list(_writers):
        w.forked()
    _process.release()


os.register_at_fork(before=_process.acquire,
                    after_in_parent=_process.release,
                    after_in_child=_in_child)
