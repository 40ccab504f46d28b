/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any values (512 bytes) of any directory (the rest), encoded: once alone,
 * and once beside a second service, which has its first half only.
 */
#include <stdlib.h>
#include <string.h>

#include "libshm/src/directory.h"
#include "tests/fuzz/encode.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/records.h"

#define VALUES	  512u
#define LIVE_MAX  3u
#define EXEMPLARS 16u
#define LANE_SIZE (1u << 16)

struct source {
	struct smx__directory dir;
	struct smx_snapshot snap;
	struct smx_live live[LIVE_MAX];
};

/* The values in turn, as often as it takes. */
static uint64_t *
repeat(const unsigned char *values, size_t n)
{
	uint64_t *cells = malloc((n + 1) * sizeof(*cells));

	fuzz_require(cells != NULL, "there is memory");
	for (size_t i = 0; i < n; i++)
		memcpy(&cells[i], values + i * 8 % VALUES, 8);
	return cells;
}

/* One for each of the first histograms, in a bucket that the values name. */
static void
fill_exemplars(struct smx_snapshot *s, const unsigned char *values)
{
	const struct smx_catalog *c = s->catalog;
	const struct smx_family_info *f;
	uint64_t value;
	uint32_t bucket;

	s->exemplars = calloc(EXEMPLARS, sizeof(*s->exemplars));
	fuzz_require(s->exemplars != NULL, "there is memory");
	for (uint32_t i = 0; i < c->n_series && s->n_exemplars < EXEMPLARS;
	     i++) {
		f = &c->families[c->series[i].family];
		if (f->type != SMX_TYPE_HISTOGRAM)
			continue;
		bucket = values[8 + i % 256] % f->n_buckets;
		value = bucket > 0 ? f->buckets[bucket - 1].upper + 1 : 0;
		if (value >> 63)
			continue;
		s->exemplars[s->n_exemplars++] =
		    (struct smx_exemplar){ .series = i,
			    .bucket = bucket,
			    .value = value,
			    .time_ns = i * UINT64_C(1700000000123456789),
			    .n_labels = 2,
			    .text_len = 12,
			    .text = "id\0\"\\\n\0k\0v" };
	}
}

static void
fill(struct source *s, const unsigned char *values)
{
	const struct smx_catalog *c = &s->dir.catalog;

	s->snap.catalog = c;
	s->snap.n_live = values[0] % (LIVE_MAX + 1);
	s->snap.live = s->live;
	for (uint32_t i = 0; i < LIVE_MAX; i++)
		s->live[i].slot = i * (uint32_t)(values[1] * 256);
	s->snap.cells = repeat(values, c->n_cells);
	s->snap.gauges = repeat(values, (size_t)c->n_gauges * LIVE_MAX);
	fill_exemplars(&s->snap, values);
}

/* As far as the records are sound. */
static void
open_source(struct source *s, const unsigned char *values,
    const unsigned char *records, size_t n)
{
	size_t used = 0;
	int err;

	memset(s, 0, sizeof(*s));
	smx__directory_init(&s->dir, LANE_SIZE, 1 << 12, 1 << 20);
	smx__directory_begin(&s->dir);
	err = smx__directory_add(&s->dir, records, n, false, &used, NULL);
	if (err == 0)
		err = smx__directory_commit(&s->dir, NULL);
	if (err < 0)
		smx__directory_rollback(&s->dir);
	fill(s, values);
}

static void
close_source(struct source *s)
{
	smx__directory_free(&s->dir);
	free(s->snap.cells);
	free(s->snap.gauges);
	free(s->snap.exemplars);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct source a, b;
	unsigned char *records;

	if (size < VALUES)
		return 0;
	size -= VALUES;
	records = malloc(size + 8);
	fuzz_require(records != NULL, "there is memory");
	if (size > 0)
		memcpy(records, data + VALUES, size);
	fuzz_seal_directory(records, size);
	open_source(&a, data, records, size);
	open_source(&b, data, records, size / 2);
	const struct expo_source sources[] = {
		{ .catalog = &a.dir.catalog,
		    .service = "first",
		    .instance = data[2] & 1 ? "x" : NULL,
		    .bare = data[2] & 8 },
		{ .catalog = &b.dir.catalog,
		    .service = "second",
		    .instance = "" },
	};
	const struct smx_snapshot *snaps[] = { &a.snap,
		data[2] & 6 ? &b.snap : NULL };

	fuzz_encode(sources, 1, snaps);
	fuzz_encode(sources, 2, snaps);
	close_source(&a);
	close_source(&b);
	free(records);
	return 0;
}

static void
mutate_value(uint8_t *bytes, uint64_t *state)
{
	uint64_t value = fuzz_number(state);

	memcpy(bytes + fuzz_below(state, VALUES / 8) * 8, &value, 8);
}

size_t
LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t max, unsigned seed)
{
	uint64_t state = fuzz_seed(seed);

	if (size < VALUES || max < VALUES || fuzz_below(&state, 16) == 0)
		return LLVMFuzzerMutate(bytes, size, max);
	if (fuzz_below(&state, 4) != 0)
		return VALUES + fuzz_mutate_directory(bytes + VALUES,
				    size - VALUES, max - VALUES, &state);
	mutate_value(bytes, &state);
	return size;
}
