/* SPDX-License-Identifier: Apache-2.0 */
#include "risk_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/common/event_id.h"
#include "services/risk/book.h"
#include "services/risk/messages.h"

static void
say(struct bench *b, const char *topic, size_t len, const char *json)
{
	size_t need = b->said_len + len + 32;

	if (need > b->said_cap) {
		b->said_cap = need * 2;
		b->said = realloc(b->said, b->said_cap);
	}
	b->said_len += (size_t)sprintf(b->said + b->said_len, "%s %.*s\n",
	    topic, (int)len, json);
}

static void
on_order(void *arg, const struct cdb_order *order)
{
	struct bench *b = arg;
	char json[4096];

	b->order = *order;
	b->n_orders++;
	say(b, "order", cdb_order_write(order, json, sizeof(json)), json);
}

static void
on_decision(void *arg, const struct cdb_decision *d)
{
	struct bench *b = arg;
	char json[4096];

	b->decision = *d;
	b->n_decisions++;
	say(b, "decision", cdb_decision_write(d, json, sizeof(json)), json);
}

static void
on_alert(void *arg, const struct cdb_alert *alert)
{
	struct bench *b = arg;
	char json[4096];

	b->alert = *alert;
	b->n_alerts++;
	say(b, "alert", cdb_alert_write(alert, json, sizeof(json)), json);
}

static void
on_portfolio(void *arg, const struct cdb_portfolio *p)
{
	struct bench *b = arg;
	char json[4096];

	b->portfolio = *p;
	b->n_portfolios++;
	say(b, "portfolio", cdb_portfolio_write(p, json, sizeof(json)), json);
}

struct bench *
bench_new(unsigned profile)
{
	struct bench *b = calloc(1, sizeof(*b));

	if (!b)
		abort();
	b->risk.limits = cdb_limits_of[profile];
	b->risk.exchange = cdb_exchange_defaults;
	b->risk.seed = 1;
	b->risk.sink = (struct cdb_risk_sink){ on_order, on_decision,
		on_alert, on_portfolio, b };
	cdb_risk_reset(&b->risk);
	return b;
}

void
bench_free(struct bench *b)
{
	free(b->said);
	free(b);
}

static void
meta_make(struct bench *b, const char *kind, struct cdb_meta *meta)
{
	char cause[32];

	snprintf(cause, sizeof(cause), "%llu", (unsigned long long)++b->seq);
	memset(meta, 0, sizeof(*meta));
	cdb_event_id(1, kind, cause, meta->event_id);
	strcpy(meta->correlation_id, meta->event_id);
	meta->sequence_id = b->seq;
}

struct cdb_tick
bench_tick_make(struct bench *b, int64_t ts_ms, int64_t price_e8)
{
	struct cdb_tick tick = { .ts_ms = ts_ms, .price_e8 = price_e8,
		.qty_e8 = E8, .trade_id = -1 };

	meta_make(b, "tick", &tick.meta);
	strcpy(tick.symbol, "BTCUSDT");
	return tick;
}

int
bench_tick(struct bench *b, int64_t ts_ms, int64_t price_e8)
{
	struct cdb_tick tick = bench_tick_make(b, ts_ms, price_e8);

	return cdb_risk_tick(&b->risk, &tick);
}

int
bench_tick_spread(struct bench *b, int64_t ts_ms, int64_t price_e8,
    int64_t spread_e8)
{
	struct cdb_tick tick = bench_tick_make(b, ts_ms, price_e8);

	tick.bid_e8 = price_e8 - spread_e8 / 2;
	tick.ask_e8 = tick.bid_e8 + spread_e8;
	return cdb_risk_tick(&b->risk, &tick);
}

struct cdb_signal
bench_signal_make(struct bench *b, enum cdb_side side, int64_t ts_ms,
    int64_t price_e8)
{
	struct cdb_signal sig = { .side = side, .ts_ms = ts_ms,
		.price_e8 = price_e8 };

	meta_make(b, "signal", &sig.meta);
	strcpy(sig.symbol, "BTCUSDT");
	strcpy(sig.strategy_id, "test");
	return sig;
}

const struct cdb_decision *
bench_signal(struct bench *b, enum cdb_side side, int64_t ts_ms,
    int64_t price_e8)
{
	struct cdb_signal sig = bench_signal_make(b, side, ts_ms, price_e8);

	cdb_risk_signal(&b->risk, &sig);
	return &b->decision;
}

static struct cdb_result
result_make(struct bench *b, int64_t ts_ms)
{
	struct cdb_result r = { .ts_ms = ts_ms, .attempts = 1 };

	meta_make(b, "result", &r.meta);
	strcpy(r.order_id, b->order.meta.event_id);
	strcpy(r.symbol, b->order.symbol);
	r.side = b->order.side;
	r.order_ts_ms = b->order.ts_ms;
	r.qty_e8 = b->order.qty_e8;
	r.order_price_e8 = r.price_e8 = b->order.price_e8;
	return r;
}

int
bench_fill(struct bench *b, int64_t ts_ms, int64_t price_e8)
{
	struct cdb_result r = result_make(b, ts_ms);

	r.filled_e8 = r.qty_e8;
	r.price_e8 = price_e8;
	return cdb_risk_result(&b->risk, &r);
}

int
bench_reject(struct bench *b, int64_t ts_ms)
{
	struct cdb_result r = result_make(b, ts_ms);

	r.fate = CDB_REJECTED;
	strcpy(r.error, "no");
	return cdb_risk_result(&b->risk, &r);
}

struct cdb_holding *
bench_hold(struct bench *b, const char *symbol, int64_t qty_e8,
    int64_t price_e8)
{
	struct cdb_holding *h = cdb_book_holding(&b->risk, symbol);

	h->qty_e8 = qty_e8;
	if (cdb_book_mark(h, price_e8) < 0)
		abort();
	h->cost_e8 = h->value_e8;
	b->risk.cash_e8 -= h->cost_e8;
	return h;
}
