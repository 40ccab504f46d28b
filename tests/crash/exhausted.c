/* SPDX-License-Identifier: Apache-2.0 */
/* More processes than slots, more threads than lanes: nothing is lost. */
#include "tests/segment_live.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COUNTS	 5000
#define TOGETHER 1500000 /* long enough to run at once */

static const struct smx_options two_slots = { .slots = 2 };

/* 0: attach; else count that many. */
static int
in_few_slots(int step)
{
	static struct smx_counter c;
	static struct smx_gauge g;
	static struct smx_histogram h;
	int i, rc;

	if (step == 0) {
		rc = smx_attach("t", &two_slots);
		c = smx_counter("x_total", "x");
		g = smx_gauge("level", "x");
		h = smx_histogram_latency("x_seconds", "x");
		return c.cell == 0 ? -1 : rc;
	}
	for (i = 0; i < step; i++) {
		smx_inc(c);
		smx_observe(h, 3);
	}
	smx_set(g, 1);
	smx_gauge_add(g, 1);
	return 0;
}

static int
attach_fresh(void *arg)
{
	struct smx_options o = { .slots = 2, .flags = SMX_FRESH };

	(void)arg;
	return smx_attach("t", &o) == -EBUSY ? 0 : 1;
}

START_TEST(a_process_without_a_slot_counts_all_the_same)
{
	struct live_peer p[5];
	struct live l = { 0 };
	double v = 0;
	int i;

	for (i = 0; i < 5; i++)
		live_peer_start(&p[i], in_few_slots);
	for (i = 0; i < 5; i++)
		ck_assert_int_eq(live_peer_do(&p[i], 0), 0);
	for (i = 0; i < 5; i++)
		ck_assert_int_eq(live_peer_do(&p[i], COUNTS), 0);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 5 * COUNTS);
	ck_assert_uint_eq(live_count(&l, "x_seconds", NULL), 5 * COUNTS);
	ck_assert_uint_eq(live_sum(&l, "x_seconds", NULL), 15 * COUNTS);
	ck_assert_uint_eq(l.snap.n_live, 2);
	ck_assert_uint_eq(l.snap.state.crowd, 1);
	ck_assert_uint_eq(l.snap.state.no_slot, 3);
	ck_assert(live_gauge(&l, "level", NULL, &v) && v == 4);
	/* it counts as alive */
	live_peer_end(&p[0]);
	live_peer_end(&p[1]);
	ck_assert_int_eq(live_run(attach_fresh, NULL), 0);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(l.snap.n_live, 0);
	ck_assert_uint_eq(l.snap.state.crowd, 1);
	for (i = 2; i < 5; i++)
		live_peer_end(&p[i]);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(l.snap.state.crowd, 0);
	live_close(&l);
}
END_TEST

static struct smx_counter count;
static struct smx_histogram observed;
static pthread_barrier_t barrier;

static void *
count_together(void *arg)
{
	int i;

	(void)arg;
	smx_inc(count);
	(void)pthread_barrier_wait(&barrier); /* all have what lane they get */
	for (i = 1; i < TOGETHER; i++)
		smx_inc(count);
	for (i = 0; i < TOGETHER; i++)
		smx_observe(observed, (uint64_t)i);
	/* an update that meets another's claim does not ask; this one waits */
	(void)smx_thread_attach();
	(void)pthread_barrier_wait(&barrier);
	return NULL;
}

static void
count_in_threads(unsigned n)
{
	pthread_t threads[64];
	unsigned i;

	count = smx_counter("x_total", "x");
	observed = smx_histogram_latency("x_seconds", "x");
	REQUIRE(count.cell != 0 && observed.cell != 0);
	REQUIRE(pthread_barrier_init(&barrier, NULL, n) == 0);
	for (i = 0; i < n; i++)
		REQUIRE(pthread_create(&threads[i], NULL, count_together,
		    NULL) == 0);
	for (i = 0; i < n; i++)
		REQUIRE(pthread_join(threads[i], NULL) == 0);
}

START_TEST(threads_without_a_lane_share_one)
{
	struct smx_options o = { .lanes = 2 };
	struct live l = { 0 };

	ck_assert_int_eq(smx_attach("t", &o), 0);
	count_in_threads(8);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 8 * TOGETHER);
	ck_assert_uint_eq(live_count(&l, "x_seconds", NULL), 8 * TOGETHER);
	ck_assert_uint_eq(live_sum(&l, "x_seconds", NULL),
	    (uint64_t)8 * TOGETHER * (TOGETHER - 1) / 2);
	ck_assert_uint_eq(l.snap.state.no_lane, 6); /* threads, not tries */
	ck_assert_uint_eq(l.snap.state.lanes_owned, 0); /* all given back */
	live_close(&l);
}
END_TEST

static void *
hold_a_lane(void *arg)
{
	(void)arg;
	REQUIRE(smx_thread_attach() == 0);
	(void)pthread_barrier_wait(&barrier);
	(void)pthread_barrier_wait(&barrier);
	return NULL;
}

START_TEST(a_lane_that_becomes_free_is_taken_in_time)
{
	struct smx_options o = { .lanes = 1 };
	struct live l = { 0 };
	pthread_t holder;
	int i;

	ck_assert_int_eq(smx_attach("t", &o), 0);
	count = smx_counter("x_total", "x");
	ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, 2), 0);
	ck_assert_int_eq(pthread_create(&holder, NULL, hold_a_lane, NULL), 0);
	(void)pthread_barrier_wait(&barrier);
	ck_assert_int_eq(smx_thread_attach(), -ENOSPC);
	smx_inc(count);
	(void)pthread_barrier_wait(&barrier);
	ck_assert_int_eq(pthread_join(holder, NULL), 0);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(l.snap.state.lanes_owned, 0);
	for (i = 0; i < 2 * 4096; i++)
		smx_inc(count);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(l.snap.state.lanes_owned, 1);
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 2 * 4096 + 1);
	live_close(&l);
}
END_TEST

/* Holds its slot, or 8 lanes as well, until it is killed. */
static int
hold(int threads)
{
	struct smx_options o = { .lanes = 9 };
	pthread_t t;
	int i;

	if (smx_attach("t", &o) < 0)
		return 1;
	if (pthread_barrier_init(&barrier, NULL, (unsigned)threads + 1) != 0)
		return 2;
	for (i = 0; i < threads; i++)
		if (pthread_create(&t, NULL, hold_a_lane, NULL) != 0)
			return 3;
	(void)pthread_barrier_wait(&barrier);
	return 0;
}

/* The dead one's slot is not taken again, so nobody has swept its lanes. */
START_TEST(one_sweep_frees_all_lanes_of_the_dead)
{
	struct smx_options o = { .lanes = 9 };
	struct live_peer first, second;
	struct live l = { 0 };

	live_peer_start(&first, hold);
	live_peer_start(&second, hold);
	ck_assert_int_eq(live_peer_do(&first, 0), 0);
	ck_assert_int_eq(live_peer_do(&second, 8), 0);
	live_peer_end(&first);
	live_peer_end(&second);
	ck_assert_int_eq(smx_attach("t", &o), 0);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(l.snap.state.lanes_owned, 8);
	count_in_threads(9);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(l.snap.state.no_lane, 0);
	ck_assert_uint_eq(l.snap.state.adopted, 8);
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 9 * TOGETHER);
	live_close(&l);
}
END_TEST

/* The first thread here finds the one lane that is left. */
START_TEST(lanes_of_the_living_are_never_taken)
{
	struct smx_options o = { .lanes = 9 };
	struct live_peer peer;
	struct live l = { 0 };

	live_peer_start(&peer, hold);
	ck_assert_int_eq(live_peer_do(&peer, 8), 0);
	ck_assert_int_eq(smx_attach("t", &o), 0);
	count_in_threads(3);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(l.snap.state.lanes_owned, 8);
	ck_assert_uint_eq(l.snap.state.adopted, 0);
	ck_assert_uint_eq(l.snap.state.no_lane, 2);
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 3 * TOGETHER);
	live_peer_end(&peer);
	live_close(&l);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("exhausted");
	TCase *tc = live_case(s, "exhausted", 30);

	tcase_add_test(tc, a_process_without_a_slot_counts_all_the_same);
	tcase_add_test(tc, threads_without_a_lane_share_one);
	tcase_add_test(tc, a_lane_that_becomes_free_is_taken_in_time);
	tcase_add_test(tc, one_sweep_frees_all_lanes_of_the_dead);
	tcase_add_test(tc, lanes_of_the_living_are_never_taken);
	return live_main(s);
}
