/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_AB_STATS_H
#define BENCH_AB_STATS_H
/*
 * stats -- what pairs of measurements say.
 *
 * A pair is one ratio (with / without) or one difference.  The effect is the
 * median of the pairs, its uncertainty the percentile bootstrap interval of
 * that median (Efron 1979): nothing is assumed about how they are spread.
 *
 * Thread   any; pure.
 */
#include <stddef.h>
#include <stdint.h>

#define STATS_PAIRS_MAX 4096
/* Of fewer pairs not even all values together hold the true median at 95 %:
 * five all lie on one side of it once in 16 times. */
#define STATS_PAIRS_LEAST 6

struct stats_interval {
	double median;
	double low;
	double high;
};

enum stats_verdict { STATS_WITHIN, STATS_BEYOND, STATS_UNDECIDED };

/* A reproducible stream of numbers (xoshiro256**), from any seed. */
struct stats_dice {
	uint64_t s[4];
};

void stats_dice_seed(struct stats_dice *d, uint64_t seed);
uint64_t stats_dice_next(struct stats_dice *d);
double stats_dice_normal(struct stats_dice *d);

/* stats_median -- of n > 0 values, which are sorted in place. */
double stats_median(double *v, size_t n);

/*
 * stats_bootstrap -- the medians of `n_out` samples of n, drawn from v with
 * replacement, in ascending order.  n in [1, STATS_PAIRS_MAX].
 */
void stats_bootstrap(
    const double *v, size_t n, struct stats_dice *d, double *out, size_t n_out);

/*
 * stats_interval_of -- median and interval at `level` (0.95).
 *
 * `work` holds n_work > 1 values: one for each resample.
 */
struct stats_interval stats_interval_of(const double *v, size_t n, double level,
    struct stats_dice *d, double *work, size_t n_work);

/*
 * stats_judge -- where the interval lies, seen from `limit`.
 *
 * Within   all of it is below;  beyond  all of it is above.  Fewer than
 * STATS_PAIRS_LEAST pairs decide nothing.
 */
enum stats_verdict stats_judge(
    const struct stats_interval *i, size_t n, double limit);

/*
 * stats_pairs_more -- about how many more pairs an undecided one takes.
 *
 * The width of an interval goes with 1 / sqrt(n); it has to fit between the
 * median and the limit.  At most STATS_PAIRS_MAX; at least 1, and what is
 * missing to STATS_PAIRS_LEAST.
 */
uint64_t stats_pairs_more(
    const struct stats_interval *i, size_t n, double limit);

/*
 * stats_t_quantile -- of Student's t with `df` degrees of freedom; p in
 * [0.5, 1), exact to about 1e-6.
 */
double stats_t_quantile(double p, size_t df);

/*
 * stats_ratio_interval -- mean and Student interval of ratios, taken of their
 * logarithms.
 *
 * Reaches levels that a few pairs cannot give a bootstrap: of nine, the
 * extremes leave out the true median once in 256 times.  n >= 2, v > 0.
 */
struct stats_interval stats_ratio_interval(
    const double *v, size_t n, double level);

/* How the blocks of a simulated machine scatter. */
enum stats_noise {
	STATS_NORMAL, /* log-normal */
	STATS_TAILED  /* and one block in ten scatters five times as much */
};

/* What came out of many simulated comparisons. */
struct stats_tally {
	uint64_t verdict[3]; /* by enum stats_verdict */
	uint64_t covered;    /* intervals that held the true ratio */
	uint64_t refused;    /* Student intervals at `level` that did not */
};

/*
 * stats_simulate -- compare `runs` times, with n pairs of ratios around
 * `effect` whose logarithm scatters by `sd`.  `level` is that of the controls.
 * Errors   -ENOMEM.
 */
int stats_simulate(struct stats_tally *out, uint64_t runs, size_t n,
    double effect, double sd, enum stats_noise noise, double limit,
    double level, uint64_t seed);

#endif
