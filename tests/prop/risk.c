/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A random market with a paper exchange behind it: what the book says does
 * not depend on how the messages arrive, nor on who dies when.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/risk/book.h"
#include "services/risk/merge.h"
#include "services/risk/state.h"
#include "tests/risk_bench.h"

#define TICKS	6000
#define SYMBOLS 3

struct script {
	size_t n_signals;
	struct cdb_tick ticks[TICKS];
	struct cdb_signal signals[TICKS];
	size_t of_tick[TICKS];	/* the signal's tick */
};

static uint64_t
dice(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void
signal_add(struct bench *b, struct script *s, size_t i, uint64_t r)
{
	const struct cdb_tick *t = &s->ticks[i];
	struct cdb_signal *sig = &s->signals[s->n_signals];

	*sig = bench_signal_make(b, r & 1 ? CDB_SELL : CDB_BUY, t->ts_ms,
	    t->price_e8);
	strcpy(sig->symbol, t->symbol);
	strcpy(sig->meta.causation_id, t->meta.event_id);
	s->of_tick[s->n_signals++] = i;
}

/* Jumps, silences, spreads, a time that steps back now and then. */
static struct script *
script_make(uint64_t seed)
{
	struct script *s = calloc(1, sizeof(*s));
	struct bench *b = bench_new(0);
	int64_t prices[SYMBOLS] = { 60000 * E8, 3000 * E8, E8 / 2 };
	int64_t t = T0;

	for (size_t i = 0; i < TICKS; i++) {
		uint64_t r = dice(&seed);
		size_t k = r % SYMBOLS;

		t += (int64_t)(r >> 8 & 255) * ((r >> 16) % 500 == 0 ? 300
								   : 1);
		prices[k] += prices[k] / 2000 * ((int64_t)(r >> 24 & 15) - 7);
		if ((r >> 32) % 700 == 0)
			prices[k] -= prices[k] / 25;
		s->ticks[i] = bench_tick_make(b, t - ((r >> 40) % 9 ? 0 : 3),
		    prices[k]);
		s->ticks[i].meta.sequence_id = i + 1;
		snprintf(s->ticks[i].symbol, CDB_SYMBOL_TEXT, "S%zu", k);
		s->ticks[i].bid_e8 = prices[k] - 100;
		s->ticks[i].ask_e8 = prices[k] + (int64_t)(100 * (r >> 44) % 900);
		if ((r >> 50) % 5 == 0)
			signal_add(b, s, i, r >> 60);
	}
	bench_free(b);
	return s;
}

/* Who is where: messages before `at` have been delivered. */
struct play {
	struct bench *b;
	struct cdb_merge m;
	struct script *s;
	uint64_t dice;
	size_t tick_at;
	size_t signal_at;
	size_t worked;		/* ticks that the signal service has done */
	size_t n_sent;		/* orders at the exchange, answered or not */
	struct cdb_result *results;
	size_t n_results;
	size_t result_at;
	size_t filled;
	size_t rejected;
};

/* The exchange answers each order the moment it is sent. */
static void (*bench_order)(void *arg, const struct cdb_order *order);
static struct play *playing;

static void
on_order(void *arg, const struct cdb_order *order)
{
	struct play *p = playing;
	struct cdb_result *r = &p->results[p->n_results++];

	bench_order(arg, order);
	cdb_exchange_execute(&p->b->risk.exchange, 1, order, r);
	p->n_sent++;
	if (r->fate == CDB_FILLED)
		p->filled++;
	else
		p->rejected++;
	/* never more out than may be */
	ck_assert_int_lt(cdb_risk_exposure(&p->b->risk) -
	    (order->side == CDB_BUY ? 0 : INT64_MAX / 2),
	    cdb_risk_equity(&p->b->risk) / 2);
}

static void
play_begin(struct play *p, struct script *s, uint64_t seed)
{
	memset(p, 0, sizeof(*p));
	p->b = bench_new(0);
	p->b->risk.limits.breaker_ms = 2000;
	p->s = s;
	p->dice = seed;
	p->results = calloc(2 * TICKS, sizeof(*p->results));
	bench_order = p->b->risk.sink.order;
	p->b->risk.sink.order = on_order;
	playing = p;
	ck_assert_int_eq(cdb_merge_init(&p->m), 0);
}

static void
play_end(struct play *p)
{
	cdb_merge_free(&p->m);
	free(p->results);
	bench_free(p->b);
}

/* Some more of everything, as far as there is room. */
static void
deliver(struct play *p, size_t most)
{
	struct script *s = p->s;
	size_t ahead;

	for (size_t n = dice(&p->dice) % (most + 1); n > 0 &&
	     p->tick_at < TICKS && p->m.n_ticks < CDB_MERGE_CAP; n--)
		cdb_merge_tick(&p->m)->tick = s->ticks[p->tick_at++];
	ahead = dice(&p->dice) % (most + 1);
	p->worked = p->worked + ahead < TICKS ? p->worked + ahead : TICKS;
	while (p->signal_at < s->n_signals &&
	    s->of_tick[p->signal_at] < p->worked &&
	    p->m.n_signals < CDB_MERGE_CAP) {
		struct cdb_merge_signal *sig = cdb_merge_signal(&p->m);

		sig->sig = s->signals[p->signal_at++];
		sig->worked_seq = p->worked;
	}
	if (p->signal_at == s->n_signals ||
	    s->of_tick[p->signal_at] >= p->worked)
		p->m.worked_seq = p->worked;
	for (size_t n = dice(&p->dice) % (most + 1); n > 0 &&
	     p->result_at < p->n_results; n--)
		cdb_merge_result(&p->m)->result = p->results[p->result_at++];
	p->m.ended = p->b->risk.tick_seq == TICKS &&
	    p->m.worked_seq == TICKS;
}

static void
drain(struct play *p)
{
	enum cdb_next what;
	size_t at;

	while ((what = cdb_merge_next(&p->m, &p->b->risk, &at)) >=
	    CDB_NEXT_TICK) {
		if (what == CDB_NEXT_TICK)
			cdb_risk_tick(&p->b->risk, &p->m.ticks[at].tick);
		else if (what == CDB_NEXT_SIGNAL)
			cdb_risk_signal(&p->b->risk,
			    &p->m.signals[at].sig);
		else
			ck_assert_int_eq(cdb_risk_result(&p->b->risk,
			    &p->m.results[at].result), 0);
		cdb_merge_drop(&p->m, what, at);
	}
}

struct kept {
	size_t n;
	char field[CDB_RISK_SYMBOLS + 8][40];
	char *value[CDB_RISK_SYMBOLS + 8];
};

static void
keep(void *arg, const char *field, const char *value)
{
	struct kept *k = arg;
	size_t i = 0;

	while (i < k->n && strcmp(k->field[i], field) != 0)
		i++;
	if (i == k->n)
		k->n++;
	else
		free(k->value[i]);
	snprintf(k->field[i], sizeof(k->field[i]), "%s", field);
	k->value[i] = strdup(value);
}

/* A death: memory is gone, what was saved and what was not acknowledged
 * comes back. */
static void
die(struct play *p, struct kept *k)
{
	struct cdb_risk *risk = &p->b->risk;

	cdb_risk_save(risk, keep, k);
	p->tick_at -= p->m.n_ticks;
	p->signal_at -= p->m.n_signals;
	for (size_t i = 0; i < p->m.n_results; i++)
		p->results[--p->result_at] = p->m.results[i].result;
	cdb_merge_reset(&p->m);
	memset(risk->holdings, 0x5a, sizeof(risk->holdings));
	cdb_risk_load_begin(risk);
	for (int orders = 0; orders < 2; orders++)
		for (size_t i = 0; i < k->n; i++)
			if ((strcmp(k->field[i], "orders") == 0) == orders)
				ck_assert_int_eq(cdb_risk_load_field(risk,
				    k->field[i], k->value[i]), 0);
	ck_assert_int_eq(cdb_risk_load_end(risk), 0);
}

/* Play it through; `deaths` in a thousand rounds. */
static void
play(struct play *p, struct script *s, uint64_t seed, size_t most,
    unsigned deaths)
{
	struct kept kept = { 0 };
	int rounds = 0;

	play_begin(p, s, seed);
	while (!p->m.ended || p->b->risk.n_pending > 0 || p->m.n_signals) {
		ck_assert_int_lt(++rounds, 1000000);	/* no deadlock */
		deliver(p, most);
		drain(p);
		if (dice(&p->dice) % 1000 < deaths)
			die(p, &kept);
	}
	for (size_t i = 0; i < kept.n; i++)
		free(kept.value[i]);
}

static void
conservation_check(const struct play *p)
{
	const struct cdb_risk *risk = &p->b->risk;
	uint64_t blocked = 0;
	int64_t value = 0;
	int64_t open = 0;

	for (size_t i = 0; i < CDB_REASONS; i++)
		blocked += risk->n.blocked[i];
	ck_assert_uint_eq(risk->n.signals, p->s->n_signals);
	ck_assert_uint_eq(risk->n.signals + risk->n.stops,
	    risk->n.orders + blocked);
	ck_assert_uint_eq(risk->n.orders, p->n_sent);
	ck_assert_uint_eq(risk->n.filled, p->filled);
	ck_assert_uint_eq(risk->n.rejected, p->rejected);
	ck_assert_uint_eq(risk->n.orders, p->filled + p->rejected);
	ck_assert_uint_eq(risk->n.decisions,
	    risk->n.signals + risk->n.stops);
	for (size_t i = 0; i < risk->n_holdings; i++) {
		value += risk->holdings[i].value_e8;
		open += risk->holdings[i].value_e8 -
		    risk->holdings[i].cost_e8;
		ck_assert_int_ge(risk->holdings[i].qty_e8, 0);
		ck_assert_int_eq(risk->holdings[i].pending_buy_e8, 0);
		ck_assert_int_eq(risk->holdings[i].pending_sell_e8, 0);
	}
	/* the same money, counted two ways */
	ck_assert_int_eq(risk->cash_e8 + value, risk->limits.balance_e8 +
	    risk->realized_e8 + open);
}

START_TEST(what_is_said_does_not_depend_on_how_messages_arrive)
{
	struct script *s = script_make(0x1234567 + (uint64_t)_i);
	struct play one;
	struct play other;

	play(&one, s, 99, 1, 0);
	conservation_check(&one);
	ck_assert_uint_gt(one.b->risk.n.orders, 50);
	ck_assert_uint_gt(one.rejected, 0);
	for (size_t most = 3; most <= 900; most *= 7) {
		play(&other, s, most + (uint64_t)_i, most, 0);
		conservation_check(&other);
		ck_assert_uint_eq(one.b->said_len, other.b->said_len);
		ck_assert_mem_eq(one.b->said, other.b->said,
		    one.b->said_len);
		play_end(&other);
	}
	play_end(&one);
	free(s);
}
END_TEST

START_TEST(what_is_said_does_not_depend_on_deaths)
{
	struct script *s = script_make(0x7654321 + (uint64_t)_i);
	struct play one;
	struct play other;

	play(&one, s, 99, 50, 0);
	play(&other, s, 7, 50, 200);
	conservation_check(&other);
	ck_assert_uint_eq(one.b->said_len, other.b->said_len);
	ck_assert_mem_eq(one.b->said, other.b->said, one.b->said_len);
	play_end(&other);
	play_end(&one);
	free(s);
}
END_TEST

START_TEST(a_random_market_meets_most_rules)
{
	uint64_t met[CDB_REASONS] = { 0 };

	for (uint64_t seed = 1; seed < 9; seed++) {
		struct script *s = script_make(seed * 77777);
		struct play p;

		play(&p, s, seed, 20, 0);
		for (size_t i = 0; i < CDB_REASONS; i++)
			met[i] += p.b->risk.n.blocked[i];
		met[CDB_STOP_LOSS] += p.b->risk.n.stops;
		play_end(&p);
		free(s);
	}
	ck_assert_uint_gt(met[CDB_STOP_LOSS], 0);
	ck_assert_uint_gt(met[CDB_CIRCUIT_BREAKER], 0);
	ck_assert_uint_gt(met[CDB_DATA_STALE], 0);
	ck_assert_uint_gt(met[CDB_POSITION], 0);
	ck_assert_uint_gt(met[CDB_NO_POSITION], 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("risk");
	TCase *tc = tcase_create("properties");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 100);
	tcase_add_loop_test(tc,
	    what_is_said_does_not_depend_on_how_messages_arrive, 0, 5);
	tcase_add_loop_test(tc, what_is_said_does_not_depend_on_deaths, 0, 5);
	tcase_add_test(tc, a_random_market_meets_most_rules);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
