/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPO_SCALAR_H
#define EXPO_SCALAR_H
/*
 * scalar -- many counters or gauges of one family as protobuf, in place.  They
 * are what a large page consists of; a general encoder takes twice as long.
 *
 * Label values are taken from the lines of the text format, which the page has
 * as they are: short ones without anything that text escapes, in nearly all
 * series.  Else they come from the catalog.
 */
#include "pairs.h"

/* What a Metric has besides its labels, at most. */
#define EXPO_SCALAR_MAX 64u

/* Created times: neighbours share their second. */
struct expo_created {
	uint64_t start_ns; /* of that second */
	uint32_t n;
	char bytes[8]; /* tag, length, tag and number of the seconds */
};

/* What the series of one part have in common. */
struct expo_scalars {
	struct expo_pairs pairs;
	const char *wire; /* the source's label pairs, readable past the end */
	size_t wire_len;
	uint8_t close; /* as in struct expo_part */
	bool plain;    /* any of its texts may be taken */
	char tag;      /* Metric.counter or Metric.gauge */
	struct expo_created created;
};

/* The page and the family must outlive them. */
void expo_scalars_make(struct expo_scalars *, const struct expo_page *,
    const struct expo_part *, const struct smx_family_info *);

/*
 * expo_scalar_put -- one Metric, with its tag and length.
 *
 * p           has room for the label pairs, EXPO_SCALAR_MAX and EXPO_SLACK.
 * text        the series' labels as text.
 * values      the same, from the catalog.
 * created_ns  0: none.
 * Return      one past the last byte.
 */
char *expo_scalar_put(char *p, struct expo_scalars *,
    const struct expo_series *, const char *text, const char *values,
    double value, uint64_t created_ns);

/* expo_counters_put -- the same of all counters of a part, if it has them. */
char *expo_counters_put(char *p, const struct expo_scalars *,
    const struct expo_page *, const struct expo_part *,
    const struct smx_snapshot *);

#endif
