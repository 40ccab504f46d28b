/* SPDX-License-Identifier: Apache-2.0 */
/*
 * risk.h -- which signals become orders, and the book that decides it.
 *
 * Events are given in the order of their event time (see merge.h); the
 * decisions are a function of these events, the limits and the seed.  Every
 * decision is told, orders or not.
 *
 * Unit     _e8 are exact decimals (decimal.h); money is in the quote asset.
 * Thread   one; pure.
 */
#ifndef CDB_RISK_H
#define CDB_RISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "services/common/trade.h"
#include "services/execution/exchange.h"

#define CDB_RISK_SYMBOLS  64
#define CDB_RISK_PENDING  256	/* orders without a result yet */
#define CDB_RISK_ORDERS	  60	/* times that are kept: the highest limit of
				   orders in a minute */
#define CDB_RISK_OUTCOMES 100	/* results that the error rate looks at */
#define CDB_RISK_CONTRACT 1	/* version of the risk_events messages */

/* Fractions are of the equity unless said otherwise. */
struct cdb_limits {
	int64_t balance_e8;	/* to begin with */
	int64_t order_e8;	/* size of an order */
	int64_t exposure_e8;	/* at or above: no more */
	int64_t position_e8;	/* above: trimmed */
	int64_t daily_loss_e8;	/* of the day's first equity; at or above:
				   halt until the next day (UTC) */
	int64_t drawdown_e8;	/* of the peak; above: no orders */
	int64_t slippage_e8;	/* of the price; above: breaker */
	int64_t spread_times;	/* the running mean; above: breaker */
	int64_t stop_loss_e8;	/* of the cost; at or above: closed */
	int64_t error_rate_e8;	/* of the last results; above: breaker */
	int64_t stale_ms;	/* without data; at or above: blocked */
	int64_t breaker_ms;	/* how long a breaker stays open */
	int64_t orders_minute;	/* within a minute; one more: breaker.  At
				   most CDB_RISK_ORDERS; 0 for no limit */
};

enum cdb_reason {
	CDB_OK,
	CDB_STOP_LOSS,		/* not of a signal: an order of our own */
	CDB_DAILY_LOSS,
	CDB_CIRCUIT_BREAKER,
	CDB_DRAWDOWN,
	CDB_DATA_STALE,
	CDB_EXPOSURE,
	CDB_POSITION,
	CDB_NO_POSITION,
	CDB_REASONS
};

/* What opens the circuit breaker. */
enum cdb_cause {
	CDB_NO_CAUSE,
	CDB_BY_SLIPPAGE,
	CDB_BY_SPREAD,
	CDB_BY_ERROR_RATE,
	CDB_BY_ORDER_RATE,
	CDB_BY_PENDING,		/* CDB_RISK_PENDING orders are out */
	CDB_CAUSES
};

enum cdb_verdict { CDB_APPROVED, CDB_TRIMMED, CDB_BLOCKED };

/* A position and what is known of its symbol. */
struct cdb_holding {
	char symbol[CDB_SYMBOL_TEXT];
	int64_t qty_e8;
	int64_t cost_e8;	/* what the quantity was bought for */
	int64_t realized_e8;	/* fees included */
	int64_t pending_buy_e8;	 /* quote, ordered and not answered */
	int64_t pending_sell_e8; /* base, likewise */
	int64_t mark_e8;	/* the last price; 0: none yet */
	int64_t value_e8;	/* qty at mark */
	int64_t mark_ms;	/* event time of the last data */
	int64_t gap_ms;		/* between it and the data before */
	int64_t allowed_ms;	/* a candle's length on top of stale_ms */
	int64_t spread_e8;	/* now; 0 unknown */
	int64_t before_n;	/* spreads seen before, and their sum */
	int64_t before_e8;
	bool changed;		/* since the last save */
};

struct cdb_pending {
	char order_id[CDB_ID_TEXT];
	size_t which;		/* holding */
	enum cdb_side side;
	int64_t qty_e8;
	int64_t price_e8;
	int64_t due_ms;
};

/* Totals since the beginning. */
struct cdb_risk_counts {
	uint64_t ticks;
	uint64_t signals;
	uint64_t orders;	/* stops included */
	uint64_t stops;
	uint64_t filled;
	uint64_t rejected;	/* ERROR included */
	uint64_t alerts[3];	/* by enum cdb_level */
	uint64_t decisions;
	uint64_t portfolios;
	uint64_t blocked[CDB_REASONS];
};

/* A message of the topic risk_events. */
struct cdb_decision {
	struct cdb_meta meta;
	char symbol[CDB_SYMBOL_TEXT];
	enum cdb_side side;
	enum cdb_verdict verdict;
	enum cdb_reason reason;
	enum cdb_cause cause;
	int64_t ts_ms;
	char signal_id[CDB_ID_TEXT];	/* "" for a stop */
	char order_id[CDB_ID_TEXT];	/* "" when blocked */
	int64_t qty_e8;
	int64_t price_e8;
	int64_t equity_e8;
	int64_t exposure_e8;	/* quote, pending included, before */
};

/* A message of the topic portfolio. */
struct cdb_portfolio {
	struct cdb_meta meta;
	int64_t ts_ms;
	const struct cdb_holding *holding;	/* NULL: totals only */
	int64_t cash_e8;
	int64_t equity_e8;
	int64_t exposure_e8;
	int64_t drawdown_e8;	/* fraction of the peak */
	int64_t realized_e8;
	int64_t fees_e8;
	int64_t stop_loss_e8;	/* price; 0 none */
};

/* Who is told.  What is pointed to lives during the call. */
struct cdb_risk_sink {
	void (*order)(void *arg, const struct cdb_order *order);
	void (*decision)(void *arg, const struct cdb_decision *decision);
	void (*alert)(void *arg, const struct cdb_alert *alert);
	void (*portfolio)(void *arg, const struct cdb_portfolio *portfolio);
	void *arg;
};

struct cdb_risk {
	/* given */
	struct cdb_limits limits;
	struct cdb_exchange_rules exchange;
	uint64_t seed;
	struct cdb_risk_sink sink;
	/* state */
	int64_t now_ms;		/* the latest event time; 0 before the first */
	uint64_t tick_seq;	/* sequence_id of the last tick */
	char tick_id[CDB_ID_TEXT];	/* its event_id */
	int64_t cash_e8;
	int64_t realized_e8;
	int64_t fees_e8;
	int64_t peak_e8;	/* highest equity */
	int64_t day;		/* days since 1970 */
	int64_t day_start_e8;	/* its first equity */
	bool halted;		/* until the day is over */
	bool drawn_down;
	enum cdb_cause cause;	/* of the breaker */
	int64_t breaker_until_ms;
	struct cdb_risk_counts n;
	size_t n_times;
	int64_t times_ms[CDB_RISK_ORDERS];	/* of the last orders */
	size_t n_outcomes;
	char outcomes[CDB_RISK_OUTCOMES + 1];	/* 'f'illed or 'r'ejected */
	size_t n_pending;
	struct cdb_pending pending[CDB_RISK_PENDING];	/* by due, order_id */
	bool orders_changed;	/* pending, times or outcomes */
	size_t n_holdings;
	struct cdb_holding holdings[CDB_RISK_SYMBOLS];
};

/* cdb_limits_of -- "default", "replay", "demo"; the index of options.h. */
extern const struct cdb_limits cdb_limits_of[3];

/* cdb_risk_reset -- the beginning; what was given stays. */
void cdb_risk_reset(struct cdb_risk *risk);

/*
 * cdb_risk_tick, _signal, _result -- take an event.
 *
 * The next event in time; a result that no order waits for is -ENOENT.
 * Errors   -ENOSPC a symbol beyond CDB_RISK_SYMBOLS; -ERANGE an amount cannot
 *          be held.  The event then leaves no trace but the time.  A signal
 *          is always decided: what cannot be computed is blocked.
 */
int cdb_risk_tick(struct cdb_risk *risk, const struct cdb_tick *tick);
void cdb_risk_signal(struct cdb_risk *risk, const struct cdb_signal *sig);
int cdb_risk_result(struct cdb_risk *risk, const struct cdb_result *result);

/* cdb_risk_awaits -- whether this order has no result yet. */
bool cdb_risk_awaits(const struct cdb_risk *risk, const char *order_id);

/* cdb_risk_equity -- cash and positions at their marks. */
int64_t cdb_risk_equity(const struct cdb_risk *risk);

/* cdb_risk_exposure -- positions at their marks and pending buys. */
int64_t cdb_risk_exposure(const struct cdb_risk *risk);

/* cdb_risk_unrealized -- value less cost of what is held. */
int64_t cdb_risk_unrealized(const struct cdb_risk *risk);

/* cdb_risk_drawdown -- below the peak, as a fraction of it. */
int64_t cdb_risk_drawdown(const struct cdb_risk *risk);

/* cdb_risk_breaker -- whether signals are blocked by a breaker or a halt. */
bool cdb_risk_breaker(const struct cdb_risk *risk);

/* cdb_risk_lot -- the step of quantities at this price (8 places in all). */
int64_t cdb_risk_lot(int64_t price_e8);

const char *cdb_reason_name(enum cdb_reason reason);
const char *cdb_cause_name(enum cdb_cause cause);
const char *cdb_verdict_name(enum cdb_verdict verdict);

#endif
