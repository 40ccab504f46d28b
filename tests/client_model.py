# SPDX-License-Identifier: Apache-2.0
"""io.prometheus.client from its field numbers, for python3-protobuf."""


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
        'Exemplar': 'label *LabelPair 1, value double 2, timestamp Timestamp 3',
        'Counter': 'value double 1, exemplar Exemplar 2, created Timestamp 3',
        'Bucket': 'cumulative_count uint64 1, upper_bound double 2, '
                  'exemplar Exemplar 3',
        'BucketSpan': 'offset sint32 1, length uint32 2',
        'Histogram':
            'sample_count uint64 1, sample_sum double 2, bucket *Bucket 3, '
            'schema sint32 5, zero_threshold double 6, zero_count uint64 7, '
            'positive_span *BucketSpan 12, positive_delta *sint64 13, '
            'created Timestamp 15, exemplars *Exemplar 16',
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
