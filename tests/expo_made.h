/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPO_MADE_H
#define EXPO_MADE_H
/*
 * expo_made -- catalogs and snapshots made by hand, for tests of encoders.
 */
#include "expo/expo.h"

#define MADE_FAMILIES 32
#define MADE_SERIES   192
#define MADE_CELLS    8192
#define MADE_LIVE     3
#define MADE_EXEMPLARS 64
#define MADE_SOURCES  4

struct made {
	struct smx_catalog catalog;
	struct smx_snapshot snapshot;
	struct smx_family_info families[MADE_FAMILIES];
	struct smx_series_info series[MADE_SERIES];
	uint64_t cells[MADE_CELLS];
	uint64_t gauges[MADE_LIVE * MADE_SERIES];
	struct smx_live live[MADE_LIVE];
	struct smx_exemplar exemplars[MADE_EXEMPLARS];
	char text[MADE_SERIES][40]; /* for values that are put together */
};

void made_begin(struct made *, uint32_t n_live);

/* labels: names, each followed by a NUL.  What else a family has is set in
 * what is returned; a histogram's buckets before its first series. */
struct smx_family_info *made_family(struct made *, uint8_t type,
    const char *name, const char *help, const char *labels, uint32_t n_labels);

/* values as labels; returns the cell, or the first of a histogram, or for a
 * gauge that of live process 0. */
uint64_t *made_series(struct made *, const struct smx_family_info *,
    const char *values);

/* As it is stored. */
uint64_t made_gauge(double v);

/* A few sources at once. */
struct made_set {
	struct made *made[MADE_SOURCES];
	struct expo_source sources[MADE_SOURCES];
	const struct smx_snapshot *snapshots[MADE_SOURCES];
	size_t n;
};

/* One of everything: what tests/golden/expo.*.txt say. */
void made_sample(struct made_set *);

/* Anything, as the seed wills. */
void made_random(struct made_set *, uint64_t seed);

void made_free(struct made_set *);

#endif
