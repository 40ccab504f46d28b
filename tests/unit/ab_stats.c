/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/ab/stats.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The mouse data of Efron & Tibshirani, An Introduction to the Bootstrap
 * (1993), table 2.1: survival in days, treatment group. */
static const double mouse[] = { 94, 197, 16, 38, 99, 141, 23 };

#define N_MOUSE 7
#define N_DRAWN 200000

static double *
mouse_medians(uint64_t seed)
{
	double *out = malloc(N_DRAWN * sizeof(*out));
	struct stats_dice d;

	stats_dice_seed(&d, seed);
	stats_bootstrap(mouse, N_MOUSE, &d, out, N_DRAWN);
	return out;
}

/* Table 2.2 there: 37.83 is the limit for ever more resamples. */
START_TEST(bootstrap_error_of_the_median_is_the_published_one)
{
	double *v = mouse_medians(1);
	double mean = 0, square = 0;

	for (size_t i = 0; i < N_DRAWN; i++)
		mean += v[i] / N_DRAWN;
	for (size_t i = 0; i < N_DRAWN; i++)
		square += (v[i] - mean) * (v[i] - mean) / (N_DRAWN - 1);
	ck_assert_double_eq_tol(sqrt(square), 37.83, 0.2);
	free(v);
}
END_TEST

/* Of seven values the median of a resample is the k-th smallest with these
 * probabilities (Efron, The Jackknife, the Bootstrap and Other Resampling
 * Plans, 1982). */
START_TEST(each_value_is_the_median_as_often_as_published)
{
	static const double p[] = { .0102, .0981, .2386, .3062, .2386, .0981,
		.0102 };
	double *v = mouse_medians(2);
	double sorted[N_MOUSE];

	memcpy(sorted, mouse, sizeof(mouse));
	stats_median(sorted, N_MOUSE);
	for (size_t k = 0; k < N_MOUSE; k++) {
		size_t n = 0;

		for (size_t i = 0; i < N_DRAWN; i++)
			n += v[i] == sorted[k];
		ck_assert_double_eq_tol((double)n / N_DRAWN, p[k], 0.004);
	}
	free(v);
}
END_TEST

START_TEST(same_seed_same_interval_other_seed_another)
{
	double *a = mouse_medians(3);
	double *b = mouse_medians(3);
	double *c = mouse_medians(4);

	ck_assert_int_eq(memcmp(a, b, N_DRAWN * sizeof(*a)), 0);
	ck_assert_int_ne(memcmp(a, c, N_DRAWN * sizeof(*a)), 0);
	free(a);
	free(b);
	free(c);
}
END_TEST

START_TEST(median_of_even_and_odd_numbers)
{
	double odd[] = { 5, 1, 3 };
	double even[] = { 4, 1, 3, 2 };

	ck_assert_double_eq(stats_median(odd, 3), 3);
	ck_assert_double_eq(stats_median(even, 4), 2.5);
}
END_TEST

/* Student's t as printed in every table (e.g. Abramowitz & Stegun 26.10). */
START_TEST(student_quantiles_are_those_of_the_tables)
{
	static const struct {
		double p;
		size_t df;
		double t;
	} rows[] = { { 0.975, 1, 12.706 }, { 0.975, 8, 2.306 },
		{ 0.95, 10, 1.812 }, { 0.995, 5, 4.032 }, { 0.9995, 8, 5.041 },
		{ 0.9995, 30, 3.646 }, { 0.975, 120, 1.980 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_double_eq_tol(
		    stats_t_quantile(rows[i].p, rows[i].df), rows[i].t, 0.0006);
}
END_TEST

/* exp of 0.01, 0.03, 0.05: mean 0.03, error 0.02 / sqrt(3), t of 2 degrees
 * 4.303 at 95 %. */
START_TEST(ratios_are_judged_by_their_logarithms)
{
	double v[] = { exp(0.01), exp(0.03), exp(0.05) };
	struct stats_interval i = stats_ratio_interval(v, 3, 0.95);
	double half = 4.3027 * 0.02 / sqrt(3);

	ck_assert_double_eq_tol(log(i.median), 0.03, 1e-9);
	ck_assert_double_eq_tol(log(i.low), 0.03 - half, 1e-5);
	ck_assert_double_eq_tol(log(i.high), 0.03 + half, 1e-5);
}
END_TEST

START_TEST(verdict_is_where_the_interval_lies)
{
	struct stats_interval below = { 1.00, 0.98, 1.049 };
	struct stats_interval above = { 1.10, 1.051, 1.20 };
	struct stats_interval across = { 1.00, 0.90, 1.10 };

	ck_assert_int_eq(stats_judge(&below, 9, 1.05), STATS_WITHIN);
	ck_assert_int_eq(stats_judge(&above, 9, 1.05), STATS_BEYOND);
	ck_assert_int_eq(stats_judge(&across, 9, 1.05), STATS_UNDECIDED);
}
END_TEST

START_TEST(few_pairs_decide_nothing)
{
	struct stats_interval clear = { 2, 1.99, 2.01 };

	ck_assert_int_eq(stats_judge(&clear, 5, 1.05), STATS_UNDECIDED);
	ck_assert_int_eq(stats_judge(&clear, 6, 1.05), STATS_BEYOND);
	ck_assert_uint_eq(stats_pairs_more(&clear, 2, 1.05), 4);
}
END_TEST

/* Twice too wide takes four times as many. */
START_TEST(pairs_needed_grow_with_the_square)
{
	struct stats_interval i = { 1.00, 0.90, 1.10 };
	struct stats_interval at_limit = { 1.05, 1.0, 1.1 };

	ck_assert_uint_eq(stats_pairs_more(&i, 10, 1.05), 30);
	ck_assert_uint_eq(
	    stats_pairs_more(&at_limit, 10, 1.05), STATS_PAIRS_MAX);
}
END_TEST

static struct stats_tally
simulated(size_t pairs, double effect, enum stats_noise noise)
{
	struct stats_tally t;

	ck_assert_int_eq(stats_simulate(&t, 2000, pairs, effect, 0.03, noise,
			     1.05, 0.999, 5),
	    0);
	return t;
}

/* At the criterion itself each of the two wrong answers may come in 2.5 % of
 * the runs, and somewhat more with so few pairs. */
START_TEST(false_alarms_stay_below_what_is_promised)
{
	for (int noise = STATS_NORMAL; noise <= STATS_TAILED; noise++) {
		struct stats_tally none =
		    simulated(9, 1.0, (enum stats_noise)noise);
		struct stats_tally limit =
		    simulated(9, 1.05, (enum stats_noise)noise);

		ck_assert_uint_le(none.verdict[STATS_BEYOND], 10);
		ck_assert_uint_le(limit.verdict[STATS_BEYOND], 100);
		ck_assert_uint_le(limit.verdict[STATS_WITHIN], 100);
		ck_assert_uint_le(none.refused, 10);
		ck_assert_uint_ge(none.covered, 1800);
	}
}
END_TEST

START_TEST(large_effects_are_found)
{
	ck_assert_uint_ge(
	    simulated(12, 1.2, STATS_NORMAL).verdict[STATS_BEYOND], 1990);
	ck_assert_uint_ge(
	    simulated(12, 1.0, STATS_NORMAL).verdict[STATS_WITHIN], 1800);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ab_stats");
	TCase *tc = tcase_create("core");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, bootstrap_error_of_the_median_is_the_published_one);
	tcase_add_test(tc, each_value_is_the_median_as_often_as_published);
	tcase_add_test(tc, same_seed_same_interval_other_seed_another);
	tcase_add_test(tc, median_of_even_and_odd_numbers);
	tcase_add_test(tc, student_quantiles_are_those_of_the_tables);
	tcase_add_test(tc, ratios_are_judged_by_their_logarithms);
	tcase_add_test(tc, verdict_is_where_the_interval_lies);
	tcase_add_test(tc, few_pairs_decide_nothing);
	tcase_add_test(tc, pairs_needed_grow_with_the_square);
	tcase_add_test(tc, false_alarms_stay_below_what_is_promised);
	tcase_add_test(tc, large_effects_are_found);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
