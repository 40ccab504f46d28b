/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "libshm/src/bounds.h"
#include "libshm/src/exact.h"

static struct smx__bounds made;

static int
make(const struct smx_desc *d, struct smx_error *err)
{
	memset(err, 0, sizeof(*err));
	return smx__bounds_make(&made, d, err);
}

static void
drop(void)
{
	smx__bounds_free(&made);
}

static int
make_explicit(const double *bounds, uint32_t n, int exponent,
    struct smx_error *err)
{
	struct smx_desc d = {
		.bounds = bounds, .n_bounds = n, .exponent = exponent
	};

	return make(&d, err);
}

static void
refused(const struct smx_desc *d, const char *word)
{
	struct smx_error err;

	ck_assert_int_eq(make(d, &err), -EINVAL);
	ck_assert_int_eq(err.code, -EINVAL);
	ck_assert_msg(strstr(err.msg, word) != NULL, "`%s` in `%s`", word,
	    err.msg);
	/* who does not ask for words gets none */
	ck_assert_int_eq(smx__bounds_make(&made, d, NULL), -EINVAL);
}

static void
bound_refused(const double *bounds, uint32_t n, int exponent, const char *word)
{
	struct smx_desc d = {
		.bounds = bounds, .n_bounds = n, .exponent = exponent
	};

	refused(&d, word);
}

START_TEST(takes_bounds_as_the_decimals_they_were_written_as)
{
	static const double v[] = {
		0.005, 0.1, 0.3, 1.1, 2.5, 4503.599627370496
	};
	static const uint64_t cells[] = {
		5000000, 100000000, 300000000, 1100000000, 2500000000,
		4503599627370
	};
	struct smx_error err;

	ck_assert_int_eq(make_explicit(v, 5, 9, &err), 0);
	ck_assert_uint_eq(made.n, 6);
	for (uint32_t i = 0; i < 5; i++) {
		ck_assert_uint_eq(made.buckets[i].upper, cells[i]);
		ck_assert_uint_eq(made.buckets[i].flags, SMX_BUCKET_EXPLICIT);
	}
	ck_assert_uint_eq(made.buckets[5].upper, UINT64_MAX);
	ck_assert_uint_eq(made.buckets[5].flags, 0);
	ck_assert_uint_eq(made.flags, SMX_HIST_EXPLICIT);
	drop();
	/* its last digit is below a nanosecond */
	bound_refused(v, 6, 9, "bounds[5] is 4503.599627370496");
}
END_TEST

START_TEST(takes_zero_and_the_largest)
{
	static const double v[] = { 0, 9223372036854774784.0 };
	static const double tenth[] = { 0.1 };
	struct smx_error err;

	ck_assert_int_eq(make_explicit(v, 2, 0, &err), 0);
	ck_assert_uint_eq(made.buckets[0].upper, 0);
	/* the shortest way to write that double */
	ck_assert_uint_eq(made.buckets[1].upper, 9223372036854775000u);
	drop();
	/* 0.1 is not 0.1000000000000000055 */
	ck_assert_int_eq(make_explicit(tenth, 1, 18, &err), 0);
	ck_assert_uint_eq(made.buckets[0].upper, UINT64_C(100000000000000000));
	drop();
}
END_TEST

START_TEST(scales_by_negative_exponents)
{
	static const double v[] = { 1000, 25000 };
	static const double odd[] = { 1000, 25500 };
	struct smx_error err;

	ck_assert_int_eq(make_explicit(v, 2, -3, &err), 0);
	ck_assert_uint_eq(made.buckets[0].upper, 1);
	ck_assert_uint_eq(made.buckets[1].upper, 25);
	drop();
	bound_refused(odd, 2, -3, "bounds[1]");
}
END_TEST

START_TEST(names_the_bound_that_cannot_be)
{
	static const double fraction[] = { 0.001, 1.5e-9 };
	static const double computed[] = { 0.1 * 3 };
	static const double equal[] = { 1, 2, 2 };
	static const double falling[] = { 2, 1 };
	static const double negative[] = { -1 };
	static const double nan_[] = { NAN };
	static const double inf[] = { 1, INFINITY };
	static const double large[] = { 9223372036854775808.0 };
	static const double huge[] = { 1e300 };
	static const double tiny[] = { 5e-324 };

	bound_refused(fraction, 2, 9, "bounds[1] is 1.5");
	bound_refused(computed, 1, 9, "bounds[0] is 0.30000000000000004");
	bound_refused(equal, 3, 0, "bounds[2]");
	bound_refused(falling, 2, 0, "bounds[1]");
	bound_refused(negative, 1, 0, "bounds[0] is -1");
	bound_refused(nan_, 1, 0, "bounds[0] is nan");
	bound_refused(inf, 2, 0, "bounds[1] is inf");
	bound_refused(large, 1, 0, "bounds[0]");
	bound_refused(huge, 1, 18, "bounds[0]");
	bound_refused(tiny, 1, 18, "bounds[0]");
}
END_TEST

START_TEST(refuses_descriptions_that_make_no_sense)
{
	static const double v[SMX_MAX_EXPLICIT + 1] = { 1 };
	struct smx_desc d = { .n_bounds = 3 };

	refused(&d, "bounds is NULL");
	bound_refused(v, SMX_MAX_EXPLICIT + 1, 0, "n_bounds is 65");
	bound_refused(v, 1, 19, "exponent is 19");
	bound_refused(v, 1, -19, "exponent is -19");
	d = (struct smx_desc){ .native = 1, .schema = 9, .exponent = 9 };
	refused(&d, "schema is 9");
	d.schema = -2;
	refused(&d, "schema is -2");
	d = (struct smx_desc){ .native = 1, .native_min = 2, .native_max = 2 };
	refused(&d, "native_min 2, native_max 2");
	d = (struct smx_desc){ .native = 1, .native_min = NAN };
	refused(&d, "native_min nan");
	d = (struct smx_desc){ .native = 1, .native_max = INFINITY };
	refused(&d, "native_max inf");
	d = (struct smx_desc){ .native = 1, .native_max = 1e-10,
		.native_min = 1e-11, .exponent = 9 };
	refused(&d, "native_max is 1e-10");
	d = (struct smx_desc){ .native = 1, .native_min = 1e19,
		.native_max = 1e20 };
	refused(&d, "native_min is 1e+19");
	d = (struct smx_desc){ .native = 1, .native_min = 1e-18,
		.native_max = 16, .exponent = 18, .schema = 8 };
	ck_assert_int_eq(smx__bounds_make(&made, &d, NULL), 0);
	drop();
	d.native_min = 1e-300;
	d.native_max = 1e300;
	ck_assert_int_eq(smx__bounds_make(&made, &d, NULL), 0);
	drop();
}
END_TEST

START_TEST(defaults_to_the_latency_buckets)
{
	struct smx_desc d = { .exponent = 9 };
	struct smx_error err;
	uint32_t n_explicit = 0;
	uint32_t n_power = 0;

	ck_assert_int_eq(make(&d, &err), 0);
	ck_assert_int_eq(made.flags, SMX_HIST_EXPLICIT | SMX_HIST_NATIVE);
	ck_assert_int_eq(made.schema, 3);
	ck_assert_int_eq(made.zero_exp2, -20);
	ck_assert_uint_eq(made.buckets[0].upper, 953); /* 2^-20 s */
	ck_assert_int_eq(made.buckets[0].native, SMX_NATIVE_ZERO);
	ck_assert_uint_eq(made.buckets[made.n - 2].upper, 16000000000u);
	ck_assert_int_eq(made.buckets[made.n - 2].native, 4 * 8);
	ck_assert_int_eq(made.buckets[made.n - 1].native, 4 * 8 + 1);
	for (uint32_t i = 0; i < made.n; i++) {
		n_explicit += made.buckets[i].flags & SMX_BUCKET_EXPLICIT;
		n_power += (made.buckets[i].flags & SMX_BUCKET_POWER) != 0;
	}
	ck_assert_uint_eq(n_explicit, 18);
	ck_assert_uint_eq(n_power, 25);
	drop();
	d.exponent = 3; /* 10 us is no number of milliseconds */
	refused(&d, "bounds[0]");
}
END_TEST

START_TEST(unites_explicit_and_native_bounds)
{
	/* below, inside, on a power, above the range 1 .. 8 */
	static const double v[] = { 0, 3, 4, 20 };
	static const struct smx_bucket expected[] = {
		{ 0, SMX_NATIVE_ZERO, SMX_BUCKET_EXPLICIT },
		{ 1, SMX_NATIVE_ZERO, SMX_BUCKET_POWER },
		{ 2, 1, SMX_BUCKET_POWER },
		{ 3, 2, SMX_BUCKET_EXPLICIT },
		{ 4, 2, SMX_BUCKET_EXPLICIT | SMX_BUCKET_POWER },
		{ 8, 3, SMX_BUCKET_POWER },
		{ 20, 4, SMX_BUCKET_EXPLICIT },
		{ UINT64_MAX, 4, 0 },
	};
	struct smx_desc d = {
		.bounds = v, .n_bounds = 4, .native = 1, .schema = -1,
		.native_min = 1.5, .native_max = 7.5,
	};
	struct smx_error err;

	ck_assert_int_eq(make(&d, &err), 0);
	ck_assert_uint_eq(made.n, sizeof(expected) / sizeof(expected[0]));
	ck_assert_int_eq(made.zero_exp2, 0);
	ck_assert_int_eq(made.schema, 0);
	for (uint32_t i = 0; i < made.n; i++) {
		ck_assert_uint_eq(made.buckets[i].upper, expected[i].upper);
		ck_assert_int_eq(made.buckets[i].native, expected[i].native);
		ck_assert_uint_eq(made.buckets[i].flags, expected[i].flags);
	}
	drop();
}
END_TEST

START_TEST(merges_bounds_that_are_one_integer)
{
	/* 2^-20 .. 2^-10 are all 0 in milliseconds */
	struct smx_desc d = { .native = 1, .exponent = 3, .schema = -1 };
	struct smx_error err;

	ck_assert_int_eq(make(&d, &err), 0);
	ck_assert_uint_eq(made.buckets[0].upper, 0);
	ck_assert_int_eq(made.buckets[0].native, SMX_NATIVE_ZERO);
	ck_assert_uint_eq(made.buckets[0].flags, SMX_BUCKET_POWER);
	ck_assert_int_eq(made.zero_exp2, -20);
	ck_assert_uint_eq(made.buckets[1].upper, 1); /* 2^-9 is 1.95 */
	ck_assert_int_eq(made.buckets[1].native, -9);
	drop();
}
END_TEST

START_TEST(stops_where_values_end)
{
	/* 2^3 x 10^18 is below 2^63, 2^4 x 10^18 is not */
	struct smx_desc d = { .native = 1, .exponent = 18, .schema = -1,
		.native_min = 1, .native_max = 16 };
	struct smx_error err;

	ck_assert_int_eq(make(&d, &err), 0);
	ck_assert_uint_eq(made.n, 5);
	ck_assert_uint_eq(made.buckets[3].upper, UINT64_C(8000000000000000000));
	ck_assert_uint_eq(made.buckets[4].upper, UINT64_MAX);
	ck_assert_int_eq(made.buckets[4].native, 4);
	drop();
}
END_TEST

START_TEST(fits_the_widest_range_into_a_record)
{
	struct smx_desc d = { .native = 1, .schema = 8,
		.native_min = 1e-300, .native_max = 1e300 };
	double v[SMX_MAX_EXPLICIT];
	struct smx_error err;

	/* no power of two, and far enough up to be no native bound either */
	for (uint32_t i = 0; i < SMX_MAX_EXPLICIT; i++)
		v[i] = 1e15 + i;
	d.bounds = v;
	d.n_bounds = SMX_MAX_EXPLICIT;
	for (d.exponent = -18; d.exponent <= 18; d.exponent += 18) {
		if (d.exponent != 0)
			d.n_bounds = 0;
		ck_assert_int_eq(make(&d, &err), 0);
		ck_assert_uint_gt(made.n, 14000);
		ck_assert_uint_le(made.n, SMX_MAX_BUCKETS);
		drop();
		d.n_bounds = SMX_MAX_EXPLICIT;
	}
}
END_TEST

START_TEST(compares_beside_a_bound_exactly)
{
	/* 2^(1/2) x 10^18 = 1414213562373095048.80… */
	ck_assert_int_eq(smx__exact_cmp(1414213562373095048, 1, 1, 18), -1);
	ck_assert_int_eq(smx__exact_cmp(1414213562373095049, 1, 1, 18), 1);
	ck_assert_int_eq(smx__exact_cmp(1000, 256 * 10, 8, -18), 1);
	ck_assert_int_eq(smx__exact_cmp(1024, 10, 0, 0), 0);
	ck_assert_int_eq(smx__exact_cmp(1024, 2560, 8, 0), 0);
	ck_assert_int_eq(smx__exact_cmp(125, -3, 0, 3), 0);
	ck_assert_int_eq(smx__exact_cmp(126, -768, 8, 3), 1);
	ck_assert_uint_eq(smx__exact_floor(1, 1, 18), 1414213562373095048);
	ck_assert_uint_eq(smx__exact_floor(63, 0, 0), SMX__EXACT_OVER);
	ck_assert_uint_eq(smx__exact_floor(62, 0, 0), UINT64_C(1) << 62);
	ck_assert_uint_eq(smx__exact_floor(-1, 0, 0), 0);
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
	tcase_add_test(t, takes_bounds_as_the_decimals_they_were_written_as);
	tcase_add_test(t, takes_zero_and_the_largest);
	tcase_add_test(t, scales_by_negative_exponents);
	tcase_add_test(t, names_the_bound_that_cannot_be);
	tcase_add_test(t, refuses_descriptions_that_make_no_sense);
	tcase_add_test(t, defaults_to_the_latency_buckets);
	tcase_add_test(t, unites_explicit_and_native_bounds);
	tcase_add_test(t, merges_bounds_that_are_one_integer);
	tcase_add_test(t, stops_where_values_end);
	tcase_add_test(t, fits_the_widest_range_into_a_record);
	tcase_add_test(t, compares_beside_a_bound_exactly);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
