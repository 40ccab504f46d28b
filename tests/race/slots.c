/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slot that changes hands while it is read.  Each owner sets two gauges to
 * the same number; a reader that mixes two owners sees two numbers.
 */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smx/view.h"
#include "tests/segment_builder.h"

#define FILE_NAME "smx.race"
#define READINGS  20000

static struct build_dir dir;
static struct build b;
static uint32_t first, second;
static atomic_bool done;

static uint64_t
stored(uint64_t n)
{
	double value = (double)n;
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits ^ SMX_GAUGE_XOR;
}

/* As SEGMENT.md says: odd, change, even. */
static void *
take_over_and_over(void *arg)
{
	uint32_t *generation = &b.slots[0].generation;
	uint64_t *one = build_gauge_cell(&b, 0, first);
	uint64_t *two = build_gauge_cell(&b, 0, second);

	for (uint64_t n = 1; !atomic_load(&done); n++) {
		__atomic_fetch_add(generation, 1, __ATOMIC_ACQ_REL);
		__atomic_store_n(one, stored(n), __ATOMIC_RELEASE);
		__atomic_store_n(two, stored(n), __ATOMIC_RELEASE);
		__atomic_fetch_add(generation, 1, __ATOMIC_RELEASE);
		for (int i = (int)(n % 512); i > 0; i--)
			(void)__atomic_load_n(one, __ATOMIC_RELAXED);
	}
	return arg;
}

/* 1 if the slot was seen with its gauges, which agree. */
static int
look(struct smx_snapshot *shot, struct smx_view *view)
{
	const struct smx_series_info *s = smx_view_catalog(view)->series;
	double one, two;

	ck_assert_int_eq(smx_snapshot_take(shot, view, NULL), 0);
	if (shot->n_live == 0)
		return 0;
	ck_assert(smx_gauge_of(shot, &s[0], 0, &one));
	ck_assert(smx_gauge_of(shot, &s[1], 0, &two));
	ck_assert_double_eq(one, two);
	return 1;
}

START_TEST(gauges_are_of_one_owner)
{
	struct smx_snapshot shot = { 0 };
	struct smx_view *view;
	pthread_t thread;
	int lease, seen = 0;

	build_dir_make(&dir);
	build_begin(&b, NULL);
	first = build_gauge(&b, "first", SMX_GAUGE_EACH);
	b.next_gauge += 2048; /* far enough apart to be caught between */
	second = build_gauge(&b, "second", SMX_GAUGE_EACH);
	*build_gauge_cell(&b, 0, first) = stored(0);
	*build_gauge_cell(&b, 0, second) = stored(0);
	build_publish(&b);
	build_attach(&b, dir.fd, FILE_NAME);
	lease = build_lease(dir.fd, FILE_NAME, 0);
	ck_assert_int_eq(smx_view_open(&view, dir.fd, FILE_NAME, NULL, NULL),
	    0);
	ck_assert_int_eq(pthread_create(&thread, NULL, take_over_and_over,
	    NULL), 0);
	for (int i = 0; i < READINGS; i++)
		seen += look(&shot, view);
	atomic_store(&done, true);
	pthread_join(thread, NULL);
	ck_assert_int_eq(look(&shot, view), 1);
	ck_assert_int_gt(seen, 10);
	smx_snapshot_free(&shot);
	smx_view_close(view);
	close(lease);
	build_free(&b);
	build_dir_remove(&dir);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("slots");
	TCase *t = tcase_create("slots");
	SRunner *runner = srunner_create(s);
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, gauges_are_of_one_owner);
	suite_add_tcase(s, t);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
