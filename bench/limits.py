#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rows of the benchmarks on stdin, passed on; then what smx promises of its
speed, and whether that held.  Best chunks are compared: they are what the
code costs, the rest is the machine.  Exit status 1 if a promise is missed or
was not measured."""
import sys

# What is promised, the rows it is made of, the limit.  One row: its figure
# as it is; two: the first divided by the second.
TIMES = [
    ('inc, beside volatile++', ['inc', 'volatile'], 1.2),
    ('gauge set, beside a bare store', ['gauge_set', 'store_double'], 1.1),
    ('observe, explicit bounds: ns', ['observe'], 2.0),
    ('observe, native buckets: ns', ['observe_native'], 2.0),
    ('observe, both: ns', ['observe_both'], 2.0),
    ('observe, one value: ns', ['observe_fixed'], 2.0),
    ('inc, one label looked up: ns', ['inc_label'], 20),
    ('inc, two labels looked up: ns', ['inc_labels'], 20),
    ('inc, two threads on one counter, beside one', ['inc_same', 'inc'], 1.2),
    ('inc, two threads on two counters, beside one', ['inc_diff', 'inc'], 1.2),
    ('observe, two threads on one, beside one', ['observe_same', 'observe'],
     1.2),
    ('inc, watched 1,000 times a second', ['one_watched', 'one'], 1.2),
    ('inc of 1,000 in turn, watched', ['all_watched', 'all'], 1.2),
    ('observe into 100 in turn, watched',
     ['observe_all_watched', 'observe_all'], 1.2),
    ('register: us', ['register'], 20, 1e3),
    ('register by a look-up: us', ['register_with'], 20, 1e3),
    ('attach: ms', ['attach'], 2, 1e6),
    ('attach, 1,000 series there: ms', ['attach_series'], 2, 1e6),
    ('register 100,000: s', ['register_all'], 1, 1e4),
    ('memory of a counter, and one lane: bytes', ['counter'], 138),
    ('memory of a counter in a further lane: bytes', ['counter_lane'], 8.2),
]


def read_rows():
    best = {}
    for line in sys.stdin:
        print(line, end='', flush=True)
        field = line.rstrip('\n').split('\t')
        best[field[2]] = float(field[-1])
    return best


def main():
    best = read_rows()
    failed = 0

    print()
    for what, rows, limit, *unit in TIMES:
        if any(row not in best for row in rows):
            print(f'{what:48}  not measured')
            failed = 1
            continue
        value = best[rows[0]] / (unit[0] if unit else 1)
        if len(rows) == 2:
            value /= best[rows[1]]
        held = value <= limit
        failed |= not held
        print(f'{what:48} {value:8.2f}  limit {limit:5}  '
              f'{"held" if held else "MISSED"}')
    return int(failed)


sys.exit(main())
