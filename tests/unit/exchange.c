/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/common/decimal.h"
#include "services/common/event_id.h"
#include "services/execution/desk.h"
#include "services/execution/exchange.h"

#define E8   CDB_DEC_ONE
#define MANY 20000

static struct cdb_order
order_make(int i, enum cdb_side side, int64_t qty_e8, int64_t price_e8)
{
	struct cdb_order o = { .side = side, .qty_e8 = qty_e8,
		.price_e8 = price_e8, .ts_ms = 1000000 };
	char cause[16];

	snprintf(cause, sizeof(cause), "%d", i);
	cdb_event_id(1, "order", cause, o.meta.event_id);
	o.meta.sequence_id = (uint64_t)i;
	strcpy(o.symbol, "BTCUSDT");
	return o;
}

START_TEST(fate_is_a_function_of_seed_and_order)
{
	struct cdb_exchange_rules rules = cdb_exchange_defaults;
	int differ = 0;

	for (int i = 0; i < 1000; i++) {
		struct cdb_order o = order_make(i, CDB_BUY, E8, 100 * E8);
		struct cdb_result a;
		struct cdb_result b;

		cdb_exchange_execute(&rules, 7, &o, &a);
		cdb_exchange_execute(&rules, 7, &o, &b);
		ck_assert_mem_eq(&a, &b, sizeof(a));
		cdb_exchange_execute(&rules, 8, &o, &b);
		differ += a.ts_ms != b.ts_ms;
	}
	ck_assert_int_gt(differ, 900);
}
END_TEST

START_TEST(due_is_when_the_result_takes_effect)
{
	struct cdb_exchange_rules rules = cdb_exchange_defaults;

	rules.error_rate_e8 = E8 / 2;	/* many retries */
	for (int i = 0; i < 1000; i++) {
		struct cdb_order o = order_make(i, CDB_SELL, E8, 100 * E8);
		struct cdb_result r;

		cdb_exchange_execute(&rules, 3, &o, &r);
		ck_assert_int_eq(r.ts_ms, cdb_exchange_due_ms(&rules, 3,
		    o.meta.event_id, o.ts_ms));
	}
}
END_TEST

START_TEST(rates_are_as_promised)
{
	struct cdb_exchange_rules rules = cdb_exchange_defaults;
	int fates[3] = { 0 };
	int retried = 0;

	for (int i = 0; i < MANY; i++) {
		struct cdb_order o = order_make(i, CDB_BUY, E8, 100 * E8);
		struct cdb_result r;

		cdb_exchange_execute(&rules, 1, &o, &r);
		fates[r.fate]++;
		retried += r.attempts > 1;
		if (r.attempts == 1) {
			ck_assert_int_ge(r.ts_ms, o.ts_ms + 50);
			ck_assert_int_le(r.ts_ms, o.ts_ms + 200);
		} else {
			ck_assert_int_ge(r.ts_ms, o.ts_ms + 2000);
		}
	}
	/* 3 % and 2 %, give or take six sigma */
	ck_assert_int_gt(fates[CDB_REJECTED], MANY * 3 / 100 - 150);
	ck_assert_int_lt(fates[CDB_REJECTED], MANY * 3 / 100 + 150);
	ck_assert_int_gt(retried, MANY * 2 / 100 - 120);
	ck_assert_int_lt(retried, MANY * 2 / 100 + 120);
	ck_assert_int_le(fates[CDB_ERROR], 2);	/* 0.02^4 */
}
END_TEST

START_TEST(errors_are_tried_again_so_often_and_no_more)
{
	struct cdb_exchange_rules rules = cdb_exchange_defaults;
	int64_t least;
	int64_t most;

	rules.reject_rate_e8 = 0;
	rules.error_rate_e8 = E8;
	for (rules.retries = 0; rules.retries < 5; rules.retries++) {
		least = rules.retries * 2000 + (rules.retries + 1) * 50;
		most = rules.retries * 2000 + (rules.retries + 1) * 10000;
		for (int i = 0; i < 200; i++) {
			struct cdb_order o = order_make(i, CDB_BUY, E8, E8);
			struct cdb_result r;

			cdb_exchange_execute(&rules, 1, &o, &r);
			ck_assert_int_eq(r.fate, CDB_ERROR);
			ck_assert_uint_eq(r.attempts,
			    (unsigned)rules.retries + 1);
			ck_assert_int_ge(r.ts_ms - o.ts_ms, least);
			ck_assert_int_le(r.ts_ms - o.ts_ms, most);
			ck_assert_int_eq(r.filled_e8, 0);
			ck_assert_int_eq(r.fee_e8, 0);
			ck_assert_str_ne(r.error, "");
		}
	}
}
END_TEST

/* The latency against the timeout of 10000. */
static const struct {
	int64_t latency_ms;
	enum cdb_fate fate;
	int64_t ms;
} timeouts[] = {
	{ 9999, CDB_FILLED, 9999 },
	{ 10000, CDB_FILLED, 10000 },
	{ 10001, CDB_ERROR, 10000 },
};

START_TEST(an_answer_after_the_timeout_is_none)
{
	struct cdb_exchange_rules rules = cdb_exchange_defaults;
	struct cdb_order o = order_make(1, CDB_BUY, E8, E8);
	struct cdb_result r;

	rules.latency_min_ms = timeouts[_i].latency_ms;
	rules.latency_max_ms = timeouts[_i].latency_ms;
	rules.reject_rate_e8 = rules.error_rate_e8 = rules.retries = 0;
	cdb_exchange_execute(&rules, 1, &o, &r);
	ck_assert_int_eq(r.fate, timeouts[_i].fate);
	ck_assert_int_eq(r.ts_ms - o.ts_ms, timeouts[_i].ms);
}
END_TEST

START_TEST(latency_zero_takes_effect_at_once)
{
	struct cdb_exchange_rules rules = cdb_exchange_defaults;
	struct cdb_order o = order_make(1, CDB_BUY, E8, E8);

	rules.latency_min_ms = rules.latency_max_ms = 0;
	rules.error_rate_e8 = 0;
	ck_assert_int_eq(cdb_exchange_due_ms(&rules, 1, o.meta.event_id,
	    o.ts_ms), o.ts_ms);
}
END_TEST

/* 0.02 % x min(qty / 10, 2) x 0.5..1.5, at most 0.1 %. */
static const struct {
	int64_t qty_e8;
	int64_t least_e8;	/* of a price of 10000 */
	int64_t most_e8;
} slips[] = {
	{ 0, 0, 0 },
	{ 10 * E8, E8, 3 * E8 },
	{ 20 * E8 - E8, 2 * E8 - E8 / 10, 6 * E8 },
	{ 20 * E8, 2 * E8, 6 * E8 },
	{ 1000 * E8, 2 * E8, 6 * E8 },	/* not more than twice */
};

START_TEST(slippage_grows_with_the_size_and_is_against_us)
{
	struct cdb_exchange_rules rules = cdb_exchange_defaults;

	rules.reject_rate_e8 = rules.error_rate_e8 = 0;
	for (int i = 0; i < 500; i++) {
		int64_t qty = slips[_i].qty_e8 ? slips[_i].qty_e8 : 1;
		struct cdb_order o = order_make(i, i % 2 ? CDB_SELL : CDB_BUY,
		    qty, 10000 * E8);
		struct cdb_result r;
		int64_t away;

		cdb_exchange_execute(&rules, 1, &o, &r);
		away = i % 2 ? o.price_e8 - r.price_e8
			     : r.price_e8 - o.price_e8;
		ck_assert_int_ge(away, slips[_i].least_e8);
		ck_assert_int_le(away, slips[_i].most_e8);
		ck_assert_int_eq(r.slippage_bps_e4, away / 10000);
	}
}
END_TEST

START_TEST(slippage_stops_at_its_cap)
{
	struct cdb_exchange_rules rules = cdb_exchange_defaults;

	rules.reject_rate_e8 = rules.error_rate_e8 = 0;
	rules.slippage_e8 = E8 / 10;
	for (int i = 0; i < 100; i++) {
		struct cdb_order o = order_make(i, CDB_BUY, 100 * E8,
		    10000 * E8);
		struct cdb_result r;

		cdb_exchange_execute(&rules, 1, &o, &r);
		ck_assert_int_eq(r.price_e8, 10010 * E8);
	}
}
END_TEST

START_TEST(notionals_are_exact)
{
	static const int64_t quantities[] = { 1, 10, 1618, 161900, 1000000,
		50000000, 100000000, 12345678900 };

	for (size_t i = 0; i < sizeof(quantities) / sizeof(quantities[0]);
	     i++) {
		for (int64_t p = 1; p < INT64_C(10000000000000); p = p * 7 + 3) {
			int64_t price = cdb_exchange_price(p, quantities[i]);

			ck_assert_int_gt(price, 0);
			ck_assert((__int128_t)price * quantities[i] %
			    CDB_DEC_ONE == 0);
			/* half a step away at most, unless it was below one */
			ck_assert(llabs(price - p) <= CDB_DEC_ONE / 2 ||
			    p < CDB_DEC_ONE);
		}
	}
}
END_TEST

START_TEST(the_fee_is_a_part_of_the_notional)
{
	struct cdb_exchange_rules rules = cdb_exchange_defaults;
	struct cdb_order o = order_make(1, CDB_BUY, 2 * E8, 1000 * E8);
	struct cdb_result r;

	rules.reject_rate_e8 = rules.error_rate_e8 = rules.slippage_e8 = 0;
	cdb_exchange_execute(&rules, 1, &o, &r);
	ck_assert_int_eq(r.price_e8, 1000 * E8);
	ck_assert_int_eq(r.filled_e8, 2 * E8);
	ck_assert_int_eq(r.fee_e8, 2000 * E8 / 10000 * 6);
}
END_TEST

START_TEST(rules_come_back_from_their_text)
{
	struct cdb_exchange_rules rules = cdb_exchange_defaults;
	struct cdb_exchange_rules back;
	char text[CDB_EXCHANGE_TEXT];

	rules.latency_min_ms = 1;
	rules.fee_e8 = 12345;
	cdb_exchange_write(&rules, text);
	ck_assert_int_eq(cdb_exchange_read(&back, text), 0);
	ck_assert_mem_eq(&rules, &back, sizeof(rules));
}
END_TEST

START_TEST(rules_that_cannot_be_are_refused)
{
	static const char *const texts[] = { "", "1", "2 50 200 0 0 0 0 0 3 1 1",
		"1 200 50 0 0 0 0 0 3 1 1", "1 50 200 0 0 0 0 0 3 1 1 x",
		"1 50 200 60000000 60000000 0 0 0 3 1 1",
		"1 -1 200 0 0 0 0 0 3 1 1", "1 50 200 0 0 0 0 0 -1 1 1" };
	struct cdb_exchange_rules rules;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ck_assert_int_lt(cdb_exchange_read(&rules, texts[i]), 0);
}
END_TEST

static struct cdb_desk_order
desk_order(uint64_t seq, int64_t sent_us, int64_t ms)
{
	struct cdb_desk_order o = { .sent_us = sent_us };

	o.result.meta.sequence_id = seq;
	o.result.ts_ms = 1000 + ms;
	o.result.order_ts_ms = 1000;
	o.result.attempts = 2;
	o.result.fee_e8 = 5;
	o.result.fate = seq % 2 ? CDB_FILLED : CDB_REJECTED;
	return o;
}

START_TEST(the_desk_answers_when_it_is_due)
{
	struct cdb_desk desk = { .speed = 2 };
	struct cdb_desk_order a = desk_order(1, 1000000, 100);
	struct cdb_desk_order b = desk_order(2, 1000000, 40);

	ck_assert_int_eq(cdb_desk_init(&desk), 0);
	cdb_desk_hold(&desk, &a, 0);
	cdb_desk_hold(&desk, &b, 0);
	ck_assert_uint_eq(cdb_desk_due(&desk, 1019999), 0);
	ck_assert_uint_eq(cdb_desk_due(&desk, 1020000), 1);
	ck_assert_uint_eq(desk.held[0].result.meta.sequence_id, 2);
	ck_assert_uint_eq(cdb_desk_due(&desk, 1050000), 2);
	cdb_desk_answer(&desk, 1);
	ck_assert_uint_eq(desk.count.rejected, 1);
	ck_assert_uint_eq(desk.n, 1);
	cdb_desk_answer(&desk, 1);
	ck_assert_uint_eq(desk.count.filled, 1);
	ck_assert_uint_eq(desk.count.retries, 2);
	ck_assert_int_eq(desk.count.fees_e8, 10);
	cdb_desk_free(&desk);
}
END_TEST

START_TEST(an_order_seen_by_an_earlier_life_is_not_new)
{
	struct cdb_desk desk = { .speed = 0 };
	struct cdb_desk_order a = desk_order(5, 0, 100);
	struct cdb_desk_counts back;
	char text[CDB_DESK_TEXT];

	ck_assert_int_eq(cdb_desk_init(&desk), 0);
	cdb_desk_hold(&desk, &a, 0);
	ck_assert_uint_eq(desk.count.received, 1);
	ck_assert_uint_eq(cdb_desk_due(&desk, 0), 1);	/* no waiting */
	cdb_desk_write(&desk.count, text);
	ck_assert_int_eq(cdb_desk_read(&back, text), 0);
	ck_assert_mem_eq(&back, &desk.count, sizeof(back));
	desk.n = 0;
	cdb_desk_hold(&desk, &a, 0);
	ck_assert_uint_eq(desk.count.received, 1);
	cdb_desk_free(&desk);
}
END_TEST

#define N(table) (int)(sizeof(table) / sizeof(table[0]))

int
main(void)
{
	Suite *suite = suite_create("exchange");
	TCase *tc = tcase_create("exchange");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, fate_is_a_function_of_seed_and_order);
	tcase_add_test(tc, due_is_when_the_result_takes_effect);
	tcase_add_test(tc, rates_are_as_promised);
	tcase_add_test(tc, errors_are_tried_again_so_often_and_no_more);
	tcase_add_loop_test(tc, an_answer_after_the_timeout_is_none, 0,
	    N(timeouts));
	tcase_add_test(tc, latency_zero_takes_effect_at_once);
	tcase_add_loop_test(tc,
	    slippage_grows_with_the_size_and_is_against_us, 0, N(slips));
	tcase_add_test(tc, slippage_stops_at_its_cap);
	tcase_add_test(tc, notionals_are_exact);
	tcase_add_test(tc, the_fee_is_a_part_of_the_notional);
	tcase_add_test(tc, rules_come_back_from_their_text);
	tcase_add_test(tc, rules_that_cannot_be_are_refused);
	tcase_add_test(tc, the_desk_answers_when_it_is_due);
	tcase_add_test(tc, an_order_seen_by_an_earlier_life_is_not_new);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
