/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPO_WIRE_H
#define EXPO_WIRE_H
/*
 * wire -- the encoding of protobuf, and the parts of a MetricFamily that do
 * not depend on values.
 *
 * Field numbers: io.prometheus.client, metrics.proto of client_model.
 */
#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "arena.h"

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2 };

static inline uint32_t
wire_tag(uint32_t field, uint32_t type)
{
	return field << 3 | type;
}

/* Bytes of v as a varint: one for each 7 bits begun. */
static inline size_t
wire_varint_len(uint64_t v)
{
	return (70 - (unsigned)__builtin_clzll(v | 1)) / 7;
}

/* Small numbers of either sign become small ones without a sign. */
static inline uint64_t
wire_zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

/* Each writes at p and returns one past the end. */
static inline char *
wire_varint(char *p, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*p++ = (char)(v | 0x80);
	*p++ = (char)v;
	return p;
}

/* v < 2^35; scribbles up to 8 bytes.  Without a loop whose end the processor
 * would have to guess. */
static inline char *
wire_varint_small(char *p, uint64_t v)
{
	uint64_t bits = (v & 0x7f) | (v & 0x3f80) << 1 | (v & 0x1fc000) << 2 |
			(v & 0xfe00000) << 3 | (v & 0x7f0000000) << 4;
	size_t n = wire_varint_len(v);

	bits |= UINT64_C(0x8080808080) & ((UINT64_C(1) << (8 * n - 8)) - 1);
	bits = htole64(bits);
	memcpy(p, &bits, 8);
	return p + n;
}

static inline char *
wire_double(char *p, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, 8);
	bits = htole64(bits);
	memcpy(p, &bits, 8);
	return p + 8;
}

/* Bytes of a field of `len` bytes with a tag of one byte. */
static inline size_t
wire_field_len(size_t len)
{
	return 1 + wire_varint_len(len) + len;
}

/* Metric.label: one LabelPair. */
char *expo_wire_label(char *p, const char *name, const char *value);
size_t expo_wire_label_len(const char *name, const char *value);

/* Bytes of all label pairs of a series. */
size_t expo_wire_labels(
    const struct smx_family_info *, const struct smx_series_info *);

/* The label pairs that a source adds. */
struct expo_text expo_wire_source(
    struct expo_arena *, const struct expo_source *);

/* MetricFamily: name, help, type and unit. */
struct expo_text expo_wire_family(
    struct expo_arena *, const struct smx_family_info *);

#endif
