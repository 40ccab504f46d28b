/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/expo_made.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
made_begin(struct made *m, uint32_t n_live)
{
	memset(m, 0, sizeof(*m));
	m->catalog = (struct smx_catalog){ .generation = 1,
		.families = m->families, .series = m->series, .n_cells = 8,
		.n_gauges = MADE_SERIES };
	m->snapshot = (struct smx_snapshot){ .catalog = &m->catalog,
		.cells = m->cells, .gauges = m->gauges, .live = m->live,
		.n_live = n_live };
	for (uint32_t i = 0; i < MADE_LIVE; i++)
		m->live[i].slot = i * 7;
}

struct smx_family_info *
made_family(struct made *m, uint8_t type, const char *name, const char *help,
    const char *labels, uint32_t n_labels)
{
	struct smx_family_info *f;

	if (m->catalog.n_families >= MADE_FAMILIES)
		abort();
	f = &m->families[m->catalog.n_families++];
	*f = (struct smx_family_info){ .type = type, .name = name,
		.help = help, .unit = "", .labels = labels,
		.n_labels = n_labels };
	return f;
}

uint64_t *
made_series(struct made *m, const struct smx_family_info *f,
    const char *values)
{
	uint32_t i = m->catalog.n_series++;
	struct smx_series_info *s = &m->series[i];

	if (i >= MADE_SERIES)
		abort();
	s->family = (uint32_t)(f - m->families);
	s->values = values;
	s->created_ns = UINT64_C(1700000000000000000) + i;
	if (f->type == SMX_TYPE_GAUGE) {
		s->cell = i;
		return &m->gauges[i];
	}
	s->cell = m->catalog.n_cells;
	m->catalog.n_cells += f->type == SMX_TYPE_HISTOGRAM
	    ? SMX_HIST_BUCKET + f->n_buckets
	    : 1;
	if (m->catalog.n_cells > MADE_CELLS)
		abort();
	return &m->cells[s->cell];
}

uint64_t
made_gauge(double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return bits ^ SMX_GAUGE_XOR;
}

static struct made *
add_source(struct made_set *set, uint32_t n_live, const char *service,
    const char *instance)
{
	struct made *m = malloc(sizeof(*m));

	if (m == NULL || set->n >= MADE_SOURCES)
		abort();
	made_begin(m, n_live);
	set->made[set->n] = m;
	set->snapshots[set->n] = &m->snapshot;
	set->sources[set->n++] = (struct expo_source){
		.catalog = &m->catalog, .service = service,
		.instance = instance, .bare = service == NULL };
	return m;
}

static void
sample_own(struct made *m)
{
	static const struct smx_bucket bounds[] = {
		{ 1000000, 0, SMX_BUCKET_EXPLICIT },
		{ 1000000000, 0, SMX_BUCKET_EXPLICIT },
		{ UINT64_MAX, 0, 0 },
	};
	struct smx_family_info *f;
	uint64_t *cells;

	f = made_family(m, SMX_TYPE_COUNTER, "smx_requests_total",
	    "Requests by code.", "code\0", 1);
	*made_series(m, f, "200\0") = 12;
	*made_series(m, f, "500\0") = 1;
	f = made_family(m, SMX_TYPE_GAUGE, "smx_up", "Up.", "", 0);
	*made_series(m, f, "") = made_gauge(1);
	f = made_family(m, SMX_TYPE_HISTOGRAM, "smx_scrape_duration_seconds",
	    "Time.", "", 0);
	f->unit = "seconds";
	f->exponent = 9;
	f->hist_flags = SMX_HIST_EXPLICIT;
	f->buckets = bounds;
	f->n_buckets = 3;
	cells = made_series(m, f, "");
	cells[SMX_HIST_SUM] = 1500000;
	cells[SMX_HIST_BUCKET] = 2;
	cells[SMX_HIST_BUCKET + 1] = 1;
}

static void
sample_feed(struct made *m)
{
	struct smx_family_info *ticks, *f;
	uint64_t *g;

	ticks = made_family(m, SMX_TYPE_COUNTER, "ticks_total",
	    "Ticks \"seen\"\nin \\all.", "symbol\0", 1);
	*made_series(m, ticks, "BTC\"\n\\\0") = 1234567;
	f = made_family(m, SMX_TYPE_COUNTER, "busy_seconds_total",
	    "Time busy.", "", 0);
	f->unit = "seconds";
	f->exponent = 9;
	*made_series(m, f, "") = 3;
	*made_series(m, ticks, "ETH\0") = 0;
	f = made_family(m, SMX_TYPE_GAUGE, "temperature_celsius",
	    "Never set.", "", 0);
	made_series(m, f, "");
	f = made_family(m, SMX_TYPE_GAUGE, "queue_length", "Waiting.", "", 0);
	g = made_series(m, f, "");
	g[0] = made_gauge(2.5);
	g[MADE_SERIES] = made_gauge(1);
	f = made_family(m, SMX_TYPE_GAUGE, "epoch", "Of each process.", "", 0);
	f->gauge_mode = SMX_GAUGE_EACH;
	g = made_series(m, f, "");
	g[0] = made_gauge(5);
	g[MADE_SERIES] = made_gauge(-0.25);
	f = made_family(m, SMX_TYPE_COUNTER, "gone_total", "Retired.", "", 0);
	*made_series(m, f, "") = 1;
	f->retired = true;
}

static void
sample_signal(struct made *m)
{
	static const struct smx_bucket powers[] = {
		{ 250000000, SMX_NATIVE_ZERO, SMX_BUCKET_POWER },
		{ 500000000, -1, SMX_BUCKET_POWER },
		{ 1000000000, 0, SMX_BUCKET_POWER },
		{ UINT64_MAX, 1, 0 },
	};
	struct smx_family_info *f;
	uint64_t *cells;

	f = made_family(m, SMX_TYPE_COUNTER, "ticks_total", "Other words.",
	    "symbol\0", 1);
	*made_series(m, f, "BTC\0") = 7;
	f = made_family(m, SMX_TYPE_GAUGE, "ticks", "Collides.", "", 0);
	*made_series(m, f, "") = made_gauge(1);
	f = made_family(m, SMX_TYPE_HISTOGRAM, "work_seconds", "Work.", "", 0);
	f->exponent = 9;
	f->hist_flags = SMX_HIST_NATIVE;
	f->zero_exp2 = -2;
	f->buckets = powers;
	f->n_buckets = 4;
	cells = made_series(m, f, "");
	cells[SMX_HIST_SUM] = 12500000000;
	cells[SMX_HIST_BUCKET] = 1;
	cells[SMX_HIST_BUCKET + 1] = 2;
	cells[SMX_HIST_BUCKET + 2] = 3;
	cells[SMX_HIST_BUCKET + 3] = 1999994;
}

void
made_sample(struct made_set *set)
{
	memset(set, 0, sizeof(*set));
	sample_signal(add_source(set, 1, "signal", "a"));
	sample_own(add_source(set, 1, NULL, NULL));
	sample_feed(add_source(set, 2, "feed", ""));
}

static uint64_t
next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Explicit bounds, 2^k native ones, or both; last the open bucket. */
static const struct smx_bucket random_bounds[] = {
	{ 1, SMX_NATIVE_ZERO, SMX_BUCKET_POWER },
	{ 2, 1, SMX_BUCKET_POWER },
	{ 3, 2, SMX_BUCKET_EXPLICIT },
	{ 4, 2, SMX_BUCKET_POWER },
	{ 8, 3, SMX_BUCKET_POWER | SMX_BUCKET_EXPLICIT },
	{ 100, 4, SMX_BUCKET_EXPLICIT },
	{ UINT64_MAX, 4, 0 },
};

/* In some buckets of the last series. */
static void
random_exemplars(struct made *m, const struct smx_family_info *f, uint64_t *rnd)
{
	static const char *const texts[] = { "id\0" "17", "a\0" "q\"\n", "id\0" "" };
	static const size_t lens[] = { 6, 6, 4 };

	for (uint32_t i = 0; i < f->n_buckets; i++) {
		struct smx_exemplar *e =
		    &m->exemplars[m->snapshot.n_exemplars];
		size_t t = next(rnd) % 3;

		if (next(rnd) % 3 != 0 ||
		    m->snapshot.n_exemplars == MADE_EXEMPLARS)
			continue;
		*e = (struct smx_exemplar){ .series = m->catalog.n_series - 1,
			.bucket = i, .n_labels = 1,
			.time_ns = next(rnd) >> 3,
			.text_len = (uint32_t)lens[t] };
		e->value = i + 1 < f->n_buckets ? f->buckets[i].upper
						: f->buckets[i - 1].upper + 1;
		memcpy(e->text, texts[t], lens[t]);
		m->snapshot.n_exemplars++;
	}
	m->snapshot.exemplars = m->exemplars;
}

static void
random_family(struct made *m, uint64_t *rnd)
{
	static const char *const names[] = { "a", "a_total", "b_seconds",
		"b_seconds_total", "c_bytes", "c_bytes_sum", "d_bucket", "d",
		"d_total", "e_ratio", "a_count", "e_ratio_created", "f_total" };
	static const char *const values[] = { "", "x", "a\\b\"c\nd",
		"\xc3\xa9t\xc3\xa9", "-", "=,}{" };
	static const char *const labels[] = { "", "k\0", "k\0m\0" };
	uint32_t n_labels = (uint32_t)(next(rnd) % 3);
	uint8_t type = (uint8_t)(1 + next(rnd) % 3);
	uint32_t n_series = n_labels == 0 ? 1 : (uint32_t)(next(rnd) % 4);
	struct smx_family_info *f = made_family(m, type,
	    names[next(rnd) % (sizeof(names) / sizeof(names[0]))],
	    values[next(rnd) % 6], labels[n_labels], n_labels);
	size_t len = strlen(f->name);

	if (type == SMX_TYPE_COUNTER &&
	    (len < 7 || strcmp(f->name + len - 6, "_total") != 0))
		f->name = "z_total";
	if (type == SMX_TYPE_GAUGE && strcmp(f->name, "e_ratio") == 0)
		f->unit = "ratio";
	f->exponent = (int8_t)(next(rnd) % 4 * 3);
	f->gauge_mode = (uint8_t)(next(rnd) % 4);
	f->retired = next(rnd) % 16 == 0;
	if (type == SMX_TYPE_HISTOGRAM) {
		f->hist_flags = (uint8_t)(1 + next(rnd) % 3);
		f->exponent = 0;
		f->buckets = random_bounds;
		f->n_buckets = 7;
	}
	for (uint32_t i = 0; i < n_series; i++) {
		char *v = m->text[m->catalog.n_series];
		uint64_t *cell;
		int first = 0;

		if (n_labels > 0) /* distinct in the first one */
			first = snprintf(v, 16, "%u%s", i,
			    values[next(rnd) % 6]);
		if (n_labels == 2)
			strcpy(v + first + 1, values[next(rnd) % 6]);
		cell = made_series(m, f, v);
		if (type == SMX_TYPE_COUNTER)
			*cell = next(rnd) >> next(rnd) % 64;
		for (uint32_t k = 0; type == SMX_TYPE_HISTOGRAM && k < 10; k++)
			cell[k] = next(rnd) % 4 * (next(rnd) % 1000000);
		if (type == SMX_TYPE_HISTOGRAM)
			random_exemplars(m, f, rnd);
		for (uint32_t k = 0; type == SMX_TYPE_GAUGE && k < 3; k++)
			if (next(rnd) % 3 != 0)
				cell[k * MADE_SERIES] = made_gauge(
				    (double)(int64_t)(next(rnd) >> 40) / 256);
	}
}

void
made_random(struct made_set *set, uint64_t seed)
{
	static const char *const services[] = { "svc", NULL, "a\"b", "svc" };
	static const char *const instances[] = { NULL, NULL, "", "one" };
	uint64_t rnd = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	size_t n;

	memset(set, 0, sizeof(*set));
	for (int i = 0; i < 8; i++)
		next(&rnd);
	n = next(&rnd) % (MADE_SOURCES + 1);
	for (size_t i = 0; i < n; i++) {
		struct made *m = add_source(set,
		    (uint32_t)(next(&rnd) % (MADE_LIVE + 1)), services[i],
		    instances[i]);
		uint64_t n_families = next(&rnd) % 12;

		for (uint64_t k = 0; k < n_families; k++)
			random_family(m, &rnd);
	}
}

void
made_free(struct made_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		free(set->made[i]);
	set->n = 0;
}
