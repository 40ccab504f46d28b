#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Pages of expo_dump, read by parsers of other makes.

    expo_parsers.py EXPO_DUMP

Debian's python3-prometheus-client for both text formats, python3-protobuf for
the third, promtool's linter: all must read the same samples.
"""
import math
import shutil
import subprocess
import sys

from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as read_openmetrics)
from prometheus_client.parser import (
    text_string_to_metric_families as read_text)

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


# ---- protobuf, from the field numbers of client_model alone ----

def message_classes():
    from google.protobuf import descriptor_pb2, descriptor_pool
    from google.protobuf import message_factory
    f = descriptor_pb2.FieldDescriptorProto
    kinds = {'string': f.TYPE_STRING, 'double': f.TYPE_DOUBLE,
             'uint64': f.TYPE_UINT64, 'sint32': f.TYPE_SINT32,
             'sint64': f.TYPE_SINT64, 'uint32': f.TYPE_UINT32,
             'int64': f.TYPE_INT64, 'int32': f.TYPE_INT32}
    messages = {
        'Timestamp': 'seconds int64 1, nanos int32 2',
        'LabelPair': 'name string 1, value string 2',
        'Gauge': 'value double 1',
        'Counter': 'value double 1, created Timestamp 3',
        'Bucket': 'cumulative_count uint64 1, upper_bound double 2',
        'BucketSpan': 'offset sint32 1, length uint32 2',
        'Histogram':
            'sample_count uint64 1, sample_sum double 2, bucket *Bucket 3, '
            'schema sint32 5, zero_threshold double 6, zero_count uint64 7, '
            'positive_span *BucketSpan 12, positive_delta *sint64 13, '
            'created Timestamp 15',
        'Metric': 'label *LabelPair 1, gauge Gauge 2, counter Counter 3, '
                  'histogram Histogram 7',
        'MetricFamily': 'name string 1, help string 2, type int32 3, '
                        'metric *Metric 4, unit string 5',
    }
    file = descriptor_pb2.FileDescriptorProto(
        name='expo_test.proto', package='t', syntax='proto2')
    for name, fields in messages.items():
        m = file.message_type.add(name=name)
        for field in fields.split(', '):
            fname, kind, number = field.split()
            label = f.LABEL_OPTIONAL
            if kind[0] == '*':
                kind, label = kind[1:], f.LABEL_REPEATED
            d = m.field.add(name=fname, number=int(number), label=label)
            if kind in kinds:
                d.type = kinds[kind]
            else:
                d.type, d.type_name = f.TYPE_MESSAGE, '.t.' + kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.MessageFactory(pool).GetPrototype(
        pool.FindMessageTypeByName('t.MetricFamily'))


def delimited(cls, data):
    at = 0
    while at < len(data):
        size = shift = 0
        while True:
            byte = data[at]
            at += 1
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        message = cls()
        assert at + size <= len(data)
        assert message.ParseFromString(data[at:at + size]) == size
        assert not message.FindInitializationErrors()
        # nothing in it that the fields above do not name
        assert message.SerializeToString(deterministic=True) and \
            len(message.SerializeToString()) == size, message
        yield message
        at += size


def native_counts(h):
    """{index: count} of the native buckets."""
    counts, index, count = {}, 0, 0
    deltas = iter(h.positive_delta)
    for span in h.positive_span:
        index += span.offset
        for _ in range(span.length):
            count += next(deltas)
            assert count > 0
            counts[index] = count
            index += 1
    assert next(deltas, None) is None
    return counts


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
