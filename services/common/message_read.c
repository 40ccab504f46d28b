/* SPDX-License-Identifier: Apache-2.0 */
#include "message.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "decimal.h"

/* The object being read and the first thing that is wrong with it. */
struct reader {
	const json_t *o;
	char *why;	/* "" as long as nothing is */
};

static void
refuse(struct reader *rd, const char *key, const char *what)
{
	if (rd->why[0] == '\0')
		snprintf(rd->why, CDB_WHY_TEXT, "%s %s", key, what);
}

/* The string at `key`; NULL and a reason when it is missing or no string. */
static const char *
text_at(struct reader *rd, const char *key)
{
	const char *s = json_string_value(json_object_get(rd->o, key));

	if (!s)
		refuse(rd, key, "is missing or no string");
	return s;
}

static void
copy_text(struct reader *rd, const char *key, char *dst, size_t cap)
{
	const char *s = text_at(rd, key);

	dst[0] = '\0';
	if (!s)
		return;
	if (strlen(s) >= cap)
		refuse(rd, key, "is too long");
	else
		strcpy(dst, s);
}

static void
copy_text_if(struct reader *rd, const char *key, char *dst, size_t cap)
{
	dst[0] = '\0';
	if (json_object_get(rd->o, key))
		copy_text(rd, key, dst, cap);
}

static int64_t
int_at(struct reader *rd, const char *key)
{
	const json_t *v = json_object_get(rd->o, key);

	if (!json_is_integer(v))
		refuse(rd, key, "is missing or no integer");
	return json_integer_value(v);
}

static int64_t
dec_at(struct reader *rd, const char *key)
{
	const char *s = text_at(rd, key);
	int64_t v = 0;

	if (s && cdb_dec_parse(s, strlen(s), &v) < 0)
		refuse(rd, key, "is no exact decimal");
	return v;
}

static int64_t
dec_at_if(struct reader *rd, const char *key)
{
	return json_object_get(rd->o, key) ? dec_at(rd, key) : 0;
}

/* A JSON number times `scale`, rounded; within 2^53 so that it is exact. */
static int64_t
scaled_at(struct reader *rd, const char *key, double scale)
{
	const json_t *v = json_object_get(rd->o, key);
	double d = json_number_value(v) * scale;

	if (!json_is_number(v) || !(fabs(d) < 0x1p53)) {
		refuse(rd, key, "is missing or no fit number");
		return 0;
	}
	return (int64_t)llround(d);
}

static enum cdb_side
side_at(struct reader *rd, const char *buy, const char *sell)
{
	const char *s = text_at(rd, "side");

	if (s && strcmp(s, buy) == 0)
		return CDB_BUY;
	if (s && strcmp(s, sell) != 0)
		refuse(rd, "side", "is neither buy nor sell");
	return CDB_SELL;
}

static void
meta_read(struct reader *rd, struct cdb_meta *meta)
{
	int64_t seq = int_at(rd, "sequence_id");

	if (int_at(rd, "schema_version") != CDB_SCHEMA_VERSION)
		refuse(rd, "schema_version", "is not ours");
	if (seq < 0)
		refuse(rd, "sequence_id", "is negative");
	meta->sequence_id = (uint64_t)seq;
	copy_text(rd, "event_id", meta->event_id, CDB_ID_TEXT);
	copy_text(rd, "correlation_id", meta->correlation_id, CDB_ID_TEXT);
	copy_text_if(rd, "causation_id", meta->causation_id, CDB_ID_TEXT);
}

static void
symbol_read(struct reader *rd, char dst[CDB_SYMBOL_TEXT])
{
	copy_text(rd, "symbol", dst, CDB_SYMBOL_TEXT);
	if (!cdb_symbol_valid(dst))
		refuse(rd, "symbol", "is no symbol");
}

static int64_t
price_at(struct reader *rd)
{
	int64_t v = dec_at(rd, "price");

	if (v <= 0)
		refuse(rd, "price", "is not above zero");
	return v;
}

static void
candle_read(struct reader *rd, struct cdb_candle *candle)
{
	copy_text_if(rd, "interval", candle->interval,
	    sizeof(candle->interval));
	candle->open_e8 = dec_at_if(rd, "open");
	candle->high_e8 = dec_at_if(rd, "high");
	candle->low_e8 = dec_at_if(rd, "low");
}

static void
tick_fields(struct reader *rd, struct cdb_tick *tick)
{
	meta_read(rd, &tick->meta);
	symbol_read(rd, tick->symbol);
	copy_text(rd, "source", tick->source, CDB_NAME_TEXT);
	copy_text_if(rd, "venue", tick->venue, CDB_NAME_TEXT);
	tick->ts_ms = int_at(rd, "ts_ms");
	tick->price_e8 = price_at(rd);
	tick->qty_e8 = dec_at(rd, "trade_qty");
	if (tick->qty_e8 < 0)
		refuse(rd, "trade_qty", "is negative");
	tick->side = side_at(rd, "buy", "sell");
	tick->bid_e8 = dec_at_if(rd, "bid");
	tick->ask_e8 = dec_at_if(rd, "ask");
	tick->trade_id = json_object_get(rd->o, "trade_id")
	    ? int_at(rd, "trade_id") : -1;
	candle_read(rd, &tick->candle);
}

static void
signal_fields(struct reader *rd, struct cdb_signal *sig)
{
	meta_read(rd, &sig->meta);
	symbol_read(rd, sig->symbol);
	copy_text(rd, "strategy_id", sig->strategy_id, CDB_NAME_TEXT);
	copy_text_if(rd, "reason", sig->reason, CDB_REASON_TEXT);
	sig->side = side_at(rd, "BUY", "SELL");
	sig->ts_ms = scaled_at(rd, "timestamp", 1000.0);
	sig->price_e8 = price_at(rd);
	sig->pct_change_e8 = dec_at_if(rd, "pct_change");
	sig->confidence_e8 = json_object_get(rd->o, "confidence")
	    ? scaled_at(rd, "confidence", (double)CDB_DEC_ONE) : 0;
}

/* The object in json[0, len), or NULL and the reason. */
static json_t *
object_load(const char *json, size_t len, char why[CDB_WHY_TEXT])
{
	json_error_t error;
	json_t *o = json_loadb(json, len, JSON_REJECT_DUPLICATES, &error);

	why[0] = '\0';
	if (o && !json_is_object(o)) {
		json_decref(o);
		o = NULL;
		snprintf(why, CDB_WHY_TEXT, "no JSON object");
	} else if (!o) {
		snprintf(why, CDB_WHY_TEXT, "no JSON: %.80s", error.text);
	}
	return o;
}

int
cdb_tick_read(const char *json, size_t len, struct cdb_tick *out,
    char why[CDB_WHY_TEXT])
{
	json_t *o = object_load(json, len, why);
	struct reader rd = { .o = o, .why = why };
	struct cdb_tick tick = { .trade_id = -1 };

	if (!o)
		return -EBADMSG;
	tick_fields(&rd, &tick);
	json_decref(o);
	if (why[0])
		return -EBADMSG;
	*out = tick;
	return 0;
}

int
cdb_signal_read(const char *json, size_t len, struct cdb_signal *out,
    char why[CDB_WHY_TEXT])
{
	json_t *o = object_load(json, len, why);
	struct reader rd = { .o = o, .why = why };
	struct cdb_signal sig = { .ts_ms = 0 };

	if (!o)
		return -EBADMSG;
	signal_fields(&rd, &sig);
	json_decref(o);
	if (why[0])
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
