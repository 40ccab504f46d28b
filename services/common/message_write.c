/* SPDX-License-Identifier: Apache-2.0 */
#include "message.h"

#include "decimal.h"
#include "fields.h"

static int
put_candle(json_t *o, const struct cdb_tick *tick)
{
	const struct cdb_candle *candle = &tick->candle;

	if (candle->interval[0] == '\0')
		return 0;
	return cdb_put_text(o, "interval", candle->interval) +
	    cdb_put_dec(o, "open", candle->open_e8) +
	    cdb_put_dec(o, "high", candle->high_e8) +
	    cdb_put_dec(o, "low", candle->low_e8) +
	    cdb_put_dec(o, "close", tick->price_e8) +
	    cdb_put_dec(o, "volume", tick->qty_e8);
}

size_t
cdb_tick_write(const struct cdb_tick *tick, char *dst, size_t cap)
{
	json_t *o = json_object();
	int err;

	if (!o)
		return 0;
	err = cdb_put_meta(o, &tick->meta) +
	    cdb_put_text(o, "source", tick->source) +
	    cdb_put_text_if(o, "venue", tick->venue) +
	    cdb_put_text(o, "symbol", tick->symbol) +
	    cdb_put_int(o, "ts_ms", tick->ts_ms) +
	    cdb_put_dec(o, "price", tick->price_e8) +
	    cdb_put_dec(o, "trade_qty", tick->qty_e8) +
	    cdb_put_text(o, "side", tick->side == CDB_BUY ? "buy" : "sell") +
	    cdb_put_dec_if(o, "bid", tick->bid_e8) +
	    cdb_put_dec_if(o, "ask", tick->ask_e8) +
	    put_candle(o, tick);
	if (tick->trade_id >= 0)
		err += cdb_put_int(o, "trade_id", tick->trade_id);
	return cdb_object_write(o, err, dst, cap);
}

size_t
cdb_signal_write(const struct cdb_signal *sig, char *dst, size_t cap)
{
	json_t *o = json_object();
	int err;

	if (!o)
		return 0;
	err = cdb_put_meta(o, &sig->meta) +
	    cdb_put_text(o, "type", "signal") +
	    cdb_put_text(o, "signal_id", sig->meta.event_id) +
	    cdb_put_text(o, "strategy_id", sig->strategy_id) +
	    cdb_put_text(o, "symbol", sig->symbol) +
	    cdb_put_side(o, sig->side) +
	    cdb_put_time(o, "timestamp", sig->ts_ms) +
	    cdb_put_dec(o, "price", sig->price_e8) +
	    cdb_put_dec(o, "pct_change", sig->pct_change_e8) +
	    json_object_set_new(o, "confidence",
		json_real((double)sig->confidence_e8 / (double)CDB_DEC_ONE)) +
	    cdb_put_text(o, "reason", sig->reason);
	return cdb_object_write(o, err, dst, cap);
}
