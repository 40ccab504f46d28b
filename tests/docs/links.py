#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""links.py SOURCE -- each link of each page leads to a file that is there and,
behind a #, to one of its headings."""
import pathlib
import re
import subprocess
import sys

LINK = re.compile(r'\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)')
HEADING = re.compile(r'^#+ (.*)$', re.M)


def text_of(page):
    """Without what stands in blocks of code."""
    return re.sub(r'^```.*?^```', '', page.read_text('utf-8'),
                  flags=re.M | re.S)


def anchors(page):
    """As GitHub makes them of headings."""
    for heading in HEADING.findall(text_of(page)):
        kept = re.sub(r'[^\w\- ]', '', heading.lower())
        yield kept.replace(' ', '-')


def pages(source):
    listed = subprocess.run(
        ['git', '-C', source, 'ls-files', '*.md'], text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.split('\n')
    found = [source / name for name in listed if name]
    return found or [*source.glob('*.md'), *source.glob('*/**/*.md')]


def main():
    source = pathlib.Path(sys.argv[1])
    lost = 0
    count = 0
    for page in pages(source):
        for target, anchor in LINK.findall(text_of(page)):
            count += 1
            at = page.parent / target if target else page
            if not at.exists():
                print(f'{page.name}: there is no {target}')
                lost += 1
            elif anchor and anchor not in anchors(at):
                print(f'{page.name}: {at.name} has no #{anchor}')
                lost += 1
    print(f'{count} links, {lost} of them to nowhere')
    return 1 if lost or not count else 0


if __name__ == '__main__':
    sys.exit(main())
