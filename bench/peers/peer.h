/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H
/*
 * peer -- what every measured library does, in C and C++.
 *
 * A program takes `hot`, or `scrape counters N`, and prints the rows of
 * bench-hot and bench-scrape, so that all of them stand beside each other.
 * Series of a scrape: families of 100, two labels.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif
#include "bench/chunks.h"
#ifdef __cplusplus
}
#endif

#define PEER_VALUES 65536u

static const double peer_bounds[11] = { 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
	0.5, 1, 2.5, 5, 10 };
static double peer_values[PEER_VALUES];

/* Log-uniform in [0.001, 12): more than a branch predictor learns.  The same
 * in every language (xorshift64). */
static inline void
peer_values_fill(void)
{
	uint64_t x = 88172645463325252u;

	for (unsigned i = 0; i < PEER_VALUES; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		peer_values[i] =
		    0.001 * pow(12000, (double)(x >> 11) * 0x1p-53);
	}
}

static inline void
peer_hot(const char *peer, const struct bench_op *ops, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct bench_times t;

		if (bench_chunks(&ops[i], &t))
			printf("hot\t%s\t%s\t%d\t%.4f\t%.4f\n", peer,
			    ops[i].name, ops[i].threads, t.median_ns, t.min_ns);
		fflush(stdout);
	}
}

static inline uint64_t
peer_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

#endif
