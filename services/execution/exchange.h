/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange.h -- the paper exchange: what becomes of an order, and when.
 *
 * Everything is a function of (rules, seed, event_id of the order): there is
 * no generator whose position matters, so an order that is asked about again
 * after a death has the same fate.  Only integers are used.
 *
 * An attempt takes a simulated latency.  It fills the order, or the exchange
 * refuses it for good, or it fails for the moment: with an error, or with no
 * answer until the timeout.  After such a failure the order is tried again,
 * after a pause, up to `retries` times.
 *
 * Thread   any; pure.
 */
#ifndef CDB_EXCHANGE_H
#define CDB_EXCHANGE_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/trade.h"

/* Rates and fractions in 1e-8: CDB_DEC_ONE is always. */
struct cdb_exchange_rules {
	int64_t latency_min_ms;
	int64_t latency_max_ms;
	int64_t reject_rate_e8;		/* of the attempts, for good */
	int64_t error_rate_e8;		/* of the attempts, for the moment */
	int64_t slippage_e8;		/* fraction of the price per unit of
					   min(quantity / 10, 2) */
	int64_t slippage_cap_e8;	/* fraction of the price */
	int64_t fee_e8;			/* taker, fraction of the notional */
	int64_t retries;
	int64_t retry_ms;		/* pause before each */
	int64_t timeout_ms;
};

/* Success 95 %, 50..200 ms, 0.02 %, cap 0.1 %, fee 0.06 %, 3 x 2 s, 10 s. */
extern const struct cdb_exchange_rules cdb_exchange_defaults;

#define CDB_EXCHANGE_TEXT 256

/*
 * cdb_exchange_write, _read -- rules as text, so that who waits for results
 * can ask the exchange how it works.
 *
 * Errors   -EINVAL no such text, or rules that cannot be.
 */
void cdb_exchange_write(const struct cdb_exchange_rules *rules,
    char dst[CDB_EXCHANGE_TEXT]);
int cdb_exchange_read(struct cdb_exchange_rules *rules, const char *text);

/*
 * cdb_exchange_due_ms -- when the result of an order placed at ts_ms takes
 * effect.
 */
int64_t cdb_exchange_due_ms(const struct cdb_exchange_rules *rules,
    uint64_t seed, const char *order_id, int64_t ts_ms);

/* cdb_exchange_execute -- the result of the order. */
void cdb_exchange_execute(const struct cdb_exchange_rules *rules,
    uint64_t seed, const struct cdb_order *order, struct cdb_result *out);

/*
 * cdb_exchange_price -- a price rounded to so few places that times qty it
 * has at most eight: notionals are then exact.
 */
int64_t cdb_exchange_price(int64_t price_e8, int64_t qty_e8);

#endif
