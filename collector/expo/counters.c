/* SPDX-License-Identifier: Apache-2.0 */
#include "counters.h"

#include "field.h"

/* Tags of one byte */
#define FAMILY_METRIC	0x22 /* MetricFamily.metric */
#define METRIC_COUNTER	0x1a
#define COUNTER_VALUE	0x09
#define COUNTER_CREATED 0x1a
#define TIME_SECONDS	0x08
#define TIME_NANOS	0x10

/* A Timestamp, its length put before it.  Zero fields are left out. */
static inline char *
put_created(char *p, uint64_t ns)
{
	uint64_t seconds = ns / FIELD_NS_PER_S, nanos = ns % FIELD_NS_PER_S;
	char *start = p + 2;

	p[0] = COUNTER_CREATED;
	p = start;
	if (seconds != 0) {
		*p++ = TIME_SECONDS;
		p = wire_varint_small(p, seconds);
	}
	if (nanos != 0) {
		*p++ = TIME_NANOS;
		p = wire_varint_small(p, nanos);
	}
	start[-1] = (char)(p - start);
	return p;
}

static inline char *
put_body(char *p, double value, uint64_t created_ns)
{
	char *start = p + 2;

	p[0] = METRIC_COUNTER;
	p = start;
	*p++ = COUNTER_VALUE;
	p = wire_double(p, value);
	if (created_ns != 0)
		p = put_created(p, created_ns);
	start[-1] = (char)(p - start);
	return p;
}

char *
expo_counter_put(char *p, const struct expo_pairs *pairs, const char *wire,
    size_t source_len, const char *values, double value, uint64_t created_ns)
{
	const struct expo_pair *pair = pairs->v, *end = pair + pairs->n;
	char *start = p + 2; /* behind a length of one byte */
	size_t len, more;

	p[0] = FAMILY_METRIC;
	p = expo_copy_wide(start, wire, source_len);
	for (; pair < end; pair++)
		p = expo_pair_put(p, pair, &values);
	p = put_body(p, value, created_ns);
	len = (size_t)(p - start);
	more = wire_varint_len(len) - 1;
	if (__builtin_expect(more > 0, 0))
		memmove(start + more, start, len);
	wire_varint(start - 1, len);
	return p + more;
}
