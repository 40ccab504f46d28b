/* SPDX-License-Identifier: Apache-2.0 */
/* cdb-execution: orders in, results of a paper exchange out.  Wiring only. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desk.h"
#include "metrics.h"
#include "options.h"
#include "services/common/clock.h"
#include "services/common/decimal.h"
#include "services/common/fields.h"
#include "services/common/intake.h"
#include "services/common/outbox.h"
#include "services/common/service.h"

#define GROUP	      "execution"
#define LIMIT_DEFAULT 500000

/* What a result in the transaction under way is measured by. */
struct span {
	int64_t sent_us;
	int64_t origin_us;
	int64_t slippage_bps_e4;	/* -1: not filled */
	char order_id[CDB_ID_TEXT];
};

struct execution_app {
	struct cdb_service service;
	struct cdb_execution_options opt;
	struct cdb_intake intake;
	struct cdb_desk desk;
	struct cdb_outbox box;
	struct cdb_execution_metrics metrics;
	struct cdb_keeper input;	/* watches only */
	struct cdb_keeper output;
	struct log_rate bad_rate;
	uv_timer_t due;
	char rules[CDB_EXCHANGE_TEXT];
	/* the transaction under way */
	bool reading;
	size_t n_spans;
	struct span spans[CDB_DESK_CAP];
	struct cdb_desk_counts acked;
	bool rules_told;	/* Redis has them */
	/* the look at the books, once a second */
	bool audit_due;
	int64_t difference;
};

static void
message_refuse(struct execution_app *app, const char *id, const char *why)
{
	uint64_t held_back;

	app->desk.count.bad++;
	cdb_intake_ack(&app->intake, 0, id);
	if (log_rate_pass(&app->bad_rate, uv_hrtime() / 1000000, &held_back))
		log_warn(&app->service.log, "bad message skipped",
		    LOG_STR("stream", CDB_TOPIC_ORDERS), LOG_STR("id", id),
		    LOG_STR("reason", why), LOG_UINT("held_back", held_back));
}

static void
on_entry(void *arg, size_t which, const struct cdb_entry *e)
{
	struct execution_app *app = arg;
	struct cdb_desk_order o = { .sent_us = e->sent_us,
		.origin_us = e->origin_us };
	struct cdb_order order;
	char why[CDB_WHY_TEXT] = "it has no data";

	(void)which;
	if (!e->data || cdb_order_read(e->data, e->len, &order, why) < 0) {
		message_refuse(app, e->id, why);
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
span_keep(struct span *s, const struct cdb_desk_order *o)
{
	const struct cdb_result *r = &o->result;

	s->sent_us = o->sent_us;
	s->origin_us = o->origin_us;
	s->slippage_bps_e4 = r->slippage_bps_e4 < 0 ? 0 : r->slippage_bps_e4;
	if (r->fate != CDB_FILLED)
		s->slippage_bps_e4 = -1;
	memcpy(s->order_id, r->order_id, sizeof(s->order_id));
}

/* Results whose time has come go to the outbox. */
static void
answer_due(struct execution_app *app)
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
spans_observe(struct execution_app *app)
{
	struct cdb_metrics *m = &app->service.m;
	int64_t now_us = cdb_wall_us();

	for (size_t i = 0; i < app->n_spans; i++) {
		const struct span *s = &app->spans[i];

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
counts_observe(struct execution_app *app)
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

static void
on_step(void *arg, const redisReply *reply)
{
	struct execution_app *app = arg;

	cdb_keeper_added(&app->output, app->box.n);
	cdb_outbox_clear(&app->box);
	counts_observe(app);
	spans_observe(app);
	app->acked = app->desk.count;
	app->rules_told = true;
	cdb_intake_take(&app->intake, app->reading, reply);
}

/* One transaction: results, totals, and the next orders. */
static void
step(struct execution_app *app, bool read)
{
	struct cdb_bus *bus = &app->service.bus;
	char text[CDB_DESK_TEXT];

	cdb_bus_begin(bus);
	cdb_outbox_add(&app->box, bus);
	cdb_desk_write(&app->desk.count, text);
	if (!app->rules_told || memcmp(&app->desk.count, &app->acked,
		sizeof(app->acked)) != 0)
		cdb_bus_addf(bus, "HSET state:" GROUP
		    " exchange %s counts %s", app->rules, text);
	cdb_intake_add_acks(&app->intake);
	app->reading = cdb_intake_add_read(&app->intake, read);
	cdb_bus_commit(bus, on_step, app);
}

static const redisReply *
group_of(const redisReply *groups, const char *name)
{
	for (size_t i = 0; i < groups->elements; i++) {
		const redisReply *row = groups->element[i];

		if (row->type == REDIS_REPLY_ARRAY && row->elements >= 2 &&
		    row->element[1]->type == REDIS_REPLY_STRING &&
		    strcmp(row->element[1]->str, name) == 0)
			return row;
	}
	return NULL;
}

/* Orders in the stream against orders answered: all from Redis. */
static void
on_audit(void *arg, const redisReply *reply)
{
	struct execution_app *app = arg;
	struct cdb_desk_counts n = { .received = 0 };
	const redisReply *group;
	const redisReply *counts;
	int64_t added;
	int64_t lag;

	group = group_of(reply->element[1], GROUP);
	counts = reply->element[2];
	added = cdb_info_int(reply->element[0], "entries-added");
	lag = group ? cdb_info_int(group, "lag") : -1;
	if (lag < 0 || added < 0 || counts->type != REDIS_REPLY_STRING ||
	    cdb_desk_read(&n, counts->str) < 0)
		return;		/* Redis does not know: no statement */
	app->difference = added - lag - cdb_info_int(group, "pending") -
	    (int64_t)(n.filled + n.rejected + n.bad);
	smx_set(app->metrics.difference, (double)app->difference);
}

static void
audit(struct execution_app *app)
{
	struct cdb_bus *bus = &app->service.bus;

	app->audit_due = false;
	cdb_bus_begin(bus);
	cdb_bus_addf(bus, "XINFO STREAM " CDB_TOPIC_ORDERS);
	cdb_bus_addf(bus, "XINFO GROUPS " CDB_TOPIC_ORDERS);
	cdb_bus_addf(bus, "HGET state:" GROUP " counts");
	cdb_bus_commit(bus, on_audit, app);
}

static void
on_due(uv_timer_t *timer)
{
	struct execution_app *app = timer->data;

	cdb_bus_kick(&app->service.bus);
}

static void
due_arm(struct execution_app *app)
{
	int64_t left;

	if (app->desk.n == 0)
		return;
	left = (app->desk.held[0].due_us - cdb_wall_us()) / 1000 + 1;
	uv_update_time(app->service.loop);
	uv_timer_start(&app->due, on_due, left > 0 ? (uint64_t)left : 1, 0);
}

static void
app_idle(void *arg)
{
	struct execution_app *app = arg;
	bool read;

	if (!cdb_keeper_full(&app->output, 0))
		answer_due(app);
	app->intake.streams[0].wanted =
	    app->desk.n + CDB_INTAKE_COUNT <= CDB_DESK_CAP &&
	    !cdb_keeper_full(&app->output, 0);
	read = cdb_intake_can_read(&app->intake);
	if (read || !app->rules_told || cdb_intake_acks(&app->intake) > 0) {
		step(app, read);
	} else if (app->audit_due) {
		audit(app);
	} else {
		if (!cdb_keeper_full(&app->output, 0))
			due_arm(app);
		cdb_intake_wait(&app->intake);
	}
}

static void
refuse_state(struct execution_app *app, const char *why)
{
	cdb_service_fail(&app->service, why);
	app->service.exit_status = 2;
}

static void
on_state(void *arg, const redisReply *reply)
{
	struct execution_app *app = arg;
	const redisReply *rules;
	const redisReply *counts;

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2) {
		cdb_bus_drop(&app->service.bus, reply->type ==
		    REDIS_REPLY_ERROR ? reply->str : "HMGET gave no array");
		return;
	}
	rules = reply->element[0];
	counts = reply->element[1];
	memset(&app->desk.count, 0, sizeof(app->desk.count));
	if (rules->type == REDIS_REPLY_STRING &&
	    strcmp(rules->str, app->rules) != 0) {
		refuse_state(app, "the state in Redis belongs to other rules "
		    "of the exchange; start with an empty Redis");
		return;
	}
	if (counts->type == REDIS_REPLY_STRING &&
	    cdb_desk_read(&app->desk.count, counts->str) < 0) {
		refuse_state(app, "the state in Redis cannot be understood");
		return;
	}
	app->acked = app->desk.count;
	app->rules_told = rules->type == REDIS_REPLY_STRING;
	log_info(&app->service.log, "state loaded",
	    LOG_UINT("received", app->acked.received),
	    LOG_UINT("filled", app->acked.filled),
	    LOG_UINT("rejected", app->acked.rejected));
	cdb_bus_loaded(&app->service.bus);
}

static void
app_load(void *arg)
{
	struct execution_app *app = arg;

	app->desk.n = 0;
	app->n_spans = 0;
	cdb_outbox_clear(&app->box);
	cdb_groups_make(&app->service.bus, CDB_TOPIC_RESULTS,
	    app->opt.groups.name, app->opt.groups.n);
	cdb_keeper_load(&app->output);
	cdb_intake_load(&app->intake);
	cdb_bus_query(&app->service.bus, on_state, app,
	    "HMGET state:" GROUP " exchange counts");
}

static void
app_down(void *arg)
{
	struct execution_app *app = arg;

	uv_timer_stop(&app->due);
	cdb_intake_reset(&app->intake);
	cdb_keeper_reset(&app->input);
	cdb_keeper_reset(&app->output);
}

static void
on_watched(void *arg)
{
	struct execution_app *app = arg;

	smx_set(app->service.m.consumer_lag, (double)app->input.backlog);
}

static void
on_kept(void *arg)
{
	struct execution_app *app = arg;

	if (!cdb_keeper_full(&app->output, 0))
		cdb_bus_kick(&app->service.bus);
}

static void
app_second(void *arg)
{
	struct execution_app *app = arg;

	app->audit_due = true;
	cdb_keeper_round(&app->input);
	cdb_keeper_round(&app->output);
}

static void
app_metrics(void *arg)
{
	struct execution_app *app = arg;

	cdb_execution_metrics_register(&app->metrics);
}

static void
app_status(void *arg, json_t *out)
{
	struct execution_app *app = arg;
	const struct cdb_desk_counts *n = &app->acked;

	cdb_put_text(out, "mode", "paper");
	cdb_put_text(out, "database", "not used");
	cdb_put_text(out, "state",
	    cdb_keeper_full(&app->output, 0) ? "paused" : "running");
	cdb_put_int(out, "pending", (int64_t)app->desk.n);
	cdb_put_int(out, "conservation_difference", app->difference);
	json_object_set_new(out, "counters",
	    json_pack("{s:I, s:I, s:I, s:I, s:I}",
		"received", (json_int_t)n->received,
		"filled", (json_int_t)n->filled,
		"rejected", (json_int_t)n->rejected,
		"retries", (json_int_t)n->retries,
		"bad_messages", (json_int_t)n->bad));
	cdb_put_dec(out, "fees", n->fees_e8);
}

static void
app_close(void *arg)
{
	struct execution_app *app = arg;

	uv_close((uv_handle_t *)&app->due, NULL);
}

static const struct cdb_service_ops ops = { app_metrics, app_load, app_idle,
	app_down, app_second, app_status, app_close };

static void
app_init(struct execution_app *app)
{
	struct cdb_service *s = &app->service;

	uv_timer_init(s->loop, &app->due);
	app->due.data = app;
	app->desk.speed = app->opt.speed;
	cdb_exchange_write(&app->opt.rules, app->rules);
	cdb_intake_init(&app->intake, &s->bus, GROUP, on_entry, app);
	cdb_intake_stream(&app->intake, CDB_TOPIC_ORDERS);
	app->intake.eager = true;
	app->input = (struct cdb_keeper){ .bus = &s->bus,
		.stream = CDB_TOPIC_ORDERS, .limit = UINT64_MAX,
		.done = on_watched, .arg = app };
	app->output = (struct cdb_keeper){ .bus = &s->bus,
		.stream = CDB_TOPIC_RESULTS, .done = on_kept, .arg = app,
		.limit = (uint64_t)app->opt.stream_limit };
}

int
main(int argc, char **argv)
{
	static struct execution_app app = {
		.service = { .name = "execution", .topic = CDB_TOPIC_ORDERS,
			.ops = &ops, .arg = &app,
			.opt = { .listen = "127.0.0.1:8003" } },
		.bad_rate = { .burst = 10, .period_ms = 1000 },
		.opt = { .speed = 1, .stream_limit = LIMIT_DEFAULT },
	};
	struct cdb_usage usage = { "cdb-execution",
		"Executes orders on a paper exchange.", cdb_execution_options,
		cdb_execution_n_options, &app.opt };
	int status;

	app.opt.rules = cdb_exchange_defaults;
	status = cdb_options_parse(argc, argv, &usage, &app.service.opt);
	if (status >= 0)
		return status;
	if (cdb_service_init(&app.service) < 0 ||
	    cdb_desk_init(&app.desk) < 0) {
		fprintf(stderr,
		    "cdb-execution: no event loop, or no memory\n");
		return 1;
	}
	app_init(&app);
	status = cdb_service_run(&app.service);
	cdb_intake_free(&app.intake);
	cdb_desk_free(&app.desk);
	cdb_outbox_free(&app.box);
	return status;
}
