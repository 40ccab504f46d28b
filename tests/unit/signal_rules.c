/* SPDX-License-Identifier: Apache-2.0 */
#include "services/signal/signal.h"

#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/common/decimal.h"

#define ONE CDB_DEC_ONE

static struct cdb_engine engine;

/* Three percent in fifteen minutes, 100,000 of volume, a minute between. */
static void
engine_begin(void)
{
	cdb_engine_reset(&engine);
	engine.seed = 1;
	engine.rules = (struct cdb_rules){ 900000, 3 * ONE, 100000 * ONE,
		60000 };
}

/* One tick; `volume` is its quote volume at a price of `price_e8`. */
static int
feed(const char *symbol, int64_t ts_ms, int64_t price_e8, int64_t qty_e8,
    struct cdb_signal *sig)
{
	static unsigned n;
	struct cdb_tick tick = { .ts_ms = ts_ms, .price_e8 = price_e8,
		.qty_e8 = qty_e8 };

	snprintf(tick.symbol, sizeof(tick.symbol), "%s", symbol);
	snprintf(tick.meta.event_id, sizeof(tick.meta.event_id), "t%u", ++n);
	strcpy(tick.meta.correlation_id, tick.meta.event_id);
	return cdb_engine_tick(&engine, &tick, sig);
}

/* Two ticks: the second decides.  Prices in 1e-8, volume of the first. */
static const struct {
	const char *what;
	int64_t from_e8, to_e8;
	int64_t apart_ms;
	int64_t qty_e8;		/* of the first; the second trades nothing */
	int want;
	enum cdb_side side;
} moves[] = {
	{ "a rise of exactly the threshold", 100 * ONE, 103 * ONE, 1000,
	    1000 * ONE, CDB_SIGNAL, CDB_BUY },
	{ "a rise one unit below it", 100 * ONE, 103 * ONE - 1, 1000,
	    1000 * ONE, CDB_QUIET, CDB_BUY },
	{ "a rise one unit above it", 100 * ONE, 103 * ONE + 1, 1000,
	    1000 * ONE, CDB_SIGNAL, CDB_BUY },
	{ "a fall of exactly the threshold", 100 * ONE, 97 * ONE, 1000,
	    1000 * ONE, CDB_SIGNAL, CDB_SELL },
	{ "a fall one unit below it", 100 * ONE, 97 * ONE + 1, 1000,
	    1000 * ONE, CDB_QUIET, CDB_SELL },
	{ "a fall one unit above it", 100 * ONE, 97 * ONE - 1, 1000,
	    1000 * ONE, CDB_SIGNAL, CDB_SELL },
	{ "no move", 100 * ONE, 100 * ONE, 1000, 1000 * ONE, CDB_QUIET,
	    CDB_BUY },
	{ "volume one unit below the minimum", 100 * ONE, 103 * ONE, 1000,
	    1000 * ONE - 1, CDB_LOW_VOLUME, CDB_BUY },
	{ "the oldest tick at the edge of the look-back", 100 * ONE,
	    103 * ONE, 900000, 1000 * ONE, CDB_SIGNAL, CDB_BUY },
	{ "the oldest tick just out of the look-back", 100 * ONE, 103 * ONE,
	    900001, 1000 * ONE, CDB_QUIET, CDB_BUY },
	{ "a threshold that no fraction can hold", 3 * ONE, 309000000, 1000,
	    100000 * ONE, CDB_SIGNAL, CDB_BUY },
	{ "a price of one unit that doubles", 1, 2, 1000, INT64_MAX,
	    CDB_LOW_VOLUME, CDB_BUY },
};

START_TEST(limits_are_met_exactly)		/* loop: moves */
{
	struct cdb_signal sig;

	engine_begin();
	ck_assert_int_eq(feed("AAA", 5000, moves[_i].from_e8,
	    moves[_i].qty_e8, &sig), CDB_QUIET);
	ck_assert_msg(feed("AAA", 5000 + moves[_i].apart_ms,
	    moves[_i].to_e8, 0, &sig) == moves[_i].want, "%s",
	    moves[_i].what);
	if (moves[_i].want == CDB_SIGNAL)
		ck_assert_int_eq(sig.side, moves[_i].side);
}
END_TEST

START_TEST(the_oldest_tick_counts_not_the_lowest)
{
	struct cdb_signal sig;

	engine_begin();
	feed("AAA", 0, 100 * ONE, 2000 * ONE, &sig);
	feed("AAA", 1, 98 * ONE, 0, &sig);
	ck_assert_int_eq(feed("AAA", 2, 102 * ONE, 0, &sig), CDB_QUIET);
}
END_TEST

static const struct {
	int64_t after_ms;	/* the first signal */
	int want;
} pauses[] = {
	{ 0, CDB_COOLING },
	{ 59999, CDB_COOLING },
	{ 60000, CDB_SIGNAL },
	{ 60001, CDB_SIGNAL },
};

START_TEST(cool_down_ends_to_the_millisecond)	/* loop: pauses */
{
	struct cdb_signal sig;

	engine_begin();
	feed("AAA", 0, 100 * ONE, 2000 * ONE, &sig);
	ck_assert_int_eq(feed("AAA", 10, 103 * ONE, 0, &sig), CDB_SIGNAL);
	ck_assert_int_eq(feed("AAA", 10 + pauses[_i].after_ms, 103 * ONE, 0,
	    &sig), pauses[_i].want);
}
END_TEST

START_TEST(sides_and_symbols_cool_down_apart)
{
	struct cdb_signal sig;

	engine_begin();
	feed("AAA", 0, 100 * ONE, 2000 * ONE, &sig);
	feed("BBB", 0, 100 * ONE, 2000 * ONE, &sig);
	ck_assert_int_eq(feed("AAA", 1, 104 * ONE, 0, &sig), CDB_SIGNAL);
	ck_assert_int_eq(feed("AAA", 2, 96 * ONE, 0, &sig), CDB_SIGNAL);
	ck_assert_int_eq(sig.side, CDB_SELL);
	ck_assert_int_eq(feed("BBB", 3, 104 * ONE, 0, &sig), CDB_SIGNAL);
	ck_assert_int_eq(feed("AAA", 4, 104 * ONE, 0, &sig), CDB_COOLING);
}
END_TEST

START_TEST(a_suppressed_move_does_not_prolong_the_cool_down)
{
	struct cdb_signal sig;

	engine_begin();
	feed("AAA", 0, 100 * ONE, 2000 * ONE, &sig);
	ck_assert_int_eq(feed("AAA", 10, 103 * ONE, 0, &sig), CDB_SIGNAL);
	ck_assert_int_eq(feed("AAA", 50000, 103 * ONE, 0, &sig), CDB_COOLING);
	ck_assert_int_eq(feed("AAA", 60010, 103 * ONE, 0, &sig), CDB_SIGNAL);
}
END_TEST

static const struct {
	int64_t to_e8;
	int64_t confidence_e8;
} sure[] = {
	{ 103 * ONE, 30000000 },
	{ 110 * ONE - 1, 99999999 },
	{ 110 * ONE, 100000000 },
	{ 250 * ONE, 100000000 },
	{ 90 * ONE, 100000000 },
	{ 95 * ONE, 50000000 },
};

START_TEST(confidence_is_a_tenth_of_the_percents)	/* loop: sure */
{
	struct cdb_signal sig;

	engine_begin();
	feed("AAA", 0, 100 * ONE, 2000 * ONE, &sig);
	ck_assert_int_eq(feed("AAA", 1, sure[_i].to_e8, 0, &sig),
	    CDB_SIGNAL);
	ck_assert_int_eq(sig.confidence_e8, sure[_i].confidence_e8);
}
END_TEST

START_TEST(a_signal_names_its_cause)
{
	struct cdb_tick tick = { .meta = { "e2", 2, "c2", "" },
		.symbol = "AAA", .ts_ms = 7, .price_e8 = 104 * ONE };
	struct cdb_signal sig;
	struct cdb_signal again;

	engine_begin();
	feed("AAA", 0, 100 * ONE, 2000 * ONE, &sig);
	ck_assert_int_eq(cdb_engine_tick(&engine, &tick, &sig), CDB_SIGNAL);
	ck_assert_str_eq(sig.meta.causation_id, "e2");
	ck_assert_str_eq(sig.meta.correlation_id, "c2");
	ck_assert_uint_eq(sig.meta.sequence_id, 1);
	ck_assert_int_eq(sig.ts_ms, 7);
	ck_assert_int_eq(sig.price_e8, 104 * ONE);
	ck_assert_int_eq(sig.pct_change_e8, 4 * ONE);
	ck_assert_str_eq(sig.reason,
	    "4 % in 7 ms, quote volume 200000 in the look-back");
	/* the id follows from seed and cause, not from what came before */
	engine_begin();
	feed("BBB", 0, 100 * ONE, 2000 * ONE, &again);
	feed("BBB", 1, 104 * ONE, 0, &again);
	feed("AAA", 1, 90 * ONE, 2000 * ONE, &again);
	ck_assert_int_eq(cdb_engine_tick(&engine, &tick, &again),
	    CDB_SIGNAL);
	ck_assert_str_eq(again.meta.event_id, sig.meta.event_id);
	engine.seed = 2;
	engine.symbols[1].has_last[CDB_BUY] = false;
	ck_assert_int_eq(cdb_engine_tick(&engine, &tick, &again),
	    CDB_SIGNAL);
	ck_assert_str_ne(again.meta.event_id, sig.meta.event_id);
}
END_TEST

START_TEST(late_ticks_do_not_turn_time_back)
{
	struct cdb_signal sig;

	engine_begin();
	feed("AAA", 0, 100 * ONE, 2000 * ONE, &sig);
	feed("AAA", 900001, 100 * ONE, 2000 * ONE, &sig);
	/* of an earlier time: compared with the oldest that is left */
	ck_assert_int_eq(feed("AAA", 500000, 103 * ONE, 0, &sig),
	    CDB_SIGNAL);
	ck_assert_int_eq(engine.now_ms, 900001);
}
END_TEST

START_TEST(symbols_beyond_the_limit_are_refused)
{
	struct cdb_signal sig;
	char name[CDB_SYMBOL_TEXT];

	engine_begin();
	for (unsigned i = 0; i < CDB_SYMBOLS_MAX; i++) {
		snprintf(name, sizeof(name), "S%u", i);
		ck_assert_int_eq(feed(name, 0, ONE, ONE, &sig), CDB_QUIET);
	}
	ck_assert_int_eq(feed("ONEMORE", 0, ONE, ONE, &sig), -ENOSPC);
	ck_assert_int_eq(feed("S7", 0, ONE, ONE, &sig), CDB_QUIET);
	cdb_engine_reset(&engine);
}
END_TEST

START_TEST(a_volume_that_cannot_be_held_is_an_error)
{
	struct cdb_signal sig;

	engine_begin();
	/* two squares of 2^63 - 1 are just below 2^127 */
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(feed("AAA", 0, INT64_MAX, INT64_MAX, &sig),
		    CDB_QUIET);
	ck_assert_int_eq(feed("AAA", 0, INT64_MAX, INT64_MAX, &sig),
	    -ERANGE);
	/* nothing changed, and the window goes on */
	ck_assert_int_eq(feed("AAA", 0, INT64_MAX, 0, &sig), CDB_QUIET);
}
END_TEST

/*
 * The saved list, kept by the changes a window reports, is the window,
 * whatever comes and goes between two saves.
 */
START_TEST(changes_rebuild_the_window)
{
	struct cdb_window w = { 0 };
	int64_t list[4000];	/* times of the saved points */
	size_t n = 0;
	uint32_t r = 1;

	for (int64_t ts = 0; ts < 3000; ts++) {
		size_t drop;
		size_t append;

		r = r * 1664525 + 1013904223;
		for (unsigned k = 0; k < r >> 30; k++)
			ck_assert_int_eq(cdb_window_push(&w,
			    (struct cdb_point){ ts, ONE, ONE }), 0);
		cdb_window_evict(&w, ts - (int64_t)(r >> 24 & 63));
		if ((r >> 20 & 7) != 0)
			continue;
		cdb_window_changes(&w, &drop, &append);
		ck_assert_uint_le(drop, n);
		memmove(list, list + drop, (n - drop) * sizeof(list[0]));
		n -= drop;
		for (size_t i = w.n - append; i < w.n; i++)
			list[n++] = cdb_window_at(&w, i).ts_ms;
		cdb_window_saved(&w);
		ck_assert_uint_eq(n, w.n);
		for (size_t i = 0; i < n; i++)
			ck_assert_int_eq(list[i],
			    cdb_window_at(&w, i).ts_ms);
		ck_assert(w.quote_e16 == (__int128_t)ONE * ONE *
		    (int64_t)w.n);
	}
	cdb_window_free(&w);
}
END_TEST

START_TEST(state_texts_survive)
{
	struct cdb_symbol s = { .has_last = { true, false },
		.last_ms = { 123, 0 }, .window = { .n = 9 } };
	struct cdb_symbol back = { .name = "AAA" };
	struct cdb_point p = { 1723161255342, INT64_MAX, 1 };
	struct cdb_point q;
	char text[CDB_SYMBOL_STATE];
	char point[CDB_POINT_TEXT];

	cdb_symbol_write(&s, text);
	ck_assert_int_eq(cdb_symbol_read(&back, text), 0);
	ck_assert_uint_eq(back.saved_n, 9);
	ck_assert(back.has_last[CDB_BUY]);
	ck_assert(!back.has_last[CDB_SELL]);
	ck_assert_int_eq(back.last_ms[CDB_BUY], 123);
	ck_assert_int_eq(cdb_symbol_read(&back, "9 1 x"), -EINVAL);
	cdb_point_write(p, point);
	ck_assert_int_eq(cdb_point_read(&q, point), 0);
	ck_assert_int_eq(q.ts_ms, p.ts_ms);
	ck_assert_int_eq(q.price_e8, p.price_e8);
	ck_assert_int_eq(q.qty_e8, p.qty_e8);
	ck_assert_int_eq(cdb_point_read(&q, "1 2"), -EINVAL);
	ck_assert_int_eq(cdb_point_read(&q, "1 2 y"), -EINVAL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("signal_rules");
	TCase *tc = tcase_create("signal_rules");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, limits_are_met_exactly, 0,
	    sizeof(moves) / sizeof(moves[0]));
	tcase_add_test(tc, the_oldest_tick_counts_not_the_lowest);
	tcase_add_loop_test(tc, cool_down_ends_to_the_millisecond, 0,
	    sizeof(pauses) / sizeof(pauses[0]));
	tcase_add_test(tc, sides_and_symbols_cool_down_apart);
	tcase_add_test(tc, a_suppressed_move_does_not_prolong_the_cool_down);
	tcase_add_loop_test(tc, confidence_is_a_tenth_of_the_percents, 0,
	    sizeof(sure) / sizeof(sure[0]));
	tcase_add_test(tc, a_signal_names_its_cause);
	tcase_add_test(tc, late_ticks_do_not_turn_time_back);
	tcase_add_test(tc, symbols_beyond_the_limit_are_refused);
	tcase_add_test(tc, a_volume_that_cannot_be_held_is_an_error);
	tcase_add_test(tc, changes_rebuild_the_window);
	tcase_add_test(tc, state_texts_survive);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
