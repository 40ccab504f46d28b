#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write docs/METRICS.md from what a running system exposes, or check it.

  docs/metrics.py http://127.0.0.1:9464/metrics           rewrites the tables
  docs/metrics.py --check http://127.0.0.1:9464/metrics   1 if they differ
"""
import collections
import pathlib
import re
import sys
import urllib.request

PAGE = pathlib.Path(__file__).with_name('METRICS.md')
MARK = '<!-- tables: written by docs/metrics.py -->\n'
OWN = 'collector'
ADDED = {'service', 'service_instance', 'le'}
SOMETIMES = {'process_memory_limit_bytes'}      # where there is a limit


class Family:
    def __init__(self):
        self.type = self.help = ''
        self.services = set()
        self.labels = set()


def families(text):
    found = collections.OrderedDict()
    for line in text.splitlines():
        if line.startswith('# HELP '):
            _, _, name, words = line.split(' ', 3)
            found.setdefault(name, Family()).help = words
        elif line.startswith('# TYPE '):
            name, kind = line.split(' ')[2:4]
            found.setdefault(name, Family()).type = kind
        elif line:
            sample = re.match(r'([a-zA-Z_:0-9]+)(\{.*\})? ', line)
            name = re.sub(r'_(bucket|sum|count)$', '', sample[1])
            family = found.get(sample[1]) or found[name]
            labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"',
                                     sample[2] or ''))
            family.labels |= labels.keys() - ADDED
            family.services.add(labels.get('service', OWN))
    return found


def place(name, family):
    """The section of a family: one service, all of them, or the collector."""
    if name.startswith('smx_') or family.services == {OWN}:
        return OWN
    if len(family.services) > 1:
        return 'every service'
    return next(iter(family.services))


def tables(found):
    sections = collections.defaultdict(list)
    for name, family in sorted(found.items()):
        sections[place(name, family)].append((name, family))
    order = ['every service', 'feed', 'signal', 'risk', 'execution',
             'writer', 'notify', OWN]
    for section in sorted(sections, key=lambda s: order.index(s)):
        yield f'\n### {section}\n\n| Metric | Type | Labels | Meaning |\n'
        yield '| --- | --- | --- | --- |\n'
        for name, family in sections[section]:
            labels = ', '.join(f'`{x}`' for x in sorted(family.labels))
            words = family.help.replace('|', r'\|')
            yield f'| `{name}` | {family.type} | {labels} | {words} |\n'


def differences(found, page):
    """What page and exposition say differently; labels come with events."""
    rows = {name: (kind, words.replace(r'\|', '|')) for name, kind, words in
            re.findall(r'^\| `(\w+)` \| (\w+) \|.*?\| (.*) \|$', page, re.M)}
    for name, family in found.items():
        if name not in rows:
            yield f'does not know {name}'
        elif rows[name] != (family.type, family.help):
            yield f'{name} is {family.type}, "{family.help}"'
    for name in rows.keys() - found.keys() - SOMETIMES:
        yield f'nobody exports {name}'


def main(arguments):
    check = arguments[:1] == ['--check']
    if len(arguments) != 1 + check:
        sys.exit(__doc__)
    with urllib.request.urlopen(arguments[-1], timeout=30) as answer:
        found = families(answer.read().decode())
    page = PAGE.read_text()
    if not check:
        PAGE.write_text(page.split(MARK)[0] + MARK + ''.join(tables(found)))
        return 0
    faults = list(differences(found, page))
    for fault in faults:
        print(f'docs/METRICS.md: {fault}', file=sys.stderr)
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
