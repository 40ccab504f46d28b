/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "libshm/src/ticks.h"

#define N_THREADS 4

START_TEST(ticks_are_nanoseconds_before_calibration)
{
	uint64_t before = smx__clock_ns();
	uint64_t ticks = smx_ticks();
	uint64_t after = smx__clock_ns();

	ck_assert_uint_eq(smx__ticks_mult, 0);
	ck_assert_uint_le(before, ticks);
	ck_assert_uint_le(ticks, after);
	ck_assert_uint_eq(smx_ticks_ns(12345), 12345);
}
END_TEST

START_TEST(calibrates_once)
{
	uint64_t start = smx__clock_ns();
	uint64_t mult;

	smx__ticks_calibrate();
	/* 2 ms, and what the machine may take the CPU away for */
	ck_assert_uint_lt(smx__clock_ns() - start, 100000000);
	mult = smx__ticks_mult;
	start = smx__clock_ns();
	for (int i = 0; i < 1000; i++)
		smx__ticks_calibrate();
	ck_assert_uint_lt(smx__clock_ns() - start, 10000000);
	ck_assert_uint_eq(smx__ticks_mult, mult);
}
END_TEST

/* Both clocks over the same stretch, for as long as it takes to tell a part
 * in a thousand; a reading that was interrupted is taken again. */
START_TEST(agrees_with_the_clock)
{
	int agreed = 0;

	smx__ticks_calibrate();
	for (int i = 0; i < 20 && !agreed; i++) {
		uint64_t ns = smx__clock_ns();
		uint64_t ticks = smx_ticks();

		while (smx__clock_ns() - ns < 5000000)
			;
		ticks = smx_ticks_ns(smx_ticks() - ticks);
		ns = smx__clock_ns() - ns;
		agreed = ticks > ns - ns / 1000 && ticks < ns + ns / 1000;
	}
	ck_assert(agreed);
}
END_TEST

START_TEST(shows_time_that_ran_backwards)
{
	smx__ticks_calibrate();
	ck_assert_uint_ge(smx_ticks_ns((uint64_t)-5), UINT64_C(1) << 63);
	ck_assert_uint_eq(smx_ticks_ns(0), 0);
}
END_TEST

static void *
calibrate_and_read(void *arg)
{
	uint64_t *mult = arg;

	smx__ticks_calibrate();
	*mult = __atomic_load_n(&smx__ticks_mult, __ATOMIC_RELAXED);
	return NULL;
}

START_TEST(all_threads_get_the_same_rate)
{
	pthread_t threads[N_THREADS];
	uint64_t mult[N_THREADS];

	for (int i = 0; i < N_THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL,
		    calibrate_and_read, &mult[i]), 0);
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 1; i < N_THREADS; i++)
		ck_assert_uint_eq(mult[i], mult[0]);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ticks");
	TCase *t = tcase_create("ticks");
	SRunner *r;
	int failed;

	/* each in a process of its own: the rate is found once */
	tcase_set_timeout(t, 30);
	tcase_add_test(t, ticks_are_nanoseconds_before_calibration);
	tcase_add_test(t, calibrates_once);
	tcase_add_test(t, agrees_with_the_clock);
	tcase_add_test(t, shows_time_that_ran_backwards);
	tcase_add_test(t, all_threads_get_the_same_rate);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_set_fork_status(r, CK_FORK);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
