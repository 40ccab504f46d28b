/* SPDX-License-Identifier: Apache-2.0 */
#include "expo/json.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expo/number.h"
#include "tests/expo_made.h"

static struct made_set set;
static struct expo_page *page;
static char *body;
static size_t len;

static void
setup(void)
{
	memset(&set, 0, sizeof(set));
	made_sample(&set);
	ck_assert_int_eq(expo_page_create(&page, set.sources, set.n), 0);
	body = malloc(EXPO_JSON_MAX);
	ck_assert_ptr_nonnull(body);
}

static void
teardown(void)
{
	expo_page_destroy(page);
	made_free(&set);
	free(body);
}

/* The answer, parsed. */
static json_t *
ask(const char *family, uint64_t first, uint64_t limit, bool values_only)
{
	const struct expo_window w = { .plan = "18-1", .family = family,
		.first = first, .limit = limit, .values_only = values_only,
		.time_ns = UINT64_C(1700000000123456789),
		.uptime_ns = UINT64_C(5250000000) };
	json_error_t error;
	json_t *root;

	len = expo_json(body, page, set.sources, &w, set.snapshots);
	ck_assert_uint_le(len, EXPO_JSON_MAX);
	root = json_loadb(body, len, JSON_REJECT_DUPLICATES, &error);
	ck_assert_msg(root != NULL, "%s", error.text);
	return root;
}

static json_int_t
number(json_t *root, const char *key)
{
	return json_integer_value(json_object_get(root, key));
}

/* Series of an answer with names, as "family {labels} value" each. */
static json_t *
flat(json_t *root)
{
	json_t *list = json_array(), *family, *source, *one;
	size_t i, k, n;

	json_array_foreach(json_object_get(root, "families"), i, family)
	json_array_foreach(json_object_get(family, "sources"), k, source)
	json_array_foreach(json_object_get(source, "series"), n, one)
		json_array_append_new(list, json_pack("[O,O?,O,O]",
		    json_object_get(family, "name"),
		    json_object_get(source, "service"),
		    json_object_get(one, "labels"),
		    json_object_get(one, "value")));
	return list;
}

START_TEST(json_is_the_golden_one)
{
	char want[65536];
	FILE *f = fopen(GOLDEN "/expo.json", "r");
	size_t n;

	json_decref(ask("", 0, 10000, false));
	ck_assert_ptr_nonnull(f);
	n = fread(want, 1, sizeof(want), f);
	fclose(f);
	ck_assert_uint_eq(n, len);
	ck_assert_mem_eq(want, body, n);
}
END_TEST

START_TEST(pages_of_any_size_are_the_whole)
{
	json_t *whole = ask("", 0, 10000, false), *want = flat(whole);
	json_int_t total = number(whole, "total");

	ck_assert_int_eq((json_int_t)json_array_size(want), total);
	ck_assert(json_is_null(json_object_get(whole, "next")));
	for (json_int_t limit = 1; limit <= total; limit++) {
		json_t *got = json_array(), *next = NULL;
		json_int_t first = 0;

		do {
			json_t *part = ask("", (uint64_t)first,
			    (uint64_t)limit, false), *series = flat(part);

			ck_assert_int_eq(number(part, "total"), total);
			json_array_extend(got, series);
			next = json_object_get(part, "next");
			first = json_is_null(next) ? -1 :
			    json_integer_value(next);
			json_decref(series);
			json_decref(part);
		} while (first >= 0);
		ck_assert(json_equal(got, want));
		json_decref(got);
	}
	json_decref(want);
	json_decref(whole);
}
END_TEST

START_TEST(values_alone_are_in_the_same_order)
{
	json_t *named = ask("", 0, 10000, false), *want = flat(named);
	json_t *values = ask("", 3, 5, true), *one;
	json_t *got = json_object_get(values, "values");
	size_t i;

	ck_assert_uint_eq(json_array_size(got), 5);
	ck_assert_ptr_null(json_object_get(values, "families"));
	json_array_foreach(got, i, one)
		ck_assert(json_equal(one,
		    json_array_get(json_array_get(want, 3 + i), 3)));
	json_decref(values);
	json_decref(want);
	json_decref(named);
}
END_TEST

START_TEST(one_family_is_that_one_alone)
{
	json_t *all = ask("", 0, 1, false), *got, *none;
	const char *name = json_string_value(json_object_get(json_array_get(
	    json_object_get(all, "families"), 0), "name"));

	got = ask(name, 0, 10000, false);
	ck_assert_uint_eq(json_array_size(json_object_get(got, "families")), 1);
	ck_assert_int_gt(number(got, "total"), 0);
	ck_assert_int_lt(number(got, "total"), number(all, "total"));
	none = ask("no_such", 0, 10000, false);
	ck_assert_int_eq(number(none, "total"), 0);
	json_decref(none);
	json_decref(got);
	json_decref(all);
}
END_TEST

START_TEST(past_the_end_there_is_nothing)
{
	json_t *got = ask("", 100000, 10, false);

	ck_assert_uint_eq(json_array_size(json_object_get(got, "families")), 0);
	ck_assert(json_is_null(json_object_get(got, "next")));
	json_decref(got);
}
END_TEST

START_TEST(exact_numbers_have_every_digit)
{
	static const struct {
		uint64_t n;
		int exponent;
		const char *want;
	} cases[] = {
		{ 0, 0, "0" }, { 0, 9, "0" }, { 0, -9, "0" },
		{ 3, 9, "0.000000003" }, { 1500, 3, "1.5" }, { 10, 1, "1" },
		{ 1, -3, "1000" }, { 100, 9, "0.0000001" },
		{ UINT64_MAX, 0, "18446744073709551615" },
		{ UINT64_MAX, 9, "18446744073.709551615" },
		{ UINT64_MAX, 18, "18.446744073709551615" },
		{ UINT64_MAX, -18, "18446744073709551615000000000000000000" },
		{ 1, 18, "0.000000000000000001" },
		{ UINT64_C(10000000000000000000), 18, "10" },
	};
	char got[EXPO_NUMBER_ROOM + 1];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = expo_exact(got, cases[i].n, cases[i].exponent);

		got[n] = '\0';
		ck_assert_str_eq(got, cases[i].want);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("expo_json");
	TCase *tc = tcase_create("json");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, json_is_the_golden_one);
	tcase_add_test(tc, pages_of_any_size_are_the_whole);
	tcase_add_test(tc, values_alone_are_in_the_same_order);
	tcase_add_test(tc, one_family_is_that_one_alone);
	tcase_add_test(tc, past_the_end_there_is_nothing);
	tcase_add_test(tc, exact_numbers_have_every_digit);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
