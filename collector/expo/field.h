/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPO_FIELD_H
#define EXPO_FIELD_H
/* field -- fields of protobuf messages, into a sink. */
#include "sink.h"
#include "wire.h"

#define FIELD_ROOM 20 /* a tag and a number */

/* Where to write a field: in place, or into `aside` if room is short. */
static inline char *
field_start(struct expo_sink *s, char aside[FIELD_ROOM])
{
	return expo_sink_has(s, FIELD_ROOM) ? s->dst + s->len : aside;
}

static inline void
field_end(struct expo_sink *s, const char aside[FIELD_ROOM], const char *end)
{
	size_t n = (size_t)((uintptr_t)end - (uintptr_t)aside);

	if (n <= FIELD_ROOM)
		expo_sink_put(s, aside, n);
	else
		s->len = (size_t)(end - s->dst);
}

static inline void
field_number(struct expo_sink *s, uint32_t field, uint64_t v)
{
	char aside[FIELD_ROOM], *p;

	if (s->cap == 0) { /* it is only to be counted */
		s->len += wire_varint_len(wire_tag(field, WIRE_VARINT)) +
			  wire_varint_len(v);
		return;
	}
	p = field_start(s, aside);
	p = wire_varint(p, wire_tag(field, WIRE_VARINT));
	field_end(s, aside, wire_varint(p, v));
}

static inline void
field_double(struct expo_sink *s, uint32_t field, double v)
{
	char aside[FIELD_ROOM], *p;

	if (s->cap == 0) {
		s->len += wire_varint_len(wire_tag(field, WIRE_FIXED64)) + 8;
		return;
	}
	p = field_start(s, aside);
	p = wire_varint(p, wire_tag(field, WIRE_FIXED64));
	field_end(s, aside, wire_double(p, v));
}

/* Tag and length of a field whose bytes follow. */
static inline void
field_length(struct expo_sink *s, uint32_t field, size_t len)
{
	char aside[FIELD_ROOM], *p;

	if (s->cap == 0) {
		s->len += wire_varint_len(wire_tag(field, WIRE_BYTES)) +
			  wire_varint_len(len);
		return;
	}
	p = field_start(s, aside);
	p = wire_varint(p, wire_tag(field, WIRE_BYTES));
	field_end(s, aside, wire_varint(p, len));
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
