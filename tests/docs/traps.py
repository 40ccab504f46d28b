#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""traps.py SOURCE [PAGE...] -- each row of docs/TRAPS.md names a test that is
run, or says that it is a limit; and each test that the pages name is run."""
import pathlib
import re
import sys

ROW = re.compile(r'^\| (?P<trap>.+?) \| (?P<what>.+?) \| (?P<test>.+?) \|$')
TEST = re.compile(r'^`(?P<file>tests/[\w/]+\.c)` `(?P<name>\w+)`$')
MENTION = re.compile(r'`(tests/[\w/]+\.c)`((?:,?\s+`\w+`)+)')


def problem(source, test):
    """What is wrong with the third column, or None."""
    if test == 'limit':
        return None
    named = TEST.match(test)
    if named is None:
        return 'is neither a test nor a limit'
    path = source / named['file']
    if not path.is_file():
        return 'names a file that is not there'
    text = path.read_text()
    if f'START_TEST({named["name"]})' not in text:
        return 'names a test that the file does not have'
    if not re.search(rf'tcase_add\w*\(\s*tc,\s*{named["name"]}\b', text):
        return 'names a test that is not run'
    if f"'{named['file'][len('tests/'):-len('.c')]}'" not in \
            '\n'.join(p.read_text() for p in
                      source.glob('tests/**/meson.build')):
        return 'names a file that is not built'
    return None


def mentions(source, page):
    """Each `FILE` `NAME`, `NAME` of a page, in the form of the table."""
    for file, names in MENTION.findall((source / page).read_text()):
        for name in re.findall(r'`(\w+)`', names):
            yield f'`{file}` `{name}`'


def main():
    source = pathlib.Path(sys.argv[1])
    rows = [m for m in map(ROW.match, (source / 'docs/TRAPS.md').read_text()
                           .splitlines())
            if m and m['trap'] not in ('Trap', '---')]
    wrong = [(m, p) for m in rows if (p := problem(source, m['test']))]

    for m, p in wrong:
        print(f'{m["trap"]}: {m["test"]} {p}')
    limits = sum(m['test'] == 'limit' for m in rows)
    print(f'{len(rows)} traps: {len(rows) - limits} tests, {limits} limits')
    lost = [f'{page}: {test} {p}' for page in sys.argv[2:]
            for test in mentions(source, page)
            if (p := problem(source, test))]
    print(*lost, sep='\n')
    return 1 if wrong or lost or not rows else 0


sys.exit(main())
