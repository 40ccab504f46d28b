/* SPDX-License-Identifier: Apache-2.0 */
#include "stats.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SIMULATED_RESAMPLES 1000

static uint64_t
rotate(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

/* splitmix64, as xoshiro's authors advise for its state. */
void
stats_dice_seed(struct stats_dice *d, uint64_t seed)
{
	for (int i = 0; i < 4; i++) {
		uint64_t z = seed += 0x9e3779b97f4a7c15u;

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
		z = (z ^ z >> 27) * 0x94d049bb133111ebu;
		d->s[i] = z ^ z >> 31;
	}
}

uint64_t
stats_dice_next(struct stats_dice *d)
{
	uint64_t *s = d->s;
	uint64_t result = rotate(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

/* In (0, 1]: a logarithm may be taken. */
static double
uniform(struct stats_dice *d)
{
	return (double)((stats_dice_next(d) >> 11) + 1) * 0x1p-53;
}

double
stats_dice_normal(struct stats_dice *d)
{
	double r = sqrt(-2 * log(uniform(d)));

	return r * cos(2 * 3.14159265358979323846 * uniform(d));
}

static int
ascending(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
middle(const double *sorted, size_t n)
{
	return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

double
stats_median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), ascending);
	return middle(v, n);
}

/* The value of a given rank, counted off; *rank becomes what is left. */
static size_t
ranked(const uint16_t *times, size_t *rank)
{
	size_t i = 0;

	while (*rank >= times[i])
		*rank -= times[i++];
	return i;
}

/*
 * The median of a resample of sorted values: it is enough to know how often
 * each one was drawn.
 */
static double
resample(const double *sorted, size_t n, struct stats_dice *d, uint16_t *times)
{
	size_t upper = n / 2;
	size_t lower = (n - 1) / 2;

	memset(times, 0, n * sizeof(*times));
	for (size_t i = 0; i < n; i++)
		/* the high half times n: no value is favoured by more than
		 * n / 2^32 */
		times[(stats_dice_next(d) >> 32) * n >> 32]++;
	return (sorted[ranked(times, &lower)] + sorted[ranked(times, &upper)]) /
	       2;
}

void
stats_bootstrap(
    const double *v, size_t n, struct stats_dice *d, double *out, size_t n_out)
{
	double sorted[STATS_PAIRS_MAX];
	uint16_t times[STATS_PAIRS_MAX];

	memcpy(sorted, v, n * sizeof(*v));
	qsort(sorted, n, sizeof(*sorted), ascending);
	for (size_t i = 0; i < n_out; i++)
		out[i] = resample(sorted, n, d, times);
	qsort(out, n_out, sizeof(*out), ascending);
}

struct stats_interval
stats_interval_of(const double *v, size_t n, double level, struct stats_dice *d,
    double *work, size_t n_work)
{
	struct stats_interval i;
	double sorted[STATS_PAIRS_MAX];
	size_t cut = (size_t)((1 - level) / 2 * (double)n_work);

	memcpy(sorted, v, n * sizeof(*v));
	i.median = stats_median(sorted, n);
	stats_bootstrap(v, n, d, work, n_work);
	i.low = work[cut];
	i.high = work[n_work - 1 - cut];
	return i;
}

enum stats_verdict
stats_judge(const struct stats_interval *i, size_t n, double limit)
{
	if (n < STATS_PAIRS_LEAST)
		return STATS_UNDECIDED;
	return i->high < limit	? STATS_WITHIN
	       : i->low > limit ? STATS_BEYOND
				: STATS_UNDECIDED;
}

uint64_t
stats_pairs_more(const struct stats_interval *i, size_t n, double limit)
{
	double room = fabs(limit - i->median);
	double half =
	    i->median < limit ? i->high - i->median : i->median - i->low;
	double factor = half / room;
	double more = ceil((double)n * (factor * factor - 1));
	double least =
	    n < STATS_PAIRS_LEAST ? (double)(STATS_PAIRS_LEAST - n) : 1;

	if (!(more < STATS_PAIRS_MAX)) /* no room at all is not a number */
		return STATS_PAIRS_MAX;
	return (uint64_t)(more < least ? least : more);
}

/* The density of t without its constant factor. */
static double
t_density(double t, double df)
{
	return exp(-(df + 1) / 2 * log1p(t * t / df));
}

/* The area from 0 to t, by Simpson's rule in ever wider steps: t = sinh(u). */
static double
t_area(double t, double df)
{
	enum { STEPS = 400 };
	double h = asinh(t) / STEPS;
	double sum = 0;

	for (int i = 0; i <= STEPS; i++) {
		double weight = i == 0 || i == STEPS ? 1 : i % 2 ? 4 : 2;

		sum += weight * t_density(sinh(i * h), df) * cosh(i * h);
	}
	return sum * h / 3;
}

double
stats_t_quantile(double p, size_t df)
{
	double n = (double)df;
	double whole = exp(lgamma(n / 2) - lgamma((n + 1) / 2)) *
		       sqrt(n * 3.14159265358979323846);
	double low = 0;
	double high = 1e6;

	for (int i = 0; i < 100; i++) {
		double t = (low + high) / 2;

		if (0.5 + t_area(t, n) / whole < p)
			low = t;
		else
			high = t;
	}
	return low;
}

/* `t` is the quantile that belongs to the level. */
static struct stats_interval
ratio_interval(const double *v, size_t n, double t)
{
	double mean = 0;
	double square = 0;
	double half;

	for (size_t i = 0; i < n; i++)
		mean += log(v[i]) / (double)n;
	for (size_t i = 0; i < n; i++)
		square += pow(log(v[i]) - mean, 2) / (double)(n - 1);
	half = t * sqrt(square / (double)n);
	return (struct stats_interval){ exp(mean), exp(mean - half),
		exp(mean + half) };
}

struct stats_interval
stats_ratio_interval(const double *v, size_t n, double level)
{
	return ratio_interval(v, n, stats_t_quantile((1 + level) / 2, n - 1));
}

static double
ratio(struct stats_dice *d, double effect, double sd, enum stats_noise noise)
{
	if (noise == STATS_TAILED && stats_dice_next(d) % 10 == 0)
		sd *= 5;
	return effect * exp(sd * stats_dice_normal(d));
}

int
stats_simulate(struct stats_tally *out, uint64_t runs, size_t n, double effect,
    double sd, enum stats_noise noise, double limit, double level,
    uint64_t seed)
{
	double pairs[STATS_PAIRS_MAX];
	double t = stats_t_quantile((1 + level) / 2, n - 1);
	double *work = malloc(SIMULATED_RESAMPLES * sizeof(*work));
	struct stats_dice d;

	if (!work)
		return -ENOMEM;
	*out = (struct stats_tally){ { 0 }, 0, 0 };
	stats_dice_seed(&d, seed);
	for (uint64_t run = 0; run < runs; run++) {
		struct stats_interval i;

		for (size_t k = 0; k < n; k++)
			pairs[k] = ratio(&d, effect, sd, noise);
		i = stats_interval_of(
		    pairs, n, 0.95, &d, work, SIMULATED_RESAMPLES);
		out->verdict[stats_judge(&i, n, limit)]++;
		out->covered += i.low <= effect && effect <= i.high;
		i = ratio_interval(pairs, n, t);
		out->refused += effect < i.low || effect > i.high;
	}
	free(work);
	return 0;
}
