/* SPDX-License-Identifier: Apache-2.0 */
/* Signal handlers that update while they interrupt updates, claims and
 * registrations. */
#include "tests/segment_live.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

#if defined(__x86_64__) && !defined(SMX__TSAN)
#define EXACT true
#else
#define EXACT false /* a handler's update of the same cell may be lost */
#endif

#define INTERVAL_US 40

static struct smx_counter count;
static struct smx_histogram observed;
static struct smx_gauge level;
static __thread int may_update; /* not before the thread says so */
static uint64_t handled;	/* atomic: any thread may be interrupted */

static void
on_alarm(int signal)
{
	(void)signal;
	if (!may_update)
		return;
	smx_inc(count);
	smx_observe(observed, 5);
	smx_gauge_add(level, 1);
	(void)__atomic_fetch_add(&handled, 1, __ATOMIC_RELAXED);
}

static void
set_timer(int us)
{
	struct itimerval t = { { .tv_usec = us }, { .tv_usec = us } };

	ck_assert_int_eq(setitimer(ITIMER_REAL, &t, NULL), 0);
}

/* No SA_RESTART: system calls of the library are broken off as well. */
static void
begin(void)
{
	struct sigaction sa = { .sa_handler = on_alarm };

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	ck_assert_int_eq(smx_thread_attach(), 0);
	count = smx_counter("x_total", "x");
	observed = smx_histogram_latency("x_seconds", "x");
	level = smx_gauge("level", "x");
	smx_set(level, 0);
	may_update = 1;
	ck_assert_int_eq(sigaction(SIGALRM, &sa, NULL), 0);
	set_timer(INTERVAL_US);
}

static uint64_t
handled_now(void)
{
	return __atomic_load_n(&handled, __ATOMIC_RELAXED);
}

static void
check(uint64_t by_program)
{
	struct live l = { 0 };
	uint64_t all;
	double v = 0;

	set_timer(0);
	all = by_program + handled_now();
	live_look(&l, "smx.t");
	if (EXACT) {
		ck_assert_uint_eq(live_cell(&l, "x_total", NULL), all);
		ck_assert_uint_eq(live_count(&l, "x_seconds", NULL), all);
		ck_assert_uint_eq(live_sum(&l, "x_seconds", NULL), all * 5);
		ck_assert_uint_eq(l.snap.approximate, 0); /* begin == end */
	}
	ck_assert(live_gauge(&l, "level", NULL, &v) && v == (double)all);
	ck_assert_uint_eq(l.snap.state.refused, 0);
	ck_assert_uint_eq(l.snap.state.no_lane, 0);
	live_close(&l);
}

START_TEST(handlers_that_interrupt_updates_lose_nothing)
{
	uint64_t i;

	begin();
	for (i = 0; handled_now() < 3000; i++) {
		smx_inc(count);
		smx_observe(observed, 5);
		smx_gauge_add(level, 1);
	}
	check(i);
}
END_TEST

START_TEST(handlers_that_interrupt_registrations_lose_nothing)
{
	char name[32];
	unsigned i;

	begin();
	for (i = 0; i < 1500 || handled_now() < 500; i++) {
		snprintf(name, sizeof(name), "n%u_total", i % 3000);
		ck_assert_uint_ne(smx_counter(name, "x").cell, 0);
	}
	check(0);
}
END_TEST

static void *
claim(void *arg)
{
	sigset_t *alarm_only = arg;

	(void)pthread_sigmask(SIG_UNBLOCK, alarm_only, NULL);
	may_update = 1;
	REQUIRE(smx_thread_attach() == 0); /* or its handler did it */
	smx_inc(count);
	smx_observe(observed, 5);
	smx_gauge_add(level, 1);
	(void)pthread_sigmask(SIG_BLOCK, alarm_only, NULL);
	return NULL; /* lane back, no handler between */
}

START_TEST(handlers_that_interrupt_claims_lose_nothing)
{
	sigset_t alarm_only;
	pthread_t t;
	uint64_t i;

	begin();
	(void)sigemptyset(&alarm_only);
	(void)sigaddset(&alarm_only, SIGALRM);
	(void)pthread_sigmask(SIG_BLOCK, &alarm_only, NULL);
	for (i = 0; i < 500; i++) {
		ck_assert_int_eq(pthread_create(&t, NULL, claim, &alarm_only),
		    0);
		ck_assert_int_eq(pthread_join(t, NULL), 0);
	}
	(void)pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL);
	check(i);
}
END_TEST

/* Lanes go back while the thread is still interrupted. */
static void *
live_and_die(void *arg)
{
	int i;

	(void)arg;
	REQUIRE(smx_thread_attach() == 0);
	may_update = 1;
	for (i = 0; i < 100; i++) {
		smx_inc(count);
		smx_observe(observed, 5);
		smx_gauge_add(level, 1);
	}
	return NULL;
}

START_TEST(handlers_in_threads_that_end_lose_nothing)
{
	pthread_t t[4];
	uint64_t i;
	int k;

	begin();
	for (i = 0; i < 100; i++) {
		for (k = 0; k < 4; k++)
			ck_assert_int_eq(pthread_create(&t[k], NULL,
			    live_and_die, NULL), 0);
		for (k = 0; k < 4; k++)
			ck_assert_int_eq(pthread_join(t[k], NULL), 0);
	}
	check(i * 400);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("signals");
	TCase *tc = live_case(s, "signals", 100);

	tcase_add_test(tc, handlers_that_interrupt_updates_lose_nothing);
	tcase_add_test(tc, handlers_that_interrupt_registrations_lose_nothing);
	tcase_add_test(tc, handlers_that_interrupt_claims_lose_nothing);
	tcase_add_test(tc, handlers_in_threads_that_end_lose_nothing);
	return live_main(s);
}
