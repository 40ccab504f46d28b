/* SPDX-License-Identifier: Apache-2.0 */
#include "buckets.h"

#include <math.h>

#include "field.h"

/* Histogram */
#define HIST_BUCKET	    3
#define HIST_SCHEMA	    5
#define HIST_ZERO_THRESHOLD 6
#define HIST_ZERO_COUNT	    7
#define HIST_SPAN	    12
#define HIST_DELTA	    13
/* Bucket */
#define BUCKET_COUNT 1
#define BUCKET_UPPER 2
#define BUCKET_EXEMPLAR 3
#define BUCKET_ROOM	23 /* with its tag, length and a count of ten bytes */
/* BucketSpan */
#define SPAN_OFFSET 1
#define SPAN_LENGTH 2

/* Goes over the native buckets of a histogram that are not empty. */
struct native_walk {
	const uint64_t *buckets;
	const int32_t *natives;
	uint32_t n;
	uint32_t at;
	int32_t index;
	uint64_t count;
};

static bool
next_native(struct native_walk *w)
{
	while (w->at < w->n) {
		w->index = w->natives[w->at];
		w->count = 0;
		for (; w->at < w->n && w->natives[w->at] == w->index; w->at++)
			w->count += w->buckets[w->at];
		if (w->count > 0 && w->index != SMX_NATIVE_ZERO)
			return true;
	}
	return false;
}

static void
put_span(struct expo_sink *s, int64_t offset, uint32_t length)
{
	uint64_t o = wire_zigzag(offset);

	if (length == 0)
		return;
	field_length(
	    s, HIST_SPAN, 2 + wire_varint_len(o) + wire_varint_len(length));
	field_number(s, SPAN_OFFSET, o);
	field_number(s, SPAN_LENGTH, length);
}

/* The first offset is an index, the later ones are gaps. */
static void
put_spans(struct expo_sink *s, struct native_walk w)
{
	int64_t next = 0, offset = 0;
	uint32_t length = 0;

	while (next_native(&w)) {
		if (length > 0 && w.index == next) {
			length++;
		} else {
			put_span(s, offset, length);
			offset = w.index - next;
			length = 1;
		}
		next = (int64_t)w.index + 1;
	}
	put_span(s, offset, length);
}

static void
put_deltas(struct expo_sink *s, struct native_walk w)
{
	uint64_t last = 0;

	while (next_native(&w)) {
		field_number(
		    s, HIST_DELTA, wire_zigzag((int64_t)(w.count - last)));
		last = w.count;
	}
}

void
expo_put_native(struct expo_sink *s, const struct expo_page *page,
    const struct expo_part *part, const uint64_t *buckets)
{
	struct native_walk w = { .buckets = buckets,
		.n = part->n_buckets,
		.natives = page->natives + part->natives };
	uint64_t zero = 0;

	for (uint32_t i = 0; i < w.n; i++)
		if (w.natives[i] == SMX_NATIVE_ZERO)
			zero += buckets[i];
	field_number(s, HIST_SCHEMA, wire_zigzag(part->schema));
	field_double(s, HIST_ZERO_THRESHOLD, ldexp(1, part->zero_exp2));
	field_number(s, HIST_ZERO_COUNT, zero);
	put_spans(s, w);
	put_deltas(s, w);
}

/* All tags and the length have one byte. */
static char *
put_bucket_in_place(char *p, uint64_t count, double upper)
{
	char *start = p + 2;

	p[0] = (char)wire_tag(HIST_BUCKET, WIRE_BYTES);
	p = start;
	*p++ = (char)wire_tag(BUCKET_COUNT, WIRE_VARINT);
	p = wire_varint(p, count);
	*p++ = (char)wire_tag(BUCKET_UPPER, WIRE_FIXED64);
	p = wire_double(p, upper);
	start[-1] = (char)(p - start);
	return p;
}

static void
put_bucket(struct expo_sink *s, uint64_t count, double upper,
    const struct smx_exemplar *e, int exponent)
{
	if (e == NULL && expo_sink_has(s, BUCKET_ROOM)) {
		char *p = s->dst + s->len;

		p = put_bucket_in_place(p, count, upper);
		s->len = (size_t)(p - s->dst);
		return;
	}
	field_length(s, HIST_BUCKET,
	    10 + wire_varint_len(count) + expo_exemplar_wire_len(e));
	field_number(s, BUCKET_COUNT, count);
	field_double(s, BUCKET_UPPER, upper);
	if (e != NULL)
		expo_exemplar_wire(s, BUCKET_EXEMPLAR, e, exponent);
}

void
expo_put_classic(struct expo_sink *s, const struct expo_page *page,
    const struct expo_part *part, const uint64_t *buckets,
    struct expo_exemplars exemplars)
{
	const struct expo_ladder *l = &part->ladder;
	const struct expo_rung *rung = page->rungs + l->first;
	uint64_t count = 0;
	uint32_t k = 0;

	for (uint32_t i = 0; i < l->n; i++, rung++) {
		const struct smx_exemplar *e =
		    expo_exemplars_take(&exemplars, rung->bucket);

		if (i + 1 == l->n && e == NULL)
			break;
		while (k <= rung->bucket)
			count += buckets[k++];
		put_bucket(s, count, rung->upper, e, part->exponent);
	}
}
