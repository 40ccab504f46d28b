/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smx__bucket_of() against a search that knows only the bounds.
 */
#include <check.h>
#include <fenv.h>
#include <stdlib.h>
#include <string.h>

#include "libshm/src/bounds.h"
#include "libshm/src/index.h"

#define LARGEST ((UINT64_C(1) << 63) - 1)

static const double few[] = { 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
	2.5, 5, 10 };
static const double from_zero[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16 };
static const double one[] = { 0 };
/* closer together than any table tells apart, and rounded as doubles */
static const double close_up[] = { 1e15, 1e15 + 1, 1e15 + 2, 1e15 + 3, 1e15 + 7,
	4e18, 4e18 + 512, 4e18 + 1024, 4e18 + 1536 };

static const struct smx_desc cases[] = {
	{ .exponent = 9 },
	{ .exponent = 9, .bounds = few, .n_bounds = 11 },
	{ .exponent = 9, .bounds = few, .n_bounds = 11, .native = 1 },
	{ .bounds = from_zero, .n_bounds = 12 },
	{ .bounds = from_zero, .n_bounds = 12, .native = 1, .schema = 8,
	    .native_min = 1, .native_max = 1024 },
	{ .bounds = one, .n_bounds = 1 },
	{ .bounds = close_up, .n_bounds = 9 },
	{ .bounds = close_up, .n_bounds = 9, .native = 1, .schema = 8,
	    .native_min = 1, .native_max = 1e19 },
	{ .exponent = 9, .native = 1, .schema = -1 },
	{ .exponent = 9, .native = 1, .schema = 1 },
	{ .exponent = 9, .native = 1, .schema = 5 },
	{ .exponent = 9, .native = 1, .schema = 8 },
	{ .exponent = 9, .native = 1, .schema = 8, .native_min = 1e-9,
	    .native_max = 1e10 },
	{ .exponent = 18, .native = 1, .schema = 7, .native_min = 1e-18,
	    .native_max = 16 },
};
#define N_CASES ((int)(sizeof(cases) / sizeof(cases[0])))

static struct smx__bounds bounds;
static const struct smx__index *ix;

static void
set_up(int i)
{
	struct smx_error err = { 0 };

	ck_assert_msg(smx__bounds_make(&bounds, &cases[i], &err) == 0, "%s",
	    err.msg);
	ix = smx__index_get(bounds.buckets, bounds.n);
	ck_assert_ptr_nonnull(ix);
}

static uint64_t
by_search(uint64_t v)
{
	uint64_t low = 0;
	uint64_t high = bounds.n - 1;

	while (low < high) {
		uint64_t middle = (low + high) / 2;

		if (v <= bounds.buckets[middle].upper)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static void
same(uint64_t v)
{
	uint64_t got;

	if (v > LARGEST)
		return;
	got = smx__bucket_of(ix, v);
	if (got != by_search(v))
		ck_abort_msg("%llu is in bucket %llu, not %llu",
		    (unsigned long long)v, (unsigned long long)by_search(v),
		    (unsigned long long)got);
}

static void
all_that_matter(void)
{
	uint64_t x = 88172645463325252u;

	same(0);
	same(LARGEST);
	for (uint32_t i = 0; i < bounds.n; i++)
		for (uint64_t d = 0; d < 3; d++)
			same(bounds.buckets[i].upper + d - 1);
	for (int k = 0; k < 63; k++)
		for (uint64_t d = 0; d < 3; d++)
			same((UINT64_C(1) << k) + d - 1);
	for (uint64_t v = 0; v < 5000; v++)
		same(v);
	for (int i = 0; i < 200000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		same(x >> (1 + i % 63));
	}
}

START_TEST(finds_what_a_search_finds)
{
	set_up(_i);
	all_that_matter();
	smx__bounds_free(&bounds);
}
END_TEST

/* A service may set the rounding mode of its threads after registration. */
START_TEST(finds_it_in_every_rounding_mode)
{
	static const int modes[] = { FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO };

	set_up(_i);
	for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++) {
		ck_assert_int_eq(fesetround(modes[m]), 0);
		all_that_matter();
	}
	(void)fesetround(FE_TONEAREST);
	smx__bounds_free(&bounds);
}
END_TEST

START_TEST(shares_tables_of_equal_bounds)
{
	struct smx__bounds again;
	const struct smx__index *first;

	set_up(0);
	first = ix;
	ck_assert_int_eq(smx__bounds_make(&again, &cases[0], NULL), 0);
	/* the caller's copy may go */
	smx__bounds_free(&bounds);
	ck_assert_ptr_eq(smx__index_get(again.buckets, again.n), first);
	again.buckets[3].upper++;
	ck_assert_ptr_ne(smx__index_get(again.buckets, again.n), first);
	ck_assert_ptr_ne(smx__index_get(again.buckets + 1, again.n - 1),
	    first);
	smx__bounds_free(&again);
}
END_TEST

START_TEST(takes_a_single_bucket)
{
	static const struct smx_bucket all = { .upper = UINT64_MAX };

	ix = smx__index_get(&all, 1);
	ck_assert_uint_eq(smx__bucket_of(ix, 0), 0);
	ck_assert_uint_eq(smx__bucket_of(ix, 12345), 0);
	ck_assert_uint_eq(smx__bucket_of(ix, LARGEST), 0);
}
END_TEST

/* 2^60 - 20 is 2^60 as a double: looked up one position too high. */
START_TEST(allows_for_values_rounded_up)
{
	static struct smx_bucket raw[] = {
		{ .upper = (UINT64_C(1) << 60) - 10 },
		{ .upper = (UINT64_C(1) << 62) - 1 },
		{ .upper = UINT64_MAX },
	};

	bounds.buckets = raw;
	bounds.n = 3;
	ix = smx__index_get(raw, 3);
	for (uint64_t i = 0; i < 2; i++)
		for (uint64_t d = 0; d < 200; d++)
			same(raw[i].upper + 100 - d);
}
END_TEST

/* Positions of the table that need more than one comparison. */
static uint32_t
crowded(const struct smx__index *index)
{
	uint32_t count = 0;

	for (uint64_t v = 1; v <= LARGEST / 2; v += v / 300 + 1) {
		double d = (double)(int64_t)v;
		uint64_t bits;

		memcpy(&bits, &d, sizeof(bits));
		count += (((const uint16_t *)index->table)
		    [bits >> index->shift] & SMX__CROWD) != 0;
	}
	return count;
}

START_TEST(needs_one_step_up_to_schema_6)
{
	for (int schema = -1; schema <= 6; schema++) {
		struct smx_desc d = { .exponent = 9, .native = 1,
			.schema = schema };

		ck_assert_int_eq(smx__bounds_make(&bounds, &d, NULL), 0);
		ix = smx__index_get(bounds.buckets, bounds.n);
		ck_assert_uint_eq(crowded(ix), 0);
		smx__bounds_free(&bounds);
	}
	set_up(0);
	ck_assert_uint_eq(crowded(ix), 0);
	smx__bounds_free(&bounds);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("index");
	TCase *t = tcase_create("index");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, finds_what_a_search_finds, 0, N_CASES);
	tcase_add_loop_test(t, finds_it_in_every_rounding_mode, 0, N_CASES);
	tcase_add_test(t, shares_tables_of_equal_bounds);
	tcase_add_test(t, takes_a_single_bucket);
	tcase_add_test(t, allows_for_values_rounded_up);
	tcase_add_test(t, needs_one_step_up_to_schema_6);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
