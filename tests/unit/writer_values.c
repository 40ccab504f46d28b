/* SPDX-License-Identifier: Apache-2.0 */
/* What is updated is what is read. */
#include "tests/segment_live.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

START_TEST(counters_add_up)
{
	struct smx_counter c;
	struct live l = { 0 };

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	c = smx_counter("x_total", "x");
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 0);
	smx_inc(c);
	smx_add(c, 0);
	smx_add(c, UINT64_C(1) << 40);
	smx_add(c, 0x80000000u); /* no 32-bit immediate */
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL),
	    (UINT64_C(1) << 40) + 0x80000001u);
	live_close(&l);
}
END_TEST

START_TEST(gauges_are_unset_until_set)
{
	struct smx_gauge g, other;
	struct live l = { 0 };
	double v = 77;

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	g = smx_gauge("x", "x");
	other = smx_gauge("y", "y");
	live_look(&l, "smx.t");
	ck_assert(!live_gauge(&l, "x", NULL, &v));
	ck_assert(v == 77);
	smx_set(g, 0);
	live_look(&l, "smx.t");
	ck_assert(live_gauge(&l, "x", NULL, &v) && v == 0);
	ck_assert(!live_gauge(&l, "y", NULL, &v));
	smx_gauge_add(other, -2.5);
	smx_gauge_add(g, 0.25);
	live_look(&l, "smx.t");
	ck_assert(live_gauge(&l, "y", NULL, &v) && v == -2.5);
	ck_assert(live_gauge(&l, "x", NULL, &v) && v == 0.25);
	live_close(&l);
}
END_TEST

static struct smx_counter before, behind;
static struct smx_histogram between;
static pthread_barrier_t all_there;

static void *
use_a_lane(void *arg)
{
	smx_add(before, (uintptr_t)arg);
	smx_observe(between, 1000000 * (uintptr_t)arg);
	smx_add(behind, 100);
	pthread_barrier_wait(&all_there);
	return NULL;
}

/* However many are added up at a time. */
START_TEST(lanes_of_any_number_add_up)
{
	pthread_t threads[10];
	uintptr_t n = (uintptr_t)_i;
	struct live l = { 0 };

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	before = smx_counter("before_total", "x");
	between = smx_histogram_latency("between_seconds", "x");
	behind = smx_counter("behind_total", "x");
	pthread_barrier_init(&all_there, NULL, (unsigned)n);
	for (uintptr_t i = 0; i < n; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, use_a_lane,
		    (void *)(i + 1)), 0);
	for (uintptr_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "before_total", NULL), n * (n + 1) / 2);
	ck_assert_uint_eq(live_cell(&l, "behind_total", NULL), n * 100);
	ck_assert_uint_eq(live_count(&l, "between_seconds", NULL), n);
	ck_assert_uint_eq(live_sum(&l, "between_seconds", NULL),
	    1000000 * n * (n + 1) / 2);
	live_close(&l);
}
END_TEST

START_TEST(an_info_is_one)
{
	const struct smx_label labels[] = { { "version", "1.2" }, { 0 } };
	struct live l = { 0 };
	double v = 0;

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	ck_assert_int_eq(smx_info("x_build_info", "X.", labels), 0);
	live_look(&l, "smx.t");
	ck_assert(live_gauge(&l, "x_build_info", "1.2", &v) && v == 1);
	live_close(&l);
}
END_TEST

static const double odd[] = { -0.0, INFINITY, -INFINITY, 5e-324, 1e308, NAN };

START_TEST(gauges_keep_every_bit)
{
	struct smx_gauge g;
	struct live l = { 0 };
	double v = 1;

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	g = smx_gauge("x", "x");
	smx_set(g, odd[_i]);
	live_look(&l, "smx.t");
	ck_assert(live_gauge(&l, "x", NULL, &v));
	if (isnan(odd[_i]))
		ck_assert(isnan(v));
	else /* a sum with 0 makes -0 a 0 */
		ck_assert(v == odd[_i]);
	live_close(&l);
}
END_TEST

static int
set_gauges(int step)
{
	static const char *const names[] = { "sum", "min", "max", "each" };
	struct smx_desc d = { .help = "x" };
	struct smx_gauge g;
	int i;

	if (smx_attach("t", NULL) < 0)
		return -1;
	for (i = 0; i < 4; i++) {
		d.name = names[i];
		d.gauge_mode = i;
		if (smx_gauge_register(&g, &d, NULL) < 0)
			return -2;
		if (step)
			smx_set(g, step);
	}
	return 0;
}

START_TEST(gauges_of_live_processes_become_one)
{
	struct live_peer p[3];
	struct live l = { 0 };
	double v = 0;
	int i;

	for (i = 0; i < 3; i++)
		live_peer_start(&p[i], set_gauges);
	ck_assert_int_eq(live_peer_do(&p[0], 5), 0);
	ck_assert_int_eq(live_peer_do(&p[1], -3), 0);
	ck_assert_int_eq(live_peer_do(&p[2], 0), 0); /* sets none */
	live_look(&l, "smx.t");
	ck_assert_uint_eq(l.snap.n_live, 3);
	ck_assert(live_gauge(&l, "sum", NULL, &v) && v == 2);
	ck_assert(live_gauge(&l, "min", NULL, &v) && v == -3);
	ck_assert(live_gauge(&l, "max", NULL, &v) && v == 5);
	for (i = 0; i < 3; i++) {
		v = 0;
		ck_assert_int_eq(smx_gauge_of(&l.snap,
		    live_series(&l, "each", NULL), (uint32_t)i, &v), i < 2);
		ck_assert(v == (i == 0 ? 5 : i == 1 ? -3 : 0));
	}
	live_peer_end(&p[0]);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(l.snap.n_live, 2);
	ck_assert(live_gauge(&l, "sum", NULL, &v) && v == -3);
	live_peer_end(&p[1]);
	live_look(&l, "smx.t");
	ck_assert(!live_gauge(&l, "sum", NULL, &v));
	live_peer_end(&p[2]);
	live_close(&l);
}
END_TEST

static const double bounds[] = { 0, 1, 10, 100 };

START_TEST(explicit_buckets_hold_their_upper_bound)
{
	static const uint64_t values[] = { 0, 1, 2, 10, 11, 100, 101,
		(UINT64_C(1) << 63) - 1 };
	static const uint64_t expect[] = { 1, 1, 2, 2, 2 };
	struct smx_desc d = {
		.name = "x", .help = "x", .bounds = bounds, .n_bounds = 4 };
	struct smx_histogram h;
	struct live l = { 0 };
	uint64_t sum = 0;
	uint32_t i;

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	ck_assert_int_eq(smx_histogram_register(&h, &d, NULL), 0);
	for (i = 0; i < 8; i++) {
		smx_observe(h, values[i]);
		sum += values[i];
	}
	live_look(&l, "smx.t");
	for (i = 0; i < 5; i++)
		ck_assert_uint_eq(live_bucket(&l, "x", i), expect[i]);
	ck_assert_uint_eq(live_count(&l, "x", NULL), 8);
	ck_assert_uint_eq(live_sum(&l, "x", NULL), sum);
	ck_assert_uint_eq(l.snap.approximate, 0);
	live_close(&l);
}
END_TEST

/* Every value of a walk through 63 octaves is in the bucket that its bounds
 * say, in each of the kinds of histogram. */
static const struct smx_desc kinds[] = {
	{ .name = "x", .help = "x", .bounds = bounds, .n_bounds = 4 },
	{ .name = "x", .help = "x", .native = 1, .exponent = 9 },
	{ .name = "x", .help = "x", .native = 1, .schema = 8, .exponent = 9 },
	{ .name = "x", .help = "x", .native = 1, .schema = -1,
	  .native_min = 1, .native_max = 1e18 },
	{ .name = "x", .help = "x", .native = 1, .bounds = bounds,
	  .n_bounds = 4, .native_max = 1e6, .exponent = 3 },
	{ .name = "x", .help = "x", .exponent = 9 },
};

static uint32_t
bucket_by_search(const struct smx_family_info *f, uint64_t v)
{
	uint32_t i = 0;

	while (v > f->buckets[i].upper)
		i++;
	return i;
}

START_TEST(values_are_in_the_bucket_that_the_record_says)
{
	struct smx_histogram h;
	struct live l = { 0 };
	const struct smx_family_info *f;
	uint64_t expect[SMX_MAX_BUCKETS] = { 0 };
	uint64_t v, n = 0;
	uint32_t i;

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	ck_assert_int_eq(smx_histogram_register(&h, &kinds[_i], NULL), 0);
	live_look(&l, "smx.t");
	f = live_family(&l, "x");
	for (v = 0; v < UINT64_C(1) << 62; v += v / 50 + 1, n++) {
		smx_observe(h, v);
		expect[bucket_by_search(f, v)]++;
	}
	for (i = 0; i + 1 < f->n_buckets; i++, n += 2) {
		smx_observe(h, f->buckets[i].upper);
		expect[i]++;
		smx_observe(h, f->buckets[i].upper + 1);
		expect[bucket_by_search(f, f->buckets[i].upper + 1)]++;
	}
	live_look(&l, "smx.t");
	f = live_family(&l, "x");
	for (i = 0; i < f->n_buckets; i++)
		ck_assert_uint_eq(live_bucket(&l, "x", i), expect[i]);
	ck_assert_uint_eq(live_count(&l, "x", NULL), n);
	live_close(&l);
}
END_TEST

START_TEST(a_clock_that_ran_backwards_is_dropped_and_counted)
{
	struct smx_histogram h;
	struct live l = { 0 };

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	h = smx_histogram_latency("x_seconds", "x");
	smx_observe(h, UINT64_C(1) << 63);
	smx_observe(h, UINT64_MAX);
	smx_observe_since(h, smx_ticks() + 1000000000);
	smx_observe(h, (UINT64_C(1) << 63) - 1);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(l.snap.state.dropped, 3);
	ck_assert_uint_eq(live_count(&l, "x_seconds", NULL), 1);
	ck_assert_uint_eq(live_sum(&l, "x_seconds", NULL),
	    (UINT64_C(1) << 63) - 1);
	live_close(&l);
}
END_TEST

START_TEST(latency_measures_time)
{
	struct smx_histogram h;
	struct live l = { 0 };
	struct timespec pause = { .tv_nsec = 20000000 };
	uint64_t t0;

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	h = smx_histogram_latency("x_seconds", "x");
	t0 = smx_ticks();
	nanosleep(&pause, NULL);
	smx_observe_since(h, t0);
	live_look(&l, "smx.t");
	ck_assert_uint_ge(live_sum(&l, "x_seconds", NULL), 19900000);
	ck_assert_uint_lt(live_sum(&l, "x_seconds", NULL), 2000000000);
	ck_assert_int_eq(live_family(&l, "x_seconds")->exponent, 9);
	live_close(&l);
}
END_TEST

START_TEST(handles_of_fixed_labels_are_apart)
{
	struct smx_label red[] = { { "colour", "red" }, { 0 } };
	struct smx_label blue[] = { { "colour", "blue" }, { 0 } };
	struct smx_desc d = { .name = "x_total", .help = "x", .labels = red };
	struct smx_counter a, b;
	struct live l = { 0 };

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	ck_assert_int_eq(smx_counter_register(&a, &d, NULL), 0);
	d.labels = blue;
	ck_assert_int_eq(smx_counter_register(&b, &d, NULL), 0);
	smx_add(a, 3);
	smx_add(b, 4);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", "red"), 3);
	ck_assert_uint_eq(live_cell(&l, "x_total", "blue"), 4);
	ck_assert_uint_eq(l.snap.catalog->n_families, 1);
	live_close(&l);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("writer_values");
	TCase *tc = live_case(s, "values", 30);

	tcase_add_test(tc, counters_add_up);
	tcase_add_loop_test(tc, lanes_of_any_number_add_up, 1, 11);
	tcase_add_test(tc, an_info_is_one);
	tcase_add_test(tc, gauges_are_unset_until_set);
	tcase_add_loop_test(tc, gauges_keep_every_bit, 0,
	    sizeof(odd) / sizeof(odd[0]));
	tcase_add_test(tc, gauges_of_live_processes_become_one);
	tcase_add_test(tc, explicit_buckets_hold_their_upper_bound);
	tcase_add_loop_test(tc, values_are_in_the_bucket_that_the_record_says,
	    0, sizeof(kinds) / sizeof(kinds[0]));
	tcase_add_test(tc, a_clock_that_ran_backwards_is_dropped_and_counted);
	tcase_add_test(tc, latency_measures_time);
	tcase_add_test(tc, handles_of_fixed_labels_are_apart);
	return live_main(s);
}
