/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of one process: every update of a private ledger is in the
 * segment, no more and no less. */
#include "tests/segment_live.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS 8
#define METRICS 24
#define STEPS	4000

struct sums {
	uint64_t count[METRICS], labelled[METRICS];
	uint64_t n[METRICS], sum[METRICS];
	double gauge;
};

struct work {
	uint64_t seed;
	struct sums sums;
};

static struct smx_counter
some_counter(unsigned k)
{
	char name[32];

	snprintf(name, sizeof(name), "c%u_total", k);
	return smx_counter(name, "x");
}

static struct smx_histogram
some_histogram(unsigned k)
{
	char name[32];

	snprintf(name, sizeof(name), "h%u_seconds", k);
	return smx_histogram_latency(name, "x");
}

static struct smx_counter_family
the_family(void)
{
	static const char *const names[] = { "k", NULL };
	struct smx_desc d = { .name = "f_total", .help = "x",
		.label_names = names };
	struct smx_counter_family f;

	REQUIRE(smx_counter_family(&f, &d, NULL) == 0);
	return f;
}

static struct smx_counter
some_value(struct smx_counter_family f, unsigned k)
{
	char value[16];
	const char *values[] = { value };

	snprintf(value, sizeof(value), "v%u", k);
	return smx_counter_with(f, values);
}

/* Registers what it comes across, while the others do the same. */
static void *
work(void *arg)
{
	struct work *w = arg;
	struct sums *s = &w->sums;
	struct smx_counter_family f = the_family();
	struct smx_gauge g = smx_gauge("g", "x");
	int i;

	for (i = 0; i < STEPS; i++) {
		uint64_t r = live_random(&w->seed);
		unsigned k = (unsigned)(r >> 8) % METRICS;
		uint64_t v = r >> 40;

		switch (r % 4) {
		case 0:
			smx_add(some_counter(k), v);
			s->count[k] += v;
			break;
		case 1:
			smx_observe(some_histogram(k), v);
			s->n[k]++;
			s->sum[k] += v;
			break;
		case 2:
			smx_inc(some_value(f, k));
			s->labelled[k]++;
			break;
		default:
			smx_gauge_add(g, (double)(v % 16));
			s->gauge += (double)(v % 16);
		}
	}
	return NULL;
}

static void
check_one(const struct live *l, const struct sums *s, unsigned k)
{
	char name[32];

	snprintf(name, sizeof(name), "c%u_total", k);
	ck_assert_uint_eq(live_cell(l, name, NULL), s->count[k]);
	snprintf(name, sizeof(name), "h%u_seconds", k);
	ck_assert_uint_eq(live_count(l, name, NULL), s->n[k]);
	ck_assert_uint_eq(live_sum(l, name, NULL), s->sum[k]);
	snprintf(name, sizeof(name), "v%u", k);
	ck_assert_uint_eq(live_cell(l, "f_total", name), s->labelled[k]);
}

static void
add_up(struct sums *all, const struct sums *s)
{
	unsigned k;

	for (k = 0; k < METRICS; k++) {
		all->count[k] += s->count[k];
		all->labelled[k] += s->labelled[k];
		all->n[k] += s->n[k];
		all->sum[k] += s->sum[k];
	}
	all->gauge += s->gauge;
}

START_TEST(threads_that_register_and_update_lose_nothing)
{
	static struct work works[THREADS];
	static struct sums all;
	pthread_t threads[THREADS];
	struct live l = { 0 };
	double v = 0;
	unsigned i;

	/* _i: 0 lanes for all, 1 most share the overflow lane */
	struct smx_options o = { .lanes = _i ? 2 : 0 };

	ck_assert_int_eq(smx_attach("t", &o), 0);
	for (i = 0; i < THREADS; i++) {
		works[i].seed = 1000 + i;
		ck_assert_int_eq(pthread_create(&threads[i], NULL, work,
		    &works[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		add_up(&all, &works[i].sums);
	}
	live_look(&l, "smx.t");
	for (i = 0; i < METRICS; i++)
		check_one(&l, &all, i);
	ck_assert(live_gauge(&l, "g", NULL, &v) && v == all.gauge);
	ck_assert_uint_eq(l.snap.state.refused, 0);
	ck_assert_uint_eq(l.snap.catalog->n_series, 3 * METRICS + 1);
	live_close(&l);
}
END_TEST

static struct smx_counter count;
static struct smx_histogram observed;

static void *
short_life(void *arg)
{
	(void)arg;
	smx_inc(count);
	smx_observe(observed, 7);
	return NULL;
}

START_TEST(a_thousand_threads_one_after_the_other)
{
	struct live l = { 0 };
	pthread_t t;
	int i;

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	count = smx_counter("x_total", "x");
	observed = smx_histogram_latency("x_seconds", "x");
	for (i = 0; i < 1000; i++) {
		ck_assert_int_eq(pthread_create(&t, NULL, short_life, NULL),
		    0);
		ck_assert_int_eq(pthread_join(t, NULL), 0);
	}
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 1000);
	ck_assert_uint_eq(live_count(&l, "x_seconds", NULL), 1000);
	ck_assert_uint_eq(l.snap.state.no_lane, 0);
	ck_assert_uint_eq(l.snap.state.lanes_owned, 0);
	live_close(&l);
}
END_TEST

static pthread_barrier_t barrier;
static struct smx_gauge level;

static void *
raise_level(void *arg)
{
	int i;

	(void)pthread_barrier_wait(&barrier);
	for (i = 0; i < 200000; i++)
		smx_gauge_add(level, 1);
	return arg;
}

START_TEST(threads_that_add_to_one_gauge_lose_nothing)
{
	struct live l = { 0 };
	pthread_t t[4];
	double v = 0;
	int i;

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	level = smx_gauge("level", "x");
	ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, 4), 0);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, raise_level,
		    NULL), 0);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_join(t[i], NULL), 0);
	live_look(&l, "smx.t");
	ck_assert(live_gauge(&l, "level", NULL, &v) && v == 800000);
	live_close(&l);
}
END_TEST

static void *
meet_and_count(void *arg)
{
	int i;

	(void)pthread_barrier_wait(&barrier);
	for (i = 0; i < 500; i++)
		short_life(arg);
	return NULL;
}

START_TEST(a_hundred_threads_at_once)
{
	struct live l = { 0 };
	pthread_t t[100];
	int i;

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	count = smx_counter("x_total", "x");
	observed = smx_histogram_latency("x_seconds", "x");
	ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, 100), 0);
	for (i = 0; i < 100; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, meet_and_count,
		    NULL), 0);
	for (i = 0; i < 100; i++)
		ck_assert_int_eq(pthread_join(t[i], NULL), 0);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 50000);
	ck_assert_uint_eq(live_count(&l, "x_seconds", NULL), 50000);
	ck_assert_uint_eq(live_sum(&l, "x_seconds", NULL), 350000);
	ck_assert_uint_eq(l.snap.state.lanes_owned, 0);
	live_close(&l);
}
END_TEST

static void *
attach_too(void *arg)
{
	(void)pthread_barrier_wait(&barrier);
	*(int *)arg = smx_attach("t", NULL);
	smx_inc(smx_counter("x_total", "x"));
	return NULL;
}

START_TEST(threads_that_attach_at_once_all_may)
{
	struct live l = { 0 };
	pthread_t t[8];
	int rc[8], i;

	ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, 8), 0);
	for (i = 0; i < 8; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, attach_too,
		    &rc[i]), 0);
	for (i = 0; i < 8; i++) {
		ck_assert_int_eq(pthread_join(t[i], NULL), 0);
		ck_assert_int_eq(rc[i], 0);
	}
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 8);
	ck_assert_uint_eq(l.snap.n_live, 1);
	live_close(&l);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("threads");
	TCase *tc = live_case(s, "threads", 110);

	tcase_add_loop_test(tc, threads_that_register_and_update_lose_nothing,
	    0, 2);
	tcase_add_test(tc, a_thousand_threads_one_after_the_other);
	tcase_add_test(tc, a_hundred_threads_at_once);
	tcase_add_test(tc, threads_that_add_to_one_gauge_lose_nothing);
	tcase_add_test(tc, threads_that_attach_at_once_all_may);
	return live_main(s);
}
