/* SPDX-License-Identifier: Apache-2.0 */
#include "state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "book.h"

#define CONFIG_TEXT 512
#define CORE_TEXT   1024
#define SYMBOL_TEXT 512
/* an id and five numbers for each order, and the times */
#define ORDERS_TEXT (CDB_RISK_PENDING * (CDB_ID_TEXT + 100) + \
	CDB_RISK_ORDERS * 21 + CDB_RISK_OUTCOMES + 64)

typedef void put_fn(void *arg, const char *field, const char *value);

static void
config_write(const struct cdb_risk *risk, char dst[CONFIG_TEXT])
{
	const struct cdb_limits *l = &risk->limits;
	char exchange[CDB_EXCHANGE_TEXT];

	cdb_exchange_write(&risk->exchange, exchange);
	snprintf(dst, CONFIG_TEXT, "seed %" PRIu64 " limits %" PRId64
	    " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64
	    " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64
	    " %" PRId64 " %" PRId64 " exchange %s", risk->seed, l->balance_e8,
	    l->order_e8, l->exposure_e8, l->position_e8, l->daily_loss_e8,
	    l->drawdown_e8, l->slippage_e8, l->spread_times,
	    l->stop_loss_e8, l->error_rate_e8, l->stale_ms, l->breaker_ms,
	    l->orders_minute, exchange);
}

/* Whole numbers in order, written and read by the same list. */
struct list {
	size_t n;
	int64_t *at[48];
};

static void
list_add(struct list *list, void *number)
{
	list->at[list->n++] = number;
}

/* The numbers of the core; booleans and enums go through `spare`. */
static struct list
core_list(struct cdb_risk *risk, int64_t spare[4])
{
	struct list list = { 0 };

	list_add(&list, &risk->now_ms);
	list_add(&list, &risk->tick_seq);
	list_add(&list, &risk->cash_e8);
	list_add(&list, &risk->realized_e8);
	list_add(&list, &risk->fees_e8);
	list_add(&list, &risk->peak_e8);
	list_add(&list, &risk->day);
	list_add(&list, &risk->day_start_e8);
	list_add(&list, &risk->breaker_until_ms);
	list_add(&list, &risk->n.ticks);
	list_add(&list, &risk->n.signals);
	list_add(&list, &risk->n.orders);
	list_add(&list, &risk->n.stops);
	list_add(&list, &risk->n.filled);
	list_add(&list, &risk->n.rejected);
	for (size_t i = 0; i < 3; i++)
		list_add(&list, &risk->n.alerts[i]);
	list_add(&list, &risk->n.decisions);
	list_add(&list, &risk->n.portfolios);
	for (size_t i = 0; i < CDB_REASONS; i++)
		list_add(&list, &risk->n.blocked[i]);
	for (size_t i = 0; i < 4; i++)
		list_add(&list, &spare[i]);
	return list;
}

static struct list
holding_list(struct cdb_holding *h)
{
	struct list list = { 0 };

	list_add(&list, &h->qty_e8);
	list_add(&list, &h->cost_e8);
	list_add(&list, &h->realized_e8);
	list_add(&list, &h->pending_buy_e8);
	list_add(&list, &h->pending_sell_e8);
	list_add(&list, &h->mark_e8);
	list_add(&list, &h->value_e8);
	list_add(&list, &h->mark_ms);
	list_add(&list, &h->gap_ms);
	list_add(&list, &h->allowed_ms);
	list_add(&list, &h->spread_e8);
	list_add(&list, &h->before_n);
	list_add(&list, &h->before_e8);
	return list;
}

static size_t
list_write(const struct list *list, char *dst, size_t cap)
{
	size_t len = 0;

	for (size_t i = 0; i < list->n && len < cap; i++)
		len += (size_t)snprintf(dst + len, cap - len, "%s%" PRId64,
		    i ? " " : "", *list->at[i]);
	return len;
}

/* The number at *text, which moves on; -EINVAL for none. */
static int
number_next(const char **text, int64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoll(*text, &end, 10);
	if (end == *text || errno)
		return -EINVAL;
	*text = end;
	return 0;
}

static int
list_read(const struct list *list, const char **text)
{
	for (size_t i = 0; i < list->n; i++)
		if (number_next(text, list->at[i]) < 0)
			return -EINVAL;
	return 0;
}

static void
core_save(struct cdb_risk *risk, put_fn *put, void *arg)
{
	int64_t spare[4] = { risk->halted, risk->drawn_down, risk->cause };
	struct list list = core_list(risk, spare);
	char text[CORE_TEXT];
	size_t len = list_write(&list, text, sizeof(text));

	snprintf(text + len, sizeof(text) - len, " %s",
	    risk->tick_id[0] ? risk->tick_id : "-");
	put(arg, "core", text);
}

static int
core_load(struct cdb_risk *risk, const char *text)
{
	int64_t spare[4];
	struct list list = core_list(risk, spare);

	if (list_read(&list, &text) < 0 || text[0] != ' ' ||
	    strlen(text + 1) >= CDB_ID_TEXT || spare[2] < 0 ||
	    spare[2] >= CDB_CAUSES)
		return -EINVAL;
	strcpy(risk->tick_id, strcmp(text + 1, "-") == 0 ? "" : text + 1);
	risk->halted = spare[0] != 0;
	risk->drawn_down = spare[1] != 0;
	risk->cause = (enum cdb_cause)spare[2];
	return 0;
}

static size_t
pending_write(const struct cdb_pending *p, char *dst, size_t cap)
{
	return (size_t)snprintf(dst, cap, " %s %zu %d %" PRId64 " %" PRId64
	    " %" PRId64, p->order_id, p->which, p->side, p->qty_e8,
	    p->price_e8, p->due_ms);
}

static void
orders_save(struct cdb_risk *risk, put_fn *put, void *arg)
{
	static const size_t cap = ORDERS_TEXT;
	char *text = malloc(cap);
	size_t len;

	if (!text)
		abort();	/* half a state cannot be kept */
	len = (size_t)snprintf(text, cap, "%zu %zu %.*s.", risk->n_pending,
	    risk->n_times, (int)risk->n_outcomes, risk->outcomes);
	for (size_t i = 0; i < risk->n_times; i++)
		len += (size_t)snprintf(text + len, cap - len, " %" PRId64,
		    risk->times_ms[i]);
	for (size_t i = 0; i < risk->n_pending; i++)
		len += pending_write(&risk->pending[i], text + len,
		    cap - len);
	put(arg, "orders", text);
	free(text);
}

static int
pending_read(const struct cdb_risk *risk, const char **text,
    struct cdb_pending *p)
{
	char id[CDB_ID_TEXT];
	int64_t which;
	int64_t side;
	int used = 0;

	if (sscanf(*text, " %64s%n", id, &used) != 1)
		return -EINVAL;
	*text += used;
	strcpy(p->order_id, id);
	if (number_next(text, &which) < 0 || number_next(text, &side) < 0 ||
	    number_next(text, &p->qty_e8) < 0 ||
	    number_next(text, &p->price_e8) < 0 ||
	    number_next(text, &p->due_ms) < 0 || which < 0 ||
	    (size_t)which >= risk->n_holdings || side < 0 || side > 1)
		return -EINVAL;
	p->which = (size_t)which;
	p->side = (enum cdb_side)side;
	return 0;
}

/* The letters up to the point, into outcomes. */
static int
outcomes_read(struct cdb_risk *risk, const char **text)
{
	const char *s = *text + strspn(*text, " ");
	size_t n = strspn(s, "fr");

	if (n > CDB_RISK_OUTCOMES || s[n] != '.')
		return -EINVAL;
	memcpy(risk->outcomes, s, n);
	risk->n_outcomes = n;
	*text = s + n + 1;
	return 0;
}

static int
orders_load(struct cdb_risk *risk, const char *text)
{
	int64_t n_pending;
	int64_t n_times;

	if (number_next(&text, &n_pending) < 0 ||
	    number_next(&text, &n_times) < 0 || n_pending < 0 ||
	    n_pending > CDB_RISK_PENDING || n_times < 0 ||
	    n_times > CDB_RISK_ORDERS || outcomes_read(risk, &text) < 0)
		return -EINVAL;
	for (int64_t i = 0; i < n_times; i++)
		if (number_next(&text, &risk->times_ms[i]) < 0)
			return -EINVAL;
	for (int64_t i = 0; i < n_pending; i++)
		if (pending_read(risk, &text, &risk->pending[i]) < 0)
			return -EINVAL;
	risk->n_times = (size_t)n_times;
	risk->n_pending = (size_t)n_pending;
	return 0;
}

/* The index in front: holdings come back to the places orders refer to. */
static void
holding_save(struct cdb_risk *risk, size_t i, put_fn *put, void *arg)
{
	struct cdb_holding *h = &risk->holdings[i];
	struct list list = holding_list(h);
	char field[CDB_SYMBOL_TEXT + 8];
	char text[SYMBOL_TEXT];
	size_t len = (size_t)snprintf(text, sizeof(text), "%zu ", i);

	list_write(&list, text + len, sizeof(text) - len);
	snprintf(field, sizeof(field), "sym:%s", h->symbol);
	put(arg, field, text);
	h->changed = false;
}

static int
holding_load(struct cdb_risk *risk, const char *symbol, const char *text)
{
	struct cdb_holding h = { .changed = false };
	struct list list = holding_list(&h);
	int64_t i;

	if (!cdb_symbol_valid(symbol) || number_next(&text, &i) < 0 ||
	    i < 0 || i >= CDB_RISK_SYMBOLS || list_read(&list, &text) < 0)
		return -EINVAL;
	strcpy(h.symbol, symbol);
	risk->holdings[i] = h;
	if ((size_t)i >= risk->n_holdings)
		risk->n_holdings = (size_t)i + 1;
	return 0;
}

void
cdb_risk_save(struct cdb_risk *risk, put_fn *put, void *arg)
{
	char config[CONFIG_TEXT];

	config_write(risk, config);
	put(arg, "config", config);
	core_save(risk, put, arg);
	for (size_t i = 0; i < risk->n_holdings; i++)
		if (risk->holdings[i].changed)
			holding_save(risk, i, put, arg);
	if (risk->orders_changed)
		orders_save(risk, put, arg);
	risk->orders_changed = false;
}

void
cdb_risk_load_begin(struct cdb_risk *risk)
{
	cdb_risk_reset(risk);
}

int
cdb_risk_load_field(struct cdb_risk *risk, const char *field,
    const char *value)
{
	char config[CONFIG_TEXT];

	if (strcmp(field, "core") == 0)
		return core_load(risk, value);
	if (strcmp(field, "orders") == 0)
		return orders_load(risk, value);
	if (strncmp(field, "sym:", 4) == 0)
		return holding_load(risk, field + 4, value);
	if (strcmp(field, "config") != 0)
		return 0;
	config_write(risk, config);
	return strcmp(config, value) == 0 ? 0 : -EXDEV;
}

int
cdb_risk_load_end(struct cdb_risk *risk)
{
	for (size_t i = 0; i < risk->n_holdings; i++)
		if (risk->holdings[i].symbol[0] == '\0')
			return -EINVAL;
	return 0;
}
