#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py MODEL -- have spin search every interleaving of MODEL.pml: as it is
built, where no promise may break; and in each broken way, where spin must
find that one does, so that the model is known to be able to tell."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77

# What is built, in the forms that it runs in.
SOUND = {
    'observe': ['', 'KILLS', 'TSO', 'TSO KILLS',
                'TSO HANDLERS OBSERVATIONS=2'],
    'claim': [''],
    'exemplar': ['', 'KILLS', 'TSO KILLS'],
    'publish': [''],
}

# Each a thing that the code might have done instead.
BROKEN = {
    'observe': [
        'NO_BEGIN', 'BEGIN_LATE', 'END_EARLY',
        'RELAXED_STORES', 'RELAXED_SUM', 'RELAXED_BUCKET', 'RELAXED_END',
        'BEGIN_FIRST',
        'RELAXED_LOADS', 'RELAXED_LOAD_END', 'RELAXED_LOAD_CELLS',
        'KILLS NO_MEND', 'TSO NO_BEGIN', 'TSO HANDLERS ONE_WORD',
    ],
    'claim': [
        'GENERATION_STAYS', 'NO_GENERATION', 'NO_LEASE_CHECK',
        'STORE_NOT_CAS', 'SWEEP_LATE', 'FREE_RELAXED', 'CAS_RELAXED',
        'ZERO_ON_ADOPTION',
    ],
    'exemplar': [
        'ODD_LATE', 'RELAXED_WORDS', 'RELAXED_EVEN', 'NO_LOCK',
        'RELAXED_LOADS', 'RELAXED_LOAD_SEQ', 'RELAXED_LOAD_WORDS', 'ONE_LOOK',
    ],
    'publish': [
        'TAIL_FIRST', 'TAIL_RELAXED', 'COMMITTED_EARLY', 'HANDLE_EARLY',
        'CLAIM_UNCOMMITTED', 'NO_MUTEX', 'NO_LOCK', 'CELLS_FROM_RESERVED',
        'READER_RELAXED',
    ],
}


def search(model, defines):
    """How many errors spin found, and in how many states."""
    with tempfile.TemporaryDirectory() as folder:
        def run(*command):
            return subprocess.run(command, cwd=folder, check=True, text=True,
                                  capture_output=True).stdout

        run('spin', '-a', *(f'-D{d}' for d in defines.split()), str(model))
        run('cc', '-O1', '-w', '-DSAFETY', '-DCOLLAPSE', '-o', 'pan',
            'pan.c')
        out = run('./pan', '-m100000')
    # other findings are of the model itself: dead ends, indices
    if 'too small' in out or re.search(r'pan:\d+: (?!assertion violated \()',
                                       out):
        sys.exit(f'{model.name}: {defines}: not a search\n{out}')
    return (int(re.search(r'errors: (\d+)', out)[1]),
            int(re.search(r'(\d+) states, stored', out)[1]))


def main():
    name = sys.argv[1]
    model = pathlib.Path(__file__).resolve().parent / f'{name}.pml'
    wrong = 0

    if shutil.which('spin') is None:
        print('skipped: spin is not installed')
        return SKIPPED
    for kind, defines in ([('sound', d) for d in SOUND[name]] +
                          [('broken', d) for d in BROKEN[name]]):
        errors, states = search(model, defines)
        held = (errors == 0) == (kind == 'sound')
        wrong += not held
        print(f'{"ok" if held else "WRONG"}  {name}  {kind}  '
              f'{defines or "as built"}: '
              f'{"found" if errors else "nothing"} in {states} states',
              flush=True)
    return 1 if wrong else 0


sys.exit(main())
