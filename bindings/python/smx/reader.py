# SPDX-License-Identifier: Apache-2.0
"""Read a segment: what it says, and the values of one moment (section 12).

Nothing is written; who may read the file may use this.  A writer that cuts
its file while it is mapped here ends this process by SIGBUS: the collector,
written in C, survives that.  Use this in tests and tools.
"""
import mmap
import os
import stat
import struct
from dataclasses import dataclass
from decimal import Decimal
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple, Union

from . import layout, locks
from .directory import Directory
from .errors import Error, NotSound
from .layout import Exemplar, Family, Series

TRIES = 4  # of a histogram that moves


class Live(NamedTuple):
    """A process with a slot."""
    slot: int
    pid: int
    start_ns: int


@dataclass(frozen=True)
class Value:
    """A series at one moment.  Of counters `cell` counts; of histograms
    `cell` is the sum and `buckets` count; of gauges `gauges` holds what each
    live process set, by its slot."""
    family: Family
    labels: Dict[str, str]
    created_ns: int
    retired: bool
    cell: int
    buckets: Tuple[int, ...]
    gauges: Dict[int, float]
    exemplars: Tuple[Exemplar, ...] = ()

    @property
    def value(self) -> Union[None, float, Decimal]:
        """Exact for counters and sums; None for a gauge that nobody set,
        or where each process shows its own."""
        if self.family.type != layout.GAUGE:
            return exact(self.cell, self.family.exponent)
        return combine(self.family.gauge_mode, list(self.gauges.values()))

    @property
    def count(self) -> int:
        return sum(self.buckets)


class Snapshot(NamedTuple):
    values: List[Value]  # in the directory's order
    live: List[Live]
    state: Dict[str, int]
    approximate: int  # histograms that moved while they were read

    def get(self, name: str, /, **labels: str) -> Value:
        """The shown series of that name and these labels."""
        for v in self.values:
            if v.family.name == name and v.labels == labels and \
                    not v.retired:
                return v
        raise KeyError(f"{name} {labels}")


def exact(cell: int, exponent: int) -> Decimal:
    """cell x 10^-exponent."""
    return Decimal((0, tuple(map(int, str(cell))), -exponent))


def combine(mode: int, values: List[float]) -> Optional[float]:
    """One value of those that live processes have; a NaN wins."""
    if not values or mode == layout.EACH:
        return None
    if mode == layout.MODES["sum"]:
        return sum(values[1:], values[0])
    for v in values:
        if v != v:
            return v
    return min(values) if mode == layout.MODES["min"] else max(values)


class Segment:
    """A segment file, open for reading; a context manager."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC |
                           os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            self._open(path)
        except BaseException:
            os.close(self._fd)
            raise

    def _open(self, path: str) -> None:
        st = os.fstat(self._fd)
        if not stat.S_ISREG(st.st_mode):
            raise NotSound(f"{path} is not a regular file")
        self.header = layout.header_decode(
            os.pread(self._fd, layout.HEADER_SIZE, 0), st.st_size)
        self.directory = Directory(self.header)
        self._map = mmap.mmap(self._fd, self.header.size,
                              prot=mmap.PROT_READ)
        self._bytes = memoryview(self._map)
        self._words = self._bytes.cast("Q")
        self.refresh()

    def close(self) -> None:
        if self._fd >= 0:
            self._words.release()
            self._bytes.release()
            self._map.close()
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> "Segment":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _word(self, off: int) -> int:
        return self._words[off // 8]

    def refresh(self) -> None:
        """Take in what was added to the directory."""
        d, tail = self.directory, self._word(layout.DIR_TAIL)
        if tail < d.read_to or tail > self.header.dir_size or tail % 8:
            raise NotSound("the directory's tail lies")
        data = os.pread(self._fd, tail - d.read_to,
                        self.header.dir_off + d.read_to)
        if len(data) != tail - d.read_to:
            raise NotSound("the file ends in its directory")
        d.feed(data)

    def read(self) -> Snapshot:
        """The values of this moment, new series included."""
        self.refresh()
        self._cells = [0] * (self.directory.ends[False] // 8)
        moved = set()
        for lane in range(self.header.lane_cap):
            moved |= self._add_lane(lane)
        live = list(self._live())
        return Snapshot([self._value(s, live) for s in self.directory.series],
                        [row for row, _ in live],
                        self._state(len(live)), len(moved))

    # ------------------------------------------------------------ lanes

    def _data(self, off: int, size: int) -> Iterator[Tuple[int, int]]:
        """What the file has of [off, off + size), as cells from `off` on:
        reading a hole would make a tmpfs allocate it."""
        at, end = off, off + size
        while at < end:
            try:
                at = max(os.lseek(self._fd, at, os.SEEK_DATA), at)
            except OSError:  # nothing but a hole up to the end
                return
            to = min(os.lseek(self._fd, at, os.SEEK_HOLE), end) \
                if at < end else at
            if at < to:
                yield (at - off) // 8, (to - off) // 8
            at = to

    def _add_lane(self, lane: int) -> "set[Series]":
        h = self.header
        row = h.lane_tab_off + lane * layout.ROW
        size = min(self._word(row + layout.LANE_COMMITTED), h.lane_size)
        n = min(size // 8, len(self._cells))
        base = h.lane_off + lane * h.lane_stride
        mine = [0] * n
        for first, end in self._data(base, 8 * n):
            mine[first:end] = self._words[base // 8 + first:base // 8 + end]
        moved = self._settle(mine, base) if lane > 0 and any(mine) else set()
        for i, cell in enumerate(mine):
            self._cells[i] = (self._cells[i] + cell) & layout.TOP
        return moved

    def _settle(self, mine: List[int], base: int) -> "set[Series]":
        """Histograms whose sum and buckets belong together (I7)."""
        moved = set()
        for s in self.directory.series:
            first, end = s.cell // 8, s.cell // 8 + s.n_cells
            if self.directory.families[s.family].type != layout.HISTOGRAM \
                    or end > len(mine) or not any(mine[first:end]):
                continue
            at = base // 8 + first
            for _ in range(TRIES):
                last = self._words[at + layout.END]
                mine[first + 2:end] = self._words[at + 2:at + s.n_cells]
                if self._words[at + layout.BEGIN] == last:
                    break
            else:
                moved.add(s)
        return moved

    # ------------------------------------------------------------ slots

    def _live(self) -> Iterator[Tuple[Live, Dict[int, float]]]:
        for slot in range(self.header.slot_cap):
            row = self.header.slot_off + slot * layout.ROW
            word = self._word(row)
            generation = word & 0xFFFFFFFF
            if generation == 0 or generation % 2 or \
                    not locks.leased(self._fd, slot):
                continue
            live = Live(slot, word >> 32, self._word(row + layout.SLOT_START))
            gauges = self._gauges(slot, row)
            if self._word(row) == word and locks.leased(self._fd, slot):
                yield live, gauges

    def _gauges(self, slot: int, row: int) -> Dict[int, float]:
        """Those that are set, by their cells in bytes."""
        h = self.header
        size = min(self._word(row + layout.SLOT_COMMITTED), h.gauge_size,
                   self.directory.ends[True])
        base = h.gauge_off + slot * h.gauge_stride
        out = {}
        for first, end in self._data(base, size):
            for i in range(max(first, layout.SINK // 8), end):
                bits = self._words[base // 8 + i]
                if bits:
                    out[8 * i] = struct.unpack("<d", struct.pack(
                        "<Q", bits ^ layout.GAUGE_XOR))[0]
        return out

    # ----------------------------------------------------------- values

    def _value(self, s: Series,
               live: List[Tuple[Live, Dict[int, float]]]) -> Value:
        f = self.directory.families[s.family]
        labels = dict(zip(f.labels, s.values))
        retired = s.family in self.directory.retired
        if f.type == layout.GAUGE:
            return Value(f, labels, s.created_ns, retired, 0, (),
                         {row.slot: gauges[s.cell] for row, gauges in live
                          if s.cell in gauges})
        cells = self._cells[s.cell // 8:s.cell // 8 + s.n_cells]
        if f.type == layout.COUNTER:
            return Value(f, labels, s.created_ns, retired, cells[0], (), {})
        return Value(f, labels, s.created_ns, retired, cells[layout.SUM],
                     tuple(cells[layout.FIRST_BUCKET:]), {},
                     tuple(self._exemplars(s, f)))

    def _exemplars(self, s: Series, f: Family) -> Iterator[Exemplar]:
        e = self.directory.exemplars.get(s.cell)
        committed = self._word(layout.EXEMPLARS_COMMITTED)
        if e is None or e.end > min(committed, self.header.exemplar_size):
            return
        last = -1
        for i, upper in enumerate(
                [b.upper for b in layout.exemplar_bounds(f)] + [layout.TOP]):
            at = (self.header.exemplar_off + e.off +
                  layout.EXEMPLAR_SLOT * i)
            found = self._exemplar(at, last, upper)
            if found is not None:
                yield found
            last = upper

    def _exemplar(self, at: int, last: int,
                  upper: int) -> Optional[Exemplar]:
        """I9: the sequence is even, not 0, and the same afterwards."""
        if not list(self._data(at, layout.EXEMPLAR_SLOT)):
            return None
        words = self._words[at // 8:(at + layout.EXEMPLAR_SLOT) // 8]
        seq = words[1]
        copy = words.tolist()
        if seq == 0 or seq % 2 or words[1] != seq:
            return None
        return layout.exemplar_decode(copy, last, upper)

    def _state(self, live: int) -> Dict[str, int]:
        h = self.header
        owned = sum(self._word(h.lane_tab_off + i * layout.ROW) != 0
                    for i in range(1, h.lane_cap))
        state = {
            "size": h.size, "created_ns": h.created_ns,
            "slots": h.slot_cap, "slots_live": live,
            "crowd": int(locks.crowd(self._fd)),
            "lanes": h.lane_cap - 1, "lanes_owned": owned,
            "lane_bytes": h.lane_size,
            "lane_bytes_used": self._word(layout.CELLS_RESERVED),
            "gauge_bytes": h.gauge_size,
            "gauge_bytes_used": self._word(layout.GAUGES_RESERVED),
            "dir_bytes": h.dir_size,
            "dir_bytes_used": self._word(layout.DIR_TAIL)}
        state.update((name, self._word(off))
                     for name, off in layout.TROUBLES.items())
        return state


def path_of(service: str, instance: Optional[str] = None,
            directory: Optional[str] = None) -> str:
    """$SMX_DIR/smx.<service>[@<instance>]; the default is /dev/shm."""
    for word in (service, instance or "x"):
        if not 1 <= len(word) <= 64 or word.strip(
                "abcdefghijklmnopqrstuvwxyz0123456789_-"):
            raise Error(f"bad name {word!r}: 1 to 64 of a-z 0-9 _ -")
    return os.path.join(
        directory or os.environ.get("SMX_DIR") or "/dev/shm",
        f"smx.{service}" + (f"@{instance}" if instance else ""))
