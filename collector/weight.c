/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/weight.h"

#include <string.h>

/* What a line has beside name and labels: suffix, braces, the names of the
 * labels that we add, a value; and where a series has many lines, a bound or a
 * process, and an exemplar. */
#define LINE	112u
#define OF_MANY 400u
#define HEADER	128u /* # HELP, # TYPE and # UNIT without name and help */
#define NATIVE	64u /* a native bucket, as protobuf */
#define FIXED	64u /* a series or a family, in arrays */

/* n x size + more, or as much as a number can say. */
static uint64_t
add(uint64_t sum, uint64_t n, uint64_t size)
{
	uint64_t product;

	if (__builtin_mul_overflow(n, size, &product) ||
	    __builtin_add_overflow(sum, product, &sum))
		return UINT64_MAX;
	return sum;
}

/* Lines of one series. */
static uint64_t
lines_of(const struct smx_family_info *f)
{
	uint32_t wanted = f->hist_flags & SMX_HIST_EXPLICIT
			      ? SMX_BUCKET_EXPLICIT
			      : SMX_BUCKET_POWER;
	uint64_t lines = 2; /* itself, and when it was created */

	if (f->type != SMX_TYPE_HISTOGRAM)
		return lines;
	lines += 2;
	for (uint32_t i = 0; i < f->n_buckets; i++)
		lines += (f->buckets[i].flags & wanted) != 0;
	return lines;
}

/* Values can double when they are escaped. */
static uint64_t
labels_of(const struct smx_family_info *f, const struct smx_series_info *s)
{
	const char *name = f->labels, *value = s->values;
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < f->n_labels; i++) {
		size_t n = strlen(name), v = strlen(value);

		bytes += n + 2 * v + 8;
		name += n + 1;
		value += v + 1;
	}
	return bytes;
}

static bool
is_by_process(const struct smx_family_info *f)
{
	return f->type == SMX_TYPE_GAUGE && f->gauge_mode == SMX_GAUGE_EACH;
}

static void
add_series(struct weight *w, const struct smx_family_info *f,
    const struct smx_series_info *s, uint64_t line)
{
	uint64_t bytes = line + strlen(f->name) + labels_of(f, s);

	if (f->type == SMX_TYPE_HISTOGRAM || is_by_process(f))
		bytes += OF_MANY;
	if (is_by_process(f))
		w->each = add(w->each, 1, bytes);
	else
		w->bytes = add(w->bytes, lines_of(f), bytes);
	if (f->hist_flags & SMX_HIST_NATIVE)
		w->bytes = add(w->bytes, f->n_buckets, NATIVE);
	w->bytes = add(w->bytes, 1, FIXED);
}

static void
add_family(struct weight *w, const struct smx_family_info *f)
{
	w->bytes = add(
	    w->bytes, 2, HEADER + 2 * strlen(f->help) + 3 * strlen(f->name));
	w->bytes = add(w->bytes, f->n_buckets, sizeof(struct smx_bucket));
	w->bytes = add(w->bytes, 1, FIXED);
}

struct weight
weight_of(
    const struct smx_catalog *c, const char *service, const char *instance)
{
	uint64_t line = LINE + strlen(service) + strlen(instance);
	struct weight w = { .bytes = (uint64_t)c->n_cells * 8,
		.each = (uint64_t)c->n_gauges * 8 };

	for (uint32_t i = 0; i < c->n_families; i++)
		add_family(&w, &c->families[i]);
	for (uint32_t i = 0; i < c->n_series; i++)
		add_series(
		    &w, &c->families[c->series[i].family], &c->series[i], line);
	return w;
}

uint64_t
weight_sum(const struct weight *w, uint32_t n_live)
{
	return add(w->bytes, n_live, w->each);
}
