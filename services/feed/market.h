/* SPDX-License-Identifier: Apache-2.0 */
/*
 * market.h -- a market made from a seed: six symbols that move enough to trade.
 *
 * Every tick is a function of (seed, number of the tick, its event time), so
 * a position is two integers.  Only integers are used: the same seed gives
 * the same bytes on every machine.
 *
 * Per symbol the price follows straight lines between anchors one minute
 * apart, with noise on each tick; now and then an anchor crashes, a spread
 * opens, a lot is huge, a symbol falls silent for 45 s.
 *
 * Thread   any; pure.
 */
#ifndef CDB_MARKET_H
#define CDB_MARKET_H

#include <stdint.h>

#include "services/common/message.h"

struct cdb_market {
	uint64_t seed;
	uint32_t rate;		/* mean ticks per second of event time, > 0 */
	uint64_t limit;		/* ticks in all; 0 is endless */
	uint64_t n;		/* ticks made so far */
	int64_t ts_us;		/* event time of the next tick */
};

/* cdb_market_init -- the first tick comes at 2024-01-01T00:00:00Z. */
void cdb_market_init(struct cdb_market *market, uint64_t seed, uint32_t rate,
    uint64_t limit);

/*
 * cdb_market_peek -- the event time of the next tick.
 *
 * Returns 1, or 0 when `limit` ticks have been made.
 */
int cdb_market_peek(const struct cdb_market *market, int64_t *ts_ms);

/* cdb_market_take -- make that tick. */
void cdb_market_take(struct cdb_market *market, struct cdb_tick *tick);

#endif
