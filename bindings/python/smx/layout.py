# SPDX-License-Identifier: Apache-2.0
"""The bytes of a segment, as docs/SEGMENT.md has them; pure functions.

Nothing here opens a file: bytes in, named tuples out, and back.
"""
import re
import struct
import zlib
from typing import (Dict, Iterator, Mapping, NamedTuple, Optional, Sequence,
                    Set, Tuple)

from .errors import BeingCreated, NotSound

MAGIC = 0x314745535F584D53
VERSION = 1
PAGE = 4096
SINK = 64
TOP = 2**64 - 1
SIGN = 2**63

FEATURE_EXEMPLARS = 1
KNOWN_FEATURES = FEATURE_EXEMPLARS

LOCK_SLOT0 = 2**40
LOCK_CROWD = 2**41
LOCK_REGISTER = 2**42

OWNER_SHARED = TOP
GAUGE_XOR = 0x7FF0000051C4A9E3

# Offsets of the header's changing fields.
DIR_TAIL, CELLS_RESERVED, GAUGES_RESERVED = 192, 256, 264
EXEMPLARS_COMMITTED = 272
TROUBLES = {"refused": 320, "dropped": 328, "no_slot": 336, "no_lane": 344,
            "redefined": 352, "overflowed": 360, "adopted": 368}
HEADER_SIZE = 512

EXEMPLAR_SLOT, EXEMPLAR_TEXT, EXEMPLAR_POINTS = 192, 152, 128

# Of a slot and of a lane's row, from their starts.
SLOT_GENERATION, SLOT_PID, SLOT_START, SLOT_COMMITTED = 0, 4, 8, 16
LANE_OWNER, LANE_COMMITTED, LANE_TID = 0, 8, 16
ROW = 64

COUNTER, GAUGE, HISTOGRAM = 1, 2, 3
TYPES = {COUNTER: "counter", GAUGE: "gauge", HISTOGRAM: "histogram"}
MODES = {"sum": 0, "min": 1, "max": 2, "each": 3}
EACH = 3
EXPLICIT, NATIVE = 1, 2
BUCKET_EXPLICIT, BUCKET_POWER = 1, 2
NATIVE_ZERO = -2**31
NATIVE_LIMIT = 281600
BEGIN, END, SUM, FIRST_BUCKET = 0, 1, 2, 3

FAMILY, SERIES, RETIREMENT, EXEMPLARS = 1, 2, 3, 4
RECORD_MAX = 2**20

MAX_SIZE, MAX_AREA, MAX_ROWS, MAX_EXEMPLARS = 2**36, 2**30, 65536, 2**24
MAX_NAME, MAX_UNIT, MAX_HELP, MAX_VALUE = 255, 63, 4095, 1023
MAX_LABELS, MAX_EXPLICIT, MAX_BUCKETS, MAX_EXPONENT = 16, 64, 16384, 18

_HEADER = struct.Struct("<QII15QIIII")
_RECORD = struct.Struct("<IIII")
_FAMILY = struct.Struct("<BBbBBbhIHHII")
_BUCKET = struct.Struct("<QiI")
_SERIES = struct.Struct("<QQIIII")
_RETIREMENT = struct.Struct("<Q")
_EXEMPLARS = struct.Struct("<IIQ")

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_UNIT = re.compile(r"[a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_CONTROL = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f]")
_TAKEN = {"le", "quantile", "service", "service_instance"}


class Header(NamedTuple):
    """Bytes 0..151, which never change once the magic is there."""
    magic: int
    version: int
    header_size: int
    size: int
    features: int
    slot_off: int
    lane_tab_off: int
    dir_off: int
    dir_size: int
    gauge_off: int
    gauge_stride: int
    gauge_size: int
    lane_off: int
    lane_stride: int
    lane_size: int
    exemplar_off: int
    exemplar_size: int
    created_ns: int
    slot_cap: int
    lane_cap: int
    pid: int
    crc: int


class Bucket(NamedTuple):
    upper: int
    native: int
    flags: int


class Family(NamedTuple):
    """What a family record means; two of one meaning are one family."""
    type: int
    gauge_mode: int
    exponent: int
    hist_flags: int
    schema: int
    zero_exp2: int
    buckets: Tuple[Bucket, ...]
    name: str
    unit: str
    help: str
    labels: Tuple[str, ...]

    @property
    def n_cells(self) -> int:
        return FIRST_BUCKET + len(self.buckets) \
            if self.type == HISTOGRAM else 1

    def means(self, other: "Family") -> bool:
        """The same but for the help text."""
        return self._replace(help="") == other._replace(help="")


class Exemplars(NamedTuple):
    """Slots of exemplars of the histogram with this cell."""
    cell: int
    n: int
    off: int

    @property
    def end(self) -> int:
        return self.off + EXEMPLAR_SLOT * self.n


class Series(NamedTuple):
    family: int  # offset of its record
    created_ns: int
    cell: int  # bytes
    n_cells: int
    values: Tuple[str, ...]


def _lie(what: str) -> NotSound:
    return NotSound(what)


class Exemplar(NamedTuple):
    """Whose the last value of a bucket was."""
    value: int  # in cells
    time_ns: int
    labels: Dict[str, str]


# ---------------------------------------------------------------- header

def header_decode(data: bytes, file_size: int) -> Header:
    """Bytes 0..511 of the file -> Header, checked as section 3 says."""
    if len(data) < HEADER_SIZE or data[:8] == bytes(8):
        raise BeingCreated("still being created")
    h = Header._make(_HEADER.unpack_from(data))
    if h.magic != MAGIC:
        raise _lie("not a segment")
    if h.version != VERSION:
        raise _lie(f"layout version {h.version}, this reader knows {VERSION}")
    if h.crc != zlib.crc32(data[8:148]):
        raise _lie("header: wrong CRC")
    if h.features & 0xFFFFFFFF & ~KNOWN_FEATURES:
        raise _lie(f"unknown features {h.features:#x}")
    _check_fields(h, file_size)
    _check_regions(h)
    return h


def _check_fields(h: Header, file_size: int) -> None:
    sound = {
        "header_size": HEADER_SIZE <= h.header_size <= PAGE,
        "size": h.size == file_size and h.size <= MAX_SIZE,
        "slot_cap": 1 <= h.slot_cap <= MAX_ROWS,
        "lane_cap": 1 <= h.lane_cap <= MAX_ROWS,
        "dir_size": h.dir_size % 8 == 0,
        "gauge_off": h.gauge_off % PAGE == 0,
        "gauge_stride": h.gauge_stride % PAGE == 0,
        "gauge_size": _area(h.gauge_size, h.gauge_stride),
        "lane_off": h.lane_off % PAGE == 0,
        "lane_size": _area(h.lane_size, h.lane_stride) and
        h.lane_size + PAGE <= h.lane_stride,
        "exemplar_size": not h.features & FEATURE_EXEMPLARS or
        _area(h.exemplar_size, MAX_EXEMPLARS),
    }
    for field, right in sound.items():
        if not right:
            raise _lie(f"header: bad {field}")


def _area(size: int, stride: int) -> bool:
    return SINK <= size <= min(MAX_AREA, stride) and size % 8 == 0


def _check_regions(h: Header) -> None:
    regions = [("slot_off", h.slot_off, h.slot_cap * ROW),
               ("lane_tab_off", h.lane_tab_off, h.lane_cap * ROW),
               ("dir_off", h.dir_off, h.dir_size),
               ("gauge_off", h.gauge_off, h.slot_cap * h.gauge_stride),
               ("lane_off", h.lane_off, h.lane_cap * h.lane_stride)]
    if h.features & FEATURE_EXEMPLARS:
        regions.append(("exemplar_off", h.exemplar_off, h.exemplar_size))
    end = PAGE
    for name, off, size in regions:
        if off < end or off % 64 or off + size > h.size:
            raise _lie(f"header: {name} leaves its place")
        end = off + size


def header_encode(h: Header) -> bytes:
    """512 bytes, the CRC right, and no magic yet."""
    data = _HEADER.pack(*h._replace(magic=0, crc=0))
    crc = zlib.crc32(data[8:148])
    return _HEADER.pack(*h._replace(magic=0, crc=crc)).ljust(HEADER_SIZE,
                                                            b"\0")


# --------------------------------------------------------------- records

def records(data: bytes, base: int) -> Iterator[Tuple[int, int, bytes]]:
    """(offset, kind, record) of each in data, which begins at `base`."""
    at = 0
    while at < len(data):
        left = len(data) - at
        size, crc, kind, flags = _RECORD.unpack_from(data, at) \
            if left >= 16 else (0, 0, 0, 0)
        if size < 16 or size % 8 or size > min(left, RECORD_MAX):
            raise _lie(f"directory record at {base + at}: impossible size")
        record = data[at:at + size]
        if crc != zlib.crc32(record[8:]):
            raise _lie(f"directory record at {base + at}: wrong CRC")
        if flags and FAMILY <= kind <= EXEMPLARS:
            raise _lie(f"directory record at {base + at}: unknown flags")
        yield base + at, kind, record
        at += size


def _seal(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 8)
    tail = struct.pack("<II", kind, 0) + body
    return struct.pack("<II", 8 + len(tail), zlib.crc32(tail)) + tail


def _words(data: bytes, n: int, what: str) -> Tuple[str, ...]:
    """n zero-terminated strings, and nothing else."""
    parts = data.split(b"\0")
    if len(parts) != n + 1 or parts[-1] != b"":
        raise _lie(f"{what}: not {n} strings")
    try:
        return tuple(p.decode() for p in parts[:-1])
    except UnicodeDecodeError as e:
        raise _lie(f"{what}: not UTF-8") from e


def _text(s: str, most: int) -> bool:
    return len(s.encode(errors="replace")) <= most and \
        not _CONTROL.search(s) and not re.search("[\ud800-\udfff]", s)


def family_decode(r: bytes) -> Family:
    if len(r) < 40:
        raise _lie("too short for a family")
    (kind, mode, exponent, n_labels, hist_flags, schema, zero_exp2, n,
     name_len, unit_len, help_len, labels_len) = _FAMILY.unpack_from(r, 16)
    lengths = [name_len, unit_len, help_len]
    start = 40 + _BUCKET.size * n
    end = start + sum(lengths) + 3 + labels_len
    if n > MAX_BUCKETS or (end + 7) // 8 * 8 != len(r):
        raise _lie("parts do not fill the family's record")
    buckets = tuple(Bucket._make(b)
                    for b in _BUCKET.iter_unpack(r[40:start]))
    words = _words(r[start:end], 3 + n_labels, "family")
    if [len(w.encode()) for w in words[:3]] != lengths:
        raise _lie("strings of other lengths")
    f = Family(kind, mode, exponent, hist_flags, schema, zero_exp2, buckets,
               words[0], words[1], words[2], words[3:])
    family_check(f)
    return f


def family_check(f: Family) -> None:
    """Section 8; a writer publishes nothing that a reader would refuse."""
    if f.type not in TYPES:
        raise _lie("unknown type")
    if f.gauge_mode > EACH or (f.gauge_mode and f.type != GAUGE):
        raise _lie("unknown gauge mode")
    if abs(f.exponent) > MAX_EXPONENT:
        raise _lie("exponent out of -18..18")
    _check_names(f)
    if f.type == HISTOGRAM:
        _check_buckets(f)
    elif f.buckets or f.hist_flags:
        raise _lie("buckets without a histogram")


def _check_names(f: Family) -> None:
    if not _NAME.fullmatch(f.name) or len(f.name) > MAX_NAME:
        raise _lie("a name that may not be")
    if f.type == COUNTER and (not f.name.endswith("_total") or
                              f.name == "_total"):
        raise _lie("a counter whose name does not end in _total")
    if not _UNIT.fullmatch(f.unit) or len(f.unit) > MAX_UNIT:
        raise _lie("a unit that may not be")
    if not _text(f.help, MAX_HELP):
        raise _lie("help that is not text")
    if len(f.labels) > MAX_LABELS or len(set(f.labels)) != len(f.labels):
        raise _lie("too many label names, or one twice")
    taken: Set[str] = {"process"} if f.gauge_mode == EACH else set()
    for label in f.labels:
        if not label_valid(label) or label in taken:
            raise _lie(f"a label name that may not be: {label!r}")


def label_valid(label: str) -> bool:
    return bool(_LABEL.fullmatch(label)) and len(label) <= MAX_NAME and \
        not label.startswith("__") and label not in _TAKEN


def _check_buckets(f: Family) -> None:
    b = f.buckets
    if not 1 <= len(b) <= MAX_BUCKETS or f.hist_flags not in (1, 2, 3):
        raise _lie("no histogram of this kind")
    if f.hist_flags & NATIVE and not 0 <= f.schema <= 8:
        raise _lie("schema out of 0..8")
    if any(x.upper >= y.upper for x, y in zip(b, b[1:])) or \
            b[-1].upper != TOP:
        raise _lie("bucket bounds do not ascend to the last")
    if any(x.flags & ~3 for x in b) or \
            sum(x.flags & 1 for x in b[:-1]) > MAX_EXPLICIT:
        raise _lie("bucket flags")
    if f.hist_flags & NATIVE and (
            any(x.native > y.native for x, y in zip(b, b[1:])) or
            any(abs(x.native) > NATIVE_LIMIT for x in b
                if x.native != NATIVE_ZERO)):
        raise _lie("native indices")


def family_encode(f: Family) -> bytes:
    words = [w.encode() for w in (f.name, f.unit, f.help)]
    labels = b"".join(w.encode() + b"\0" for w in f.labels)
    fixed = _FAMILY.pack(f.type, f.gauge_mode, f.exponent, len(f.labels),
                         f.hist_flags, f.schema, f.zero_exp2,
                         len(f.buckets), *map(len, words), len(labels))
    return _seal(FAMILY, fixed +
                 b"".join(_BUCKET.pack(*b) for b in f.buckets) +
                 b"".join(w + b"\0" for w in words) + labels)


def value_valid(value: str) -> bool:
    return _text(value, MAX_VALUE)


def series_decode(r: bytes, families: Dict[int, Family]) -> Series:
    if len(r) < 48:
        raise _lie("too short for a series")
    family, created, cell, n, length, _ = _SERIES.unpack_from(r, 16)
    if (48 + length + 7) // 8 * 8 != len(r):
        raise _lie("values do not fill the series' record")
    f = families.get(family)
    if f is None:
        raise _lie("a series of no family")
    values = _words(r[48:48 + length], len(f.labels), "series")
    if not all(map(value_valid, values)):
        raise _lie("a label value that is not text")
    if n != f.n_cells or cell % 8 or cell < SINK:
        raise _lie("cells that its family does not have")
    return Series(family, created, cell, n, values)


def series_encode(s: Series) -> bytes:
    values = b"".join(v.encode() + b"\0" for v in s.values)
    return _seal(SERIES, _SERIES.pack(s.family, s.created_ns, s.cell,
                                      s.n_cells, len(values), 0) + values)


def retirement_decode(r: bytes) -> int:
    """The offset of the family that is gone."""
    if len(r) != 24:
        raise _lie("a retirement of another size")
    return int(_RETIREMENT.unpack_from(r, 16)[0])


def retirement_encode(family: int) -> bytes:
    return _seal(RETIREMENT, _RETIREMENT.pack(family))


def exemplars_decode(r: bytes) -> Exemplars:
    if len(r) != 32:
        raise _lie("exemplars of another size")
    e = Exemplars._make(_EXEMPLARS.unpack_from(r, 16))
    if not 1 <= e.n <= MAX_BUCKETS or e.off < SINK or e.off % 64:
        raise _lie("exemplars in the sink or across others")
    return e


def exemplars_encode(e: Exemplars) -> bytes:
    return _seal(EXEMPLARS, _EXEMPLARS.pack(*e))


def exemplar_text(labels: Mapping[str, str]) -> Optional[bytes]:
    """Names and values as they lie in a slot; None if they cannot."""
    text = "".join(f"{k}\0{v}\0" for k, v in labels.items())
    if not labels or len(text) - 2 * len(labels) > EXEMPLAR_POINTS or \
            not all(map(label_valid, labels)) or \
            not all(map(value_valid, labels.values())):
        return None
    data = text.encode()
    return data if len(data) <= EXEMPLAR_TEXT else None


def exemplar_bounds(f: Family) -> Tuple[Bucket, ...]:
    """The bounds of the classic view, without +Inf."""
    for flag in (BUCKET_EXPLICIT, BUCKET_POWER):
        found = tuple(b for b in f.buckets[:-1] if b.flags & flag)
        if found:
            break
    return found


def exemplar_decode(words: Sequence[int], value_from: int,
                    value_to: int) -> Optional[Exemplar]:
    """The copy of a slot that was whole; None for one that says what cannot
    be, or whose value is not in (value_from, value_to]."""
    value, time_ns, length = words[2:5]
    if not value_from < value <= value_to or max(value, time_ns) >= SIGN or \
            length > EXEMPLAR_TEXT:
        return None
    try:
        parts = struct.pack("<19Q", *words[5:24])[:length].decode().split(
            "\0")
    except UnicodeDecodeError:
        return None
    names, values = parts[0:-1:2], parts[1:-1:2]
    if parts[-1] or not names or len(names) != len(values) or \
            len(set(names)) != len(names) or \
            sum(map(len, parts)) > EXEMPLAR_POINTS or \
            not all(map(label_valid, names)) or not all(map(value_valid,
                                                            values)):
        return None
    return Exemplar(value, time_ns, dict(zip(names, values)))
