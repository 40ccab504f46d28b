/* SPDX-License-Identifier: Apache-2.0 */
#include "samples.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

int
samples_open(struct samples *s, size_t cap)
{
	*s = (struct samples){ .cap = cap };
	s->all = calloc(cap ? cap : 1, sizeof(*s->all));
	return s->all ? 0 : -ENOMEM;
}

void
samples_close(struct samples *s)
{
	free(s->all);
	s->all = NULL;
}

void
samples_add(struct samples *s, struct sample one)
{
	assert(s->n < s->cap);
	s->all[s->n++] = one;
}

int
samples_pool(struct samples *pool, const struct samples *run, uint64_t lead_ns,
    uint64_t at_ns)
{
	size_t cap = pool->n + run->n;
	struct sample *more =
	    realloc(pool->all, (cap ? cap : 1) * sizeof(*pool->all));

	if (!more)
		return -ENOMEM;
	pool->all = more;
	pool->cap = cap;
	for (size_t i = 0; i < run->n; i++) {
		struct sample one = run->all[i];

		if (one.due_ns < lead_ns)
			continue;
		one.due_ns += at_ns - lead_ns;
		one.sent_ns += at_ns - lead_ns;
		one.done_ns += at_ns - lead_ns;
		samples_add(pool, one);
	}
	return 0;
}

static uint64_t
span_of(const struct sample *one, enum sample_span span)
{
	if (span == SPAN_LATENESS)
		return one->sent_ns - one->due_ns;
	return one->done_ns -
	       (span == SPAN_LATENCY ? one->due_ns : one->sent_ns);
}

static int
ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int64_t
samples_sorted(const struct samples *s, uint32_t target, enum sample_span span,
    uint64_t **out)
{
	size_t n = 0;
	uint64_t *values = malloc((s->n ? s->n : 1) * sizeof(*values));

	if (!values)
		return -ENOMEM;
	for (size_t i = 0; i < s->n; i++)
		if (target == SAMPLES_ALL || s->all[i].target == target)
			values[n++] = span_of(&s->all[i], span);
	qsort(values, n, sizeof(*values), ascending);
	*out = values;
	return (int64_t)n;
}

uint64_t
samples_quantile(const uint64_t *sorted, size_t n, double q)
{
	/* 0.07 * 100 is 7.000000000000001 in binary: not the 8th */
	double rank = ceil(q * (double)n - 1e-9 * (double)n);

	return sorted[rank < 1 ? 0 : (size_t)rank - 1];
}

void
samples_write_curve(FILE *out, const uint64_t *sorted, size_t n)
{
	const char *comma = "";

	fputc('[', out);
	/* 8 steps per halving of what is left above */
	for (int i = 0; n > 0; i++) {
		double left = exp2(-(double)i / 8);

		if (left * (double)n < 1)
			break;
		fprintf(out, "%s[%.9f,%" PRIu64 "]", comma, 1 - left,
		    samples_quantile(sorted, n, 1 - left));
		comma = ",";
	}
	if (n > 0)
		fprintf(out, "%s[1,%" PRIu64 "]", comma, sorted[n - 1]);
	fputc(']', out);
}

static int
by_due(const void *a, const void *b)
{
	return ascending(&((const struct sample *)a)->due_ns,
	    &((const struct sample *)b)->due_ns);
}

static void
write_step(
    FILE *out, double second, uint64_t *spans, size_t n, const char *comma)
{
	qsort(spans, n, sizeof(*spans), ascending);
	fprintf(out, "%s[%.3f,%zu,%" PRIu64 ",%" PRIu64 "]", comma, second, n,
	    samples_quantile(spans, n, 0.5), spans[n - 1]);
}

int
samples_write_timeline(FILE *out, struct samples *s, uint64_t step_ns)
{
	const char *comma = "";
	size_t n = 0;
	uint64_t *spans = malloc((s->n ? s->n : 1) * sizeof(*spans));

	if (!spans)
		return -ENOMEM;
	qsort(s->all, s->n, sizeof(*s->all), by_due);
	fputc('[', out);
	for (size_t i = 0; i < s->n; i++) {
		uint64_t step = s->all[i].due_ns / step_ns;

		spans[n++] = span_of(&s->all[i], SPAN_LATENCY);
		if (i + 1 < s->n && s->all[i + 1].due_ns / step_ns == step)
			continue;
		write_step(
		    out, (double)(step * step_ns) / 1e9, spans, n, comma);
		comma = ",";
		n = 0;
	}
	fputc(']', out);
	free(spans);
	return 0;
}
