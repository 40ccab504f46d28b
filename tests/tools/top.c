/* SPDX-License-Identifier: Apache-2.0 */
/* What smx top shows, without a terminal. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/segment_live.h"
#include "tools/top/figure.h"
#include "tools/top/heat.h"
#include "tools/top/model.h"
#include "tools/top/quantile.h"
#include "tools/top/rows.h"

static const struct smx_bucket buckets[] = {
	{ .upper = 10 }, { .upper = 20 }, { .upper = 40 },
	{ .upper = UINT64_MAX },
};

START_TEST(quantiles_are_those_of_histogram_quantile)
{
	const uint64_t counts[] = { 10, 10, 20, 0 };
	const uint64_t above[] = { 0, 0, 0, 5 };
	const uint64_t none[4] = { 0 };

	ck_assert_double_eq(quantile_of(0.5, counts, buckets, 4, 0), 20);
	ck_assert_double_eq(quantile_of(0.25, counts, buckets, 4, 0), 10);
	ck_assert_double_eq(quantile_of(0.375, counts, buckets, 4, 0), 15);
	ck_assert_double_eq(quantile_of(1, counts, buckets, 4, 0), 40);
	ck_assert_double_eq(quantile_of(0.75, counts, buckets, 4, 1), 3);
	ck_assert_double_eq(quantile_of(0.5, above, buckets, 4, 0), 40);
	ck_assert_double_nan(quantile_of(0.5, none, buckets, 4, 0));
}
END_TEST

static const struct {
	double value;
	const char *unit, *text;
} figures[] = {
	{ 0, "", "0" }, { 7, "", "7" }, { 1.5, "", "1.50" },
	{ 999, "", "999" }, { 999.6, "", "1.00k" }, { 12345, "", "12.3k" },
	{ 45600000, "", "45.6M" }, { -2000, "", "-2.00k" },
	{ 0.001, "", "0.001" }, { 12.3e-6, "seconds", "12.3us" },
	{ 4.56e-3, "seconds", "4.56ms" }, { 0.9996, "seconds", "1.00s" },
	{ 192, "seconds", "3m12s" }, { 8640000, "seconds", "100d" },
	{ 1e-9, "seconds", "1.00ns" }, { INFINITY, "", "+Inf" },
	{ NAN, "seconds", "-" },
};

START_TEST(figures_fit_into_few_columns)
{
	char text[FIGURE];

	figure_of(text, figures[_i].value, figures[_i].unit);
	ck_assert_str_eq(text, figures[_i].text);
}
END_TEST

static struct smx_counter orders, calls;
static struct smx_histogram latency;
static struct top_model model;
static struct top_rows rows;

static void
begin(void)
{
	static const struct smx_view_options any;

	ck_assert_int_eq(smx_view_thread_init(), 0);
	ck_assert_int_eq(smx_attach("t", NULL), 0);
	orders = smx_counter("orders_total", "Orders.");
	calls = smx_counter("calls_total", "Calls.");
	latency = smx_histogram_latency("x_seconds", "x");
	ck_assert_int_eq(top_model_open(&model, live_path, &any), 0);
	top_model_look(&model, 100);
}

static const struct top_series *
series(const char *name)
{
	const struct top_segment *g = model.segments[0];

	for (uint32_t i = 0; i < g->n_series; i++)
		if (strcmp(g->series[i].name, name) == 0)
			return &g->series[i];
	ck_abort_msg("%s is not there", name);
}

START_TEST(rates_are_of_the_last_interval)
{
	begin();
	ck_assert_uint_eq(model.n_segments, 1);
	ck_assert_double_nan(series("orders_total")->rate);
	smx_add(orders, 500);
	for (int i = 0; i < 90; i++)
		smx_observe(latency, 1000000);
	for (int i = 0; i < 10; i++)
		smx_observe(latency, 100000000);
	top_model_look(&model, 102); /* two seconds */
	ck_assert_double_eq(series("orders_total")->value, 500);
	ck_assert_double_eq(series("orders_total")->rate, 250);
	ck_assert_double_eq(series("calls_total")->rate, 0);
	ck_assert_double_eq(series("x_seconds")->rate, 50);
	ck_assert_double_eq(model.segments[0]->updates, 300);
	ck_assert_double_ge(series("x_seconds")->quantile[TOP_P50], 0.9e-3);
	ck_assert_double_le(series("x_seconds")->quantile[TOP_P50], 1e-3);
	ck_assert_double_ge(series("x_seconds")->quantile[TOP_P99], 0.09);
	ck_assert_double_le(series("x_seconds")->quantile[TOP_MAX], 0.11);
	top_model_look(&model, 103); /* and nothing more */
	ck_assert_double_eq(series("orders_total")->rate, 0);
	ck_assert_double_nan(series("x_seconds")->quantile[TOP_P50]);
	ck_assert_double_eq(top_past(&model, series("orders_total"), 1), 250);
	ck_assert_double_nan(top_past(&model, series("orders_total"), 2));
	ck_assert_double_nan(top_past(&model, series("orders_total"), 3));
}
END_TEST

START_TEST(series_that_come_later_are_found)
{
	begin();
	smx_add(smx_counter("late_total", "Later."), 8);
	top_model_look(&model, 101);
	ck_assert_double_eq(series("late_total")->value, 8);
	ck_assert_double_eq(series("late_total")->rate, 8);
}
END_TEST

START_TEST(a_gauge_nobody_has_set_is_not_shown)
{
	struct smx_gauge g;

	begin();
	g = smx_gauge("depth", "Depth.");
	top_model_look(&model, 101);
	ck_assert(!series("depth")->shown);
	smx_set(g, 3);
	top_model_look(&model, 102);
	ck_assert(series("depth")->shown);
	ck_assert_double_eq(series("depth")->value, 3);
}
END_TEST

static int
attach_and_count(int n)
{
	if (smx_attach("t", NULL) < 0)
		return 1;
	smx_add(smx_counter("orders_total", "Orders."), (uint64_t)n);
	return 0;
}

START_TEST(another_file_of_the_name_begins_anew)
{
	struct live_peer other;

	live_peer_start(&other, attach_and_count);
	begin();
	smx_add(orders, 1000);
	top_model_look(&model, 101);
	ck_assert_int_eq(unlink(live_file("smx.t")), 0);
	if (_i == 0) { /* seen gone, or not */
		top_model_look(&model, 102);
		ck_assert_uint_eq(model.n_segments, 0);
	}
	ck_assert_int_eq(live_peer_do(&other, 7), 0);
	top_model_look(&model, 103);
	ck_assert_double_eq(series("orders_total")->value, 7);
	live_peer_end(&other);
}
END_TEST

START_TEST(a_file_that_is_no_segment_says_why)
{
	FILE *f = fopen(live_file("smx.bad"), "w");

	ck_assert_ptr_nonnull(f);
	fputs("rubbish", f);
	fclose(f);
	begin();
	ck_assert_uint_eq(model.n_segments, 2);
	ck_assert_str_eq(model.segments[0]->file, "smx.bad");
	ck_assert_ptr_null(model.segments[0]->view);
	ck_assert_str_ne(model.segments[0]->error.msg, "");
	ck_assert_ptr_nonnull(model.segments[1]->view);
}
END_TEST

static const char *
name_at(size_t i)
{
	ck_assert_uint_lt(i, rows.n);
	return top_row_series(&rows.row[i])->name;
}

START_TEST(rows_are_sorted_and_filtered)
{
	struct top_choice c = { .filter = "", .sort = TOP_BY_NAME };

	begin();
	smx_add(orders, 9);
	smx_add(calls, 5);
	smx_observe(latency, 1000);
	top_model_look(&model, 101);
	ck_assert_int_eq(top_rows_fill(&rows, &model, &c), 0);
	ck_assert_uint_eq(rows.n, 3);
	ck_assert_str_eq(name_at(0), "calls_total");
	c.sort = TOP_BY_RATE;
	ck_assert_int_eq(top_rows_fill(&rows, &model, &c), 0);
	ck_assert_str_eq(name_at(0), "orders_total");
	c.reverse = true;
	ck_assert_int_eq(top_rows_fill(&rows, &model, &c), 0);
	ck_assert_str_eq(name_at(0), "x_seconds");
	c = (struct top_choice){ .filter = "", .sort = TOP_BY_P99 };
	ck_assert_int_eq(top_rows_fill(&rows, &model, &c), 0);
	ck_assert_str_eq(name_at(0), "x_seconds");
	c.filter = "CALL";
	ck_assert_int_eq(top_rows_fill(&rows, &model, &c), 0);
	ck_assert_uint_eq(rows.n, 1);
	ck_assert_str_eq(name_at(0), "calls_total");
	c.filter = "";
	c.file = "smx.other";
	ck_assert_int_eq(top_rows_fill(&rows, &model, &c), 0);
	ck_assert_uint_eq(rows.n, 0);
}
END_TEST

START_TEST(heat_remembers_each_look)
{
	struct heat h = { 0 };
	uint32_t first = 0, last = 0, n, of;

	begin();
	smx_observe(latency, 5);
	top_model_close(&model);
	begin(); /* the first look knows of no before */
	for (of = 0; strcmp(model.segments[0]->series[of].name,
	    "x_seconds") != 0; of++)
		;
	n = top_family(model.segments[0], of)->n_buckets;
	ck_assert_int_eq(heat_start(&h, n), 0);
	heat_look(&h, model.segments[0], of);
	ck_assert(!heat_range(&h, &first, &last));
	smx_observe(latency, 1); /* the first bucket */
	smx_observe(latency, 1);
	smx_observe(latency, UINT64_C(1) << 62); /* the last */
	smx_observe(latency, UINT64_C(1) << 62);
	top_model_look(&model, 101);
	heat_look(&h, model.segments[0], of);
	ck_assert(heat_range(&h, &first, &last));
	ck_assert_uint_eq(first, 0);
	ck_assert_uint_eq(last, n - 1);
	ck_assert_double_eq(heat_share(&h, 0, 0, 0), 0.5);
	ck_assert_double_eq(heat_share(&h, 0, 0, n - 1), 1);
	ck_assert_double_eq(heat_share(&h, 1, 0, n - 1), 0);
	for (unsigned k = 0; k < TOP_HISTORY; k++) { /* and forgets */
		top_model_look(&model, 102 + k);
		heat_look(&h, model.segments[0], of);
	}
	ck_assert(!heat_range(&h, &first, &last));
	heat_stop(&h);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("top");
	TCase *tc = live_case(s, "top", 60);

	tcase_add_test(tc, quantiles_are_those_of_histogram_quantile);
	tcase_add_loop_test(tc, figures_fit_into_few_columns, 0,
	    (int)(sizeof(figures) / sizeof(*figures)));
	tcase_add_test(tc, rates_are_of_the_last_interval);
	tcase_add_test(tc, series_that_come_later_are_found);
	tcase_add_test(tc, a_gauge_nobody_has_set_is_not_shown);
	tcase_add_loop_test(tc, another_file_of_the_name_begins_anew, 0, 2);
	tcase_add_test(tc, a_file_that_is_no_segment_says_why);
	tcase_add_test(tc, rows_are_sorted_and_filtered);
	tcase_add_test(tc, heat_remembers_each_look);
	return live_main(s);
}
