/* SPDX-License-Identifier: Apache-2.0 */
/* Families: label values that are known at run time only. */
#include "tests/segment_live.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const one[] = { "a", NULL };
static const char *const two[] = { "a", "b", NULL };

static struct smx_counter_family
family(uint32_t series_max)
{
	struct smx_desc d = { .name = "x_total", .help = "x",
		.label_names = one, .series_max = series_max };
	struct smx_counter_family f;
	struct smx_error err;
	int rc = smx_counter_family(&f, &d, &err);

	ck_assert_msg(rc == 0, "%s", err.msg);
	return f;
}

static struct smx_counter
with(struct smx_counter_family f, const char *value)
{
	return smx_counter_with(f, &value);
}

START_TEST(counts_each_value_apart)
{
	struct smx_counter_family f;
	struct live l = { 0 };
	int i;

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	f = family(0);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(l.snap.catalog->n_families, 1);
	ck_assert_uint_eq(l.snap.catalog->n_series, 0);
	for (i = 0; i < 10; i++) {
		smx_inc(with(f, "GET"));
		smx_add(with(f, "PUT"), 2);
		smx_add(with(f, ""), 3);
	}
	live_look(&l, "smx.t");
	ck_assert_uint_eq(l.snap.catalog->n_series, 3);
	ck_assert_uint_eq(live_cell(&l, "x_total", "GET"), 10);
	ck_assert_uint_eq(live_cell(&l, "x_total", "PUT"), 20);
	ck_assert_uint_eq(live_cell(&l, "x_total", ""), 30);
	live_close(&l);
}
END_TEST

START_TEST(values_that_run_together_are_apart)
{
	static const char *const values[][2] = {
		{ "a", "bc" }, { "ab", "c" }, { "", "abc" }, { "abc", "" },
	};
	struct smx_desc d = { .name = "x_total", .help = "x",
		.label_names = two };
	struct smx_counter_family f;
	struct live l = { 0 };
	uint64_t i;

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	ck_assert_int_eq(smx_counter_family(&f, &d, NULL), 0);
	for (i = 0; i < 8; i++)
		smx_add(smx_counter_with(f, values[i % 4]), i % 4 + 1);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", "a|bc"), 2);
	ck_assert_uint_eq(live_cell(&l, "x_total", "ab|c"), 4);
	ck_assert_uint_eq(live_cell(&l, "x_total", "|abc"), 6);
	ck_assert_uint_eq(live_cell(&l, "x_total", "abc|"), 8);
	live_close(&l);
}
END_TEST

START_TEST(gauges_and_histograms_have_families_too)
{
	struct smx_desc g = { .name = "g", .help = "x", .label_names = one };
	struct smx_desc h = { .name = "h", .help = "x", .label_names = one,
		.exponent = 9 };
	struct smx_gauge_family gf;
	struct smx_histogram_family hf;
	const char *v = "v", *w = "w";
	struct live l = { 0 };
	double value = 0;

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	ck_assert_int_eq(smx_gauge_family(&gf, &g, NULL), 0);
	ck_assert_int_eq(smx_histogram_family(&hf, &h, NULL), 0);
	smx_set(smx_gauge_with(gf, &v), 4);
	smx_observe(smx_histogram_with(hf, &v), 1000);
	smx_observe(smx_histogram_with(hf, &v), 2000);
	smx_observe(smx_histogram_with(hf, &w), 5);
	live_look(&l, "smx.t");
	ck_assert(live_gauge(&l, "g", "v", &value) && value == 4);
	ck_assert_uint_eq(live_count(&l, "h", "v"), 2);
	ck_assert_uint_eq(live_sum(&l, "h", "v"), 3000);
	ck_assert_uint_eq(live_sum(&l, "h", "w"), 5);
	live_close(&l);
}
END_TEST

START_TEST(beyond_the_limit_other_counts)
{
	struct smx_counter_family f;
	struct live l = { 0 };
	char value[16];
	int i, round;

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	f = family(100);
	for (round = 0; round < 3; round++)
		for (i = 0; i < 250; i++) {
			snprintf(value, sizeof(value), "v%d", i);
			smx_inc(with(f, value));
		}
	live_look(&l, "smx.t");
	ck_assert_uint_eq(l.snap.catalog->n_series, 101);
	for (i = 0; i < 100; i++) {
		snprintf(value, sizeof(value), "v%d", i);
		ck_assert_uint_eq(live_cell(&l, "x_total", value), 3);
	}
	ck_assert_uint_eq(live_cell(&l, "x_total", "other"), 450);
	ck_assert_uint_eq(l.snap.state.overflowed, 1);
	ck_assert_uint_eq(l.snap.state.refused, 0);
	live_close(&l);
}
END_TEST

START_TEST(the_limit_of_attach_is_the_default)
{
	struct smx_options o = { .series_max = 3 };
	struct smx_counter_family f;
	struct live l = { 0 };
	char value[16];
	int i;

	ck_assert_int_eq(smx_attach("t", &o), 0);
	f = family(0);
	for (i = 0; i < 10; i++) {
		snprintf(value, sizeof(value), "v%d", i);
		smx_inc(with(f, value));
	}
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", "other"), 7);
	live_close(&l);
}
END_TEST

static int
fill_family(void *arg)
{
	struct smx_counter_family f;
	char value[16];
	int i;

	(void)arg;
	if (smx_attach("t", NULL) < 0)
		return 1;
	f = family(10);
	for (i = 0; i < 10; i++) {
		snprintf(value, sizeof(value), "v%d", i);
		smx_inc(with(f, value));
	}
	return 0;
}

/* v9 is met only after an unknown value has found the family full. */
START_TEST(series_of_an_earlier_life_keep_their_place)
{
	struct smx_counter_family f;
	struct live l = { 0 };

	ck_assert_int_eq(live_run(fill_family, NULL), 0);
	ck_assert_int_eq(smx_attach("t", NULL), 0);
	f = family(10);
	smx_inc(with(f, "new"));
	smx_inc(with(f, "v9"));
	smx_inc(with(f, "v9"));
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", "v9"), 3);
	ck_assert_uint_eq(live_cell(&l, "x_total", "other"), 1);
	live_close(&l);
}
END_TEST

static const char *const no_text[] = {
	"\xff", "a\x80", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\x01",
	"\x7f", "\xc2\x80", "\xe2\x82",
};

START_TEST(what_is_no_text_counts_under_other)
{
	struct smx_counter_family f;
	struct live l = { 0 };

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	f = family(0);
	smx_inc(with(f, no_text[_i]));
	smx_inc(with(f, no_text[_i]));
	smx_inc(with(f, "\xe2\x82\xac")); /* the euro sign is */
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", "other"), 2);
	ck_assert_uint_eq(live_cell(&l, "x_total", "\xe2\x82\xac"), 1);
	ck_assert_uint_eq(l.snap.state.overflowed, 0);
	live_close(&l);
}
END_TEST

START_TEST(long_values_count_up_to_1023_bytes)
{
	static char value[1025];
	struct smx_counter_family f;
	struct live l = { 0 };

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	f = family(0);
	memset(value, 'v', 1024);
	smx_inc(with(f, value));
	value[1023] = '\0';
	smx_inc(with(f, value));
	value[1022] = '\0';
	smx_inc(with(f, value));
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", "other"), 1);
	ck_assert_uint_eq(live_cell(&l, "x_total", value), 1);
	value[1022] = 'v';
	ck_assert_uint_eq(live_cell(&l, "x_total", value), 1);
	live_close(&l);
}
END_TEST

START_TEST(one_family_for_equal_definitions)
{
	struct smx_desc d = { .name = "x_total", .help = "x",
		.label_names = two };
	struct smx_counter_family f, g;
	struct smx_error err = { 0 };

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	f = family(0);
	g = family(0);
	ck_assert_ptr_eq(f.family, g.family);
	ck_assert_uint_eq(with(f, "v").cell, with(g, "v").cell);
	ck_assert_int_eq(smx_counter_family(&g, &d, &err), -EEXIST);
	ck_assert_ptr_null(g.family);
	ck_assert_ptr_nonnull(strstr(err.msg, "x_total"));
}
END_TEST

START_TEST(fixed_labels_and_families_meet)
{
	struct smx_label labels[] = { { "a", "v" }, { 0 } };
	struct smx_desc d = { .name = "x_total", .help = "x",
		.labels = labels };
	struct smx_counter c;

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	ck_assert_int_eq(smx_counter_register(&c, &d, NULL), 0);
	ck_assert_uint_eq(with(family(0), "v").cell, c.cell);
}
END_TEST

START_TEST(families_without_labels_have_one_series)
{
	struct smx_desc d = { .name = "x_total", .help = "x" };
	struct smx_counter_family f;
	struct live l = { 0 };

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	ck_assert_int_eq(smx_counter_family(&f, &d, NULL), 0);
	smx_inc(smx_counter_with(f, NULL));
	smx_inc(smx_counter_with(f, NULL));
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 2);
	live_close(&l);
}
END_TEST

START_TEST(a_full_segment_does_not_slow_lookups)
{
	struct smx_options o = { .cells = 512 };
	struct smx_counter_family f;
	struct live l = { 0 };
	char value[16];
	int i;

	ck_assert_int_eq(smx_attach("t", &o), 0);
	f = family(100000);
	for (i = 0; i < 100000; i++) {
		snprintf(value, sizeof(value), "v%d", i);
		smx_inc(with(f, value));
	}
	live_look(&l, "smx.t");
	ck_assert_uint_eq(l.snap.catalog->n_series, 504);
	/* one refusal a second, not one for each value */
	ck_assert_uint_ge(l.snap.state.refused, 1);
	ck_assert_uint_le(l.snap.state.refused, 10);
	live_close(&l);
}
END_TEST

START_TEST(lookups_of_a_thousand_values_agree)
{
	struct smx_counter_family f;
	struct live l = { 0 };
	uint64_t seed = 42;
	uint64_t *ledger = calloc(1000, sizeof(*ledger));
	char value[16];
	uint64_t k;
	int i;

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	f = family(1000);
	for (i = 0; i < 200000; i++) {
		k = live_random(&seed) % 1000;
		snprintf(value, sizeof(value), "%llx",
		    (unsigned long long)k * 7919);
		smx_inc(with(f, value));
		ledger[k]++;
	}
	live_look(&l, "smx.t");
	for (k = 0; k < 1000; k++) {
		snprintf(value, sizeof(value), "%llx",
		    (unsigned long long)k * 7919);
		ck_assert_uint_eq(live_cell(&l, "x_total", value), ledger[k]);
	}
	free(ledger);
	live_close(&l);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("writer_families");
	TCase *tc = live_case(s, "families", 30);

	tcase_add_test(tc, counts_each_value_apart);
	tcase_add_test(tc, values_that_run_together_are_apart);
	tcase_add_test(tc, gauges_and_histograms_have_families_too);
	tcase_add_test(tc, beyond_the_limit_other_counts);
	tcase_add_test(tc, the_limit_of_attach_is_the_default);
	tcase_add_test(tc, series_of_an_earlier_life_keep_their_place);
	tcase_add_loop_test(tc, what_is_no_text_counts_under_other, 0,
	    sizeof(no_text) / sizeof(no_text[0]));
	tcase_add_test(tc, long_values_count_up_to_1023_bytes);
	tcase_add_test(tc, one_family_for_equal_definitions);
	tcase_add_test(tc, fixed_labels_and_families_meet);
	tcase_add_test(tc, families_without_labels_have_one_series);
	tcase_add_test(tc, a_full_segment_does_not_slow_lookups);
	tcase_add_test(tc, lookups_of_a_thousand_values_agree);
	return live_main(s);
}
