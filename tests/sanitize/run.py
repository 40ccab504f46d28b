#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Build tests with a sanitizer, run them, and want no report.

  run.py --source DIR --build DIR [--short] thread|address,undefined

The build stays, so that the next one is quick.  Reports go to files: one of a
child whose status nobody looks at counts, too.
"""
import argparse
import glob
import json
import os
import shutil
import subprocess
import sys

# Where much runs at once, or where much is read: every time.
SHORT = {
    'thread': ['crash/exhausted', 'fork/fork', 'race/chaos',
               'race/processes', 'race/signals', 'race/slots',
               'race/snapshot', 'race/thread_ends', 'race/threads',
               'unit/writer_lives'],
    'address,undefined': ['crash/exhausted', 'fork/fork', 'fuzz/view_check',
                          'golden/segment', 'hostile/file', 'hostile/segment',
                          'race/threads', 'unit/expo', 'unit/httpd',
                          'unit/view', 'unit/writer', 'unit/writer_families',
                          'unit/writer_lives', 'unit/writer_rules'],
}

# Else all of these suites.
SUITES = {'crash', 'fork', 'fuzz', 'golden', 'hostile', 'prop', 'race',
          'tools', 'traps', 'unit'}
LEFT_OUT = {
    # stepped one instruction at a time, of which most would be the
    # sanitizer's; and leaks are not looked for where ptrace is at work
    'crash/killpoint', 'race/interleave',
    # in builds of their own, with a sanitizer
    'fuzz/coverage', 'fuzz/libfuzzer', 'fuzz/planted',
    # a process that has given up its rights cannot write a report
    'unit/confine',
}

# Reports that are wanted: a text in it, and why.
WANTED = {
    'passes_on_faults_that_are_not_its_own':
        'the test is killed by a fault outside the library on purpose',
}

OPTIONS = {
    # report_signal_unsafe: fork/fork makes its first update inside a signal
    # handler on purpose.  That allocates, which writer.h warns of.
    'TSAN_OPTIONS': 'halt_on_error=1:exitcode=66:report_signal_unsafe=0:'
                    'second_deadlock_stack=1',
    'ASAN_OPTIONS': 'exitcode=66:detect_stack_use_after_return=1:'
                    'strict_string_checks=1',
    'UBSAN_OPTIONS': 'exitcode=66:halt_on_error=1:print_stacktrace=1',
}


def run(argv, **more):
    done = subprocess.run(argv, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **more)
    return done.returncode, done.stdout


def configure(source, build, kind):
    if os.path.exists(os.path.join(build, 'build.ninja')):
        status, out = run(['ninja', '-C', build, 'build.ninja'])
    else:
        shutil.rmtree(build, ignore_errors=True)
        status, out = run(['meson', 'setup', build, source,
                           '-Db_sanitize=' + kind, '-Db_lundef=false',
                           '--buildtype=debugoptimized'])
    if status != 0:
        sys.exit('meson setup failed:\n' + out[-3000:])


def choose(build, kind, short):
    """{name of a test: path of its program}"""
    _, out = run(['meson', 'introspect', '--tests', build])
    tests = {}
    for test in json.loads(out):
        suites = {s.split(':')[-1] for s in test['suite']}
        if test['name'] in LEFT_OUT or 'long' in suites:
            continue
        if test['name'] in SHORT[kind] if short else suites & SUITES:
            tests[test['name']] = test['depends'] + test['cmd'][:1]
    missing = set(SHORT[kind]) - set(tests)
    if missing:
        sys.exit('no such test: ' + ' '.join(sorted(missing)))
    return tests


def make(build, tests):
    """Build what these tests run."""
    _, out = run(['meson', 'introspect', '--targets', build])
    wanted = {word for words in tests.values() for word in words}
    names = []
    for target in json.loads(out):
        if target['id'] in wanted or wanted & set(target['filename']):
            names += [os.path.relpath(f, build) for f in target['filename']]
    status, out = run(['ninja', '-C', build, *sorted(set(names))])
    if status != 0:
        sys.exit('the build failed:\n' + out[-3000:])


def reports(folder):
    found = []
    for name in sorted(glob.glob(os.path.join(folder, 'report.*'))):
        with open(name, encoding='utf-8', errors='replace') as f:
            text = f.read()
        if not any(w in text for w in WANTED):
            found.append(text)
    return found


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('--short', action='store_true')
    p.add_argument('--source', required=True)
    p.add_argument('--build', required=True)
    p.add_argument('kind', choices=sorted(SHORT))
    args = p.parse_args()
    build = os.path.join(args.build, 'sanitize-' + args.kind.split(',')[0])
    configure(args.source, build, args.kind)
    tests = choose(build, args.kind, args.short)
    make(build, tests)
    folder = os.path.join(build, 'reports')
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    env = dict(os.environ)
    for name, value in OPTIONS.items():
        env[name] = '%s:log_path=%s/report' % (value, folder)
    status, out = run(['meson', 'test', '-C', build, '--no-rebuild',
                       '--timeout-multiplier', '10', '--print-errorlogs',
                       *sorted(tests)], env=env)
    found = reports(folder)
    for text in found:
        print(text)
    if status != 0:
        print(out[-8000:])
    print('%s: %d tests, %d reports' % (args.kind, len(tests), len(found)))
    return 1 if status != 0 or found else 0


if __name__ == '__main__':
    sys.exit(main())
