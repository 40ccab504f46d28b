#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prove the tests: break one invariant at a time, and see one go red.

  run.py [--short] [--unbroken] [--jobs N] [NAME...]
  run.py --apply

Copies the working tree to a temporary folder, builds the tests that are
needed, and then for each mutation of table.py: apply it, build, run the test
it names, expect a failure, revert.  A mutation that no longer applies, does
not build, or is not noticed is a failure of this program.  --apply only looks
whether all still apply.
"""
import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from table import MUTATIONS, TESTS  # noqa: E402

LIMIT_S = 240  # for one test; a mutation may make it hang
TRIES = 3  # races are not lost every time
SKIPPED = 77


def run(argv, cwd=None, limit=None, env=None):
    """(status, output); status is None when the time is over."""
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(argv, cwd=cwd, stdout=out, env=env,
                                 stderr=subprocess.STDOUT,
                                 stdin=subprocess.DEVNULL,
                                 start_new_session=True)
        try:
            status = child.wait(limit)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        out.seek(0)
        return status, out.read().decode(errors='replace')


class Tree:
    """A copy of the sources and a build of it."""

    def __init__(self, source, folder, jobs):
        self.top = os.path.join(folder, 'tree')
        self.build = os.path.join(folder, 'build')
        self.jobs = jobs
        self.copy(source)

    def copy(self, source):
        if os.path.exists(os.path.join(source, '.git')):
            names = subprocess.run(
                ['git', '-c', 'safe.directory=*', '-C', source, 'ls-files',
                 '-z', '--cached', '--others', '--exclude-standard'],
                check=True, capture_output=True).stdout.decode().split('\0')
            for name in names:
                if not os.path.isfile(os.path.join(source, name)):
                    continue
                to = os.path.join(self.top, name)
                os.makedirs(os.path.dirname(to), exist_ok=True)
                shutil.copy2(os.path.join(source, name), to)
        else:  # an archive of the sources
            shutil.copytree(source, self.top,
                            ignore=shutil.ignore_patterns('build*', '.*'))

    def setup(self):
        status, out = run(['meson', 'setup', self.build, self.top])
        if status != 0:
            sys.exit('meson setup failed:\n' + out)

    def make(self, targets):
        return run(['ninja', '-C', self.build, '-j', str(self.jobs),
                    *targets])

    def path(self, name):
        return os.path.join(self.top, name)

    def test(self, test):
        target, argv = TESTS[test]
        env = dict(os.environ, SMX_SOURCE=self.top, CK_FORK='yes')
        argv = [a.replace('@TREE@', self.top).replace('@BUILD@', self.build)
                for a in argv]
        program = [os.path.join(self.build, target)] if target else []
        return run([*program, *argv], cwd=self.build, limit=LIMIT_S, env=env)


def apply(tree, edits):
    """The files as they were, or a reason why it cannot be."""
    kept = {}
    for name, old, new in edits:
        with open(tree.path(name), encoding='utf-8') as f:
            text = f.read()
        kept.setdefault(name, text)
        if text.count(old) != 1:
            restore(tree, kept)
            return None, '%s has the old text %d times, not once' % (
                name, text.count(old))
        with open(tree.path(name), 'w', encoding='utf-8') as f:
            f.write(text.replace(old, new))
    return kept, None


def all_apply(source, mutations):
    """Without a copy: edits of one file are looked at one by one."""
    good = True
    for m in mutations:
        for name, old, _ in m['edits']:
            with open(os.path.join(source, name), encoding='utf-8') as f:
                n = f.read().count(old)
            if n != 1:
                print('"%s" does not apply: its text is %d times in %s' % (
                    m['name'], n, name))
                good = False
    return good


def restore(tree, kept):
    for name, text in kept.items():
        with open(tree.path(name), 'w', encoding='utf-8') as f:
            f.write(text)


def last_words(output):
    """The line that names the failure."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for line in lines:
        named = re.search(r'\w+\.c:\d+:[FE]:.*|killpoint: system.*', line)
        if named:
            return named.group(0)[:110]
    return lines[-1][:110] if lines else ''


def judge(tree, m):
    """(verdict, remark); verdict: caught, skipped, or what went wrong."""
    kept, why = apply(tree, m['edits'])
    if kept is None:
        return 'DOES NOT APPLY', why
    try:
        target = TESTS[m['test']][0]
        status, out = tree.make([target] if target else m['builds'])
        if status != 0:
            return 'DOES NOT BUILD', out[-2000:]
        for _ in range(TRIES):
            status, out = tree.test(m['test'])
            if status != 0:
                break
    finally:
        restore(tree, kept)
    if status == 0:
        return 'NOT CAUGHT', ''
    if status == SKIPPED:
        return 'skipped', last_words(out)
    return 'caught', 'hung' if status is None else last_words(out)


def sound(tree, tests):
    """Before anything is broken, every test is green."""
    good = True
    for test in sorted(tests):
        status, out = tree.test(test)
        if status not in (0, SKIPPED):
            print('%s fails without any mutation:\n%s' % (test, out[-3000:]))
            good = False
    return good


def choose(args):
    if args.name:
        known = {m['name'] for m in MUTATIONS}
        for name in args.name:
            if name not in known:
                sys.exit('no mutation "%s"' % name)
        return [m for m in MUTATIONS if m['name'] in args.name]
    return [m for m in MUTATIONS if m.get('short') or not args.short]


def prove(tree, chosen):
    counts = {}
    for m in chosen:
        began = time.monotonic()
        verdict, remark = judge(tree, m)
        counts[verdict] = counts.get(verdict, 0) + 1
        print('%-10s %-44s %-24s %4.0f s  %s' % (
            verdict, m['name'], m['test'], time.monotonic() - began, remark),
            flush=True)
    return counts


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('--short', action='store_true', help='only a few')
    p.add_argument('--apply', action='store_true', help='change nothing')
    p.add_argument('--jobs', type=int, default=os.cpu_count() or 1)
    p.add_argument('--source', default=os.path.dirname(os.path.dirname(
        os.path.dirname(os.path.abspath(__file__)))))
    p.add_argument('--unbroken', action='store_true',
                   help='first see that the tests pass as they are')
    p.add_argument('name', nargs='*')
    args = p.parse_args()
    chosen = choose(args)
    if args.apply:
        return 0 if all_apply(args.source, chosen) else 1
    tests = {m['test'] for m in chosen}
    with tempfile.TemporaryDirectory(prefix='smx-mutations-') as folder:
        tree = Tree(args.source, folder, args.jobs)
        tree.setup()
        status, out = tree.make([TESTS[t][0] for t in tests if TESTS[t][0]])
        if status != 0:
            sys.exit('the build failed:\n' + out[-3000:])
        if args.unbroken and not sound(tree, tests):
            return 1
        counts = prove(tree, chosen)
    caught, skipped = counts.get('caught', 0), counts.get('skipped', 0)
    print('%d mutations, %d caught%s' % (
        len(chosen), caught, ', %d skipped' % skipped if skipped else ''))
    return 0 if caught + skipped == len(chosen) else 1


if __name__ == '__main__':
    sys.exit(main())
