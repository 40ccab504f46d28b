/* SPDX-License-Identifier: Apache-2.0 */
#include "signal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "services/common/decimal.h"
#include "services/common/event_id.h"

#define FULL_CONFIDENCE_PCT 10	/* a move of this many percent */

void
cdb_engine_reset(struct cdb_engine *engine)
{
	for (size_t i = 0; i < engine->n_symbols; i++)
		cdb_window_free(&engine->symbols[i].window);
	engine->n_symbols = 0;
	engine->now_ms = INT64_MIN / 2;
	engine->ticks = engine->signals = engine->last_seq = 0;
}

struct cdb_symbol *
cdb_engine_symbol(struct cdb_engine *engine, const char *name)
{
	struct cdb_symbol *s;

	for (size_t i = 0; i < engine->n_symbols; i++)
		if (strcmp(engine->symbols[i].name, name) == 0)
			return &engine->symbols[i];
	if (engine->n_symbols == CDB_SYMBOLS_MAX)
		return NULL;
	s = &engine->symbols[engine->n_symbols++];
	memset(s, 0, sizeof(*s));
	snprintf(s->name, sizeof(s->name), "%s", name);
	return s;
}

static int64_t
clamp(__int128_t v)
{
	if (v > INT64_MAX)
		return INT64_MAX;
	return v < INT64_MIN ? INT64_MIN : (int64_t)v;
}

/* The change from `from` to `to` in percent, cut off at the eighth place. */
static int64_t
pct_change(int64_t from_e8, int64_t to_e8)
{
	__int128_t diff = (__int128_t)to_e8 - from_e8;

	return clamp(diff * 100 * CDB_DEC_ONE / from_e8);
}

/*
 * Whether the move reaches the threshold: compared by cross multiplication,
 * so that a move of exactly the threshold counts and nothing is rounded.
 */
static bool
reaches(int64_t from_e8, int64_t to_e8, int64_t threshold_e8)
{
	__int128_t diff = (__int128_t)to_e8 - from_e8;

	if (diff < 0)
		diff = -diff;
	return diff * 100 * CDB_DEC_ONE >= (__int128_t)threshold_e8 * from_e8;
}

static enum cdb_outcome
decide(const struct cdb_engine *e, const struct cdb_symbol *s,
    const struct cdb_tick *tick, enum cdb_side *side)
{
	int64_t oldest_e8 = cdb_window_at(&s->window, 0).price_e8;
	__int128_t min_e16 = (__int128_t)e->rules.min_quote_e8 * CDB_DEC_ONE;

	*side = tick->price_e8 > oldest_e8 ? CDB_BUY : CDB_SELL;
	if (tick->price_e8 == oldest_e8 ||
	    !reaches(oldest_e8, tick->price_e8, e->rules.threshold_e8))
		return CDB_QUIET;
	if (s->window.quote_e16 < min_e16)
		return CDB_LOW_VOLUME;
	if (s->has_last[*side] &&
	    tick->ts_ms - s->last_ms[*side] < e->rules.cooldown_ms)
		return CDB_COOLING;
	return CDB_SIGNAL;
}

static void
reason_write(const struct cdb_symbol *s, const struct cdb_tick *tick,
    struct cdb_signal *out)
{
	char pct[CDB_DEC_TEXT];
	char quote[CDB_DEC_TEXT];
	struct cdb_point oldest = cdb_window_at(&s->window, 0);

	cdb_dec_format(out->pct_change_e8, pct);
	cdb_dec_format(clamp(s->window.quote_e16 / CDB_DEC_ONE), quote);
	snprintf(out->reason, sizeof(out->reason),
	    "%s %% in %" PRId64 " ms, quote volume %s in the look-back", pct,
	    tick->ts_ms - oldest.ts_ms, quote);
}

static int64_t
confidence(int64_t pct_e8)
{
	int64_t c = (pct_e8 < 0 ? -pct_e8 : pct_e8) / FULL_CONFIDENCE_PCT;

	return c < CDB_DEC_ONE ? c : CDB_DEC_ONE;
}

static void
signal_make(struct cdb_engine *e, const struct cdb_symbol *s,
    const struct cdb_tick *tick, enum cdb_side side, struct cdb_signal *out)
{
	int64_t oldest_e8 = cdb_window_at(&s->window, 0).price_e8;

	memset(out, 0, sizeof(*out));
	cdb_event_id(e->seed, "signal", tick->meta.event_id,
	    out->meta.event_id);
	strcpy(out->meta.correlation_id, tick->meta.correlation_id);
	strcpy(out->meta.causation_id, tick->meta.event_id);
	out->meta.sequence_id = ++e->signals;
	strcpy(out->strategy_id, "momentum");
	strcpy(out->symbol, tick->symbol);
	out->side = side;
	out->ts_ms = tick->ts_ms;
	out->price_e8 = tick->price_e8;
	out->pct_change_e8 = pct_change(oldest_e8, tick->price_e8);
	out->confidence_e8 = confidence(out->pct_change_e8);
	reason_write(s, tick, out);
}

int
cdb_engine_tick(struct cdb_engine *e, const struct cdb_tick *tick,
    struct cdb_signal *out)
{
	struct cdb_symbol *s = cdb_engine_symbol(e, tick->symbol);
	enum cdb_outcome outcome;
	enum cdb_side side;
	int err;

	e->ticks++;
	if (!s)
		return -ENOSPC;
	if (tick->ts_ms > e->now_ms)
		e->now_ms = tick->ts_ms;
	s->changed = true;
	cdb_window_evict(&s->window, e->now_ms - e->rules.lookback_ms);
	err = cdb_window_push(&s->window, (struct cdb_point){ tick->ts_ms,
	    tick->price_e8, tick->qty_e8 });
	if (err < 0)
		return err;
	outcome = decide(e, s, tick, &side);
	if (outcome != CDB_SIGNAL)
		return (int)outcome;
	s->has_last[side] = true;
	s->last_ms[side] = tick->ts_ms;
	signal_make(e, s, tick, side, out);
	return CDB_SIGNAL;
}

void
cdb_symbol_write(const struct cdb_symbol *s, char dst[CDB_SYMBOL_STATE])
{
	snprintf(dst, CDB_SYMBOL_STATE, "%zu %d %" PRId64 " %d %" PRId64,
	    s->window.n, s->has_last[CDB_BUY], s->last_ms[CDB_BUY],
	    s->has_last[CDB_SELL], s->last_ms[CDB_SELL]);
}

int
cdb_symbol_read(struct cdb_symbol *s, const char *text)
{
	int buy;
	int sell;

	if (sscanf(text, "%zu %d %" SCNd64 " %d %" SCNd64, &s->saved_n, &buy,
		&s->last_ms[CDB_BUY], &sell, &s->last_ms[CDB_SELL]) != 5)
		return -EINVAL;
	s->has_last[CDB_BUY] = buy != 0;
	s->has_last[CDB_SELL] = sell != 0;
	return 0;
}

void
cdb_point_write(struct cdb_point p, char dst[CDB_POINT_TEXT])
{
	char price[CDB_DEC_TEXT];
	char qty[CDB_DEC_TEXT];

	cdb_dec_format(p.price_e8, price);
	cdb_dec_format(p.qty_e8, qty);
	snprintf(dst, CDB_POINT_TEXT, "%" PRId64 " %s %s", p.ts_ms, price,
	    qty);
}

int
cdb_point_read(struct cdb_point *p, const char *text)
{
	char price[CDB_DEC_TEXT];
	char qty[CDB_DEC_TEXT];

	if (sscanf(text, "%" SCNd64 " %23s %23s", &p->ts_ms, price, qty) != 3 ||
	    cdb_dec_parse(price, strlen(price), &p->price_e8) < 0 ||
	    cdb_dec_parse(qty, strlen(qty), &p->qty_e8) < 0)
		return -EINVAL;
	return 0;
}
