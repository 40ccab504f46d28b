/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that end: in their destructors, cancelled, after a detach. */
#include "tests/segment_live.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>

static struct smx_counter count;
static pthread_barrier_t barrier;

#define LAST_WORDS 10000

/* Updates in destructors of the thread, after the lane was given back. */
static pthread_key_t last_words;

static void
say_last_words(void *arg)
{
	uintptr_t left = (uintptr_t)arg;
	int i;

	/* more than once in so many updates a thread asks for a lane */
	for (i = 0; i < LAST_WORDS; i++)
		smx_inc(count);
	if (left > 1)
		(void)pthread_setspecific(last_words, (void *)(left - 1));
}

static void *
die_talking(void *arg)
{
	if (arg) /* else the first update is in the destructor */
		smx_inc(count);
	REQUIRE(pthread_setspecific(last_words,
	    (void *)(uintptr_t)PTHREAD_DESTRUCTOR_ITERATIONS) == 0);
	return NULL;
}

START_TEST(updates_in_thread_destructors_count)
{
	struct live l = { 0 };
	pthread_t t;
	int i;

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	ck_assert_int_eq(pthread_key_create(&last_words, say_last_words), 0);
	count = smx_counter("x_total", "x");
	for (i = 0; i < 200; i++) {
		ck_assert_int_eq(pthread_create(&t, NULL, die_talking,
		    i % 2 ? &l : NULL), 0);
		ck_assert_int_eq(pthread_join(t, NULL), 0);
	}
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL),
	    100 + UINT64_C(200) * PTHREAD_DESTRUCTOR_ITERATIONS * LAST_WORDS);
	ck_assert_uint_eq(l.snap.state.lanes_owned, 0);
	ck_assert_uint_eq(l.snap.state.no_lane, 0);
	live_close(&l);
}
END_TEST

/* Cancellation points are inside the first update and in registration.
 * Unwinding past this frame, ASan would keep its stack marked. */
__attribute__((no_sanitize("address"))) static void *
be_cancelled(void *arg)
{
	char name[32];

	REQUIRE(pthread_cancel(pthread_self()) == 0);
	smx_inc(count);
	snprintf(name, sizeof(name), "n%d_total", *(int *)arg);
	smx_inc(smx_counter(name, "x"));
	pthread_testcancel();
	return (void *)1;
}

START_TEST(a_cancelled_thread_ends_outside_the_library)
{
	struct live l = { 0 };
	pthread_t t;
	void *result;
	int i;

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	count = smx_counter("x_total", "x");
	for (i = 0; i < 50; i++) {
		ck_assert_int_eq(pthread_create(&t, NULL, be_cancelled, &i),
		    0);
		ck_assert_int_eq(pthread_join(t, &result), 0);
		ck_assert_ptr_eq(result, PTHREAD_CANCELED);
	}
	smx_inc(smx_counter("y_total", "the lock is free"));
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 50);
	ck_assert_uint_eq(live_cell(&l, "n49_total", NULL), 1);
	ck_assert_uint_eq(live_cell(&l, "y_total", NULL), 1);
	ck_assert_uint_eq(l.snap.state.lanes_owned, 1);
	live_close(&l);
}
END_TEST

/* A thread that had a lane before detach, and a handle from after. */
static struct smx_counter far;

static void *
outlive_detach(void *arg)
{
	(void)arg;
	smx_inc(count);
	(void)pthread_barrier_wait(&barrier);
	(void)pthread_barrier_wait(&barrier); /* detached, attached */
	smx_inc(far);			      /* nowhere, but safely */
	REQUIRE(smx_thread_attach() == 0);
	smx_inc(far);
	return NULL;
}

START_TEST(threads_outlive_detach)
{
	struct live l = { 0 };
	pthread_t t;
	char name[32];
	int i;

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	count = smx_counter("x_total", "x");
	ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, 2), 0);
	ck_assert_int_eq(pthread_create(&t, NULL, outlive_detach, NULL), 0);
	(void)pthread_barrier_wait(&barrier);
	smx_detach();
	ck_assert_int_eq(smx_attach("t", NULL), 0);
	for (i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "c%d_total", i);
		far = smx_counter(name, "x");
	}
	(void)pthread_barrier_wait(&barrier);
	ck_assert_int_eq(pthread_join(t, NULL), 0);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 1);
	ck_assert_uint_eq(live_cell(&l, "c1999_total", NULL), 1);
	ck_assert_uint_eq(l.snap.state.lanes_owned, 0);
	live_close(&l);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("thread_ends");
	TCase *tc = live_case(s, "thread_ends", 110);

	tcase_add_test(tc, updates_in_thread_destructors_count);
	tcase_add_test(tc, a_cancelled_thread_ends_outside_the_library);
	tcase_add_test(tc, threads_outlive_detach);
	return live_main(s);
}
