# SPDX-License-Identifier: Apache-2.0
"""The buckets of a histogram, in exact arithmetic (section 9)."""
import math
from decimal import Decimal
from typing import List, NamedTuple, Optional, Sequence, Tuple, Union

from .errors import Error
from .layout import (BUCKET_EXPLICIT, BUCKET_POWER, EXPLICIT, MAX_EXPLICIT,
                     NATIVE, NATIVE_ZERO, SIGN, TOP, Bucket)

Number = Union[int, float, str, Decimal]

LATENCY = ("0.00001", "0.000025", "0.00005", "0.0001", "0.00025", "0.0005",
           "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.2",
           "0.3", "0.5", "1", "2.5")


class Native(NamedTuple):
    """Native buckets: 2^schema to a power of two, from `low` to `high` in the
    exposed unit, rounded outwards to powers of two."""
    schema: int = 3
    low: float = 2.0**-20
    high: float = 2.0**4


class Table(NamedTuple):
    hist_flags: int
    schema: int
    zero_exp2: int
    buckets: Tuple[Bucket, ...]


def floor_of(k: int, schema: int, exponent: int) -> int:
    """floor(10^exponent x 2^(k / 2^schema)), for whatever size."""
    n = 1 << schema
    up = int(10**(max(exponent, 0) * n))
    down = int(10**(max(-exponent, 0) * n))
    up, down = (up << k, down) if k >= 0 else (up, down << -k)
    root = up // down
    # the floor of a root's floor is the floor of the root
    for _ in range(schema):
        root = math.isqrt(root)
    return root


def _native(plan: Native, exponent: int) -> Tuple[List[Bucket], int, int]:
    """Buckets below 2^63, the index of what lies above, and lo."""
    if not 0 <= plan.schema <= 8:
        raise Error(f"schema is {plan.schema}: must be 0..8")
    if not 0 < plan.low < plan.high < math.inf:
        raise Error("the native range must be positive, finite, ascending")
    lo = math.frexp(plan.low)[1] - 1
    part, hi = math.frexp(plan.high)
    hi -= part == 0.5
    if floor_of(lo, 0, exponent) >= SIGN or floor_of(hi, 0, exponent) == 0:
        raise Error("no cell lies in the native range")
    out: List[Bucket] = []
    k = lo << plan.schema
    first, last = k, hi << plan.schema
    while k <= last:
        upper = floor_of(k, plan.schema, exponent)
        if upper >= SIGN:
            break
        flags = 0 if k % (1 << plan.schema) else BUCKET_POWER
        if out and out[-1].upper == upper:
            out[-1] = out[-1]._replace(flags=out[-1].flags | flags)
        else:
            out.append(Bucket(upper, NATIVE_ZERO if k == first else k,
                              flags))
        k += 1
    return out, k, lo


def _explicit(bounds: Sequence[Number], exponent: int) -> List[int]:
    """In cells; a float means the shortest text that reads back as it."""
    out: List[int] = []
    if len(bounds) > MAX_EXPLICIT:
        raise Error(f"at most {MAX_EXPLICIT} bounds")
    for b in bounds:
        value = Decimal(repr(b) if isinstance(b, float) else b)
        sign, digits, places = value.as_tuple()
        if not isinstance(places, int) or sign and value:
            raise Error(f"bound {b}: must be finite and not negative")
        cells = int("".join(map(str, digits)))
        places += exponent
        whole, rest = (cells * 10**places, 0) if places >= 0 else \
            divmod(cells, 10**-places)
        if rest or whole >= SIGN:
            raise Error(f"bound {b}: not a whole number of 10^{-exponent} "
                        "below 2^63")
        if out and whole <= out[-1]:
            raise Error(f"bound {b}: not above the one before it")
        out.append(whole)
    return out


def table(exponent: int, bounds: Optional[Sequence[Number]],
          native: Optional[Native]) -> Table:
    """Neither bounds nor native: both, as for latencies in seconds."""
    if not bounds and native is None:
        bounds, native = LATENCY, Native()
    classic = _explicit(bounds or (), exponent)
    ours, above, lo = _native(native, exponent) if native else ([], 0, 0)
    flags = {b.upper: b.flags for b in ours}
    for upper in classic:
        flags[upper] = flags.get(upper, 0) | BUCKET_EXPLICIT
    out, rest = [], list(reversed(ours))
    for upper in sorted(flags):
        while rest and rest[-1].upper < upper:
            rest.pop()
        out.append(Bucket(upper, rest[-1].native if rest else above,
                          flags[upper]))
    out.append(Bucket(TOP, above, 0))
    return Table((EXPLICIT if classic else 0) | (NATIVE if native else 0),
                 native.schema if native else 0, lo, tuple(out))
