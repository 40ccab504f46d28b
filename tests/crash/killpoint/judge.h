/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KILLPOINT_JUDGE_H
#define KILLPOINT_JUDGE_H
/*
 * judge -- is this segment what a kill may leave?  Looks with the reader
 * library, which believes nothing.
 */
#include <stdint.h>

#define JUDGE_SERIES 64

struct verdict {
	uint32_t n;			/* series in the directory */
	uint64_t values[JUDGE_SERIES];	/* counters, counts of histograms */
	uint64_t orders, latency_count; /* of these two, 0 if not there */
	uint32_t approximate;
	uint32_t exemplars; /* shown */
	uint64_t first_ns; /* when the slot's first owner took it */
	char why[320]; /* what is wrong; "" if nothing */
};

/*
 * judge_file -- open dir/smx.kill and check: whole records, counters and
 * counts not below `before`, one definition of each name, sums that are
 * value x count, and gauges of slot 0 that are all of one owner.
 *
 * A sum may be `ahead` by so many values of its count, and by one more in a
 * segment whose histograms do not claim to be whole.
 *
 * Return   0 fine, 1 not a finished segment (allowed while it is created),
 *          -1 wrong, see why.
 */
int judge_file(const char *dir, const struct verdict *before, unsigned ahead,
    struct verdict *now);

/* After a real death: no lock is held by anybody, and no gauge is shown.
 * The same, without 1. */
int judge_dead(const char *dir, struct verdict *);

#endif
