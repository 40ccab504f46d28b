/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/weight.h"

#include <check.h>
#include <stdlib.h>

#include "collector/segment.h"
#include "tests/expo_made.h"

#define SEEDS	   500
#define FOR_SOURCE 256 /* label pairs and the spare room of a page */

static void
check_source(const struct made_set *set, size_t i)
{
	const struct expo_source *s = &set->sources[i];
	const struct smx_snapshot *snap = set->snapshots[i];
	struct weight w = weight_of(s->catalog, s->service ? s->service : "",
	    s->instance ? s->instance : "");
	struct expo_page *page;

	ck_assert_int_eq(expo_page_create(&page, s, 1), 0);
	for (int f = 0; f < EXPO_FORMATS; f++)
		ck_assert_uint_le(
		    expo_page_bound(page, (enum expo_format)f, &snap),
		    weight_sum(&w, snap->n_live) + FOR_SOURCE);
	expo_page_destroy(page);
}

START_TEST(a_text_is_not_longer_than_the_weight)
{
	struct made_set set;

	made_random(&set, (uint64_t)_i);
	for (size_t i = 0; i < set.n; i++)
		check_source(&set, i);
	made_free(&set);
}
END_TEST

/* 64 bounds and 16 labels of 1,000 bytes each: a megabyte a series. */
START_TEST(bounds_repeat_the_labels)
{
	static struct smx_bucket buckets[65];
	static char names[16 * 2 + 1], values[16 * 1001 + 1];
	struct smx_family_info f = { .name = "h",
		.help = "",
		.unit = "",
		.labels = names,
		.n_labels = 16,
		.buckets = buckets,
		.n_buckets = 65,
		.type = SMX_TYPE_HISTOGRAM,
		.hist_flags = SMX_HIST_EXPLICIT };
	struct smx_series_info s = { .values = values };
	struct smx_catalog c = {
		.families = &f, .n_families = 1, .series = &s, .n_series = 1
	};
	struct weight w;

	for (int i = 0; i < 16; i++) {
		names[i * 2] = 'a';
		for (int k = 0; k < 1000; k++)
			values[i * 1001 + k] = 'v';
	}
	for (int i = 0; i < 64; i++)
		buckets[i].flags = SMX_BUCKET_EXPLICIT;
	w = weight_of(&c, "s", "");
	ck_assert_uint_gt(weight_sum(&w, 0), 64 * 16 * 1000);
	ck_assert_uint_lt(weight_sum(&w, 0), 4 * 64 * 16 * 1000);
	ck_assert_uint_eq(weight_sum(&w, 0), weight_sum(&w, 100));
}
END_TEST

/* Names and labels as services have them. */
START_TEST(a_segment_of_a_million_counters_may_be_shown)
{
	enum { MILLION = 1000000 };
	struct smx_family_info f = { .name = "http_requests_answered_total",
		.help = "Requests.",
		.unit = "",
		.labels = "route\0code",
		.n_labels = 2,
		.type = SMX_TYPE_COUNTER };
	struct smx_series_info *s = calloc(MILLION, sizeof(*s));
	struct smx_catalog c = { .families = &f,
		.n_families = 1,
		.series = s,
		.n_series = MILLION,
		.n_cells = MILLION };
	struct weight w;

	ck_assert_ptr_nonnull(s);
	for (int i = 0; i < MILLION; i++)
		s[i].values = "/api/v1/orders\0" "404";
	w = weight_of(&c, "customer_service", "");
	ck_assert_uint_lt(weight_sum(&w, 0), SEGMENT_BYTES_MAX);
	free(s);
}
END_TEST

START_TEST(processes_repeat_a_gauge_that_shows_each)
{
	struct smx_family_info f = { .name = "g",
		.help = "",
		.unit = "",
		.labels = "",
		.type = SMX_TYPE_GAUGE,
		.gauge_mode = SMX_GAUGE_EACH };
	struct smx_series_info s = { .values = "" };
	struct smx_catalog c = {
		.families = &f, .n_families = 1, .series = &s, .n_series = 1
	};
	struct weight w = weight_of(&c, "s", "");

	ck_assert_uint_gt(weight_sum(&w, 1000), 1000 * 16);
	ck_assert_uint_lt(weight_sum(&w, 0), 4096);
}
END_TEST

START_TEST(sums_that_no_number_holds_are_the_largest)
{
	struct weight w = { .bytes = UINT64_MAX - 10, .each = UINT64_MAX / 2 };

	ck_assert_uint_eq(weight_sum(&w, 1), UINT64_MAX);
	ck_assert_uint_eq(weight_sum(&w, 3), UINT64_MAX);
	ck_assert_uint_eq(weight_sum(&w, 0), UINT64_MAX - 10);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("weight");
	TCase *t = tcase_create("weight");
	SRunner *runner = srunner_create(s);
	int failed;

	tcase_add_loop_test(t, a_text_is_not_longer_than_the_weight, 0, SEEDS);
	tcase_add_test(t, bounds_repeat_the_labels);
	tcase_add_test(t, a_segment_of_a_million_counters_may_be_shown);
	tcase_add_test(t, processes_repeat_a_gauge_that_shows_each);
	tcase_add_test(t, sums_that_no_number_holds_are_the_largest);
	suite_add_tcase(s, t);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
