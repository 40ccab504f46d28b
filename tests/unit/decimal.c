/* SPDX-License-Identifier: Apache-2.0 */
#include "services/common/decimal.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *text;
	int64_t e8;
	const char *canonical;
} good[] = {
	{ "0", 0, "0" },
	{ "-0", 0, "0" },
	{ "0.0", 0, "0" },
	{ "1", 100000000, "1" },
	{ "007", 700000000, "7" },
	{ "61837.63000000", 6183763000000, "61837.63" },
	{ "0.00000001", 1, "0.00000001" },
	{ "-0.00000001", -1, "-0.00000001" },
	{ "0.10", 10000000, "0.1" },
	{ "1.000000000000", 100000000, "1" },
	{ "92233720368.54775807", INT64_MAX, "92233720368.54775807" },
	{ "-92233720368.54775808", INT64_MIN, "-92233720368.54775808" },
};

static const struct {
	const char *text;
	int err;
} bad[] = {
	{ "", -EINVAL },
	{ "-", -EINVAL },
	{ ".5", -EINVAL },
	{ "5.", -EINVAL },
	{ "+5", -EINVAL },
	{ " 5", -EINVAL },
	{ "5 ", -EINVAL },
	{ "--5", -EINVAL },
	{ "1e3", -EINVAL },
	{ "1.5e3", -EINVAL },
	{ "1.123456789x", -EDOM },
	{ "1.12345678x", -EINVAL },
	{ "1,5", -EINVAL },
	{ "0x1", -EINVAL },
	{ "nan", -EINVAL },
	{ "0.000000001", -EDOM },
	{ "92233720368.54775808", -ERANGE },
	{ "-92233720368.54775809", -ERANGE },
	{ "100000000000", -ERANGE },
	{ "340282366920938463463374607431768211457", -ERANGE },
	{ "9999999999999999999999999999999999999999999999", -ERANGE },
};

START_TEST(reads_exactly_what_is_written)	/* loop: good */
{
	char text[CDB_DEC_TEXT];
	int64_t v;
	size_t len;

	ck_assert_int_eq(cdb_dec_parse(good[_i].text,
	    strlen(good[_i].text), &v), 0);
	ck_assert_int_eq(v, good[_i].e8);
	len = cdb_dec_format(v, text);
	ck_assert_str_eq(text, good[_i].canonical);
	ck_assert_uint_eq(len, strlen(text));
}
END_TEST

START_TEST(refuses_what_it_cannot_hold)		/* loop: bad */
{
	int64_t v = 42;

	ck_assert_int_eq(cdb_dec_parse(bad[_i].text, strlen(bad[_i].text),
	    &v), bad[_i].err);
	ck_assert_int_eq(v, 42);
}
END_TEST

START_TEST(looks_at_no_byte_past_its_length)
{
	int64_t v;

	ck_assert_int_eq(cdb_dec_parse("12.5", 2, &v), 0);
	ck_assert_int_eq(v, 12 * CDB_DEC_ONE);
}
END_TEST

START_TEST(products_are_cut_off_towards_zero)
{
	int64_t v;

	ck_assert_int_eq(cdb_dec_mul(6183763000000, 2000000, &v), 0);
	ck_assert_int_eq(v, 123675260000);
	ck_assert_int_eq(cdb_dec_mul(1, 99999999, &v), 0);
	ck_assert_int_eq(v, 0);
	ck_assert_int_eq(cdb_dec_mul(-3, 50000000, &v), 0);
	ck_assert_int_eq(v, -1);
}
END_TEST

START_TEST(products_that_do_not_fit_are_errors)
{
	int64_t v = 42;

	ck_assert_int_eq(cdb_dec_mul(INT64_MAX, 100000001, &v), -ERANGE);
	ck_assert_int_eq(cdb_dec_mul(INT64_MIN, -CDB_DEC_ONE, &v), -ERANGE);
	ck_assert_int_eq(v, 42);
	ck_assert_int_eq(cdb_dec_mul(INT64_MIN, CDB_DEC_ONE, &v), 0);
	ck_assert_int_eq(v, INT64_MIN);
}
END_TEST

START_TEST(quotients_are_cut_off_towards_zero)
{
	int64_t v;

	ck_assert_int_eq(cdb_dec_div(CDB_DEC_ONE, 3 * CDB_DEC_ONE, &v), 0);
	ck_assert_int_eq(v, 33333333);
	ck_assert_int_eq(cdb_dec_div(-2 * CDB_DEC_ONE, 3 * CDB_DEC_ONE, &v),
	    0);
	ck_assert_int_eq(v, -66666666);
	ck_assert_int_eq(cdb_dec_div(1, 0, &v), -EDOM);
	ck_assert_int_eq(cdb_dec_div(INT64_MAX, 1, &v), -ERANGE);
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
	tcase_add_loop_test(tc, reads_exactly_what_is_written, 0,
	    sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(tc, refuses_what_it_cannot_hold, 0,
	    sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tc, looks_at_no_byte_past_its_length);
	tcase_add_test(tc, products_are_cut_off_towards_zero);
	tcase_add_test(tc, products_that_do_not_fit_are_errors);
	tcase_add_test(tc, quotients_are_cut_off_towards_zero);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
