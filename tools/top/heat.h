/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_TOP_HEAT_H
#define TOOLS_TOP_HEAT_H
/* heat -- what one histogram observed in each of the last looks. */
#include "model.h"

struct heat {
	uint64_t *counts;	/* TOP_HISTORY rows of n buckets: a ring */
	uint32_t n;
	unsigned looks;		/* that it has seen */
};

/* Errors   -ENOMEM: nothing is remembered. */
int heat_start(struct heat *, uint32_t n_buckets);
void heat_stop(struct heat *);
void heat_look(struct heat *, const struct top_segment *, uint32_t series);

/*
 * heat_range -- the first and last bucket that anything was in.
 *
 * Return   false if there is none.
 */
bool heat_range(const struct heat *, uint32_t *first, uint32_t *last);

/* heat_share -- of the observations `ago` looks before the last one, those in
 * buckets [from, to]: 0..1. */
double heat_share(const struct heat *, unsigned ago, uint32_t from,
    uint32_t to);

#endif
