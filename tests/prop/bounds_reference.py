#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The native buckets of histograms, computed with whole numbers only.

usage: bounds_reference.py SCHEMA EXPONENT:LO:HI...

For each range 2^LO .. 2^HI a line "EXPONENT LO HI", then one line per
bucket: its upper bound in cells of 10^-EXPONENT, its native index ("zero" for
the zero bucket), and 1 if the bound is a power of two.  The index is not the
one that made the bound: it is looked for anew, for the lowest and for the
highest integer of the bucket.
"""
import math
import sys

LIMIT = 1 << 63


def ceil_div(n, d):
    return -(-n // d)


def fraction(v, exponent):
    """v x 10^-exponent as numerator and denominator"""
    if exponent >= 0:
        return v, 10 ** exponent
    return v * 10 ** -exponent, 1


def upper_of(k, schema, exponent):
    """floor(2^(k / 2^schema) x 10^exponent), by repeated square roots"""
    size = 1 << schema
    n, d = 1 << max(k, 0), 1 << max(-k, 0)
    if exponent >= 0:
        n *= 10 ** (exponent * size)
    else:
        d *= 10 ** (-exponent * size)
    root = n // d
    for _ in range(schema):
        root = math.isqrt(root)
    return root


def index_of(v, schema, exponent):
    """the least k with v x 10^-exponent <= 2^(k / 2^schema)"""
    n, d = fraction(v, exponent)
    n, d = n ** (1 << schema), d ** (1 << schema)
    k = n.bit_length() - d.bit_length() - 1
    while (n << max(-k, 0)) > (d << max(k, 0)):
        k += 1
    return k


def buckets(schema, exponent, lo, hi):
    uppers = {}
    for k in range(lo << schema, (hi << schema) + 1):
        upper = upper_of(k, schema, exponent)
        if upper < LIMIT:
            is_power = k % (1 << schema) == 0
            uppers[upper] = uppers.get(upper, False) or is_power
    below = -1
    for upper in sorted(uppers):
        index = "zero"
        if below >= 0:
            index = index_of(upper, schema, exponent)
            assert index == index_of(below + 1, schema, exponent)
        yield upper, index, int(uppers[upper])
        below = upper
    # above the range: its first bucket; where values end before the range
    # does, the one that they end in
    above = (hi << schema) + 1
    if upper_of(hi << schema, schema, exponent) >= LIMIT:
        above = index_of(LIMIT - 1, schema, exponent)
        assert above == index_of(below + 1, schema, exponent)
    yield 2 ** 64 - 1, above, 0


def main():
    schema = int(sys.argv[1])
    for which in sys.argv[2:]:
        exponent, lo, hi = map(int, which.split(":"))
        print(exponent, lo, hi)
        for bucket in buckets(schema, exponent, lo, hi):
            print(*bucket)


main()
