#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""instructions.py SOURCE x86_64|aarch64 -- what the hot path is compiled to,
by every compiler at hand: the way from the first instruction to the return
when no branch is taken, which is how an update goes.

x86-64   an increment is one add to memory behind one test; nothing is locked,
         nothing is called; an observation is four such adds, in their order.
aarch64  an increment is ldr, add, str: no barrier, no exclusive; an
         observation is one str and three stlr; an acquire is ldar."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77

COMPILERS = {
    'x86_64': ([['gcc'], ['clang', '--target=x86_64-linux-gnu']], 'objdump'),
    'aarch64': ([['aarch64-linux-gnu-gcc'],
                 ['clang', '--target=aarch64-linux-gnu']],
                'aarch64-linux-gnu-objdump'),
}
# Code of a library, and of a program.
MODES = ['-fPIC', '-fPIE', '-fno-pie']
LEVELS = ['-O2', '-O3']

LINE = re.compile(r'\s*[0-9a-f]+:\t(.*?)\s*$')
BRANCH = {'x86_64': re.compile(r'j(?!mp)\w+'),
          'aarch64': re.compile(r'(t?bn?z|cbn?z|b\.\w+|bc\.\w+)')}
JUMP = {'x86_64': ('jmp',), 'aarch64': ('b',)}


def disassemble(source, compiler, objdump, flags):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, 'probe.o')
        subprocess.run(
            [*compiler, *flags, '-std=gnu11', '-D_GNU_SOURCE',
             f'-I{source}/libshm/include', f'-I{source}', '-c', '-o', out,
             f'{source}/tests/compile/probe.c'], check=True)
        text = subprocess.run([objdump, '-d', '--no-show-raw-insn', out],
                              check=True, capture_output=True,
                              text=True).stdout
    return {name: body.splitlines() for name, body in
            re.findall(r'<(probe_\w+)>:\n(.*?)(?:\n\n|\Z)', text, re.S)}


def straight(lines, arch):
    """The instructions up to the return, no branch taken."""
    way = []
    for line in lines:
        text = LINE.match(line)[1].split('#')[0].split('//')[0].strip()
        way.append(re.sub(r'\s+', ' ', text))
        name = way[-1].split()[0]
        if name == 'ret':
            return way
        if name in JUMP[arch]:
            break
    sys.exit(f'no straight way to a return: {way}')


def count(way, pattern):
    return sum(bool(re.match(pattern, line)) for line in way)


class Judge:
    """One function of one compilation."""

    def __init__(self, what, way, arch):
        self.what, self.way, self.arch = what, way, arch
        self.failed = 0

    def holds(self, ok, promise):
        if not ok:
            print(f'{self.what}: {promise}:')
            print('\n'.join(f'\t{line}' for line in self.way))
            self.failed = 1

    def branches(self, at_most):
        n = sum(bool(BRANCH[self.arch].fullmatch(line.split()[0]))
                for line in self.way)
        self.holds(n <= at_most, f'at most {at_most} branches, not {n}')

    def is_one(self, pattern, what, n=1):
        found = count(self.way, pattern)
        self.holds(found == n, f'{n} {what}, not {found}')


X86_MEMORY_WRITE = r'(?!cmp|test|lea|prefetch|nop)\S+ .*,(%fs:)?' \
    r'-?(0x[0-9a-f]+)?\([^)]*\)$|inc\w* .*\(|dec\w* .*\('
X86_ADD = r'(addq|add) [^,]+,-?(0x[0-9a-f]+)?\(|incq .*\('
X86_COSTLY = r'lock |call|xchg .*\(|mfence|sfence|lfence'
ARM_COSTLY = r'dmb|dsb|isb|ld[a-z]*xr|st[a-z]*xr|cas|swp|ld(add|set|clr)|bl |' \
    r'blr '
ARM_STORE = r'st(?!lr)\w* '


def judge_x86(j, name):
    if name == 'gauge_add':
        j.is_one(r'lock cmpxchg', 'compare-and-swap')
        return
    j.holds(count(j.way, X86_COSTLY) == 0, 'nothing locked, nothing called')
    if name in ('inc', 'add'):
        j.branches(1)
        j.is_one(X86_ADD, 'add to memory')
        j.is_one(X86_MEMORY_WRITE, 'write to memory')
    elif name == 'set':
        j.branches(1)
        j.is_one(X86_MEMORY_WRITE, 'write to memory')
    elif name == 'observe':
        j.branches(4)
        j.is_one(X86_ADD, 'adds to memory', 4)
        j.is_one(X86_MEMORY_WRITE, 'writes to memory', 4)
    else:
        j.is_one(r'mov ', 'load', 1)


def judge_arm(j, name):
    if name == 'gauge_add':
        return
    j.holds(count(j.way, ARM_COSTLY) == 0,
            'no barrier, no exclusive, nothing called')
    stores, releases = {'inc': (1, 0), 'add': (1, 0), 'set': (1, 0),
                        'observe': (1, 3)}.get(name, (0, 0))
    j.branches({'inc': 1, 'add': 1, 'set': 1, 'observe': 4}.get(name, 0))
    j.is_one(ARM_STORE, 'plain stores', stores)
    j.is_one(r'stlr ', 'releases', releases)
    j.is_one(r'ldar ', 'acquires', int(name == 'load_acquire'))


def judge(source, arch, compiler, objdump, flags):
    functions = disassemble(source, compiler, objdump, flags)
    failed = 0

    for function, lines in functions.items():
        name = function.removeprefix('probe_')
        j = Judge(f'{compiler[0]} {" ".join(flags)} {function}',
                  straight(lines, arch), arch)
        (judge_x86 if arch == 'x86_64' else judge_arm)(j, name)
        failed |= j.failed
    if len(functions) != 7:
        sys.exit(f'{len(functions)} functions, not 7')
    return failed


def main():
    source, arch = sys.argv[1:]
    compilers, objdump = COMPILERS[arch]
    compilers = [c for c in compilers if shutil.which(c[0])]
    failed = 0

    if shutil.which(objdump) is None or not compilers or \
            (arch == 'x86_64' and os.uname().machine != arch):
        print(f'skipped: no compiler for {arch}')
        return SKIPPED
    for compiler in compilers:
        for mode in MODES:
            for level in LEVELS:
                failed |= judge(source, arch, compiler, objdump,
                                [mode, level])
        print(f'{" ".join(compiler)}: looked at')
    return failed


sys.exit(main())
