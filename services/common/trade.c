/* SPDX-License-Identifier: Apache-2.0 */
#include "trade.h"

#include <errno.h>
#include <string.h>

#include "fields.h"

#define CLIENT "cdb-risk"
#define BOT    "cdb"

static const char *const fates[] = { "FILLED", "REJECTED", "ERROR" };
static const char *const levels[] = { "INFO", "WARNING", "CRITICAL" };

const char *
cdb_fate_name(enum cdb_fate fate)
{
	return fates[fate];
}

const char *
cdb_level_name(enum cdb_level level)
{
	return levels[level];
}

size_t
cdb_order_write(const struct cdb_order *order, char *dst, size_t cap)
{
	json_t *o = json_object();
	int err;

	if (!o)
		return 0;
	err = cdb_put_meta(o, &order->meta) +
	    cdb_put_text(o, "type", "market") +
	    cdb_put_text(o, "order_id", order->meta.event_id) +
	    cdb_put_text_if(o, "signal_id", order->signal_id) +
	    cdb_put_text(o, "strategy_id", order->strategy_id) +
	    cdb_put_text(o, "bot_id", BOT) +
	    cdb_put_text(o, "client_id", CLIENT) +
	    cdb_put_text(o, "symbol", order->symbol) +
	    cdb_put_side(o, order->side) +
	    cdb_put_time(o, "timestamp", order->ts_ms) +
	    cdb_put_dec(o, "quantity", order->qty_e8) +
	    cdb_put_dec(o, "price", order->price_e8) +
	    cdb_put_dec_if(o, "stop_loss_pct", order->stop_loss_e8) +
	    cdb_put_text(o, "reason", order->reason);
	return cdb_object_write(o, err, dst, cap);
}

size_t
cdb_result_write(const struct cdb_result *r, char *dst, size_t cap)
{
	json_t *o = json_object();
	int err;

	if (!o)
		return 0;
	err = cdb_put_meta(o, &r->meta) +
	    cdb_put_text(o, "type", "order_result") +
	    cdb_put_text(o, "order_id", r->order_id) +
	    cdb_put_text(o, "client_id", CLIENT) +
	    cdb_put_text(o, "status", fates[r->fate]) +
	    cdb_put_text(o, "symbol", r->symbol) +
	    cdb_put_side(o, r->side) +
	    cdb_put_time(o, "timestamp", r->ts_ms) +
	    cdb_put_time(o, "order_timestamp", r->order_ts_ms) +
	    cdb_put_dec(o, "quantity", r->qty_e8) +
	    cdb_put_dec(o, "filled_quantity", r->filled_e8) +
	    cdb_put_dec(o, "order_price", r->order_price_e8) +
	    cdb_put_dec(o, "price", r->price_e8) +
	    cdb_put_dec(o, "fee", r->fee_e8) +
	    cdb_put_dec(o, "slippage_bps", r->slippage_bps_e4 * 10000) +
	    cdb_put_int(o, "attempts", (int64_t)r->attempts) +
	    cdb_put_text_if(o, "error_message", r->error);
	return cdb_object_write(o, err, dst, cap);
}

size_t
cdb_alert_write(const struct cdb_alert *alert, char *dst, size_t cap)
{
	json_t *o = json_object();
	json_t *context = json_object();
	int err;

	if (!o || !context) {
		json_decref(o);
		json_decref(context);
		return 0;
	}
	err = cdb_put_meta(o, &alert->meta) +
	    cdb_put_text(o, "type", "alert") +
	    cdb_put_text(o, "level", levels[alert->level]) +
	    cdb_put_text(o, "code", alert->code) +
	    cdb_put_text(o, "message", alert->message) +
	    cdb_put_time(o, "timestamp", alert->ts_ms) +
	    cdb_put_text_if(context, "symbol", alert->symbol) +
	    json_object_set_new(o, "context", context);
	return cdb_object_write(o, err, dst, cap);
}

static void
order_fields(struct cdb_reader *rd, struct cdb_order *order)
{
	cdb_copy_meta(rd, &order->meta);
	cdb_copy_symbol(rd, order->symbol);
	cdb_copy_text_if(rd, "signal_id", order->signal_id, CDB_ID_TEXT);
	cdb_copy_text(rd, "strategy_id", order->strategy_id, CDB_NAME_TEXT);
	cdb_copy_text_if(rd, "reason", order->reason, CDB_REASON_TEXT);
	order->side = cdb_get_side(rd, "BUY", "SELL");
	order->ts_ms = cdb_get_scaled(rd, "timestamp", 1000.0);
	order->price_e8 = cdb_get_price(rd);
	order->qty_e8 = cdb_get_dec(rd, "quantity");
	if (order->qty_e8 <= 0)
		cdb_refuse(rd, "quantity", "is not above zero");
	order->stop_loss_e8 = cdb_get_dec_if(rd, "stop_loss_pct");
}

int
cdb_order_read(const char *json, size_t len, struct cdb_order *out,
    char why[CDB_WHY_TEXT])
{
	struct cdb_reader rd = cdb_reader_begin(json, len, why);
	struct cdb_order order = { .ts_ms = 0 };

	order_fields(&rd, &order);
	if (cdb_reader_end(&rd) < 0)
		return -EBADMSG;
	*out = order;
	return 0;
}

/* The index of the text at `key` in names[0, n); 0 and a refusal for none. */
static unsigned
name_at(struct cdb_reader *rd, const char *key, const char *const *names,
    unsigned n)
{
	const char *s = cdb_get_text(rd, key);

	for (unsigned i = 0; s && i < n; i++)
		if (strcmp(s, names[i]) == 0)
			return i;
	cdb_refuse(rd, key, "is none of ours");
	return 0;
}

static void
result_amounts(struct cdb_reader *rd, struct cdb_result *r)
{
	r->qty_e8 = cdb_get_dec(rd, "quantity");
	r->filled_e8 = cdb_get_dec(rd, "filled_quantity");
	r->order_price_e8 = cdb_get_dec(rd, "order_price");
	r->price_e8 = cdb_get_price(rd);
	r->fee_e8 = cdb_get_dec(rd, "fee");
	r->slippage_bps_e4 = cdb_get_dec(rd, "slippage_bps") / 10000;
	r->attempts = (unsigned)cdb_get_int(rd, "attempts");
	if (r->filled_e8 < 0 || r->filled_e8 > r->qty_e8)
		cdb_refuse(rd, "filled_quantity", "is not within the order");
}

static void
result_fields(struct cdb_reader *rd, struct cdb_result *r)
{
	cdb_copy_meta(rd, &r->meta);
	cdb_copy_symbol(rd, r->symbol);
	cdb_copy_text(rd, "order_id", r->order_id, CDB_ID_TEXT);
	cdb_copy_text_if(rd, "error_message", r->error, CDB_WHY_TEXT);
	r->fate = (enum cdb_fate)name_at(rd, "status", fates, 3);
	r->side = cdb_get_side(rd, "BUY", "SELL");
	r->ts_ms = cdb_get_scaled(rd, "timestamp", 1000.0);
	r->order_ts_ms = cdb_get_scaled(rd, "order_timestamp", 1000.0);
	result_amounts(rd, r);
}

int
cdb_result_read(const char *json, size_t len, struct cdb_result *out,
    char why[CDB_WHY_TEXT])
{
	struct cdb_reader rd = cdb_reader_begin(json, len, why);
	struct cdb_result r = { .ts_ms = 0 };

	result_fields(&rd, &r);
	if (cdb_reader_end(&rd) < 0)
		return -EBADMSG;
	*out = r;
	return 0;
}

static void
alert_fields(struct cdb_reader *rd, struct cdb_alert *a)
{
	struct cdb_reader context = { json_object_get(rd->o, "context"),
		rd->why };

	cdb_copy_meta(rd, &a->meta);
	a->level = (enum cdb_level)name_at(rd, "level", levels, 3);
	cdb_copy_text(rd, "code", a->code, CDB_NAME_TEXT);
	cdb_copy_text(rd, "message", a->message, CDB_REASON_TEXT);
	a->ts_ms = cdb_get_scaled(rd, "timestamp", 1000.0);
	cdb_copy_text_if(&context, "symbol", a->symbol, CDB_SYMBOL_TEXT);
}

int
cdb_alert_read(const char *json, size_t len, struct cdb_alert *out,
    char why[CDB_WHY_TEXT])
{
	struct cdb_reader rd = cdb_reader_begin(json, len, why);
	struct cdb_alert a = { .ts_ms = 0 };

	alert_fields(&rd, &a);
	if (cdb_reader_end(&rd) < 0)
		return -EBADMSG;
	*out = a;
	return 0;
}
