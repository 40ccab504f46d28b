/* SPDX-License-Identifier: Apache-2.0 */
#include "book.h"

#include <errno.h>
#include <string.h>

#include "services/common/decimal.h"

bool
cdb_book_exceeds(int64_t part_e8, int64_t fraction_e8, int64_t whole_e8)
{
	return (__int128_t)part_e8 * CDB_DEC_ONE >
	    (__int128_t)fraction_e8 * whole_e8;
}

bool
cdb_book_reaches(int64_t part_e8, int64_t fraction_e8, int64_t whole_e8)
{
	return (__int128_t)part_e8 * CDB_DEC_ONE >=
	    (__int128_t)fraction_e8 * whole_e8;
}

struct cdb_holding *
cdb_book_holding(struct cdb_risk *risk, const char *symbol)
{
	struct cdb_holding *h = risk->holdings;

	for (size_t i = 0; i < risk->n_holdings; i++, h++)
		if (strcmp(h->symbol, symbol) == 0)
			return h;
	if (risk->n_holdings == CDB_RISK_SYMBOLS)
		return NULL;
	memset(h, 0, sizeof(*h));
	strcpy(h->symbol, symbol);
	h->changed = true;
	risk->n_holdings++;
	return h;
}

int
cdb_book_mark(struct cdb_holding *h, int64_t price_e8)
{
	int64_t value;

	if (cdb_dec_mul(h->qty_e8, price_e8, &value) < 0)
		return -ERANGE;
	h->mark_e8 = price_e8;
	h->value_e8 = value;
	h->changed = true;
	return 0;
}

/* What the sold part of the position had cost. */
static int64_t
cost_of(const struct cdb_holding *h, int64_t qty_e8)
{
	if (qty_e8 >= h->qty_e8)
		return h->cost_e8;
	return (int64_t)((__int128_t)h->cost_e8 * qty_e8 / h->qty_e8);
}

int
cdb_book_fill(struct cdb_risk *risk, struct cdb_holding *h,
    const struct cdb_result *r)
{
	bool buy = r->side == CDB_BUY;
	int64_t notional;
	int64_t qty;
	int64_t cost;

	if (cdb_dec_mul(r->price_e8, r->filled_e8, &notional) < 0 ||
	    __builtin_add_overflow(h->qty_e8, r->filled_e8, &qty))
		return -ERANGE;
	cost = buy ? -notional : cost_of(h, r->filled_e8);
	if (!buy)
		qty = h->qty_e8 - r->filled_e8;
	if (qty < 0)
		return -ERANGE;		/* more than was held */
	h->qty_e8 = qty;
	h->cost_e8 -= cost;
	risk->cash_e8 += (buy ? -notional : notional) - r->fee_e8;
	risk->fees_e8 += r->fee_e8;
	cost = (buy ? 0 : notional - cost) - r->fee_e8;
	h->realized_e8 += cost;
	risk->realized_e8 += cost;
	return cdb_book_mark(h, h->mark_e8 ? h->mark_e8 : r->price_e8);
}

/* Whether (due, id) a comes before b. */
static bool
sooner(const struct cdb_pending *a, const struct cdb_pending *b)
{
	if (a->due_ms != b->due_ms)
		return a->due_ms < b->due_ms;
	return strcmp(a->order_id, b->order_id) < 0;
}

void
cdb_book_expect(struct cdb_risk *risk, const struct cdb_order *order)
{
	struct cdb_holding *h = cdb_book_holding(risk, order->symbol);
	struct cdb_pending p = { .which = (size_t)(h - risk->holdings),
		.side = order->side, .qty_e8 = order->qty_e8,
		.price_e8 = order->price_e8,
		.due_ms = cdb_exchange_due_ms(&risk->exchange, risk->seed,
		    order->meta.event_id, order->ts_ms) };
	size_t i = risk->n_pending++;
	int64_t notional;

	strcpy(p.order_id, order->meta.event_id);
	for (; i > 0 && sooner(&p, &risk->pending[i - 1]); i--)
		risk->pending[i] = risk->pending[i - 1];
	risk->pending[i] = p;
	if (p.side == CDB_SELL)
		h->pending_sell_e8 += p.qty_e8;
	else if (cdb_dec_mul(p.qty_e8, p.price_e8, &notional) == 0)
		h->pending_buy_e8 += notional;
	risk->times_ms[risk->n.orders % CDB_RISK_ORDERS] = order->ts_ms;
	if (risk->n_times < CDB_RISK_ORDERS)
		risk->n_times++;
	risk->n.orders++;
	h->changed = risk->orders_changed = true;
}

void
cdb_book_answered(struct cdb_risk *risk, size_t i)
{
	struct cdb_pending p = risk->pending[i];
	struct cdb_holding *h = &risk->holdings[p.which];
	int64_t notional;

	memmove(&risk->pending[i], &risk->pending[i + 1],
	    (risk->n_pending - i - 1) * sizeof(p));
	risk->n_pending--;
	if (p.side == CDB_SELL)
		h->pending_sell_e8 -= p.qty_e8;
	else if (cdb_dec_mul(p.qty_e8, p.price_e8, &notional) == 0)
		h->pending_buy_e8 -= notional;
	h->changed = risk->orders_changed = true;
}

int64_t
cdb_risk_equity(const struct cdb_risk *risk)
{
	int64_t sum = risk->cash_e8;

	for (size_t i = 0; i < risk->n_holdings; i++)
		sum += risk->holdings[i].value_e8;
	return sum;
}

int64_t
cdb_risk_exposure(const struct cdb_risk *risk)
{
	int64_t sum = 0;

	for (size_t i = 0; i < risk->n_holdings; i++)
		sum += risk->holdings[i].value_e8 +
		    risk->holdings[i].pending_buy_e8;
	return sum;
}

int64_t
cdb_risk_unrealized(const struct cdb_risk *risk)
{
	int64_t sum = 0;

	for (size_t i = 0; i < risk->n_holdings; i++)
		sum += risk->holdings[i].value_e8 -
		    risk->holdings[i].cost_e8;
	return sum;
}

int64_t
cdb_risk_drawdown(const struct cdb_risk *risk)
{
	int64_t below = risk->peak_e8 - cdb_risk_equity(risk);
	int64_t fraction;

	if (below <= 0 || cdb_dec_div(below, risk->peak_e8, &fraction) < 0)
		return 0;
	return fraction;
}
