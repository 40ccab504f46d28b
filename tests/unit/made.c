/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/made.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expo/expo.h"

static const struct smx_bucket bounds[] = {
	{ 1000000000, 0, SMX_BUCKET_EXPLICIT }, { UINT64_MAX, 0, 0 },
};

static const struct smx_family_info families[] = {
	{ .name = "a_total", .unit = "", .help = "A.", .labels = "x\0y\0",
	  .n_labels = 2, .type = SMX_TYPE_COUNTER },
	{ .name = "b", .unit = "", .help = "B.", .labels = "",
	  .type = SMX_TYPE_GAUGE },
	{ .name = "c_seconds", .unit = "seconds", .help = "C.", .labels = "",
	  .type = SMX_TYPE_HISTOGRAM, .exponent = 9, .buckets = bounds,
	  .n_buckets = 2, .hist_flags = SMX_HIST_EXPLICIT },
};

static struct made m;

static void
setup(void)
{
	made_init(&m, families, 3, 1);
}

static void
teardown(void)
{
	made_free(&m);
}

static void
fill(uint64_t n, double v)
{
	const uint64_t buckets[] = { n, 1 };

	made_begin(&m);
	made_counter(&m, 0, (const char *[]){ "1", "two" }, n);
	made_counter(&m, 0, (const char *[]){ "", "\"" }, n + 1);
	made_gauge(&m, 1, NULL, v);
	made_histogram(&m, 2, NULL, 1500000000, buckets);
	ck_assert_int_eq(made_end(&m), 0);
}

/* What an encoder makes of it. */
static const char *
text(void)
{
	static char out[4096];
	const struct expo_source source = { .catalog = &m.catalog,
		.bare = true };
	const struct smx_snapshot *snap = &m.snap;
	struct expo_page *page;
	size_t n;

	ck_assert_int_eq(expo_page_create(&page, &source, 1), 0);
	n = expo_render(out, sizeof(out) - 1, page, EXPO_TEXT, &snap);
	ck_assert_uint_lt(n, sizeof(out));
	out[n] = '\0';
	expo_page_destroy(page);
	return out;
}

START_TEST(encoders_write_it_as_any_other)
{
	fill(7, -2.5);
	ck_assert_str_eq(text(),
	    "# HELP a_total A.\n# TYPE a_total counter\n"
	    "a_total{x=\"1\",y=\"two\"} 7\n"
	    "a_total{x=\"\",y=\"\\\"\"} 8\n"
	    "# HELP b B.\n# TYPE b gauge\nb -2.5\n"
	    "# HELP c_seconds C.\n# TYPE c_seconds histogram\n"
	    "c_seconds_bucket{le=\"1.0\"} 7\n"
	    "c_seconds_bucket{le=\"+Inf\"} 8\n"
	    "c_seconds_sum 1.5\nc_seconds_count 8\n");
}
END_TEST

START_TEST(zero_is_a_value)
{
	fill(0, 0);
	ck_assert_ptr_nonnull(strstr(text(), "\nb 0\n"));
}
END_TEST

START_TEST(new_values_keep_the_generation)
{
	uint64_t generation;

	fill(1, 1);
	generation = m.catalog.generation;
	ck_assert_uint_gt(generation, 0);
	fill(2, 3);
	fill(4, 5);
	ck_assert_uint_eq(m.catalog.generation, generation);
	ck_assert_ptr_nonnull(strstr(text(), "\nb 5\n"));
}
END_TEST

START_TEST(other_series_make_a_new_generation)
{
	uint64_t generation;

	fill(1, 1);
	generation = m.catalog.generation;
	made_begin(&m);
	made_gauge(&m, 1, NULL, 1);
	ck_assert_int_eq(made_end(&m), 0);
	ck_assert_uint_eq(m.catalog.generation, generation + 1);
	ck_assert_uint_eq(m.catalog.n_series, 1);
	made_begin(&m);
	made_counter(&m, 0, (const char *[]){ "1", "two" }, 1);
	ck_assert_int_eq(made_end(&m), 0);
	made_begin(&m);
	made_counter(&m, 0, (const char *[]){ "1t", "wo" }, 1);
	ck_assert_int_eq(made_end(&m), 0);
	ck_assert_uint_eq(m.catalog.generation, generation + 3);
}
END_TEST

START_TEST(nothing_at_all_is_fine)
{
	made_begin(&m);
	ck_assert_int_eq(made_end(&m), 0);
	ck_assert_str_eq(text(), "");
	made_begin(&m);
	ck_assert_int_eq(made_end(&m), 0);
	ck_assert_uint_eq(m.catalog.generation, 1);
}
END_TEST

START_TEST(a_gauge_can_be_set_afterwards)
{
	size_t at;

	made_begin(&m);
	at = made_gauge(&m, 1, NULL, 0);
	ck_assert_int_eq(made_end(&m), 0);
	made_gauge_set(&m, at, 12);
	ck_assert_ptr_nonnull(strstr(text(), "\nb 12\n"));
}
END_TEST

START_TEST(many_series_keep_their_labels)
{
	char value[16], line[64];

	made_begin(&m);
	for (unsigned i = 0; i < 60; i++) {
		snprintf(value, sizeof(value), "%u", i);
		made_counter(&m, 0, (const char *[]){ value, "y" }, i);
	}
	ck_assert_int_eq(made_end(&m), 0);
	for (unsigned i = 0; i < 60; i++) {
		snprintf(line, sizeof(line), "a_total{x=\"%u\",y=\"y\"} %u\n",
		    i, i);
		ck_assert_ptr_nonnull(strstr(text(), line));
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("made");
	TCase *tc = tcase_create("made");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, encoders_write_it_as_any_other);
	tcase_add_test(tc, zero_is_a_value);
	tcase_add_test(tc, new_values_keep_the_generation);
	tcase_add_test(tc, other_series_make_a_new_generation);
	tcase_add_test(tc, nothing_at_all_is_fine);
	tcase_add_test(tc, a_gauge_can_be_set_afterwards);
	tcase_add_test(tc, many_series_keep_their_labels);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
