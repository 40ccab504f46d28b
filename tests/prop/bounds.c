/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Native bounds against two judges that share nothing with them: whole
 * numbers of any length in Python, and the rule by which Prometheus clients
 * sort doubles.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshm/src/bounds.h"

struct range {
	int exponent, lo, hi;
};

/* Nanoseconds, the smallest and the largest scales, powers that merge to 0,
 * values that end before the range does. */
static const struct range ranges[] = {
	{ 9, -20, 4 }, { 0, 0, 20 }, { 0, -3, 3 }, { 3, -20, 4 },
	{ 4, -8, 2 }, { 6, -30, -10 }, { 18, 1, 5 }, { -6, 17, 23 },
	{ -18, 58, 64 }, { 9, 31, 40 },
};
#define N_RANGES (sizeof(ranges) / sizeof(ranges[0]))

static void
make(struct smx__bounds *b, const struct range *r, int schema)
{
	struct smx_desc d = {
		.native = 1, .schema = schema == 0 ? -1 : schema,
		.exponent = r->exponent, .native_min = ldexp(1, r->lo),
		.native_max = ldexp(1, r->hi),
	};
	struct smx_error err = { 0 };

	ck_assert_msg(smx__bounds_make(b, &d, &err) == 0, "%s", err.msg);
}

static FILE *
reference(int schema)
{
	char command[1024];
	int len = snprintf(command, sizeof(command),
	    "python3 '" BOUNDS_REFERENCE "' %d", schema);

	for (size_t i = 0; i < N_RANGES; i++)
		len += snprintf(command + len, sizeof(command) - (size_t)len,
		    " %d:%d:%d", ranges[i].exponent, ranges[i].lo,
		    ranges[i].hi);
	return popen(command, "r");
}

static void
read_bucket(FILE *f, struct smx_bucket *b)
{
	unsigned long long upper;
	char native[32];
	int power;

	ck_assert_int_eq(fscanf(f, "%llu %31s %d", &upper, native, &power), 3);
	b->upper = upper;
	b->native = strcmp(native, "zero") == 0 ? SMX_NATIVE_ZERO
						: atoi(native);
	b->flags = power ? SMX_BUCKET_POWER : 0;
}

START_TEST(equals_whole_number_arithmetic)
{
	FILE *f = reference(_i);

	ck_assert_ptr_nonnull(f);
	for (size_t i = 0; i < N_RANGES; i++) {
		struct smx__bounds b;
		struct smx_bucket expected;
		int head[3];

		ck_assert_int_eq(fscanf(f, "%d %d %d", &head[0], &head[1],
		    &head[2]), 3);
		ck_assert_int_eq(head[0], ranges[i].exponent);
		ck_assert_int_eq(head[1], ranges[i].lo);
		make(&b, &ranges[i], _i);
		for (uint32_t k = 0; k < b.n; k++) {
			read_bucket(f, &expected);
			ck_assert_uint_eq(b.buckets[k].upper, expected.upper);
			ck_assert_int_eq(b.buckets[k].native, expected.native);
			ck_assert_uint_eq(b.buckets[k].flags, expected.flags);
		}
		ck_assert_uint_eq(expected.upper, UINT64_MAX);
		smx__bounds_free(&b);
	}
	ck_assert_int_eq(pclose(f), 0);
}
END_TEST

/* The index as Prometheus clients find it, for v > 0. */
static int32_t
index_by_frexp(double v, int schema)
{
	int exp;
	double part = frexp(v, &exp);
	int32_t k = 0;

	if (schema == 0)
		return part == 0.5 ? exp - 1 : exp;
	while (k < 1 << schema && exp2(ldexp(k, -schema) - 1) < part)
		k++;
	return k + (exp - 1) * (1 << schema);
}

START_TEST(sorts_doubles_as_prometheus_does)
{
	static const struct range r = { 0, 0, 45 };
	struct smx__bounds b;

	make(&b, &r, _i);
	for (uint32_t k = 1; k + 1 < b.n; k++) {
		double lowest = (double)(b.buckets[k - 1].upper + 1);
		double highest = (double)b.buckets[k].upper;

		ck_assert_int_eq(b.buckets[k].native,
		    index_by_frexp(lowest, _i));
		ck_assert_int_eq(b.buckets[k].native,
		    index_by_frexp(highest, _i));
	}
	smx__bounds_free(&b);
}
END_TEST

static double
random_decimal(uint64_t *state, uint64_t *digits, int *scale)
{
	char text[64];

	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
	*digits = *state >> 33 | 1;
	*scale = (int)(*state >> 20 & 15);
	(void)snprintf(text, sizeof(text), "%llue-%d",
	    (unsigned long long)*digits, *scale);
	return strtod(text, NULL);
}

START_TEST(takes_every_short_decimal_exactly)
{
	uint64_t state = 1;

	for (int i = 0; i < 20000; i++) {
		uint64_t digits, cells;
		int scale;
		double v = random_decimal(&state, &digits, &scale);
		struct smx_desc d = { .bounds = &v, .n_bounds = 1 };
		struct smx__bounds b;

		/* one place too few, unless the last digit is a 0 */
		d.exponent = scale - 1;
		ck_assert_int_eq(smx__bounds_make(&b, &d, NULL) == 0,
		    digits % 10 == 0);
		if (digits % 10 == 0)
			smx__bounds_free(&b);
		d.exponent = scale + i % 3;
		cells = digits * (i % 3 == 0 ? 1 : i % 3 == 1 ? 10 : 100);
		ck_assert_int_eq(smx__bounds_make(&b, &d, NULL), 0);
		ck_assert_uint_eq(b.buckets[0].upper, cells);
		smx__bounds_free(&b);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("bounds");
	TCase *t = tcase_create("bounds");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, equals_whole_number_arithmetic, 0, 9);
	tcase_add_loop_test(t, sorts_doubles_as_prometheus_does, 0, 9);
	tcase_add_test(t, takes_every_short_decimal_exactly);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
