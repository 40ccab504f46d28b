/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPO_FIELD_H
#define EXPO_FIELD_H
/* field -- fields of protobuf messages, into a sink. */
#include "sink.h"
#include "wire.h"

static inline void
field_number(struct expo_sink *s, uint32_t field, uint64_t v)
{
	char b[20];
	char *p = wire_varint(b, wire_tag(field, WIRE_VARINT));

	p = wire_varint(p, v);
	expo_sink_put(s, b, (size_t)(p - b));
}

static inline void
field_double(struct expo_sink *s, uint32_t field, double v)
{
	char b[16];
	char *p = wire_varint(b, wire_tag(field, WIRE_FIXED64));

	p = wire_double(p, v);
	expo_sink_put(s, b, (size_t)(p - b));
}

/* Tag and length of a field whose bytes follow. */
static inline void
field_length(struct expo_sink *s, uint32_t field, size_t len)
{
	char b[20];
	char *p = wire_varint(b, wire_tag(field, WIRE_BYTES));

	p = wire_varint(p, len);
	expo_sink_put(s, b, (size_t)(p - b));
}

/* A LabelPair as field `field`. */
static inline void
field_label(
    struct expo_sink *s, uint32_t field, const char *name, const char *value)
{
	size_t n = strlen(name), v = strlen(value);

	field_length(s, field, wire_field_len(n) + wire_field_len(v));
	field_length(s, 1, n);
	expo_sink_put(s, name, n);
	field_length(s, 2, v);
	expo_sink_put(s, value, v);
}

#define FIELD_NS_PER_S UINT64_C(1000000000)

static inline size_t
field_number_len(uint64_t v)
{
	return v == 0 ? 0 : 1 + wire_varint_len(v);
}

/* A google.protobuf.Timestamp: zero fields are left out. */
static inline size_t
field_time_len(uint64_t ns)
{
	return field_number_len(ns / FIELD_NS_PER_S) +
	       field_number_len(ns % FIELD_NS_PER_S);
}

static inline void
field_time(struct expo_sink *s, uint32_t field, uint64_t ns)
{
	field_length(s, field, field_time_len(ns));
	if (ns / FIELD_NS_PER_S != 0)
		field_number(s, 1, ns / FIELD_NS_PER_S);
	if (ns % FIELD_NS_PER_S != 0)
		field_number(s, 2, ns % FIELD_NS_PER_S);
}

#endif
