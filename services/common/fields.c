/* SPDX-License-Identifier: Apache-2.0 */
#include "fields.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "decimal.h"

/* 15 digits print seconds to the millisecond and no binary remainder. */
#define WRITE_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(15))

struct cdb_reader
cdb_reader_begin(const char *json, size_t len, char why[CDB_WHY_TEXT])
{
	struct cdb_reader rd = { .why = why };
	json_error_t error;

	why[0] = '\0';
	rd.o = json_loadb(json, len, JSON_REJECT_DUPLICATES, &error);
	if (!rd.o)
		snprintf(why, CDB_WHY_TEXT, "no JSON: %.80s", error.text);
	else if (!json_is_object(rd.o))
		snprintf(why, CDB_WHY_TEXT, "no JSON object");
	return rd;
}

int
cdb_reader_end(struct cdb_reader *rd)
{
	json_decref(rd->o);
	rd->o = NULL;
	return rd->why[0] ? -EBADMSG : 0;
}

void
cdb_refuse(struct cdb_reader *rd, const char *key, const char *what)
{
	if (rd->why[0] == '\0')
		snprintf(rd->why, CDB_WHY_TEXT, "%s %s", key, what);
}

const char *
cdb_get_text(struct cdb_reader *rd, const char *key)
{
	const char *s = json_string_value(json_object_get(rd->o, key));

	if (!s)
		cdb_refuse(rd, key, "is missing or no string");
	return s;
}

void
cdb_copy_text(struct cdb_reader *rd, const char *key, char *dst, size_t cap)
{
	const char *s = cdb_get_text(rd, key);

	dst[0] = '\0';
	if (!s)
		return;
	if (strlen(s) >= cap)
		cdb_refuse(rd, key, "is too long");
	else
		strcpy(dst, s);
}

void
cdb_copy_text_if(struct cdb_reader *rd, const char *key, char *dst,
    size_t cap)
{
	dst[0] = '\0';
	if (json_object_get(rd->o, key))
		cdb_copy_text(rd, key, dst, cap);
}

int64_t
cdb_get_int(struct cdb_reader *rd, const char *key)
{
	const json_t *v = json_object_get(rd->o, key);

	if (!json_is_integer(v))
		cdb_refuse(rd, key, "is missing or no integer");
	return json_integer_value(v);
}

int64_t
cdb_get_dec(struct cdb_reader *rd, const char *key)
{
	const char *s = cdb_get_text(rd, key);
	int64_t v = 0;

	if (s && cdb_dec_parse(s, strlen(s), &v) < 0)
		cdb_refuse(rd, key, "is no exact decimal");
	return v;
}

int64_t
cdb_get_dec_if(struct cdb_reader *rd, const char *key)
{
	return json_object_get(rd->o, key) ? cdb_get_dec(rd, key) : 0;
}

int64_t
cdb_get_scaled(struct cdb_reader *rd, const char *key, double scale)
{
	const json_t *v = json_object_get(rd->o, key);
	double d = json_number_value(v) * scale;

	if (!json_is_number(v) || !(fabs(d) < 0x1p53)) {
		cdb_refuse(rd, key, "is missing or no fit number");
		return 0;
	}
	return (int64_t)llround(d);
}

enum cdb_side
cdb_get_side(struct cdb_reader *rd, const char *buy, const char *sell)
{
	const char *s = cdb_get_text(rd, "side");

	if (s && strcmp(s, buy) == 0)
		return CDB_BUY;
	if (s && strcmp(s, sell) != 0)
		cdb_refuse(rd, "side", "is neither buy nor sell");
	return CDB_SELL;
}

int64_t
cdb_get_price(struct cdb_reader *rd)
{
	int64_t v = cdb_get_dec(rd, "price");

	if (v <= 0)
		cdb_refuse(rd, "price", "is not above zero");
	return v;
}

void
cdb_copy_symbol(struct cdb_reader *rd, char dst[CDB_SYMBOL_TEXT])
{
	cdb_copy_text(rd, "symbol", dst, CDB_SYMBOL_TEXT);
	if (!cdb_symbol_valid(dst))
		cdb_refuse(rd, "symbol", "is no symbol");
}

void
cdb_copy_meta(struct cdb_reader *rd, struct cdb_meta *meta)
{
	int64_t seq = cdb_get_int(rd, "sequence_id");

	if (cdb_get_int(rd, "schema_version") != CDB_SCHEMA_VERSION)
		cdb_refuse(rd, "schema_version", "is not ours");
	if (seq < 0)
		cdb_refuse(rd, "sequence_id", "is negative");
	meta->sequence_id = (uint64_t)seq;
	cdb_copy_text(rd, "event_id", meta->event_id, CDB_ID_TEXT);
	cdb_copy_text(rd, "correlation_id", meta->correlation_id,
	    CDB_ID_TEXT);
	cdb_copy_text_if(rd, "causation_id", meta->causation_id, CDB_ID_TEXT);
}

/* jansson's *_new functions take the reference whatever happens. */
int
cdb_put_text(json_t *o, const char *key, const char *s)
{
	return json_object_set_new(o, key, json_string(s));
}

int
cdb_put_text_if(json_t *o, const char *key, const char *s)
{
	return s[0] ? cdb_put_text(o, key, s) : 0;
}

int
cdb_put_int(json_t *o, const char *key, int64_t v)
{
	return json_object_set_new(o, key, json_integer(v));
}

int
cdb_put_dec(json_t *o, const char *key, int64_t v_e8)
{
	char text[CDB_DEC_TEXT];
	size_t len = cdb_dec_format(v_e8, text);

	return json_object_set_new(o, key, json_stringn_nocheck(text, len));
}

int
cdb_put_dec_if(json_t *o, const char *key, int64_t v_e8)
{
	return v_e8 ? cdb_put_dec(o, key, v_e8) : 0;
}

int
cdb_put_time(json_t *o, const char *key, int64_t ms)
{
	return json_object_set_new(o, key, json_real((double)ms / 1000.0));
}

int
cdb_put_side(json_t *o, enum cdb_side side)
{
	return cdb_put_text(o, "side", side == CDB_BUY ? "BUY" : "SELL");
}

int
cdb_put_meta(json_t *o, const struct cdb_meta *meta)
{
	return cdb_put_int(o, "schema_version", CDB_SCHEMA_VERSION) +
	    cdb_put_text(o, "event_id", meta->event_id) +
	    cdb_put_int(o, "sequence_id", (int64_t)meta->sequence_id) +
	    cdb_put_text(o, "correlation_id", meta->correlation_id) +
	    cdb_put_text_if(o, "causation_id", meta->causation_id);
}

size_t
cdb_object_write(json_t *o, int err, char *dst, size_t cap)
{
	size_t len = err == 0 ? json_dumpb(o, dst, cap, WRITE_FLAGS) : 0;

	json_decref(o);
	return len;
}
