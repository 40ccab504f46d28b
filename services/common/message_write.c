/* SPDX-License-Identifier: Apache-2.0 */
#include "message.h"

#include <jansson.h>

#include "decimal.h"

/* 15 digits print seconds to the millisecond and no binary remainder. */
#define WRITE_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(15))

/*
 * Each put_ returns 0 or -1 (no memory); the callers add the results up, and
 * jansson's *_new functions take the reference whatever happens.
 */
static int
put_text(json_t *o, const char *key, const char *s)
{
	return json_object_set_new(o, key, json_string(s));
}

static int
put_text_if(json_t *o, const char *key, const char *s)
{
	return s[0] ? put_text(o, key, s) : 0;
}

static int
put_int(json_t *o, const char *key, int64_t v)
{
	return json_object_set_new(o, key, json_integer(v));
}

static int
put_dec(json_t *o, const char *key, int64_t v_e8)
{
	char text[CDB_DEC_TEXT];
	size_t len = cdb_dec_format(v_e8, text);

	return json_object_set_new(o, key, json_stringn_nocheck(text, len));
}

static int
put_dec_if(json_t *o, const char *key, int64_t v_e8)
{
	return v_e8 ? put_dec(o, key, v_e8) : 0;
}

static int
put_meta(json_t *o, const struct cdb_meta *meta)
{
	return put_int(o, "schema_version", CDB_SCHEMA_VERSION) +
	    put_text(o, "event_id", meta->event_id) +
	    put_int(o, "sequence_id", (int64_t)meta->sequence_id) +
	    put_text(o, "correlation_id", meta->correlation_id) +
	    put_text_if(o, "causation_id", meta->causation_id);
}

static int
put_candle(json_t *o, const struct cdb_tick *tick)
{
	const struct cdb_candle *candle = &tick->candle;

	if (candle->interval[0] == '\0')
		return 0;
	return put_text(o, "interval", candle->interval) +
	    put_dec(o, "open", candle->open_e8) +
	    put_dec(o, "high", candle->high_e8) +
	    put_dec(o, "low", candle->low_e8) +
	    put_dec(o, "close", tick->price_e8) +
	    put_dec(o, "volume", tick->qty_e8);
}

/* Frees `o`; err is the sum of what the put_ functions returned. */
static size_t
finish(json_t *o, int err, char *dst, size_t cap)
{
	size_t len = err == 0 ? json_dumpb(o, dst, cap, WRITE_FLAGS) : 0;

	json_decref(o);
	return len;
}

size_t
cdb_tick_write(const struct cdb_tick *tick, char *dst, size_t cap)
{
	json_t *o = json_object();
	int err;

	if (!o)
		return 0;
	err = put_meta(o, &tick->meta) +
	    put_text(o, "source", tick->source) +
	    put_text_if(o, "venue", tick->venue) +
	    put_text(o, "symbol", tick->symbol) +
	    put_int(o, "ts_ms", tick->ts_ms) +
	    put_dec(o, "price", tick->price_e8) +
	    put_dec(o, "trade_qty", tick->qty_e8) +
	    put_text(o, "side", tick->side == CDB_BUY ? "buy" : "sell") +
	    put_dec_if(o, "bid", tick->bid_e8) +
	    put_dec_if(o, "ask", tick->ask_e8) +
	    put_candle(o, tick);
	if (tick->trade_id >= 0)
		err += put_int(o, "trade_id", tick->trade_id);
	return finish(o, err, dst, cap);
}

size_t
cdb_signal_write(const struct cdb_signal *sig, char *dst, size_t cap)
{
	json_t *o = json_object();
	int err;

	if (!o)
		return 0;
	err = put_meta(o, &sig->meta) +
	    put_text(o, "type", "signal") +
	    put_text(o, "signal_id", sig->meta.event_id) +
	    put_text(o, "strategy_id", sig->strategy_id) +
	    put_text(o, "symbol", sig->symbol) +
	    put_text(o, "side", sig->side == CDB_BUY ? "BUY" : "SELL") +
	    json_object_set_new(o, "timestamp",
		json_real((double)sig->ts_ms / 1000.0)) +
	    put_dec(o, "price", sig->price_e8) +
	    put_dec(o, "pct_change", sig->pct_change_e8) +
	    json_object_set_new(o, "confidence",
		json_real((double)sig->confidence_e8 / (double)CDB_DEC_ONE)) +
	    put_text(o, "reason", sig->reason);
	return finish(o, err, dst, cap);
}
