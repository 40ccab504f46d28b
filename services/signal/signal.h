/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signal.h -- which ticks make a signal.
 *
 * BUY when the price has risen by at least the threshold against the oldest
 * tick in the look-back, and the quote volume in the look-back is at least
 * the minimum; SELL when it has fallen so.  One signal per symbol, side and
 * cool-down.  Positions are not known here: that is risk's business.
 *
 * Time is the events' own: "now" is the latest event time seen, so the same
 * ticks give the same signals, whenever and however often they are replayed.
 *
 * Thread   one; pure.
 */
#ifndef CDB_SIGNAL_H
#define CDB_SIGNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "services/common/message.h"
#include "window.h"

#define CDB_SYMBOLS_MAX	 256
#define CDB_SYMBOL_STATE 96	/* bytes of cdb_symbol_write() */

struct cdb_rules {
	int64_t lookback_ms;
	int64_t threshold_e8;	/* percent */
	int64_t min_quote_e8;	/* volume in the look-back */
	int64_t cooldown_ms;
};

/* What a tick led to. */
enum cdb_outcome {
	CDB_QUIET,		/* it did not move enough */
	CDB_SIGNAL,
	CDB_LOW_VOLUME,		/* it did, on too little volume */
	CDB_COOLING,		/* it did, too soon after the last one */
};

/* One symbol's part of the state. */
struct cdb_symbol {
	char name[CDB_SYMBOL_TEXT];
	struct cdb_window window;
	bool has_last[2];	/* by enum cdb_side */
	int64_t last_ms[2];	/* event time of the last signal */
	bool changed;		/* since the last save */
	size_t saved_n;		/* points the saved window must have */
};

struct cdb_engine {
	struct cdb_rules rules;
	uint64_t seed;
	int64_t now_ms;		/* the latest event time seen */
	uint64_t ticks;		/* taken since the beginning */
	uint64_t signals;	/* made; sequence_id of the last */
	uint64_t last_seq;	/* sequence_id of the last tick */
	size_t n_symbols;
	struct cdb_symbol symbols[CDB_SYMBOLS_MAX];
};

/* cdb_engine_reset -- forget everything but rules and seed. */
void cdb_engine_reset(struct cdb_engine *engine);

/*
 * cdb_engine_tick -- take a tick; with CDB_SIGNAL, *out is the signal.
 *
 * Returns an enum cdb_outcome.
 * Errors   -ENOSPC a symbol beyond CDB_SYMBOLS_MAX; -ENOMEM; -ERANGE the
 *          volume cannot be held.  The tick then counts, but leaves no trace.
 */
int cdb_engine_tick(struct cdb_engine *engine, const struct cdb_tick *tick,
    struct cdb_signal *out);

/*
 * cdb_engine_symbol -- the part of the state for this symbol, made if new.
 *
 * Returns NULL when there is no room for one more.
 */
struct cdb_symbol *cdb_engine_symbol(struct cdb_engine *engine,
    const char *name);

/* cdb_symbol_write, _read -- size of the window and cool-downs as text.
 * The size goes to saved_n, to be compared; -EINVAL no such text. */
void cdb_symbol_write(const struct cdb_symbol *symbol,
    char dst[CDB_SYMBOL_STATE]);
int cdb_symbol_read(struct cdb_symbol *symbol, const char *text);

/* cdb_point_write, _read -- a point as "ts price qty"; -EINVAL. */
#define CDB_POINT_TEXT 72
void cdb_point_write(struct cdb_point p, char dst[CDB_POINT_TEXT]);
int cdb_point_read(struct cdb_point *p, const char *text);

#endif
