#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Pages of expo_dump, read by parsers of other makes.

    expo_parsers.py EXPO_DUMP

Debian's python3-prometheus-client for both text formats, python3-protobuf for
the third, promtool's linter: all must read the same samples.
"""
import math
import os
import shutil
import subprocess
import sys

from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as read_openmetrics)
from prometheus_client.parser import (
    text_string_to_metric_families as read_text)

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..'))
from client_model import delimited, message_classes, native_counts  # noqa

SEEDS = range(1, 31)


def dump(form, what):
    return subprocess.run([sys.argv[1], form, str(what)], check=True,
                          stdout=subprocess.PIPE).stdout


def key(name, labels):
    labels = dict(labels)
    if 'le' in labels:
        labels['le'] = float(labels['le'])
    return name, tuple(sorted(labels.items()))


def samples(families):
    """{(name, labels): value}; a series that comes twice is an error."""
    found = {}
    for family in families:
        assert family.samples, f'{family.name} has no samples'
        for s in family.samples:
            assert s.timestamp is None
            k = key(s.name, s.labels)
            assert k not in found, f'{k} twice'
            found[k] = s.value
    return found


def types(families):
    return {f.name: f.type for f in families}


def same(a, b, what):
    assert a.keys() == b.keys(), (what, a.keys() ^ b.keys())
    for k in a:
        assert a[k] == b[k], (what, k, a[k], b[k])


# ---- protobuf ----

def check_native(h):
    """Zero, native and classic buckets tell of the same observations."""
    counts = native_counts(h)
    assert h.zero_count + sum(counts.values()) == h.sample_count
    assert h.zero_threshold > 0 and -4 <= h.schema <= 8
    # the last one also holds what is above the native range
    last = max(counts, default=0)
    for b in h.bucket:
        # no observation lies above a bound that is below its bucket
        least = h.zero_count + sum(
            n for i, n in counts.items()
            if i != last and 2.0 ** (i / 2 ** h.schema) <= b.upper_bound)
        most = h.zero_count + sum(
            n for i, n in counts.items()
            if 2.0 ** ((i - 1) / 2 ** h.schema) < b.upper_bound)
        assert least <= b.cumulative_count <= most, (b, counts)


def histogram_samples(name, labels, h):
    for b in h.bucket:
        yield (key(name + '_bucket', {**labels, 'le': b.upper_bound}),
               b.cumulative_count)
    yield key(name + '_bucket', {**labels, 'le': math.inf}), h.sample_count
    yield key(name + '_sum', labels), h.sample_sum
    yield key(name + '_count', labels), h.sample_count


def proto_samples(families):
    """Also the families whose buckets are native only."""
    found, native = {}, set()
    for f in families:
        assert f.metric
        # Prometheus judges a family by its first metric
        assert len({m.histogram.HasField('schema') for m in f.metric}) == 1
        for m in f.metric:
            labels = {p.name: p.value for p in m.label}
            assert len(labels) == len(m.label)
            if f.type == 0:
                found[key(f.name, labels)] = m.counter.value
                assert m.counter.created.seconds == 1700000000
            elif f.type == 1:
                found[key(f.name, labels)] = m.gauge.value
            else:
                assert f.type == 4
                h = m.histogram
                if h.HasField('schema'):
                    check_native(h)
                    if not h.bucket:
                        native.add(f.name)
                found.update(histogram_samples(f.name, labels, h))
    return found, native


def check_protobuf(cls, what, text):
    found, native = proto_samples(delimited(cls, dump('protobuf', what)))
    # text shows native buckets as powers of two; protobuf need not
    hidden = {k for k in text if k not in found}
    for name, _ in hidden:
        assert name.endswith('_bucket') and name[:-7] in native, name
    same(found, {k: v for k, v in text.items() if k not in hidden}, what)
    return len(found)


def check(what, cls):
    text = list(read_text(dump('text', what).decode()))
    open_ = list(read_openmetrics(dump('openmetrics', what).decode()))
    a, b = samples(text), samples(open_)
    same(a, b, what)
    assert types(text) == types(open_)
    if cls is not None:
        assert check_protobuf(cls, what, a) <= len(a)
    return len(a)


def lint():
    tool = shutil.which('promtool')
    if tool is None:
        print('skipped: no promtool')
        return
    p = subprocess.run([tool, 'check', 'metrics'], input=dump('text', 'sample'),
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert p.returncode == 0 and not p.stdout, p.stdout.decode()


def main():
    try:
        cls = message_classes()
    except ImportError:
        cls = None
        print('skipped: protobuf, no python3-protobuf')
    n = sum(check(what, cls) for what in ['sample', *SEEDS])
    assert n > 300
    lint()
    print(f'{n} samples read alike')


if __name__ == '__main__':
    main()
