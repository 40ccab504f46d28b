/* SPDX-License-Identifier: Apache-2.0 */
/* Round trips over random values of every size, from fixed seeds. */
#include "services/common/decimal.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 200000

/* xorshift64*, then shifted, so that small and large values are as common. */
static int64_t
any_value(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	x *= UINT64_C(0x2545f4914f6cdd1d);
	return (int64_t)x >> (x % 64);
}

/* The decimal point put in by text alone: no arithmetic shared with ours. */
static void
reference_text(int64_t v, char dst[40])
{
	char digits[32];
	size_t len;

	snprintf(digits, sizeof(digits), "%09llu",
	    v < 0 ? 0 - (unsigned long long)v : (unsigned long long)v);
	len = strlen(digits);
	snprintf(dst, 40, "%s%.*s.%s", v < 0 ? "-" : "", (int)(len - 8),
	    digits, digits + len - 8);
}

START_TEST(every_value_survives_text)
{
	uint64_t state = 0x5eed;

	for (unsigned i = 0; i < ROUNDS; i++) {
		int64_t v = any_value(&state);
		int64_t back;
		char text[CDB_DEC_TEXT];
		size_t len = cdb_dec_format(v, text);

		ck_assert_uint_lt(len, CDB_DEC_TEXT);
		ck_assert_int_eq(cdb_dec_parse(text, len, &back), 0);
		ck_assert_int_eq(back, v);
	}
}
END_TEST

START_TEST(all_eight_places_are_read)
{
	uint64_t state = 0xfeed;

	for (unsigned i = 0; i < ROUNDS; i++) {
		int64_t v = any_value(&state);
		int64_t back;
		char text[40];

		reference_text(v, text);
		ck_assert_int_eq(cdb_dec_parse(text, strlen(text), &back), 0);
		ck_assert_int_eq(back, v);
	}
}
END_TEST

/* The wide product by schoolbook halves, without a 128-bit type. */
static int
reference_mul(uint64_t a, uint64_t b, uint64_t *out)
{
	uint64_t lo = (a & 0xffffffff) * (b & 0xffffffff);
	uint64_t mid1 = (a >> 32) * (b & 0xffffffff);
	uint64_t mid2 = (a & 0xffffffff) * (b >> 32);
	uint64_t hi = (a >> 32) * (b >> 32);
	uint64_t carry = ((lo >> 32) + (mid1 & 0xffffffff) +
	    (mid2 & 0xffffffff));
	uint64_t low = (carry << 32) | (lo & 0xffffffff);
	uint64_t rest;
	uint64_t q = 0;

	hi += (mid1 >> 32) + (mid2 >> 32) + (carry >> 32);
	/* hi:low by 10^8, bit by bit */
	if (hi >= 100000000)
		return -ERANGE;
	rest = hi;
	for (int bit = 63; bit >= 0; bit--) {
		rest = rest << 1 | (low >> bit & 1);
		q = q << 1 | (rest >= 100000000);
		if (rest >= 100000000)
			rest -= 100000000;
	}
	*out = q;
	return q > INT64_MAX ? -ERANGE : 0;
}

START_TEST(products_agree_with_long_multiplication)
{
	uint64_t state = 0xbeef;

	for (unsigned i = 0; i < ROUNDS; i++) {
		int64_t a = any_value(&state) & INT64_MAX;
		int64_t b = any_value(&state) & INT64_MAX;
		uint64_t want = 0;
		int64_t got = 0;
		int err = reference_mul((uint64_t)a, (uint64_t)b, &want);

		ck_assert_int_eq(cdb_dec_mul(a, b, &got), err);
		if (err == 0)
			ck_assert_uint_eq((uint64_t)got, want);
		if (err == 0) {
			ck_assert_int_eq(cdb_dec_mul(-a, b, &got), 0);
			ck_assert_int_eq(got, -(int64_t)want);
		}
	}
}
END_TEST

START_TEST(random_bytes_never_read_as_something_else)
{
	static const char alphabet[] = "0123456789.-+e ";
	uint64_t state = 0xcafe;

	for (unsigned i = 0; i < ROUNDS; i++) {
		char text[12];
		char canonical[CDB_DEC_TEXT];
		size_t len = (uint64_t)any_value(&state) % sizeof(text);
		int64_t v;
		int64_t again;

		for (size_t k = 0; k < len; k++)
			text[k] = alphabet[(uint64_t)any_value(&state) %
			    (sizeof(alphabet) - 1)];
		if (cdb_dec_parse(text, len, &v) < 0)
			continue;
		/* whatever was accepted is a plain number: strtod agrees */
		text[len < sizeof(text) ? len : sizeof(text) - 1] = '\0';
		ck_assert_ptr_null(strpbrk(text, "+e "));
		cdb_dec_format(v, canonical);
		ck_assert_int_eq(cdb_dec_parse(canonical, strlen(canonical),
		    &again), 0);
		ck_assert_int_eq(again, v);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("decimal");
	TCase *tc = tcase_create("decimal");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, every_value_survives_text);
	tcase_add_test(tc, all_eight_places_are_read);
	tcase_add_test(tc, products_agree_with_long_multiplication);
	tcase_add_test(tc, random_bytes_never_read_as_something_else);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
