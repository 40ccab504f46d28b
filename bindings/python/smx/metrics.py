# SPDX-License-Identifier: Apache-2.0
"""What a program holds: counters, gauges, histograms, and families of them.

All updates may come from any thread and from signal handlers; after the
segment was closed they do nothing.
"""
import struct
import time
from bisect import bisect_left
from contextlib import contextmanager
from typing import (TYPE_CHECKING, Callable, Dict, Generic, Iterator, Mapping,
                    Optional, Tuple, TypeVar)

from . import layout
from .layout import SIGN, Family
from .memory import RELAXED, RELEASE

if TYPE_CHECKING:
    from .writer import Writer

_BITS = struct.Struct("<Q")
_DOUBLE = struct.Struct("<d")


def _stored(value: float) -> int:
    return int(_BITS.unpack(_DOUBLE.pack(value))[0]) ^ layout.GAUGE_XOR


def _value(bits: int) -> float:
    """Unset counts as zero."""
    return float(_DOUBLE.unpack(_BITS.pack(bits ^ layout.GAUGE_XOR))[0]) \
        if bits else 0.0


class Counter:
    """Only rises.  Counts in cells: 10^-exponent of the exposed unit."""

    __slots__ = ("_w", "_cell")

    def __init__(self, w: "Writer", cell: int) -> None:
        self._w, self._cell = w, cell

    def inc(self) -> None:
        w = self._w
        w.add8((w.lane or w.awake().lane) + self._cell, 1, RELAXED)

    def add(self, n: int) -> None:
        if n < 0:
            raise ValueError("counters only rise")
        w = self._w
        w.add8((w.lane or w.awake().lane) + self._cell, n, RELAXED)


class Gauge:
    """A double of this process; gone when the process is."""

    __slots__ = ("_w", "_cell")

    def __init__(self, w: "Writer", cell: int) -> None:
        self._w, self._cell = w, cell

    def _at(self) -> int:
        w = self._w
        return (w.gauges or w.awake().gauges) + self._cell

    def set(self, value: float) -> None:
        self._w.atomic.store8(self._at(), _stored(value), RELAXED)

    def add(self, value: float) -> None:
        a, at = self._w.atomic, self._at()
        old = a.load8(at, RELAXED)
        while not a.swap8(at, old, _stored(_value(old) + value)):
            old = a.load8(at, RELAXED)

    def unset(self) -> None:
        """Not shown until it is set again."""
        self._w.atomic.store8(self._at(), 0, RELAXED)


class Histogram:
    """Observations in cells: nanoseconds, if the exponent is 9."""

    __slots__ = ("_w", "_cell", "_uppers", "_bounds", "_exemplars")

    def __init__(self, w: "Writer", cell: int, family: Family,
                 exemplars: int) -> None:
        self._w, self._cell = w, cell
        self._uppers = [b.upper for b in family.buckets]
        self._bounds = [b.upper for b in layout.exemplar_bounds(family)]
        self._exemplars = exemplars  # of the first slot; 0: keeps none

    def observe(self, n: int,
                exemplar: Optional[Mapping[str, str]] = None) -> None:
        """2^63 or more, or a clock that ran backwards: dropped, counted.
        The exemplar's labels are left out if they cannot be, or while
        somebody else writes this bucket's."""
        w = self._w
        at = (w.lane or w.awake().lane) + self._cell
        if not 0 <= n < SIGN:
            w.count("dropped")
            return
        bucket = layout.FIRST_BUCKET + bisect_left(self._uppers, n)
        add = w.add8
        add(at, 1, RELAXED)  # begin: I7
        add(at + 16, n, RELEASE)
        add(at + 8 * bucket, 1, RELEASE)
        add(at + 8, 1, RELEASE)  # end
        if exemplar and self._exemplars and w.exemplars:
            self._keep(n, exemplar)

    def _keep(self, n: int, labels: Mapping[str, str]) -> None:
        """I9: the slot is ours by its owner word, its sequence odd."""
        w, text = self._w, layout.exemplar_text(labels)
        a = w.atomic
        at = w.exemplars + self._exemplars + \
            layout.EXEMPLAR_SLOT * bisect_left(self._bounds, n)
        seen = a.load8(at, RELAXED)
        if text is None or (seen and not w.owner_dead(seen)) or \
                not a.swap8(at, seen, w.owner):
            return
        seq = a.load8(at + 8, RELAXED) + 1 | 1
        a.store8(at + 8, seq, RELAXED)
        words = [n, time.time_ns(), len(text)] + [
            int.from_bytes(text[i:i + 8], "little")
            for i in range(0, len(text), 8)]
        for i, word in enumerate(words):
            a.store8(at + 16 + 8 * i, word, RELEASE)
        a.store8(at + 8, seq + 1, RELEASE)
        a.store8(at, 0, RELEASE)

    @contextmanager
    def time(self) -> Iterator[None]:
        """with h.time(): what takes time, in nanoseconds."""
        start = time.perf_counter_ns()
        try:
            yield
        finally:
            self.observe(time.perf_counter_ns() - start)


M = TypeVar("M", Counter, Gauge, Histogram)


class Labelled(Generic[M]):
    """A family whose label values are known at run time only."""

    def __init__(self, register: Callable[[Tuple[str, ...]], M],
                 n_labels: int) -> None:
        self._register: Callable[[Tuple[str, ...]], M] = register
        self._n = n_labels
        self._known: Dict[Tuple[str, ...], M] = {}

    def labels(self, *values: str) -> M:
        """The member with these values, registered if it is new.  Past the
        family's limit, and for values that cannot be, it is the one whose
        values are all "other"."""
        member = self._known.get(values)
        if member is None:
            if len(values) != self._n:
                raise ValueError(f"{self._n} values are needed")
            member = self._known[values] = self._register(values)
        return member
