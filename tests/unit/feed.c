/* SPDX-License-Identifier: Apache-2.0 */
/* Files, their merging, and going on exactly where a feed was. */
#include "services/feed/feed.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/feed/pace.h"

static char dir[] = "/tmp/cdb-feed-XXXXXX";
static char paths[3][128];
static unsigned n_bad;
static uint64_t bad_line;
static char bad_why[64];

static void
note_bad(void *arg, const char *path, uint64_t line, const char *why)
{
	(void)arg;
	(void)path;
	n_bad++;
	bad_line = line;
	snprintf(bad_why, sizeof(bad_why), "%s", why);
}

static const char *
file(unsigned i, const char *name, const char *text)
{
	FILE *f;

	snprintf(paths[i], sizeof(paths[i]), "%s/%s", dir, name);
	f = fopen(paths[i], "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	return paths[i];
}

static void
dir_begin(void)
{
	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	memset(paths, 0, sizeof(paths));
	n_bad = 0;
}

static void
dir_end(void)
{
	for (unsigned i = 0; i < 3; i++)
		if (paths[i][0])
			unlink(paths[i]);
	ck_assert_int_eq(rmdir(dir), 0);
}

static int
open_files(struct cdb_feed *feed, size_t n, char why[CDB_WHY_TEXT])
{
	const char *list[3] = { paths[0], paths[1], paths[2] };
	const char *which;

	return cdb_feed_open_files(feed, list, n, NULL, 1, note_bad, NULL,
	    &which, why);
}

static void
must_open(struct cdb_feed *feed, size_t n)
{
	char why[CDB_WHY_TEXT];

	ck_assert_int_eq(open_files(feed, n, why), 0);
}

static bool
take(struct cdb_feed *feed, struct cdb_tick *tick)
{
	int64_t ts;

	if (cdb_feed_peek(feed, &ts) <= 0)
		return false;
	ck_assert_int_eq(cdb_feed_take(feed, tick), 0);
	ck_assert_int_eq(tick->ts_ms, ts);
	return true;
}

START_TEST(merges_by_event_time_and_keeps_the_order_of_files)
{
	static const struct { const char *symbol; int64_t id; } want[] = {
		{ "AAA", 1 }, { "AAA", 2 }, { "BBB", 1 }, { "BBB", 2 },
		{ "AAA", 3 },
	};
	struct cdb_feed feed;
	struct cdb_tick tick;

	file(0, "AAA-trades-x.csv", "1,5,1,5,1723161255000,true\n"
				    "2,5,1,5,1723161255001,true\n"
				    "3,5,1,5,1723161255003,true\n");
	file(1, "BBB-trades-x.csv", "1,5,1,5,1723161255001,true\n"
				    "2,5,1,5,1723161255002,true\n");
	must_open(&feed, 2);
	for (unsigned i = 0; i < 5; i++) {
		ck_assert(take(&feed, &tick));
		ck_assert_str_eq(tick.symbol, want[i].symbol);
		ck_assert_int_eq(tick.trade_id, want[i].id);
		ck_assert_uint_eq(tick.meta.sequence_id, i + 1);
	}
	ck_assert(!take(&feed, &tick));
	ck_assert(feed.done);
	cdb_feed_close(&feed);
}
END_TEST

START_TEST(counts_gaps_duplicates_and_late_ids)
{
	struct cdb_feed feed;
	struct cdb_tick tick;
	struct cdb_feed_counts n;
	int64_t ids[8];
	size_t got = 0;

	file(0, "AAA-trades-x.csv",
	    "id,price,qty,quote_qty,time,is_buyer_maker\n"
	    "1,5,1,5,1723161255000,true\n"
	    "2,5,1,5,1723161255000,true\n"
	    "2,5,1,5,1723161255000,true\n"	/* just seen */
	    "6,5,1,5,1723161255000,true\n"	/* 3, 4, 5 jumped over */
	    "4,5,1,5,1723161255000,true\n"	/* late, but new */
	    "4,5,1,5,1723161255000,true\n"	/* just seen */
	    "1,5,1,5,1723161255000,true\n"	/* seen a while ago */
	    "7,5,1,5,1723161255000,true\n");
	must_open(&feed, 1);
	while (got < 8 && take(&feed, &tick))
		ids[got++] = tick.trade_id;
	ck_assert_uint_eq(got, 5);
	ck_assert_int_eq(ids[3], 4);
	ck_assert_int_eq(ids[4], 7);
	cdb_feed_count(&feed, &n);
	ck_assert_uint_eq(n.published, 5);
	ck_assert_uint_eq(n.gaps, 1);
	ck_assert_uint_eq(n.missing, 3);
	ck_assert_uint_eq(n.duplicates, 3);
	ck_assert_uint_eq(n.late, 1);
	ck_assert_uint_eq(n.bad, 0);
	cdb_feed_close(&feed);
}
END_TEST

START_TEST(bad_rows_are_told_with_their_line_and_skipped)
{
	struct cdb_feed feed;
	struct cdb_tick tick;
	struct cdb_feed_counts n;

	file(0, "AAA-trades-x.csv", "1,5,1,5,1723161255000,true\n"
				    "\n"
				    "2,x,1,5,1723161255000,true\r\n"
				    "3,5,1,5,1723161255000,true\r\n"
				    "rubbish");
	must_open(&feed, 1);
	ck_assert(take(&feed, &tick));
	ck_assert(take(&feed, &tick));
	ck_assert_int_eq(tick.trade_id, 3);
	ck_assert_uint_eq(bad_line, 3);
	ck_assert_ptr_nonnull(strstr(bad_why, "price"));
	ck_assert(!take(&feed, &tick));
	ck_assert_uint_eq(n_bad, 2);
	ck_assert_uint_eq(bad_line, 5);
	cdb_feed_count(&feed, &n);
	ck_assert_uint_eq(n.bad, 2);
	ck_assert_uint_eq(n.published, 2);
	cdb_feed_close(&feed);
}
END_TEST

START_TEST(lines_too_long_are_bad_rows)
{
	char *text = malloc(200000);
	struct cdb_feed feed;
	struct cdb_tick tick;
	struct cdb_feed_counts n;
	int at;

	ck_assert_ptr_nonnull(text);
	at = sprintf(text, "1,5,1,5,1723161255000,true\n");
	memset(text + at, '7', 100000);
	strcpy(text + at + 100000, "\n2,5,1,5,1723161255000,true\n");
	file(0, "AAA-trades-x.csv", text);
	free(text);
	must_open(&feed, 1);
	ck_assert(take(&feed, &tick));
	ck_assert(take(&feed, &tick));
	ck_assert_int_eq(tick.trade_id, 2);
	ck_assert(!take(&feed, &tick));
	cdb_feed_count(&feed, &n);
	ck_assert_uint_eq(n.bad, 1);
	cdb_feed_close(&feed);
}
END_TEST

START_TEST(lean_candles_get_day_and_symbol_from_the_name)
{
	struct cdb_feed feed;
	struct cdb_tick tick;

	file(0, "coinbase_20170904_ethusd_minute_trade.csv",
	    "60000,353.1,353.2,353.09,353.15,7.4806436\n");
	must_open(&feed, 1);
	ck_assert(take(&feed, &tick));
	/* 2017-09-04T00:01:59.999Z: known when the bar ends */
	ck_assert_int_eq(tick.ts_ms, 1504483319999);
	ck_assert_str_eq(tick.symbol, "ETHUSD");
	ck_assert_str_eq(tick.venue, "coinbase");
	ck_assert_str_eq(tick.candle.interval, "1m");
	ck_assert_int_eq(tick.price_e8, 35315000000);
	ck_assert_int_eq(tick.candle.high_e8, 35320000000);
	ck_assert_int_eq(tick.trade_id, -1);
	cdb_feed_close(&feed);
}
END_TEST

static const struct {
	const char *name, *text;
	int err;
} unfit[] = {
	{ "AAA-trades-x.csv", "", -EPROTONOSUPPORT },
	{ "AAA-trades-x.csv", "id,price\n", -EPROTONOSUPPORT },
	{ "AAA-trades-x.csv", "hello\nworld\n", -EPROTONOSUPPORT },
	{ "trades.csv", "1,5,1,5,1723161255000,true\n", -EDESTADDRREQ },
	{ "aaa_20170232_ethusd_minute_trade.csv", "60000,1,1,1,1,1\n",
	    -EDESTADDRREQ },
	{ "AAA-lean.csv", "60000,1,1,1,1,1\n", -EDOM },
};

START_TEST(unfit_files_are_errors_before_anything_is_read)	/* loop: unfit */
{
	struct cdb_feed feed;
	char why[CDB_WHY_TEXT] = "";

	file(0, unfit[_i].name, unfit[_i].text);
	ck_assert_int_eq(open_files(&feed, 1, why), unfit[_i].err);
	ck_assert_str_ne(why, "");
}
END_TEST

START_TEST(missing_files_and_folders_are_errors)
{
	struct cdb_feed feed;
	char why[CDB_WHY_TEXT] = "";

	file(0, "AAA-trades-x.csv", "1,5,1,5,1723161255000,true\n");
	snprintf(paths[1], sizeof(paths[1]), "%s/none.csv", dir);
	ck_assert_int_eq(open_files(&feed, 2, why), -ENOENT);
	snprintf(paths[1], sizeof(paths[1]), "%s", dir);
	ck_assert_int_eq(open_files(&feed, 2, why), -EISDIR);
	paths[1][0] = '\0';
}
END_TEST

/* A state as Redis would keep it. */
struct state {
	size_t n;
	char field[8][CDB_FEED_FIELD];
	char value[8][CDB_SOURCE_POS_TEXT];
};

static void
put(void *arg, const char *field, const char *value)
{
	struct state *st = arg;

	ck_assert_uint_lt(st->n, 8);
	strcpy(st->field[st->n], field);
	strcpy(st->value[st->n++], value);
}

static const char *
get(void *arg, const char *field)
{
	struct state *st = arg;

	for (size_t i = 0; i < st->n; i++)
		if (strcmp(st->field[i], field) == 0)
			return st->value[i];
	return NULL;
}

static void
make_two_files(void)
{
	char text[8192] = "";
	size_t at = 0;

	for (unsigned i = 0; i < 100; i++)
		at += (size_t)sprintf(text + at, i % 10 == 7 ? "bad%u\n"
		    : "%u,5,1,5,%llu,true\n", i,
		    1723161255000ULL + 3 * i);
	file(0, "AAA-trades-x.csv", text);
	at = 0;
	for (unsigned i = 0; i < 60; i++)
		at += (size_t)sprintf(text + at, "%u,5,1,5,%llu,true\n",
		    2 * i, 1723161255000ULL + 5 * i);
	file(1, "BBB-trades-x.csv", text);
}

/* Saved after every tick and loaded into a new feed: nothing is lost. */
START_TEST(goes_on_exactly_where_it_was)
{
	struct cdb_feed whole;
	struct cdb_feed part;
	struct cdb_tick want;
	struct cdb_tick got;
	struct cdb_feed_counts a;
	struct cdb_feed_counts b;
	struct state st = { 0 };
	unsigned n = 0;

	make_two_files();
	must_open(&whole, 2);
	while (take(&whole, &want)) {
		must_open(&part, 2);
		ck_assert_int_eq(cdb_feed_load(&part, get, &st), 0);
		ck_assert(take(&part, &got));
		ck_assert_str_eq(got.meta.event_id, want.meta.event_id);
		ck_assert_uint_eq(got.meta.sequence_id,
		    want.meta.sequence_id);
		st.n = 0;
		cdb_feed_save(&part, put, &st);
		cdb_feed_close(&part);
		n++;
	}
	ck_assert_uint_eq(n, 150);
	must_open(&part, 2);
	ck_assert_int_eq(cdb_feed_load(&part, get, &st), 0);
	ck_assert(!take(&part, &got));
	cdb_feed_count(&whole, &a);
	cdb_feed_count(&part, &b);
	ck_assert_int_eq(memcmp(&a, &b, sizeof(a)), 0);
	ck_assert_uint_eq(a.bad, 10);
	cdb_feed_close(&part);
	cdb_feed_close(&whole);
}
END_TEST

START_TEST(a_loaded_feed_can_be_rewound_by_an_empty_state)
{
	struct cdb_feed feed;
	struct cdb_tick tick;
	struct state none = { 0 };

	make_two_files();
	must_open(&feed, 2);
	ck_assert(take(&feed, &tick));
	ck_assert(take(&feed, &tick));
	ck_assert_int_eq(cdb_feed_load(&feed, get, &none), 0);
	ck_assert(take(&feed, &tick));
	ck_assert_uint_eq(tick.meta.sequence_id, 1);
	cdb_feed_close(&feed);
}
END_TEST

START_TEST(a_state_of_other_data_is_refused)
{
	struct cdb_feed feed;
	struct state st = { 0 };

	make_two_files();
	must_open(&feed, 2);
	cdb_feed_save(&feed, put, &st);
	cdb_feed_close(&feed);
	must_open(&feed, 1);
	ck_assert_int_eq(cdb_feed_load(&feed, get, &st), -EXDEV);
	cdb_feed_close(&feed);
	cdb_feed_open_market(&feed, 1, 100, 0);
	ck_assert_int_eq(cdb_feed_load(&feed, get, &st), -EXDEV);
	st.n = 0;
	cdb_feed_save(&feed, put, &st);
	ck_assert_int_eq(cdb_feed_load(&feed, get, &st), 0);
	strcpy(st.value[4], "rubbish");		/* the market's position */
	ck_assert_int_eq(cdb_feed_load(&feed, get, &st), -EINVAL);
	cdb_feed_close(&feed);
}
END_TEST

START_TEST(ticks_are_due_at_their_distance)
{
	struct cdb_pace pace = { .speed = 2 };

	ck_assert_uint_eq(cdb_pace_due_ns(&pace, 1000, 50), 50);
	ck_assert_uint_eq(cdb_pace_due_ns(&pace, 1010, 60), 5000050);
	/* before the anchor: at once */
	ck_assert_uint_eq(cdb_pace_due_ns(&pace, 900, 60), 50);
	cdb_pace_restart(&pace);
	ck_assert_uint_eq(cdb_pace_due_ns(&pace, 1010, 70), 70);
	pace.speed = 0;
	ck_assert_uint_eq(cdb_pace_due_ns(&pace, 9999999, 80), 80);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("feed");
	TCase *tc = tcase_create("feed");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, dir_begin, dir_end);
	tcase_add_test(tc, merges_by_event_time_and_keeps_the_order_of_files);
	tcase_add_test(tc, counts_gaps_duplicates_and_late_ids);
	tcase_add_test(tc, bad_rows_are_told_with_their_line_and_skipped);
	tcase_add_test(tc, lines_too_long_are_bad_rows);
	tcase_add_test(tc, lean_candles_get_day_and_symbol_from_the_name);
	tcase_add_loop_test(tc, unfit_files_are_errors_before_anything_is_read, 0,
	    sizeof(unfit) / sizeof(unfit[0]));
	tcase_add_test(tc, missing_files_and_folders_are_errors);
	tcase_add_test(tc, goes_on_exactly_where_it_was);
	tcase_add_test(tc, a_loaded_feed_can_be_rewound_by_an_empty_state);
	tcase_add_test(tc, a_state_of_other_data_is_refused);
	tcase_add_test(tc, ticks_are_due_at_their_distance);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
