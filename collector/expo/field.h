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

#endif
