/* SPDX-License-Identifier: Apache-2.0 */
/* Every rule of risk at, just below and just above its limit. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/risk_bench.h"

/* What a case expects of the signal. */
#define PASSES	 CDB_OK
#define P100	 (100 * E8)

static void
expect(const struct cdb_decision *d, enum cdb_reason reason)
{
	ck_assert_str_eq(cdb_reason_name(d->reason), cdb_reason_name(reason));
	if (reason == CDB_OK) {
		ck_assert_int_eq(d->verdict, CDB_APPROVED);
		ck_assert_str_ne(d->order_id, "");
	} else {
		ck_assert_int_eq(d->verdict, CDB_BLOCKED);
		ck_assert_str_eq(d->order_id, "");
		ck_assert_int_eq(d->qty_e8, 0);
	}
}

/* 10 at 100 are held; the price moves the equity of 10000. */
static const struct {
	int64_t price_e8;
	enum cdb_reason reason;
} daily_losses[] = {
	{ 50 * E8 + 1, PASSES },		/* 9500.0000001 */
	{ 50 * E8, CDB_DAILY_LOSS },		/* 9500: 5 % */
	{ 50 * E8 - 1, CDB_DAILY_LOSS },
};

START_TEST(daily_loss_halts_at_its_limit)
{
	struct bench *b = bench_new(0);

	b->risk.limits.position_e8 = E8;	/* not in the way */
	bench_hold(b, "BTCUSDT", 10 * E8, P100);
	bench_tick(b, T0, P100);
	bench_tick(b, T0 + 1, daily_losses[_i].price_e8);
	expect(bench_signal(b, CDB_BUY, T0 + 1, daily_losses[_i].price_e8),
	    daily_losses[_i].reason);
	bench_free(b);
}
END_TEST

START_TEST(a_halt_ends_with_the_day)
{
	struct bench *b = bench_new(0);
	int64_t midnight = (T0 / 86400000 + 1) * 86400000;

	b->risk.limits.position_e8 = E8;	/* not in the way */
	bench_hold(b, "BTCUSDT", 10 * E8, P100);
	bench_tick(b, midnight - 10, P100);
	bench_tick(b, midnight - 9, 50 * E8);
	ck_assert_str_eq(b->alert.code, "RISK_LIMIT");
	expect(bench_signal(b, CDB_SELL, midnight - 1, 50 * E8),
	    CDB_DAILY_LOSS);
	ck_assert(cdb_risk_breaker(&b->risk));
	bench_tick(b, midnight, 50 * E8);
	expect(bench_signal(b, CDB_BUY, midnight, 50 * E8), CDB_OK);
	bench_free(b);
}
END_TEST

/* A fill at this price of an order at 100. */
static const struct {
	enum cdb_side side;
	int64_t price_e8;
	enum cdb_reason reason;
} slippages[] = {
	{ CDB_BUY, 101 * E8 - 1, PASSES },
	{ CDB_BUY, 101 * E8, PASSES },		/* 1 %: not more */
	{ CDB_BUY, 101 * E8 + 1, CDB_CIRCUIT_BREAKER },
	{ CDB_BUY, 90 * E8, PASSES },		/* better than asked for */
	{ CDB_SELL, 99 * E8, PASSES },
	{ CDB_SELL, 99 * E8 - 1, CDB_CIRCUIT_BREAKER },
};

START_TEST(slippage_opens_the_breaker_above_its_limit)
{
	struct bench *b = bench_new(0);

	b->risk.limits.position_e8 = E8;	/* not in the way */
	bench_hold(b, "BTCUSDT", E8, P100);
	bench_tick(b, T0, P100);
	expect(bench_signal(b, slippages[_i].side, T0, P100), CDB_OK);
	ck_assert_int_eq(bench_fill(b, T0 + 10, slippages[_i].price_e8), 0);
	expect(bench_signal(b, CDB_BUY, T0 + 20, P100),
	    slippages[_i].reason);
	if (slippages[_i].reason == CDB_CIRCUIT_BREAKER) {
		ck_assert_int_eq(b->decision.cause, CDB_BY_SLIPPAGE);
		ck_assert_str_eq(b->alert.code, "CIRCUIT_BREAKER");
		ck_assert_int_eq(b->alert.level, CDB_CRITICAL);
	} else {
		ck_assert_uint_eq(b->n_alerts, 0);
	}
	bench_free(b);
}
END_TEST

START_TEST(a_breaker_closes_after_its_time)
{
	struct bench *b = bench_new(0);
	int64_t until = T0 + 10 + b->risk.limits.breaker_ms;

	b->risk.limits.position_e8 = E8;	/* not in the way */
	bench_tick(b, T0, P100);
	bench_signal(b, CDB_BUY, T0, P100);
	bench_fill(b, T0 + 10, 102 * E8);
	bench_tick(b, until - 1, P100);
	b->risk.holdings[0].gap_ms = 0;
	expect(bench_signal(b, CDB_BUY, until - 1, P100),
	    CDB_CIRCUIT_BREAKER);
	expect(bench_signal(b, CDB_BUY, until, P100), CDB_OK);
	ck_assert(!cdb_risk_breaker(&b->risk));
	bench_free(b);
}
END_TEST

static const struct {
	int before;		/* ticks with a spread of 1 */
	int64_t spread_e8;
	enum cdb_reason reason;
} spreads[] = {
	{ 20, 5 * E8 - 1, PASSES },
	{ 20, 5 * E8, PASSES },		/* 5 times the mean: not more */
	{ 20, 5 * E8 + 1, CDB_CIRCUIT_BREAKER },
	{ 19, 50 * E8, PASSES },	/* too few for a mean */
	{ 3000, 5 * E8, PASSES },	/* the past counts half by then */
	{ 3000, 5 * E8 + 1, CDB_CIRCUIT_BREAKER },
};

START_TEST(a_wide_spread_opens_the_breaker)
{
	struct bench *b = bench_new(0);
	int n = spreads[_i].before;

	for (int i = 0; i < n; i++)
		bench_tick_spread(b, T0 + i, P100, E8);
	bench_tick_spread(b, T0 + n, P100, spreads[_i].spread_e8);
	expect(bench_signal(b, CDB_BUY, T0 + n, P100), spreads[_i].reason);
	if (spreads[_i].reason != PASSES)
		ck_assert_int_eq(b->decision.cause, CDB_BY_SPREAD);
	bench_free(b);
}
END_TEST

static const struct {
	const char *interval;
	int64_t gap_ms;
	enum cdb_reason reason;
} gaps[] = {
	{ "", 29999, PASSES },
	{ "", 30000, CDB_DATA_STALE },
	{ "", 30001, CDB_DATA_STALE },
	{ "1m", 89999, PASSES },	/* a candle may take its minute */
	{ "1m", 90000, CDB_DATA_STALE },
	{ "1h", 3629999, PASSES },
	{ "1h", 3630000, CDB_DATA_STALE },
	{ "15s", 44999, PASSES },
	{ "15s", 45000, CDB_DATA_STALE },
	{ "1d", 86429999, PASSES },
	{ "1d", 86430000, CDB_DATA_STALE },
};

START_TEST(a_gap_in_the_data_blocks)
{
	struct bench *b = bench_new(0);
	int64_t t = T0 + gaps[_i].gap_ms;
	struct cdb_tick tick;

	bench_tick(b, T0, P100);
	tick = bench_tick_make(b, t, P100);
	strcpy(tick.candle.interval, gaps[_i].interval);
	cdb_risk_tick(&b->risk, &tick);
	expect(bench_signal(b, CDB_BUY, t, P100), gaps[_i].reason);
	/* the next tick closes the gap */
	bench_tick(b, t + 1, P100);
	expect(bench_signal(b, CDB_BUY, t + 1, P100), PASSES);
	bench_free(b);
}
END_TEST

START_TEST(a_signal_long_after_the_data_is_blocked)
{
	struct bench *b = bench_new(0);

	bench_tick(b, T0, P100);
	expect(bench_signal(b, CDB_BUY, T0 + 29999, P100), PASSES);
	expect(bench_signal(b, CDB_BUY, T0 + 30000, P100), CDB_DATA_STALE);
	bench_free(b);
}
END_TEST

/* Another position is worth this; equity 10000, an order is 500. */
static const struct {
	int64_t other_e8;
	enum cdb_reason reason;
} exposures[] = {
	{ 4500 * E8 - 1, PASSES },
	{ 4500 * E8, CDB_EXPOSURE },	/* 4500 + 500: 50 % */
	{ 4500 * E8 + 1, CDB_EXPOSURE },
};

START_TEST(exposure_blocks_at_its_limit)
{
	struct bench *b = bench_new(0);

	bench_hold(b, "ETHUSDT", E8, exposures[_i].other_e8);
	bench_tick(b, T0, P100);
	expect(bench_signal(b, CDB_BUY, T0, P100), exposures[_i].reason);
	bench_free(b);
}
END_TEST

START_TEST(exposure_counts_orders_that_are_out)
{
	struct bench *b = bench_new(0);

	bench_hold(b, "ETHUSDT", E8, 4000 * E8);
	bench_tick(b, T0, P100);
	expect(bench_signal(b, CDB_BUY, T0, P100), PASSES);	/* 4500 */
	expect(bench_signal(b, CDB_BUY, T0, P100), CDB_EXPOSURE);
	ck_assert_int_eq(bench_reject(b, T0 + 1), 0);
	expect(bench_signal(b, CDB_BUY, T0 + 1, P100), PASSES);
	bench_free(b);
}
END_TEST

/* The position is worth this; 1000 are allowed, an order is 500. */
static const struct {
	int64_t held_e8;
	enum cdb_verdict verdict;
	int64_t qty_e8;		/* at a price of 1 */
} positions[] = {
	{ 500 * E8 - E8 / 100, CDB_APPROVED, 500 * E8 },
	{ 500 * E8, CDB_APPROVED, 500 * E8 },	/* 1000 after: 10 % */
	{ 500 * E8 + E8 / 100, CDB_TRIMMED, 500 * E8 - E8 / 100 },
	{ 900 * E8, CDB_TRIMMED, 100 * E8 },
	{ 950 * E8, CDB_TRIMMED, 50 * E8 },	/* a tenth: the least */
	{ 950 * E8 + E8 / 100, CDB_BLOCKED, 0 },
	{ 1000 * E8, CDB_BLOCKED, 0 },
	{ 1200 * E8, CDB_BLOCKED, 0 },
};

START_TEST(position_is_trimmed_above_its_limit)
{
	struct bench *b = bench_new(0);
	const struct cdb_decision *d;

	bench_hold(b, "BTCUSDT", positions[_i].held_e8, E8);
	bench_tick(b, T0, E8);
	d = bench_signal(b, CDB_BUY, T0, E8);
	ck_assert_int_eq(d->verdict, positions[_i].verdict);
	ck_assert_int_eq(d->qty_e8, positions[_i].qty_e8);
	ck_assert_int_eq(d->reason, positions[_i].verdict == CDB_APPROVED
	    ? CDB_OK : CDB_POSITION);
	ck_assert_uint_eq(b->n_orders, positions[_i].qty_e8 > 0);
	bench_free(b);
}
END_TEST

START_TEST(sell_closes_what_is_held_and_nothing_else)
{
	struct bench *b = bench_new(0);

	bench_tick(b, T0, P100);
	expect(bench_signal(b, CDB_SELL, T0, P100), CDB_NO_POSITION);
	expect(bench_signal(b, CDB_BUY, T0 + 1, P100), CDB_OK);
	/* not held before it is filled */
	expect(bench_signal(b, CDB_SELL, T0 + 2, P100), CDB_NO_POSITION);
	ck_assert_int_eq(bench_fill(b, T0 + 3, P100), 0);
	expect(bench_signal(b, CDB_SELL, T0 + 4, P100), CDB_OK);
	ck_assert_int_eq(b->order.qty_e8, 5 * E8);
	/* sold once is enough */
	expect(bench_signal(b, CDB_SELL, T0 + 5, P100), CDB_NO_POSITION);
	ck_assert_int_eq(bench_reject(b, T0 + 6), 0);
	expect(bench_signal(b, CDB_SELL, T0 + 7, P100), CDB_OK);
	bench_free(b);
}
END_TEST

/* 1 at 100 is held. */
static const struct {
	int64_t price_e8;
	size_t orders;
} stops[] = {
	{ 98 * E8 + 1, 0 },
	{ 98 * E8, 1 },
	{ 98 * E8 - 1, 1 },
};

START_TEST(stop_loss_closes_at_its_limit)
{
	struct bench *b = bench_new(0);

	bench_hold(b, "BTCUSDT", E8, P100);
	bench_tick(b, T0, P100);
	bench_tick(b, T0 + 1, stops[_i].price_e8);
	ck_assert_uint_eq(b->n_orders, stops[_i].orders);
	ck_assert_uint_eq(b->risk.n.stops, stops[_i].orders);
	/* once, however long it takes */
	bench_tick(b, T0 + 2, stops[_i].price_e8);
	ck_assert_uint_eq(b->n_orders, stops[_i].orders);
	if (stops[_i].orders) {
		ck_assert_int_eq(b->order.side, CDB_SELL);
		ck_assert_int_eq(b->order.qty_e8, E8);
		ck_assert_str_eq(b->order.signal_id, "");
		ck_assert_int_eq(b->decision.reason, CDB_STOP_LOSS);
	}
	bench_free(b);
}
END_TEST

START_TEST(stop_loss_works_in_a_halt)
{
	struct bench *b = bench_new(0);

	bench_hold(b, "BTCUSDT", E8, P100);
	bench_tick(b, T0, P100);
	b->risk.halted = true;
	bench_tick(b, T0 + 1, 97 * E8);
	ck_assert_uint_eq(b->n_orders, 1);
	bench_free(b);
}
END_TEST

static const struct {
	int filled;
	int rejected;
	enum cdb_reason reason;
} outcomes[] = {
	{ 18, 2, PASSES },		/* 2 of 20: 10 %, not more */
	{ 17, 3, CDB_CIRCUIT_BREAKER },
	{ 16, 3, PASSES },		/* 19 are too few to say */
	{ 27, 3, PASSES },
	{ 27, 4, CDB_CIRCUIT_BREAKER },
};

START_TEST(errors_open_the_breaker_above_their_rate)
{
	struct bench *b = bench_new(0);
	int64_t t = T0;

	for (int i = 0; i < outcomes[_i].filled + outcomes[_i].rejected;
	     i++, t += 2000) {
		bench_tick(b, t, P100);
		expect(bench_signal(b, b->risk.holdings[0].qty_e8
			? CDB_SELL : CDB_BUY, t, P100), CDB_OK);
		if (i < outcomes[_i].filled)
			bench_fill(b, t + 1, P100);
		else
			bench_reject(b, t + 1);
	}
	bench_tick(b, t, P100);
	expect(bench_signal(b, CDB_BUY, t, P100), outcomes[_i].reason);
	if (outcomes[_i].reason != PASSES)
		ck_assert_int_eq(b->decision.cause, CDB_BY_ERROR_RATE);
	bench_free(b);
}
END_TEST

static const struct {
	int64_t price_e8;	/* of 50 held at 100: equity 10000 before */
	enum cdb_reason reason;
} drawdowns[] = {
	{ 70 * E8 + 1, PASSES },
	{ 70 * E8, PASSES },		/* 8500: 15 %, not more */
	{ 70 * E8 - 1, CDB_DRAWDOWN },
};

START_TEST(drawdown_blocks_above_its_limit)
{
	struct bench *b = bench_new(0);

	bench_hold(b, "BTCUSDT", 50 * E8, P100);
	b->risk.limits.daily_loss_e8 = E8;	/* not in the way */
	b->risk.limits.exposure_e8 = E8;
	bench_tick(b, T0, P100);
	bench_tick(b, T0 + 1, drawdowns[_i].price_e8);
	bench_fill(b, T0 + 2, drawdowns[_i].price_e8);	/* the stop */
	expect(bench_signal(b, CDB_BUY, T0 + 3, drawdowns[_i].price_e8),
	    drawdowns[_i].reason);
	bench_free(b);
}
END_TEST

static const struct {
	int before;
	int64_t after_ms;	/* the first of them */
	enum cdb_reason reason;
} rates[] = {
	{ 59, 59999, PASSES },
	{ 60, 59999, CDB_CIRCUIT_BREAKER },	/* the 61st in a minute */
	{ 60, 60000, PASSES },
	{ 60, 60001, PASSES },
};

START_TEST(more_than_sixty_orders_a_minute_open_the_breaker)
{
	struct bench *b = bench_new(1);
	int64_t t = T0 + rates[_i].after_ms;

	bench_hold(b, "BTCUSDT", E8, P100);
	for (int i = 0; i < rates[_i].before; i++) {
		bench_tick(b, T0 + i, P100);
		expect(bench_signal(b, CDB_SELL, T0 + i, P100), CDB_OK);
		bench_reject(b, T0 + i);
		b->risk.n_outcomes = 0;		/* not in the way */
	}
	bench_tick(b, t - 1, P100);
	bench_tick(b, t, P100);
	expect(bench_signal(b, CDB_SELL, t, P100), rates[_i].reason);
	if (rates[_i].reason != PASSES)
		ck_assert_int_eq(b->decision.cause, CDB_BY_ORDER_RATE);
	bench_free(b);
}
END_TEST

START_TEST(the_first_rule_that_fails_gives_the_reason)
{
	struct bench *b = bench_new(0);

	bench_hold(b, "ETHUSDT", E8, 5000 * E8);
	bench_tick(b, T0, P100);
	bench_tick(b, T0 + 40000, P100);
	expect(bench_signal(b, CDB_SELL, T0 + 40000, P100), CDB_DATA_STALE);
	expect(bench_signal(b, CDB_BUY, T0 + 40000, P100), CDB_DATA_STALE);
	b->risk.drawn_down = true;
	expect(bench_signal(b, CDB_BUY, T0 + 40000, P100), CDB_DRAWDOWN);
	b->risk.cause = CDB_BY_SLIPPAGE;
	b->risk.breaker_until_ms = T0 + 50000;
	expect(bench_signal(b, CDB_BUY, T0 + 40000, P100),
	    CDB_CIRCUIT_BREAKER);
	b->risk.halted = true;
	expect(bench_signal(b, CDB_BUY, T0 + 40000, P100), CDB_DAILY_LOSS);
	bench_free(b);
}
END_TEST

START_TEST(every_signal_is_told_and_counted)
{
	struct bench *b = bench_new(0);

	bench_tick(b, T0, P100);
	bench_signal(b, CDB_SELL, T0, P100);
	bench_signal(b, CDB_BUY, T0, P100);
	bench_signal(b, CDB_SELL, T0, P100);
	ck_assert_uint_eq(b->n_decisions, 3);
	ck_assert_uint_eq(b->risk.n.signals, 3);
	ck_assert_uint_eq(b->risk.n.orders, 1);
	ck_assert_uint_eq(b->risk.n.blocked[CDB_NO_POSITION], 2);
	ck_assert_str_eq(b->order.meta.causation_id, b->order.signal_id);
	ck_assert_int_eq(b->order.stop_loss_e8, E8 / 50);
	bench_free(b);
}
END_TEST

START_TEST(quantities_come_in_lots_of_eight_places_in_all)
{
	static const struct {
		int64_t price_e8;
		int64_t lot_e8;
	} lots[] = {
		{ 60000 * E8, 100 }, { 10000 * E8, 100 },
		{ 10000 * E8 - 1, 1000 }, { 1000 * E8, 1000 },
		{ E8, 1000000 }, { E8 / 10, 10000000 }, { E8 / 100, E8 },
		{ 1, E8 },
	};

	for (size_t i = 0; i < sizeof(lots) / sizeof(lots[0]); i++)
		ck_assert_int_eq(cdb_risk_lot(lots[i].price_e8),
		    lots[i].lot_e8);
}
END_TEST

START_TEST(a_result_nobody_waits_for_changes_nothing)
{
	struct bench *b = bench_new(0);
	struct cdb_risk before;

	bench_tick(b, T0, P100);
	bench_signal(b, CDB_BUY, T0, P100);
	ck_assert_int_eq(bench_fill(b, T0 + 1, P100), 0);
	before = b->risk;
	ck_assert_int_eq(bench_fill(b, T0 + 2, P100), -ENOENT);
	ck_assert_mem_eq(&before, &b->risk, sizeof(before));
	bench_free(b);
}
END_TEST

START_TEST(profit_is_exact)
{
	struct bench *b = bench_new(0);
	const struct cdb_holding *h = &b->risk.holdings[0];

	bench_tick(b, T0, P100);
	bench_signal(b, CDB_BUY, T0, P100);
	bench_fill(b, T0 + 1, P100 + 1);
	ck_assert_int_eq(h->cost_e8, 500 * E8 + 5);
	bench_tick(b, T0 + 2, 110 * E8);
	ck_assert_int_eq(cdb_risk_unrealized(&b->risk), 50 * E8 - 5);
	bench_signal(b, CDB_SELL, T0 + 3, 110 * E8);
	bench_fill(b, T0 + 4, 110 * E8);
	ck_assert_int_eq(b->risk.realized_e8, 50 * E8 - 5);
	ck_assert_int_eq(b->risk.cash_e8, 10050 * E8 - 5);
	ck_assert_int_eq(h->qty_e8, 0);
	ck_assert_int_eq(h->cost_e8, 0);
	ck_assert_int_eq(cdb_risk_unrealized(&b->risk), 0);
	bench_free(b);
}
END_TEST

START_TEST(amounts_that_cannot_be_held_are_blocked)
{
	struct bench *b = bench_new(0);

	bench_hold(b, "BTCUSDT", 1000 * E8, E8);
	ck_assert_int_eq(bench_tick(b, T0, INT64_MAX), -ERANGE);
	bench_tick(b, T0 + 1, E8);
	ck_assert_int_eq(bench_signal(b, CDB_BUY, T0 + 1, INT64_MAX)->verdict,
	    CDB_BLOCKED);
	bench_free(b);
}
END_TEST

START_TEST(symbols_beyond_the_book_are_blocked)
{
	struct bench *b = bench_new(0);
	struct cdb_signal sig = bench_signal_make(b, CDB_BUY, T0, P100);
	char name[CDB_SYMBOL_TEXT];

	for (int i = 0; i < CDB_RISK_SYMBOLS; i++) {
		snprintf(name, sizeof(name), "S%d", i);
		bench_hold(b, name, 0, E8);
	}
	ck_assert_int_eq(bench_tick(b, T0, P100), -ENOSPC);
	cdb_risk_signal(&b->risk, &sig);
	ck_assert_int_eq(b->decision.verdict, CDB_BLOCKED);
	bench_free(b);
}
END_TEST

#define N(table) (int)(sizeof(table) / sizeof(table[0]))

int
main(void)
{
	Suite *suite = suite_create("risk_rules");
	TCase *tc = tcase_create("rules");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tc, daily_loss_halts_at_its_limit, 0,
	    N(daily_losses));
	tcase_add_test(tc, a_halt_ends_with_the_day);
	tcase_add_loop_test(tc, slippage_opens_the_breaker_above_its_limit,
	    0, N(slippages));
	tcase_add_test(tc, a_breaker_closes_after_its_time);
	tcase_add_loop_test(tc, a_wide_spread_opens_the_breaker, 0,
	    N(spreads));
	tcase_add_loop_test(tc, a_gap_in_the_data_blocks, 0, N(gaps));
	tcase_add_test(tc, a_signal_long_after_the_data_is_blocked);
	tcase_add_loop_test(tc, exposure_blocks_at_its_limit, 0,
	    N(exposures));
	tcase_add_test(tc, exposure_counts_orders_that_are_out);
	tcase_add_loop_test(tc, position_is_trimmed_above_its_limit, 0,
	    N(positions));
	tcase_add_test(tc, sell_closes_what_is_held_and_nothing_else);
	tcase_add_loop_test(tc, stop_loss_closes_at_its_limit, 0, N(stops));
	tcase_add_test(tc, stop_loss_works_in_a_halt);
	tcase_add_loop_test(tc, errors_open_the_breaker_above_their_rate, 0,
	    N(outcomes));
	tcase_add_loop_test(tc, drawdown_blocks_above_its_limit, 0,
	    N(drawdowns));
	tcase_add_loop_test(tc,
	    more_than_sixty_orders_a_minute_open_the_breaker, 0, N(rates));
	tcase_add_test(tc, the_first_rule_that_fails_gives_the_reason);
	tcase_add_test(tc, every_signal_is_told_and_counted);
	tcase_add_test(tc, quantities_come_in_lots_of_eight_places_in_all);
	tcase_add_test(tc, a_result_nobody_waits_for_changes_nothing);
	tcase_add_test(tc, profit_is_exact);
	tcase_add_test(tc, amounts_that_cannot_be_held_are_blocked);
	tcase_add_test(tc, symbols_beyond_the_book_are_blocked);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
