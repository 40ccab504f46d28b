/* SPDX-License-Identifier: Apache-2.0 */
#include "services/feed/market.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "services/common/decimal.h"

#define TICKS 20000

/* The JSON of the next tick; false at the end of the market. */
static bool
next(struct cdb_market *m, char json[2048], struct cdb_tick *tick)
{
	int64_t ts;
	size_t len;

	if (!cdb_market_peek(m, &ts))
		return false;
	cdb_market_take(m, tick);
	ck_assert_int_eq(tick->ts_ms, ts);
	len = cdb_tick_write(tick, json, 2047);
	ck_assert_uint_gt(len, 0);
	ck_assert_uint_lt(len, 2048);
	json[len] = '\0';
	return true;
}

START_TEST(the_same_seed_gives_the_same_bytes)
{
	struct cdb_market a;
	struct cdb_market b;
	struct cdb_tick tick;
	char text_a[2048];
	char text_b[2048];

	cdb_market_init(&a, 7, 100, 0);
	cdb_market_init(&b, 7, 100, 0);
	for (unsigned i = 0; i < TICKS; i++) {
		ck_assert(next(&a, text_a, &tick));
		ck_assert(next(&b, text_b, &tick));
		ck_assert_str_eq(text_a, text_b);
	}
}
END_TEST

START_TEST(another_seed_gives_other_bytes)
{
	struct cdb_market a;
	struct cdb_market b;
	struct cdb_tick tick;
	char text_a[2048];
	char text_b[2048];
	unsigned same = 0;

	cdb_market_init(&a, 7, 100, 0);
	cdb_market_init(&b, 8, 100, 0);
	for (unsigned i = 0; i < 1000; i++) {
		ck_assert(next(&a, text_a, &tick));
		ck_assert(next(&b, text_b, &tick));
		same += strcmp(text_a, text_b) == 0;
	}
	ck_assert_uint_eq(same, 0);
}
END_TEST

START_TEST(two_integers_are_all_its_position)
{
	struct cdb_market a;
	struct cdb_market b;
	struct cdb_tick tick;
	char text_a[2048];
	char text_b[2048];

	cdb_market_init(&a, 7, 100, 0);
	for (unsigned i = 0; i < 5000; i++)
		ck_assert(next(&a, text_a, &tick));
	cdb_market_init(&b, 7, 100, 0);
	b.n = a.n;
	b.ts_us = a.ts_us;
	for (unsigned i = 0; i < 1000; i++) {
		ck_assert(next(&a, text_a, &tick));
		ck_assert(next(&b, text_b, &tick));
		ck_assert_str_eq(text_a, text_b);
	}
}
END_TEST

START_TEST(ends_after_its_limit)
{
	struct cdb_market m;
	struct cdb_tick tick;
	char json[2048];

	cdb_market_init(&m, 1, 100, 3);
	for (unsigned i = 0; i < 3; i++)
		ck_assert(next(&m, json, &tick));
	ck_assert(!next(&m, json, &tick));
}
END_TEST

START_TEST(every_tick_is_a_possible_one)
{
	struct cdb_market m;
	struct cdb_tick tick;
	char json[2048];
	int64_t last = 0;

	cdb_market_init(&m, 3, 100, 0);
	for (unsigned i = 0; i < TICKS; i++) {
		ck_assert(next(&m, json, &tick));
		ck_assert_int_ge(tick.ts_ms, last);
		last = tick.ts_ms;
		ck_assert_int_gt(tick.bid_e8, 0);
		ck_assert_int_lt(tick.bid_e8, tick.price_e8);
		ck_assert_int_gt(tick.ask_e8, tick.price_e8);
		ck_assert_int_gt(tick.qty_e8, 0);
		ck_assert(cdb_symbol_valid(tick.symbol));
	}
}
END_TEST

START_TEST(keeps_to_its_rate)
{
	struct cdb_market m;
	struct cdb_tick tick;
	char json[2048];
	int64_t first;
	int64_t took;

	cdb_market_init(&m, 3, 100, 0);
	ck_assert(next(&m, json, &tick));
	first = tick.ts_ms;
	for (unsigned i = 1; i < TICKS; i++)
		ck_assert(next(&m, json, &tick));
	took = tick.ts_ms - first;
	ck_assert_int_gt(took, TICKS * 10 * 95 / 100);
	ck_assert_int_lt(took, TICKS * 10 * 105 / 100);
}
END_TEST

/* How often something remarkable happens in an hour of the market. */
struct events {
	unsigned symbols;
	unsigned wide;		/* spreads far above the usual */
	unsigned big_moves;	/* half a percent within a minute */
	unsigned silences;	/* of a symbol, 30 s and more */
};

static void
hour_count(struct events *ev)
{
	struct cdb_market m;
	struct cdb_tick tick;
	int64_t ts;
	struct { char name[24]; int64_t ts, minute, price; } seen[8] = { 0 };
	unsigned k;

	cdb_market_init(&m, 11, 50, 180000);
	while (cdb_market_peek(&m, &ts)) {
		cdb_market_take(&m, &tick);
		for (k = 0; seen[k].name[0] &&
		     strcmp(seen[k].name, tick.symbol) != 0;)
			k++;
		strcpy(seen[k].name, tick.symbol);
		if (k + 1 > ev->symbols)
			ev->symbols = k + 1;
		ev->wide += (tick.ask_e8 - tick.bid_e8) * 1000 >
		    tick.price_e8;
		ev->silences += seen[k].ts &&
		    tick.ts_ms - seen[k].ts >= 30000;
		seen[k].ts = tick.ts_ms;
		if (tick.ts_ms / 60000 == seen[k].minute)
			continue;
		ev->big_moves += seen[k].price && llabs(tick.price_e8 -
		    seen[k].price) * 200 >= seen[k].price;
		seen[k].minute = tick.ts_ms / 60000;
		seen[k].price = tick.price_e8;
	}
}

START_TEST(an_hour_has_something_of_everything)
{
	struct events ev = { 0 };

	hour_count(&ev);
	ck_assert_uint_eq(ev.symbols, 6);
	ck_assert_uint_gt(ev.wide, 100);
	ck_assert_uint_gt(ev.big_moves, 30);
	ck_assert_uint_gt(ev.silences, 1);
	ck_assert_uint_lt(ev.silences, 30);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("market");
	TCase *tc = tcase_create("market");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, the_same_seed_gives_the_same_bytes);
	tcase_add_test(tc, another_seed_gives_other_bytes);
	tcase_add_test(tc, two_integers_are_all_its_position);
	tcase_add_test(tc, ends_after_its_limit);
	tcase_add_test(tc, every_tick_is_a_possible_one);
	tcase_add_test(tc, keeps_to_its_rate);
	tcase_add_test(tc, an_hour_has_something_of_everything);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
