/* SPDX-License-Identifier: Apache-2.0 */
/* Pages when memory runs out.  The linker leads the encoders' allocations
 * through here (--wrap), where one of them fails. */
#include "tests/expo_made.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

static bool counting;
static long fail_at, calls, live;

void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
void *__real_reallocarray(void *, size_t, size_t);
void __real_free(void *);
void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);
void *__wrap_reallocarray(void *, size_t, size_t);
void __wrap_free(void *);

static bool
fails(void)
{
	return counting && calls++ == fail_at;
}

static void *
counted(void *p)
{
	live += counting && p != NULL;
	return p;
}

void *
__wrap_malloc(size_t n)
{
	return fails() ? NULL : counted(__real_malloc(n));
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : counted(__real_calloc(n, size));
}

void *
__wrap_realloc(void *old, size_t n)
{
	if (fails())
		return NULL;
	return old == NULL ? counted(__real_malloc(n)) : __real_realloc(old, n);
}

void *
__wrap_reallocarray(void *old, size_t n, size_t size)
{
	void *p;

	if (fails())
		return NULL;
	p = __real_reallocarray(old, n, size);
	return old == NULL ? counted(p) : p;
}

void
__wrap_free(void *p)
{
	live -= counting && p != NULL;
	__real_free(p);
}

/* The sample and some of the random sets, half of them made from an earlier
 * page: every allocation fails once. */
START_TEST(a_page_that_cannot_be_made_leaves_nothing_behind)
{
	static struct expo_page *const untouched = (void *)&counting;
	static const uint32_t from[MADE_SOURCES] = { 0, 1, 2, 3 };
	struct expo_page *page = NULL, *earlier = NULL;
	struct made_set set;
	int err = -ENOMEM;

	if (_i == 0)
		made_sample(&set);
	else
		made_random(&set, (uint64_t)_i);
	if (_i % 2)
		ck_assert_int_eq(
		    expo_page_create(&earlier, set.sources, set.n), 0);
	for (fail_at = 0; err != 0; fail_at++) {
		page = untouched;
		calls = live = 0;
		counting = true;
		err = expo_page_renew(
		    &page, earlier, from, set.sources, set.n);
		counting = false;
		if (err == 0)
			break;
		ck_assert_int_eq(err, -ENOMEM);
		ck_assert_ptr_eq(page, untouched);
		ck_assert_int_eq(live, 0);
	}
	ck_assert_int_ge(fail_at, 4); /* it was tried */
	ck_assert_int_gt(live, 0);
	counting = true;
	expo_page_destroy(page);
	counting = false;
	ck_assert_int_eq(live, 0);
	expo_page_destroy(earlier);
	made_free(&set);
}
END_TEST

START_TEST(rendering_allocates_nothing)
{
	static char body[65536];
	struct expo_page *page;
	struct made_set set;

	made_sample(&set);
	ck_assert_int_eq(expo_page_create(&page, set.sources, set.n), 0);
	calls = 0;
	counting = true;
	for (int f = 0; f < EXPO_FORMATS; f++)
		expo_render(body, sizeof(body), page, (enum expo_format)f,
		    set.snapshots);
	counting = false;
	ck_assert_int_eq(calls, 0);
	expo_page_destroy(page);
	made_free(&set);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("expo_memory");
	TCase *tc = tcase_create("expo_memory");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tc,
	    a_page_that_cannot_be_made_leaves_nothing_behind, 0, 20);
	tcase_add_test(tc, rendering_allocates_nothing);
	suite_add_tcase(s, tc);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
