/* SPDX-License-Identifier: Apache-2.0 */
#include "messages.h"

#include "services/common/decimal.h"
#include "services/common/fields.h"

size_t
cdb_decision_write(const struct cdb_decision *d, char *dst, size_t cap)
{
	json_t *o = json_object();
	int err;

	if (!o)
		return 0;
	err = cdb_put_meta(o, &d->meta) +
	    cdb_put_text(o, "type", "risk_event") +
	    cdb_put_int(o, "contract_version", CDB_RISK_CONTRACT) +
	    cdb_put_int(o, "timestamp_ms", d->ts_ms) +
	    cdb_put_text(o, "symbol", d->symbol) +
	    cdb_put_side(o, d->side) +
	    cdb_put_text(o, "decision", cdb_verdict_name(d->verdict)) +
	    cdb_put_text(o, "reason_code", cdb_reason_name(d->reason)) +
	    cdb_put_text_if(o, "cause", cdb_cause_name(d->cause)) +
	    cdb_put_text_if(o, "signal_id", d->signal_id) +
	    cdb_put_text_if(o, "order_id", d->order_id) +
	    cdb_put_dec(o, "quantity", d->qty_e8) +
	    cdb_put_dec(o, "price", d->price_e8) +
	    cdb_put_dec(o, "equity", d->equity_e8) +
	    cdb_put_dec(o, "exposure", d->exposure_e8);
	return cdb_object_write(o, err, dst, cap);
}

static int
put_position(json_t *o, const struct cdb_portfolio *p)
{
	const struct cdb_holding *h = p->holding;
	json_t *at = json_object();
	int64_t entry = 0;

	if (!at)
		return -1;
	if (h->qty_e8 > 0 && cdb_dec_div(h->cost_e8, h->qty_e8, &entry) < 0)
		entry = 0;
	return cdb_put_text(at, "symbol", h->symbol) +
	    cdb_put_text(at, "side", h->qty_e8 > 0 ? "LONG" : "FLAT") +
	    cdb_put_dec(at, "size", h->qty_e8) +
	    cdb_put_dec(at, "cost", h->cost_e8) +
	    cdb_put_dec(at, "entry_price", entry) +
	    cdb_put_dec(at, "current_price", h->mark_e8) +
	    cdb_put_dec(at, "realized_pnl", h->realized_e8) +
	    cdb_put_dec(at, "unrealized_pnl", h->value_e8 - h->cost_e8) +
	    cdb_put_dec(at, "stop_loss", p->stop_loss_e8) +
	    json_object_set_new(o, "position", at);
}

size_t
cdb_portfolio_write(const struct cdb_portfolio *p, char *dst, size_t cap)
{
	json_t *o = json_object();
	int err;

	if (!o)
		return 0;
	err = cdb_put_meta(o, &p->meta) +
	    cdb_put_text(o, "type", "portfolio") +
	    cdb_put_int(o, "timestamp_ms", p->ts_ms) +
	    cdb_put_dec(o, "cash", p->cash_e8) +
	    cdb_put_dec(o, "equity", p->equity_e8) +
	    cdb_put_dec(o, "exposure", p->exposure_e8) +
	    cdb_put_dec(o, "drawdown", p->drawdown_e8) +
	    cdb_put_dec(o, "realized_pnl", p->realized_e8) +
	    cdb_put_dec(o, "fees", p->fees_e8);
	if (p->holding)
		err += put_position(o, p);
	return cdb_object_write(o, err, dst, cap);
}
