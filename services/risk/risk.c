/* SPDX-License-Identifier: Apache-2.0 */
#include "risk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "book.h"
#include "services/common/decimal.h"
#include "services/common/event_id.h"

#define DAY_MS	     INT64_C(86400000)
#define MINUTE_MS    INT64_C(60000)
#define SPREADS_MIN  20		/* before the mean says anything */
#define SPREADS_MAX  1024	/* then the past counts half */
#define OUTCOMES_MIN 20		/* before the error rate says anything */

#define LIMITS(order, breaker) { .balance_e8 = 10000 * CDB_DEC_ONE, \
	.order_e8 = (order), .exposure_e8 = CDB_DEC_ONE / 2, \
	.position_e8 = CDB_DEC_ONE / 10, .daily_loss_e8 = CDB_DEC_ONE / 20, \
	.drawdown_e8 = 15 * CDB_DEC_ONE / 100, \
	.slippage_e8 = CDB_DEC_ONE / 100, .spread_times = 5, \
	.stop_loss_e8 = CDB_DEC_ONE / 50, \
	.error_rate_e8 = CDB_DEC_ONE / 10, .stale_ms = 30000, \
	.breaker_ms = (breaker), .orders_minute = CDB_RISK_ORDERS }

const struct cdb_limits cdb_limits_of[3] = {
	LIMITS(CDB_DEC_ONE / 20, 60000),
	LIMITS(CDB_DEC_ONE / 100, 10000),
	LIMITS(CDB_DEC_ONE / 20, 20000),
};

static const char *const reasons[CDB_REASONS] = { "OK", "STOP_LOSS",
	"DAILY_LOSS", "CIRCUIT_BREAKER", "DRAWDOWN", "DATA_STALE", "EXPOSURE",
	"POSITION", "NO_POSITION" };
static const char *const causes[CDB_CAUSES] = { "", "SLIPPAGE", "SPREAD",
	"ERROR_RATE", "ORDER_RATE", "PENDING" };
static const char *const verdicts[] = { "APPROVED", "TRIMMED", "BLOCKED" };

const char *
cdb_reason_name(enum cdb_reason reason)
{
	return reasons[reason];
}

const char *
cdb_cause_name(enum cdb_cause cause)
{
	return causes[cause];
}

const char *
cdb_verdict_name(enum cdb_verdict verdict)
{
	return verdicts[verdict];
}

void
cdb_risk_reset(struct cdb_risk *risk)
{
	struct cdb_risk fresh = { .limits = risk->limits,
		.exchange = risk->exchange, .seed = risk->seed,
		.sink = risk->sink };

	*risk = fresh;
	risk->cash_e8 = risk->peak_e8 = risk->limits.balance_e8;
	risk->day_start_e8 = risk->limits.balance_e8;
	risk->day = -1;
}

bool
cdb_risk_breaker(const struct cdb_risk *risk)
{
	return risk->halted || risk->drawn_down ||
	    (risk->cause && risk->now_ms < risk->breaker_until_ms);
}

int64_t
cdb_risk_lot(int64_t price_e8)
{
	int64_t lot = 100;	/* six places from 10000 on, then one fewer
				   for each digit */

	for (int64_t p = 10000 * CDB_DEC_ONE;
	     price_e8 < p && lot < CDB_DEC_ONE; p /= 10)
		lot *= 10;
	return lot;
}

/* The event that is being taken: what its consequences refer to. */
struct cause {
	const struct cdb_meta *meta;
	const char *symbol;
};

static void
meta_make(const struct cdb_risk *risk, const struct cause *cause,
    const char *kind, uint64_t sequence_id, struct cdb_meta *out)
{
	memset(out, 0, sizeof(*out));
	cdb_event_id(risk->seed, kind, cause->meta->event_id, out->event_id);
	out->sequence_id = sequence_id;
	strcpy(out->correlation_id, cause->meta->correlation_id);
	strcpy(out->causation_id, cause->meta->event_id);
}

static void
alert_tell(struct cdb_risk *risk, const struct cause *cause,
    enum cdb_level level, const char *code, const char *message)
{
	struct cdb_alert alert = { .level = level, .ts_ms = risk->now_ms };
	char kind[64];

	snprintf(kind, sizeof(kind), "alert:%s", code);
	risk->n.alerts[level]++;
	meta_make(risk, cause, kind, risk->n.alerts[CDB_INFO] +
	    risk->n.alerts[CDB_WARNING] + risk->n.alerts[CDB_CRITICAL],
	    &alert.meta);
	snprintf(alert.code, sizeof(alert.code), "%s", code);
	snprintf(alert.symbol, sizeof(alert.symbol), "%s", cause->symbol);
	snprintf(alert.message, sizeof(alert.message), "%s", message);
	risk->sink.alert(risk->sink.arg, &alert);
}

static void
breaker_trip(struct cdb_risk *risk, const struct cause *cause,
    enum cdb_cause by)
{
	char message[CDB_REASON_TEXT];

	risk->cause = by;
	risk->breaker_until_ms = risk->now_ms + risk->limits.breaker_ms;
	snprintf(message, sizeof(message), "no orders for %" PRId64
	    " s: %s", risk->limits.breaker_ms / 1000, causes[by]);
	alert_tell(risk, cause, CDB_CRITICAL, "CIRCUIT_BREAKER", message);
}

/* Whoever moves the equity calls this: halts, and the peak. */
static void
equity_watch(struct cdb_risk *risk, const struct cause *cause)
{
	int64_t equity = cdb_risk_equity(risk);
	int64_t lost = risk->day_start_e8 - equity;
	bool below;

	if (equity > risk->peak_e8)
		risk->peak_e8 = equity;
	below = cdb_book_exceeds(risk->peak_e8 - equity,
	    risk->limits.drawdown_e8, risk->peak_e8);
	if (below && !risk->drawn_down)
		alert_tell(risk, cause, CDB_CRITICAL, "RISK_LIMIT",
		    "no orders: the drawdown is above its limit");
	risk->drawn_down = below;
	if (!risk->halted && lost > 0 && cdb_book_reaches(lost,
		risk->limits.daily_loss_e8, risk->day_start_e8)) {
		risk->halted = true;
		alert_tell(risk, cause, CDB_CRITICAL, "RISK_LIMIT",
		    "no orders today: the daily loss has reached its limit");
	}
}

static void
portfolio_tell(struct cdb_risk *risk, const struct cause *cause,
    const struct cdb_holding *h)
{
	struct cdb_portfolio p = { .ts_ms = risk->now_ms, .holding = h,
		.cash_e8 = risk->cash_e8, .equity_e8 = cdb_risk_equity(risk),
		.exposure_e8 = cdb_risk_exposure(risk),
		.drawdown_e8 = cdb_risk_drawdown(risk),
		.realized_e8 = risk->realized_e8, .fees_e8 = risk->fees_e8 };
	int64_t entry;

	meta_make(risk, cause, "portfolio", ++risk->n.portfolios, &p.meta);
	if (h && h->qty_e8 > 0 &&
	    cdb_dec_div(h->cost_e8, h->qty_e8, &entry) == 0)
		cdb_dec_mul(entry, CDB_DEC_ONE - risk->limits.stop_loss_e8,
		    &p.stop_loss_e8);
	risk->sink.portfolio(risk->sink.arg, &p);
}

/* Time goes on, and at midnight a new day's account begins. */
static void
time_advance(struct cdb_risk *risk, int64_t ts_ms)
{
	if (ts_ms > risk->now_ms || risk->day < 0)
		risk->now_ms = ts_ms;
	if (risk->now_ms / DAY_MS != risk->day) {
		risk->day = risk->now_ms / DAY_MS;
		risk->day_start_e8 = cdb_risk_equity(risk);
		risk->halted = false;
	}
}

/* What a candle's interval adds to the time between two of them. */
static int64_t
interval_ms(const char *interval)
{
	int64_t n = 0;

	for (; *interval >= '0' && *interval <= '9' && n < 10000; interval++)
		n = n * 10 + (*interval - '0');
	switch (*interval) {
	case 's': return n * 1000;
	case 'm': return n * MINUTE_MS;
	case 'h': return n * 60 * MINUTE_MS;
	case 'd': return n * DAY_MS;
	default: return 0;
	}
}

/* The spread now, and the mean of those before it. */
static void
spread_take(struct cdb_holding *h, const struct cdb_tick *tick)
{
	int64_t last = h->spread_e8;

	if (last > 0) {
		h->before_e8 += last;
		if (++h->before_n == SPREADS_MAX) {
			h->before_n /= 2;
			h->before_e8 /= 2;
		}
	}
	h->spread_e8 = tick->bid_e8 > 0 && tick->ask_e8 > tick->bid_e8
	    ? tick->ask_e8 - tick->bid_e8 : 0;
}

static void
data_take(struct cdb_holding *h, const struct cdb_tick *tick)
{
	h->gap_ms = h->mark_ms ? tick->ts_ms - h->mark_ms : 0;
	if (h->gap_ms > 0 || h->mark_ms == 0)
		h->mark_ms = tick->ts_ms;
	h->allowed_ms = interval_ms(tick->candle.interval);
	spread_take(h, tick);
}

/* An order and the decision for it; h is its holding. */
static void
order_place(struct cdb_risk *risk, const struct cause *cause,
    struct cdb_order *order, struct cdb_decision *d)
{
	strcpy(order->symbol, d->symbol);
	strcpy(order->signal_id, d->signal_id);
	order->side = d->side;
	order->ts_ms = risk->now_ms;
	order->qty_e8 = d->qty_e8;
	order->price_e8 = d->price_e8;
	order->stop_loss_e8 = d->side == CDB_BUY ? risk->limits.stop_loss_e8
						 : 0;
	meta_make(risk, cause, "order", risk->n.orders + 1, &order->meta);
	strcpy(d->order_id, order->meta.event_id);
	cdb_book_expect(risk, order);
	risk->sink.order(risk->sink.arg, order);
}

static void
decision_tell(struct cdb_risk *risk, const struct cause *cause,
    struct cdb_decision *d)
{
	meta_make(risk, cause, "decision", ++risk->n.decisions, &d->meta);
	d->ts_ms = risk->now_ms;
	risk->sink.decision(risk->sink.arg, d);
}

/* Closes what has lost too much; it needs no signal. */
static void
stop_check(struct cdb_risk *risk, const struct cause *cause,
    struct cdb_holding *h)
{
	struct cdb_decision d = { .side = CDB_SELL, .reason = CDB_STOP_LOSS };
	struct cdb_order order = { .reason = "stop-loss" };

	d.qty_e8 = h->qty_e8 - h->pending_sell_e8;
	if (d.qty_e8 <= 0 || !cdb_book_reaches(h->cost_e8 - h->value_e8,
		risk->limits.stop_loss_e8, h->cost_e8) ||
	    risk->n_pending == CDB_RISK_PENDING)
		return;
	strcpy(d.symbol, h->symbol);
	strcpy(order.strategy_id, "stop-loss");
	d.price_e8 = h->mark_e8;
	d.equity_e8 = cdb_risk_equity(risk);
	d.exposure_e8 = cdb_risk_exposure(risk);
	risk->n.stops++;
	order_place(risk, cause, &order, &d);
	decision_tell(risk, cause, &d);
}

int
cdb_risk_tick(struct cdb_risk *risk, const struct cdb_tick *tick)
{
	struct cause cause = { &tick->meta, tick->symbol };
	int64_t minute = risk->now_ms / MINUTE_MS;
	struct cdb_holding *h;

	time_advance(risk, tick->ts_ms);
	risk->n.ticks++;
	risk->tick_seq = tick->meta.sequence_id;
	strcpy(risk->tick_id, tick->meta.event_id);
	h = cdb_book_holding(risk, tick->symbol);
	if (!h)
		return -ENOSPC;
	if (cdb_book_mark(h, tick->price_e8) < 0)
		return -ERANGE;
	data_take(h, tick);
	if (h->qty_e8 > 0) {
		equity_watch(risk, &cause);
		stop_check(risk, &cause, h);
	}
	if (risk->now_ms / MINUTE_MS != minute)
		portfolio_tell(risk, &cause, NULL);
	return 0;
}

static bool
is_stale(const struct cdb_risk *risk, const struct cdb_holding *h)
{
	int64_t limit = risk->limits.stale_ms + h->allowed_ms;

	return h->mark_ms > 0 && (risk->now_ms - h->mark_ms >= limit ||
	    h->gap_ms >= limit);
}

static bool
spread_is_wide(const struct cdb_risk *risk, const struct cdb_holding *h)
{
	return h->before_n >= SPREADS_MIN &&
	    (__int128_t)h->spread_e8 * h->before_n >
	    (__int128_t)h->before_e8 * risk->limits.spread_times;
}

/* Whether one more order would be one too many within the minute. */
static bool
orders_are_many(const struct cdb_risk *risk)
{
	uint64_t limit = (uint64_t)risk->limits.orders_minute;

	return limit > 0 && risk->n_times >= limit && risk->now_ms -
	    risk->times_ms[(risk->n.orders - limit) % CDB_RISK_ORDERS] <
	    MINUTE_MS;
}

/* What opens the breaker now, or holds it open. */
static enum cdb_cause
breaker_check(struct cdb_risk *risk, const struct cause *cause,
    const struct cdb_holding *h)
{
	enum cdb_cause by = CDB_NO_CAUSE;

	if (risk->cause && risk->now_ms < risk->breaker_until_ms)
		return risk->cause;
	if (spread_is_wide(risk, h))
		by = CDB_BY_SPREAD;
	else if (orders_are_many(risk))
		by = CDB_BY_ORDER_RATE;
	else if (risk->n_pending == CDB_RISK_PENDING)
		by = CDB_BY_PENDING;
	if (by)
		breaker_trip(risk, cause, by);
	else
		risk->cause = CDB_NO_CAUSE;
	return by;
}

/* The size of a BUY: what was wanted, trimmed to what the position may be. */
static enum cdb_reason
buy_size(const struct cdb_risk *risk, const struct cdb_holding *h,
    struct cdb_decision *d)
{
	const struct cdb_limits *l = &risk->limits;
	int64_t lot = cdb_risk_lot(d->price_e8);
	int64_t want;
	int64_t most;
	int64_t room;

	if (cdb_dec_mul(d->equity_e8, l->order_e8, &want) < 0 ||
	    cdb_dec_mul(d->equity_e8, l->position_e8, &most) < 0 ||
	    cdb_book_reaches(d->exposure_e8 + want, l->exposure_e8,
		d->equity_e8))
		return CDB_EXPOSURE;
	room = most - h->value_e8 - h->pending_buy_e8;
	if (room < want) {
		d->verdict = CDB_TRIMMED;
		/* a sliver is not worth its fee */
		if (room < want / 10)
			return CDB_POSITION;
		want = room;
	}
	if (cdb_dec_div(want, d->price_e8, &d->qty_e8) < 0)
		return CDB_POSITION;
	d->qty_e8 -= d->qty_e8 % lot;
	return d->qty_e8 > 0 ? CDB_OK : CDB_POSITION;
}

/* The rules in their order; on CDB_OK d has the size. */
static enum cdb_reason
judge(struct cdb_risk *risk, const struct cause *cause,
    const struct cdb_holding *h, struct cdb_decision *d)
{
	if (risk->halted)
		return CDB_DAILY_LOSS;
	d->cause = breaker_check(risk, cause, h);
	if (d->cause)
		return CDB_CIRCUIT_BREAKER;
	if (risk->drawn_down)
		return CDB_DRAWDOWN;
	if (is_stale(risk, h))
		return CDB_DATA_STALE;
	if (d->side == CDB_BUY)
		return buy_size(risk, h, d);
	d->qty_e8 = h->qty_e8 - h->pending_sell_e8;
	return d->qty_e8 > 0 ? CDB_OK : CDB_NO_POSITION;
}

/* A signal without data of its own (it came from outside) brings its price. */
static int
price_take(struct cdb_holding *h, const struct cdb_signal *sig)
{
	return h->mark_ms ? 0 : cdb_book_mark(h, sig->price_e8);
}

void
cdb_risk_signal(struct cdb_risk *risk, const struct cdb_signal *sig)
{
	struct cause cause = { &sig->meta, sig->symbol };
	struct cdb_decision d = { .side = sig->side,
		.price_e8 = sig->price_e8 };
	struct cdb_order order = { .ts_ms = 0 };
	struct cdb_holding *h;

	time_advance(risk, sig->ts_ms);
	risk->n.signals++;
	strcpy(d.symbol, sig->symbol);
	strcpy(d.signal_id, sig->meta.event_id);
	d.equity_e8 = cdb_risk_equity(risk);
	d.exposure_e8 = cdb_risk_exposure(risk);
	h = cdb_book_holding(risk, sig->symbol);
	if (!h || price_take(h, sig) < 0)
		d.reason = CDB_EXPOSURE;	/* no room in the book */
	else
		d.reason = judge(risk, &cause, h, &d);
	if (d.reason == CDB_OK) {
		strcpy(order.strategy_id, sig->strategy_id);
		strcpy(order.reason, sig->reason);
		order_place(risk, &cause, &order, &d);
		if (d.verdict == CDB_TRIMMED)
			d.reason = CDB_POSITION;
	} else {
		d.verdict = CDB_BLOCKED;
		d.qty_e8 = 0;
		risk->n.blocked[d.reason]++;
	}
	decision_tell(risk, &cause, &d);
}

/* Remember the outcome; the breaker opens when too many went wrong. */
static void
outcome_take(struct cdb_risk *risk, const struct cause *cause, bool filled)
{
	int64_t wrong = 0;

	if (risk->n_outcomes == CDB_RISK_OUTCOMES)
		memmove(risk->outcomes, risk->outcomes + 1,
		    --risk->n_outcomes);
	risk->outcomes[risk->n_outcomes++] = filled ? 'f' : 'r';
	for (size_t i = 0; i < risk->n_outcomes; i++)
		wrong += risk->outcomes[i] == 'r';
	if (risk->n_outcomes < OUTCOMES_MIN ||
	    !cdb_book_exceeds(wrong, risk->limits.error_rate_e8,
		(int64_t)risk->n_outcomes))
		return;
	risk->n_outcomes = 0;	/* a new chance when the breaker closes */
	breaker_trip(risk, cause, CDB_BY_ERROR_RATE);
}

static bool
slipped(const struct cdb_risk *risk, const struct cdb_result *r)
{
	int64_t away = r->side == CDB_BUY ? r->price_e8 - r->order_price_e8
					  : r->order_price_e8 - r->price_e8;

	return cdb_book_exceeds(away, risk->limits.slippage_e8,
	    r->order_price_e8);
}

static int
fill_take(struct cdb_risk *risk, const struct cause *cause,
    struct cdb_holding *h, const struct cdb_result *r)
{
	int err = cdb_book_fill(risk, h, r);

	if (err < 0)
		return err;
	risk->n.filled++;
	portfolio_tell(risk, cause, h);
	equity_watch(risk, cause);
	if (slipped(risk, r))
		breaker_trip(risk, cause, CDB_BY_SLIPPAGE);
	return 0;
}

/* The index among the pending orders; n_pending for none. */
static size_t
pending_find(const struct cdb_risk *risk, const char *order_id)
{
	size_t i = 0;

	while (i < risk->n_pending &&
	    strcmp(risk->pending[i].order_id, order_id) != 0)
		i++;
	return i;
}

bool
cdb_risk_awaits(const struct cdb_risk *risk, const char *order_id)
{
	return pending_find(risk, order_id) < risk->n_pending;
}

int
cdb_risk_result(struct cdb_risk *risk, const struct cdb_result *r)
{
	struct cause cause = { &r->meta, r->symbol };
	size_t i = pending_find(risk, r->order_id);
	struct cdb_holding *h;

	if (i == risk->n_pending)
		return -ENOENT;
	h = &risk->holdings[risk->pending[i].which];
	time_advance(risk, r->ts_ms);
	cdb_book_answered(risk, i);
	outcome_take(risk, &cause, r->fate == CDB_FILLED);
	if (r->fate == CDB_FILLED)
		return fill_take(risk, &cause, h, r);
	risk->n.rejected++;
	alert_tell(risk, &cause, CDB_WARNING, "EXECUTION_ERROR", r->error);
	return 0;
}
