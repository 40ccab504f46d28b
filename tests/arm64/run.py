#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py SOURCE -- build the library and its tests for aarch64, and run them
under qemu-user.  That shows that the code for aarch64 does what it should; not
its order of memory, which qemu leaves to the host: tests/model and
instructions.py are for that."""
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
CC = 'aarch64-linux-gnu-gcc'
QEMU = 'qemu-aarch64'
NEEDS = {CC: 'gcc-aarch64-linux-gnu libc6-dev-arm64-cross',
         QEMU: 'qemu-user'}

TESTS = [
    'unit/writer', 'unit/writer_families', 'unit/writer_lives',
    'unit/writer_rules', 'unit/writer_values', 'unit/exemplars',
    'unit/process_metrics', 'unit/ticks', 'prop/index',
    'race/threads', 'race/thread_ends', 'race/processes', 'race/signals',
    'race/snapshot', 'race/exemplars',
    'crash/restart', 'crash/exhausted', 'crash/aside', 'fork/fork',
    'traps/calls', 'traps/descriptors', 'traps/files', 'traps/locks',
]

# What asks for more than qemu-user has.
LEFT_OUT = {
    # the program it runs would have to be run by qemu as well
    'exec_drops_the_lease', 'a_spawned_program_keeps_nothing',
    # no seccomp: the filter would see the calls of qemu
    'ten_million_updates_make_no_system_call',
    'the_filter_catches_a_system_call', 'handles_are_ready_in_all_lanes',
    # /proc counts the threads of qemu too
    'says_what_the_kernel_says', 'leaves_a_name_to_the_service_that_took_it',
}


def compile_all(source, folder):
    """Objects of the library, one compiler for each processor."""
    flags = ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-Wconversion',
             '-Wshadow', '-Werror', '-D_GNU_SOURCE',
             '-DSMX_LIBRARY_VERSION="0.1.0"', f'-I{source}',
             f'-I{source}/libshm/include']

    def one(path):
        out = folder / f'{path.stem}.o'
        subprocess.run([CC, *flags, '-c', '-o', out, path], check=True)
        return out

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(one, sorted(source.glob('libshm/src/*.c'))))


def build(source, folder, objects, test):
    out = folder / test.replace('/', '_')
    subprocess.run(
        [CC, '-std=gnu11', '-O2', '-D_GNU_SOURCE', '-static', '-pthread',
         f'-I{source}/tests/arm64', f'-I{source}',
         f'-I{source}/libshm/include', '-o', out,
         source / 'tests' / f'{test}.c', source / 'tests/segment_live.c',
         *objects, '-lm'],
        check=True, stderr=subprocess.PIPE, text=True)
    return out


def run(source, folder, program):
    done = subprocess.run(
        [QEMU, program], timeout=900, capture_output=True, text=True,
        env={**os.environ, 'SMX_SOURCE': str(source),
             'SMX_BUILD': str(folder),
             'CHECK_SKIP': ','.join(LEFT_OUT) + ','})
    print(done.stdout, end='', flush=True)
    if done.returncode != 0:
        print(done.stderr, flush=True)
    return done.returncode != 0


def main():
    source = pathlib.Path(sys.argv[1]).resolve()
    missing = [p for tool, p in NEEDS.items() if shutil.which(tool) is None]

    if missing:
        print(f'skipped: install {" ".join(missing)} (./cdb test arm64 does)')
        return SKIPPED
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        objects = compile_all(source, folder)
        for test in TESTS:
            failed |= run(source, folder,
                          build(source, folder, objects, test))
    return failed


sys.exit(main())
