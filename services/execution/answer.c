/* SPDX-License-Identifier: Apache-2.0 */
/* Orders in, results out, and what they are measured by. */
#include <string.h>

#include "app.h"
#include "services/common/clock.h"

void
cdb_execution_entry(void *arg, size_t which, const struct cdb_entry *e)
{
	struct cdb_execution_app *app = arg;
	struct cdb_desk_order o = { .sent_us = e->sent_us,
		.origin_us = e->origin_us };
	struct cdb_order order;
	char why[CDB_WHY_TEXT] = "it has no data";

	if (!e->data || cdb_order_read(e->data, e->len, &order, why) < 0) {
		app->desk.count.bad++;
		cdb_intake_refuse(&app->intake, which, e->id, why);
		return;
	}
	strcpy(o.id, e->id);
	cdb_exchange_execute(&app->opt.rules, app->service.opt.seed, &order,
	    &o.result);
	cdb_desk_hold(&app->desk, &o, cdb_wall_us());
}

static size_t
result_write(const void *result, char *dst, size_t cap)
{
	return cdb_result_write(result, dst, cap);
}

/* What its histograms need once Redis has the result. */
static void
span_keep(struct cdb_span *s, const struct cdb_desk_order *o)
{
	const struct cdb_result *r = &o->result;

	s->sent_us = o->sent_us;
	s->origin_us = o->origin_us;
	s->slippage_bps_e4 = r->slippage_bps_e4 < 0 ? 0 : r->slippage_bps_e4;
	if (r->fate != CDB_FILLED)
		s->slippage_bps_e4 = -1;
	memcpy(s->order_id, r->order_id, sizeof(s->order_id));
}

void
cdb_execution_answer(struct cdb_execution_app *app)
{
	size_t n = cdb_desk_due(&app->desk, cdb_wall_us());

	for (size_t i = 0; i < n; i++) {
		const struct cdb_desk_order *o = &app->desk.held[i];

		cdb_outbox_put(&app->box, CDB_TOPIC_RESULTS, o->origin_us,
		    result_write, &o->result);
		cdb_intake_ack(&app->intake, 0, o->id);
		span_keep(&app->spans[app->n_spans++], o);
	}
	cdb_desk_answer(&app->desk, n);
}

static void
spans_observe(struct cdb_execution_app *app)
{
	struct cdb_metrics *m = &app->service.m;
	int64_t now_us = cdb_wall_us();

	for (size_t i = 0; i < app->n_spans; i++) {
		const struct cdb_span *s = &app->spans[i];

		cdb_metrics_span(m, app->metrics.ack, s->sent_us, now_us);
		cdb_metrics_order_span(m, app->metrics.tick_to_trade,
		    s->origin_us, now_us, s->order_id);
		if (s->slippage_bps_e4 >= 0)
			smx_observe(app->metrics.slippage,
			    (uint64_t)s->slippage_bps_e4);
	}
	app->n_spans = 0;
}

static void
counts_observe(struct cdb_execution_app *app)
{
	const struct cdb_desk_counts *now = &app->desk.count;
	const struct cdb_desk_counts *before = &app->acked;

	smx_add(app->metrics.received, now->received - before->received);
	smx_add(app->metrics.filled, now->filled - before->filled);
	smx_add(app->metrics.rejected, now->rejected - before->rejected);
	smx_add(app->metrics.retries, now->retries - before->retries);
	smx_add(app->metrics.fees,
	    (uint64_t)(now->fees_e8 - before->fees_e8));
	smx_add(app->service.m.parse_errors, now->bad - before->bad);
}

void
cdb_execution_count(struct cdb_execution_app *app)
{
	counts_observe(app);
	spans_observe(app);
	app->acked = app->desk.count;
}
