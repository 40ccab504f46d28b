/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KILLPOINT_BYTES_H
#define KILLPOINT_BYTES_H
/*
 * bytes -- a second opinion: what docs/SEGMENT.md says, from the bytes alone.
 *
 * Shares no code and no constant with the library, so that an error that
 * writer and reader have in common is seen.
 */
#include <stddef.h>
#include <stdint.h>

#include "image.h"

#define BYTES_SERIES 64

struct bytes_series {
	uint64_t family; /* offset of its record */
	uint32_t type, cell, n_cells;
};

struct bytes {
	uint32_t n; /* 0 while the segment is being created */
	struct bytes_series series[BYTES_SERIES];
	uint32_t lanes;	 /* ever used, lane 0 included */
	uint32_t owners; /* lanes of slot 0's current owner */
	uint32_t stale;	 /* lanes of former owners of slot 0 */
	char why[160];	 /* what is wrong */
};

/*
 * bytes_check -- the invariants I1 to I9 in `now`, and, unless `before` is
 * NULL, of what has changed since then.
 *
 * Return   0, or -1 and why.
 */
int bytes_check(
    struct bytes *, const struct image *now, const struct image *before);

/* A hash of all that depends on no clock and no process number: two lives
 * that have come as far have the same. */
uint64_t bytes_state(const struct image *);

/* The owner word of a lane; 0 past the last one. */
uint64_t bytes_owner(const struct image *, uint32_t lane);

/* The value of a counter, or the count of a histogram; 0 of gauges. */
uint64_t bytes_total(const struct image *, const struct bytes_series *);

#endif
