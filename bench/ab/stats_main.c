/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ab-stats -- the statistics of the harness as a filter.
 *
 * Each line of the input is a question, answered by one line:
 *
 *   interval LEVEL LIMIT SEED VALUE...	-> median low high verdict more
 *   ratio LEVEL VALUE...		-> mean low high
 *   simulate RUNS PAIRS EFFECT SD NOISE LIMIT LEVEL SEED
 *				-> within beyond undecided covered refused
 *
 * NOISE is normal or tailed.  A line that is neither ends the program.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats.h"

#define RESAMPLES 10000

static const char *const verdicts[] = { "within", "beyond", "undecided" };

/* The numbers from `text` on; how many, or STATS_PAIRS_MAX + 1. */
static size_t
values_read(const char *text, double *v)
{
	size_t n = 0;

	for (;;) {
		char *end;
		double value = strtod(text, &end);

		if (end == text)
			return n;
		if (n == STATS_PAIRS_MAX)
			return n + 1;
		v[n++] = value;
		text = end;
	}
}

static int
interval(const char *line)
{
	static double v[STATS_PAIRS_MAX];
	static double work[RESAMPLES];
	struct stats_dice dice;
	struct stats_interval i;
	enum stats_verdict verdict;
	double level, limit;
	uint64_t seed;
	int at = 0;
	size_t n;

	if (sscanf(line, "interval %lf %lf %" SCNu64 "%n", &level, &limit,
		&seed, &at) != 3 ||
	    !(level > 0 && level < 1))
		return -1;
	n = values_read(line + at, v);
	if (n == 0 || n > STATS_PAIRS_MAX)
		return -1;
	stats_dice_seed(&dice, seed);
	i = stats_interval_of(v, n, level, &dice, work, RESAMPLES);
	verdict = stats_judge(&i, n, limit);
	printf("%.9g %.9g %.9g %s %" PRIu64 "\n", i.median, i.low, i.high,
	    verdicts[verdict],
	    verdict == STATS_UNDECIDED ? stats_pairs_more(&i, n, limit) : 0);
	return 0;
}

/* Of logarithms, so nothing at or below 0. */
static int
ratio(const char *line)
{
	static double v[STATS_PAIRS_MAX];
	struct stats_interval i;
	double level;
	int at = 0;
	size_t n;

	if (sscanf(line, "ratio %lf%n", &level, &at) != 1 ||
	    !(level > 0 && level < 1))
		return -1;
	n = values_read(line + at, v);
	if (n < 2 || n > STATS_PAIRS_MAX)
		return -1;
	for (size_t k = 0; k < n; k++)
		if (!(v[k] > 0))
			return -1;
	i = stats_ratio_interval(v, n, level);
	printf("%.9g %.9g %.9g\n", i.median, i.low, i.high);
	return 0;
}

static int
simulate(const char *line)
{
	struct stats_tally t;
	double effect, sd, limit, level;
	uint64_t runs, seed;
	size_t n;
	char noise[16];

	if (sscanf(line,
		"simulate %" SCNu64 " %zu %lf %lf %15s %lf %lf "
		"%" SCNu64,
		&runs, &n, &effect, &sd, noise, &limit, &level, &seed) != 8 ||
	    !(level > 0 && level < 1) || n < 2 || n > STATS_PAIRS_MAX ||
	    stats_simulate(&t, runs, n, effect, sd,
		strcmp(noise, "tailed") == 0 ? STATS_TAILED : STATS_NORMAL,
		limit, level, seed) < 0)
		return -1;
	printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
	    t.verdict[STATS_WITHIN], t.verdict[STATS_BEYOND],
	    t.verdict[STATS_UNDECIDED], t.covered, t.refused);
	return 0;
}

int
main(void)
{
	char *line = NULL;
	size_t cap = 0;
	int err = 0;

	while (err == 0 && getline(&line, &cap, stdin) > 0) {
		err = strncmp(line, "interval ", 9) == 0   ? interval(line)
		      : strncmp(line, "ratio ", 6) == 0	   ? ratio(line)
		      : strncmp(line, "simulate ", 9) == 0 ? simulate(line)
							   : -1;
		if (err < 0)
			fprintf(stderr, "ab-stats: not a question: %s", line);
		fflush(stdout);
	}
	free(line);
	return err < 0;
}
