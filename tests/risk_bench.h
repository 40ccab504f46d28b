/* SPDX-License-Identifier: Apache-2.0 */
/*
 * risk_bench.h -- a book on the bench: events go in by short calls, and what
 * it says is kept.
 */
#ifndef TESTS_RISK_BENCH_H
#define TESTS_RISK_BENCH_H

#include "services/common/decimal.h"
#include "services/risk/risk.h"

#define E8   CDB_DEC_ONE
#define T0   INT64_C(1700000000000)	/* 22:13:20, far from midnight */

struct bench {
	struct cdb_risk risk;
	uint64_t seq;
	size_t n_orders;
	size_t n_decisions;
	size_t n_alerts;
	size_t n_portfolios;
	struct cdb_order order;		/* the last ones */
	struct cdb_decision decision;
	struct cdb_alert alert;
	struct cdb_portfolio portfolio;
	/* everything that was said, as JSON lines */
	char *said;
	size_t said_len;
	size_t said_cap;
};

/* bench_new -- with the limits of `profile`; never fails. */
struct bench *bench_new(unsigned profile);
void bench_free(struct bench *b);

struct cdb_tick bench_tick_make(struct bench *b, int64_t ts_ms,
    int64_t price_e8);
int bench_tick(struct bench *b, int64_t ts_ms, int64_t price_e8);
int bench_tick_spread(struct bench *b, int64_t ts_ms, int64_t price_e8,
    int64_t spread_e8);
struct cdb_signal bench_signal_make(struct bench *b, enum cdb_side side,
    int64_t ts_ms, int64_t price_e8);
/* bench_signal -- the decision about it. */
const struct cdb_decision *bench_signal(struct bench *b, enum cdb_side side,
    int64_t ts_ms, int64_t price_e8);

/* bench_fill -- the last order is filled at that price, without a fee. */
int bench_fill(struct bench *b, int64_t ts_ms, int64_t price_e8);
int bench_reject(struct bench *b, int64_t ts_ms);

/* bench_hold -- a position that is there from the beginning. */
struct cdb_holding *bench_hold(struct bench *b, const char *symbol,
    int64_t qty_e8, int64_t price_e8);

#endif
