/* SPDX-License-Identifier: Apache-2.0 */
#include "scalar.h"

#include "field.h"

/* Tags of one byte */
#define FAMILY_METRIC	0x22 /* MetricFamily.metric */
#define METRIC_GAUGE	0x12
#define METRIC_COUNTER	0x1a
#define SCALAR_VALUE	0x09 /* of both */
#define COUNTER_CREATED 0x1a
#define TIME_SECONDS	0x08
#define TIME_NANOS	0x10

/* Zero fields are left out. */
static void
make_created(struct expo_created *c, uint64_t ns)
{
	uint64_t seconds = ns / FIELD_NS_PER_S;
	char room[2 + 1 + 8] = { COUNTER_CREATED }, *p = room + 2;

	if (seconds != 0) {
		*p++ = TIME_SECONDS;
		p = wire_varint_small(p, seconds);
	}
	c->start_ns = seconds * FIELD_NS_PER_S;
	c->n = (uint32_t)(p - room);
	memcpy(c->bytes, room, sizeof(c->bytes));
}

void
expo_scalars_make(struct expo_scalars *s, const struct expo_page *page,
    const struct expo_part *part, const struct smx_family_info *f)
{
	expo_pairs_make(&s->pairs, f);
	s->wire = page->text + part->wire.off;
	s->wire_len = part->wire.len;
	s->close = part->close;
	s->tag = f->type == SMX_TYPE_COUNTER ? METRIC_COUNTER : METRIC_GAUGE;
	s->plain = part->wire.len > 0; /* else the first has no comma */
	for (uint32_t i = 0; i < s->pairs.n; i++)
		s->plain = s->plain && s->pairs.v[i].n > 0;
	make_created(&s->created, 0);
}

/* Whether nothing in the text is escaped: a pair has four bytes besides name
 * and value there, and six as protobuf if its lengths have one byte. */
static inline bool
is_plain(const struct expo_scalars *s, const struct expo_series *series)
{
	return s->plain && series->wire_len < EXPO_PAIR_SMALL &&
	       series->text_len + 2 * s->pairs.n ==
		   (uint32_t)series->wire_len + s->close;
}

/* Copies what stands before the next quote, eight bytes at a time. */
static inline char *
copy_to_quote(char *p, const char *s)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t bytes, zero;

	for (;; p += 8, s += 8) {
		memcpy(&bytes, s, 8);
		memcpy(p, &bytes, 8);
		bytes = le64toh(bytes) ^ ones * '"';
		zero = (bytes - ones) & ~bytes & ones << 7;
		if (zero != 0) /* the lowest is right */
			return p + (unsigned)__builtin_ctzll(zero) / 8;
	}
}

/* From `,b="1"`. */
static inline char *
put_plain_pairs(char *p, const struct expo_pairs *pairs, const char *text)
{
	const struct expo_pair *pair = pairs->v, *last = pair + pairs->n;

	for (; pair < last; pair++) {
		const uint32_t n = pair->n; /* char stores may alias it */
		char *value = expo_copy_wide(p, pair->bytes, n);
		const char *from = text + n - EXPO_PAIR_FRAME + 3;
		char *end = copy_to_quote(value, from);
		size_t v = (size_t)(end - value);

		p[1] = (char)(n - 2 + v);
		value[-1] = (char)v;
		text = from + v + 1;
		p = end;
	}
	return p;
}

/* v < 2^30; scribbles up to 8 bytes.  Seven bits are moved apart from seven,
 * in both halves at once. */
static inline char *
put_nanos(char *p, uint64_t v)
{
	size_t n = wire_varint_len(v);
	uint64_t bits = (v & 0x3fff) | (v & 0xfffc000) << 2;

	bits = (bits & 0x7f007f) | (bits & 0x3f803f80) << 1 | v >> 28 << 32;
	bits |= UINT64_C(0x80808080) & ((UINT64_C(1) << (8 * n - 8)) - 1);
	bits = htole64(bits);
	memcpy(p, &bits, 8);
	return p + n;
}

static inline char *
put_created(char *p, struct expo_created *c, uint64_t ns)
{
	char *start = p + 2;
	uint64_t nanos;

	if (__builtin_expect(
		ns < c->start_ns || ns - c->start_ns >= FIELD_NS_PER_S, 0))
		make_created(c, ns);
	nanos = ns - c->start_ns;
	memcpy(p, c->bytes, sizeof(c->bytes));
	p += c->n;
	if (nanos != 0) {
		*p++ = TIME_NANOS;
		p = put_nanos(p, nanos);
	}
	start[-1] = (char)(p - start);
	return p;
}

static inline char *
put_body(char *p, char tag, double value, struct expo_created *c,
    uint64_t created_ns)
{
	char *start = p + 2;

	p[0] = tag;
	p = start;
	*p++ = SCALAR_VALUE;
	p = wire_double(p, value);
	if (created_ns != 0)
		p = put_created(p, c, created_ns);
	start[-1] = (char)(p - start);
	return p;
}

/* Puts the length, of more than the byte that was kept for it, before a
 * message; returns the new end. */
static __attribute__((noinline)) char *
put_long_length(char *start, char *end)
{
	size_t len = (size_t)(end - start);
	size_t more = wire_varint_len(len) - 1;

	memmove(start + more, start, len);
	wire_varint(start - 1, len);
	return end + more;
}

static inline char *
put_one(char *p, const struct expo_scalars *s, struct expo_created *c,
    const struct expo_series *series, const char *text, const char *values,
    double value, uint64_t created_ns)
{
	char *start = p + 2;

	p[0] = FAMILY_METRIC;
	p = expo_copy_wide(start, s->wire, s->wire_len);
	if (__builtin_expect(is_plain(s, series), 1))
		p = put_plain_pairs(p, &s->pairs, text);
	else
		for (uint32_t i = 0; i < s->pairs.n; i++)
			p = expo_pair_put(p, &s->pairs.v[i], &values);
	p = put_body(p, s->tag, value, c, created_ns);
	if (__builtin_expect(p - start >= 0x80, 0))
		return put_long_length(start, p);
	start[-1] = (char)(p - start);
	return p;
}

char *
expo_scalar_put(char *p, struct expo_scalars *s,
    const struct expo_series *series, const char *text, const char *values,
    double value, uint64_t created_ns)
{
	return put_one(
	    p, s, &s->created, series, text, values, value, created_ns);
}

char *
expo_counters_put(char *restrict p, const struct expo_scalars *restrict s,
    const struct expo_page *page, const struct expo_part *part,
    const struct smx_snapshot *snap)
{
	const struct smx_series_info *restrict infos = snap->catalog->series;
	const struct expo_series *restrict at = page->series + part->first;
	const struct expo_series *last = at + part->n;
	const uint64_t *restrict cells = snap->cells;
	const char *restrict text = page->text + part->text;
	const int exponent = part->exponent;
	struct expo_created created = s->created;

	for (; at < last; text += at->text_len, at++)
		p = put_one(p, s, &created, at, text, infos[at->index].values,
		    expo_value(cells[at->cell], exponent),
		    infos[at->index].created_ns);
	return p;
}
