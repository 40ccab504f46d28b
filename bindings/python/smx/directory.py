# SPDX-License-Identifier: Apache-2.0
"""What the directory says, read once and checked (section 8)."""
from typing import Dict, List, Optional, Set, Tuple

from . import layout
from .errors import NotSound
from .layout import Exemplars, Family, Header, Series


class Directory:
    """Families and series in the order of their records.

    feed() takes what was appended since; what is refused once leaves the
    directory as far as it came, and refuses the segment.
    """

    def __init__(self, header: Header) -> None:
        self._header = header
        self.read_to = 0
        self.families: Dict[int, Family] = {}
        self.retired: Set[int] = set()
        self.series: List[Series] = []
        self.by_key: Dict[Tuple[int, Tuple[str, ...]], Series] = {}
        self.by_name: Dict[str, int] = {}  # the last family of that name
        self._taken: Dict[bool, Set[int]] = {True: set(), False: set()}
        self.ends = {True: layout.SINK, False: layout.SINK}
        self.n_series: Dict[int, int] = {}
        self.exemplars: Dict[int, Exemplars] = {}  # by cell
        self._histograms: Dict[int, Family] = {}  # by cell
        self.exemplars_end = layout.SINK

    def feed(self, data: bytes) -> None:
        for at, kind, record in layout.records(data, self.read_to):
            try:
                self._add(at, kind, record)
            except NotSound as e:
                raise NotSound(f"directory record at {at}: {e}") from e
            self.read_to = at + len(record)

    def shown(self, name: str) -> Optional[int]:
        """The family of this name, unless it was retired."""
        at = self.by_name.get(name)
        return None if at is None or at in self.retired else at

    def _add(self, at: int, kind: int, record: bytes) -> None:
        if kind == layout.FAMILY:
            self._add_family(at, layout.family_decode(record))
        elif kind == layout.SERIES:
            self._add_series(layout.series_decode(record, self.families))
        elif kind == layout.RETIREMENT:
            gone = layout.retirement_decode(record)
            if gone not in self.families:
                raise NotSound("a retirement of no family")
            self.retired.add(gone)
        elif kind == layout.EXEMPLARS:
            self._add_exemplars(layout.exemplars_decode(record))

    def _add_family(self, at: int, f: Family) -> None:
        # its retirement may be a record later, or lost with a killed writer
        if f.name in self.by_name:
            self.retired.add(self.by_name[f.name])
        self.families[at] = f
        self.by_name[f.name] = at
        self.n_series[at] = 0

    def _add_series(self, s: Series) -> None:
        gauge = self.families[s.family].type == layout.GAUGE
        size = self._header.gauge_size if gauge else self._header.lane_size
        end = s.cell + 8 * s.n_cells
        if end > size:
            raise NotSound("cells past the end")
        cells = range(s.cell, end, 8)
        if not self._taken[gauge].isdisjoint(cells):
            raise NotSound("cells that are another series'")
        if (s.family, s.values) in self.by_key:
            raise NotSound("a series twice")
        self._taken[gauge].update(cells)
        self.series.append(s)
        self.by_key[s.family, s.values] = s
        self.n_series[s.family] += 1
        self.ends[gauge] = max(self.ends[gauge], end)
        if self.families[s.family].type == layout.HISTOGRAM:
            self._histograms[s.cell] = self.families[s.family]

    def _add_exemplars(self, e: Exemplars) -> None:
        f = self._histograms.get(e.cell)
        if f is None or e.n != len(layout.exemplar_bounds(f)) + 1:
            raise NotSound("exemplars that suit no histogram")
        has = self._header.features & layout.FEATURE_EXEMPLARS
        if e.off < self.exemplars_end:
            raise NotSound("exemplars that are another series'")
        if not has or e.end > self._header.exemplar_size:
            raise NotSound("exemplars past the end")
        self.exemplars_end = e.end
        self.exemplars[e.cell] = e
