/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include "services/common/fields.h"

static json_t *
counters(const struct cdb_risk_counts *n)
{
	json_t *o = json_object();
	json_t *blocked = json_object();

	cdb_put_int(o, "ticks", (int64_t)n->ticks);
	cdb_put_int(o, "signals", (int64_t)n->signals);
	cdb_put_int(o, "orders", (int64_t)n->orders);
	cdb_put_int(o, "stop_orders", (int64_t)n->stops);
	cdb_put_int(o, "filled", (int64_t)n->filled);
	cdb_put_int(o, "rejected", (int64_t)n->rejected);
	cdb_put_int(o, "decisions", (int64_t)n->decisions);
	for (int i = CDB_DAILY_LOSS; i < CDB_REASONS; i++)
		cdb_put_int(blocked, cdb_reason_name((enum cdb_reason)i),
		    (int64_t)n->blocked[i]);
	json_object_set_new(o, "blocked", blocked);
	return o;
}

static json_t *
pnl(const struct cdb_risk *risk)
{
	json_t *o = json_object();
	int64_t open = cdb_risk_unrealized(risk);

	cdb_put_dec(o, "realized", risk->realized_e8);
	cdb_put_dec(o, "unrealized", open);
	cdb_put_dec(o, "total", risk->realized_e8 + open);
	cdb_put_dec(o, "fees", risk->fees_e8);
	return o;
}

static json_t *
positions(const struct cdb_risk *risk)
{
	json_t *list = json_array();

	for (size_t i = 0; i < risk->n_holdings; i++) {
		const struct cdb_holding *h = &risk->holdings[i];
		json_t *o = json_object();

		cdb_put_text(o, "symbol", h->symbol);
		cdb_put_dec(o, "size", h->qty_e8);
		cdb_put_dec(o, "cost", h->cost_e8);
		cdb_put_dec(o, "price", h->mark_e8);
		cdb_put_dec(o, "value", h->value_e8);
		cdb_put_dec(o, "realized", h->realized_e8);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *
breaker(const struct cdb_risk *risk)
{
	json_t *o = json_object();
	bool open = risk->cause && risk->now_ms < risk->breaker_until_ms;

	json_object_set_new(o, "active",
	    json_boolean(cdb_risk_breaker(risk)));
	json_object_set_new(o, "halted_by_daily_loss",
	    json_boolean(risk->halted));
	json_object_set_new(o, "halted_by_drawdown",
	    json_boolean(risk->drawn_down));
	cdb_put_text_if(o, "cause", open ? cdb_cause_name(risk->cause) : "");
	return o;
}

void
cdb_risk_report(const struct cdb_risk *risk, const struct cdb_risk_counts *n,
    json_t *out)
{
	cdb_put_int(out, "event_ts_ms", risk->now_ms);
	cdb_put_int(out, "pending_orders", (int64_t)risk->n_pending);
	cdb_put_dec(out, "cash", risk->cash_e8);
	cdb_put_dec(out, "equity", cdb_risk_equity(risk));
	cdb_put_dec(out, "exposure", cdb_risk_exposure(risk));
	json_object_set_new(out, "counters", counters(n));
	json_object_set_new(out, "pnl", pnl(risk));
	json_object_set_new(out, "positions", positions(risk));
	json_object_set_new(out, "circuit_breaker", breaker(risk));
}
