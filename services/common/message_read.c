/* SPDX-License-Identifier: Apache-2.0 */
#include "message.h"

#include <errno.h>

#include "decimal.h"
#include "fields.h"

static void
candle_read(struct cdb_reader *rd, struct cdb_candle *candle)
{
	cdb_copy_text_if(rd, "interval", candle->interval,
	    sizeof(candle->interval));
	candle->open_e8 = cdb_get_dec_if(rd, "open");
	candle->high_e8 = cdb_get_dec_if(rd, "high");
	candle->low_e8 = cdb_get_dec_if(rd, "low");
}

static void
tick_fields(struct cdb_reader *rd, struct cdb_tick *tick)
{
	cdb_copy_meta(rd, &tick->meta);
	cdb_copy_symbol(rd, tick->symbol);
	cdb_copy_text(rd, "source", tick->source, CDB_NAME_TEXT);
	cdb_copy_text_if(rd, "venue", tick->venue, CDB_NAME_TEXT);
	tick->ts_ms = cdb_get_int(rd, "ts_ms");
	tick->price_e8 = cdb_get_price(rd);
	tick->qty_e8 = cdb_get_dec(rd, "trade_qty");
	if (tick->qty_e8 < 0)
		cdb_refuse(rd, "trade_qty", "is negative");
	tick->side = cdb_get_side(rd, "buy", "sell");
	tick->bid_e8 = cdb_get_dec_if(rd, "bid");
	tick->ask_e8 = cdb_get_dec_if(rd, "ask");
	tick->trade_id = json_object_get(rd->o, "trade_id")
	    ? cdb_get_int(rd, "trade_id") : -1;
	candle_read(rd, &tick->candle);
}

static void
signal_fields(struct cdb_reader *rd, struct cdb_signal *sig)
{
	cdb_copy_meta(rd, &sig->meta);
	cdb_copy_symbol(rd, sig->symbol);
	cdb_copy_text(rd, "strategy_id", sig->strategy_id, CDB_NAME_TEXT);
	cdb_copy_text_if(rd, "reason", sig->reason, CDB_REASON_TEXT);
	sig->side = cdb_get_side(rd, "BUY", "SELL");
	sig->ts_ms = cdb_get_scaled(rd, "timestamp", 1000.0);
	sig->price_e8 = cdb_get_price(rd);
	sig->pct_change_e8 = cdb_get_dec_if(rd, "pct_change");
	sig->confidence_e8 = json_object_get(rd->o, "confidence")
	    ? cdb_get_scaled(rd, "confidence", (double)CDB_DEC_ONE) : 0;
}

int
cdb_tick_read(const char *json, size_t len, struct cdb_tick *out,
    char why[CDB_WHY_TEXT])
{
	struct cdb_reader rd = cdb_reader_begin(json, len, why);
	struct cdb_tick tick = { .trade_id = -1 };

	tick_fields(&rd, &tick);
	if (cdb_reader_end(&rd) < 0)
		return -EBADMSG;
	*out = tick;
	return 0;
}

int
cdb_signal_read(const char *json, size_t len, struct cdb_signal *out,
    char why[CDB_WHY_TEXT])
{
	struct cdb_reader rd = cdb_reader_begin(json, len, why);
	struct cdb_signal sig = { .ts_ms = 0 };

	signal_fields(&rd, &sig);
	if (cdb_reader_end(&rd) < 0)
		return -EBADMSG;
	*out = sig;
	return 0;
}

bool
cdb_symbol_valid(const char *s)
{
	size_t n = 0;

	for (; (s[n] >= 'A' && s[n] <= 'Z') || (s[n] >= '0' && s[n] <= '9');
	     n++)
		if (n + 1 == CDB_SYMBOL_TEXT)
			return false;
	return s[n] == '\0' && n >= 2;
}
