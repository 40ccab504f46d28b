#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""instructions.py BENCH_HOT -- how many instructions each operation takes,
counted by callgrind, with the loop around it, which is the row `loop`.  Rows,
tab-separated: instructions, smx, the operation, the count.  The same on every
run, however busy the machine."""
import os
import re
import subprocess
import sys
import tempfile

N = 100000
# The counter's first update claims the thread's lane: once, not N times.
ROW = re.compile(r'([\d,]+)\s+\S*:run_(\w+)')


def count(bench, out):
    subprocess.run(
        ['valgrind', '--tool=callgrind', '-q',
         f'--callgrind-out-file={out}', bench, 'hot'],
        check=True, env={**os.environ, 'BENCH_FIXED': str(N)},
        stdout=subprocess.DEVNULL)
    text = subprocess.run(
        ['callgrind_annotate', '--inclusive=yes', '--threshold=100',
         '--show-percs=no', out],
        check=True, capture_output=True, text=True).stdout
    return {name: int(n.replace(',', ''))
            for n, name in ROW.findall(text)}


def main():
    with tempfile.TemporaryDirectory() as folder:
        counts = count(sys.argv[1], os.path.join(folder, 'out'))
    for name, n in counts.items():
        print(f'instructions\tsmx\t{name}\t{round(n / N)}')


main()
