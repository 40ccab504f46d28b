/* SPDX-License-Identifier: Apache-2.0 */
/* cdb-risk: signals, ticks and results in; orders out.  Wiring only. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "merge.h"
#include "messages.h"
#include "metrics.h"
#include "report.h"
#include "runtime/number.h"
#include "services/common/clock.h"
#include "services/common/intake.h"
#include "services/common/outbox.h"
#include "services/common/quiet.h"
#include "services/common/service.h"
#include "state.h"

#define GROUP	      "risk"
#define POLL_MS	      2		/* while something is still to come */
#define QUIET_MS      10	/* that events without an output may wait */
#define RULES_MS      200	/* between looks for the exchange's rules */
#define STEP_MAX      4096	/* events of one transaction */
#define LIMIT_DEFAULT 500000

enum { IN_TICKS, IN_SIGNALS, IN_RESULTS };	/* streams of the intake */

static const char *const outputs[] = { CDB_TOPIC_ORDERS, CDB_TOPIC_RISK,
	CDB_TOPIC_PORTFOLIO, CDB_TOPIC_ALERTS };
#define N_OUTPUTS (sizeof(outputs) / sizeof(outputs[0]))

struct risk_app {
	struct cdb_service service;
	struct cdb_intake intake;
	struct cdb_merge merge;
	struct cdb_risk risk;
	struct cdb_outbox box;
	struct cdb_quiet quiet;
	struct cdb_risk_metrics metrics;
	struct cdb_keeper input;		/* watches only */
	struct cdb_keeper keepers[N_OUTPUTS];
	struct log_rate bad_rate;
	uv_timer_t poll;
	int64_t stream_limit;
	int64_t orders_minute;	/* -1: as the profile has it */
	struct cdb_names groups;	/* of the outputs, to be made */
	struct cdb_names alert_groups;
	/* the event being taken */
	const struct cdb_slip *slip;
	/* the transaction under way */
	bool committing;
	bool reading;
	uint64_t bad;
	uint64_t strays;	/* results nobody waits for */
	size_t n_spans;
	int64_t spans_us[STEP_MAX];	/* when signals of orders were sent */
	struct cdb_risk_counts acked;
};

static bool
take_limit(void *arg, const char *value)
{
	struct risk_app *app = arg;

	return number_parse(value, 1, 100000000, &app->stream_limit) == 0;
}

static bool
take_orders(void *arg, const char *value)
{
	struct risk_app *app = arg;

	return number_parse(value, 0, CDB_RISK_ORDERS,
	    &app->orders_minute) == 0;
}

static bool
take_group(void *arg, const char *value)
{
	struct risk_app *app = arg;

	return cdb_names_take(&app->groups, value);
}

static bool
take_alert_group(void *arg, const char *value)
{
	struct risk_app *app = arg;

	return cdb_names_take(&app->alert_groups, value);
}

static const struct cdb_option options[] = {
	{ "--orders-per-minute", "N", "a whole number from 0 to 60",
	    "above it the circuit breaker opens, 0 for no limit [60]",
	    take_orders },
	{ "--stream-limit", "N", "a whole number from 1 to 100000000",
	    "entries of an output at which to pause [500000]", take_limit },
	{ "--group", "NAME", "a name, at most 8 times",
	    "consumer group that must see every order, decision and "
	    "portfolio, may be repeated", take_group },
	{ "--alert-group", "NAME", "a name, at most 8 times",
	    "consumer group that must see every alert, may be repeated",
	    take_alert_group },
};

/* What the book says goes to the outbox; see cdb_risk_sink. */
static size_t
order_write(const void *order, char *dst, size_t cap)
{
	return cdb_order_write(order, dst, cap);
}

static size_t
decision_write(const void *decision, char *dst, size_t cap)
{
	return cdb_decision_write(decision, dst, cap);
}

static size_t
alert_write(const void *alert, char *dst, size_t cap)
{
	return cdb_alert_write(alert, dst, cap);
}

static size_t
portfolio_write(const void *portfolio, char *dst, size_t cap)
{
	return cdb_portfolio_write(portfolio, dst, cap);
}

static void
on_order(void *arg, const struct cdb_order *order)
{
	struct risk_app *app = arg;

	/* the tick of a stop-loss is its own origin */
	cdb_outbox_put(&app->box, CDB_TOPIC_ORDERS, app->slip->origin_us
	    ? app->slip->origin_us : app->slip->sent_us, order_write, order);
	if (order->signal_id[0] && app->n_spans < STEP_MAX)
		app->spans_us[app->n_spans++] = app->slip->sent_us;
}

static void
on_decision(void *arg, const struct cdb_decision *decision)
{
	struct risk_app *app = arg;

	cdb_outbox_put(&app->box, CDB_TOPIC_RISK, 0, decision_write,
	    decision);
}

static void
on_alert(void *arg, const struct cdb_alert *alert)
{
	struct risk_app *app = arg;

	cdb_outbox_put(&app->box, CDB_TOPIC_ALERTS, 0, alert_write, alert);
}

static void
on_portfolio(void *arg, const struct cdb_portfolio *portfolio)
{
	struct risk_app *app = arg;

	cdb_outbox_put(&app->box, CDB_TOPIC_PORTFOLIO, 0, portfolio_write,
	    portfolio);
}

static void
message_refuse(struct risk_app *app, size_t which, const char *id,
    const char *why)
{
	uint64_t held_back;

	app->bad++;
	cdb_intake_ack(&app->intake, which, id);
	if (log_rate_pass(&app->bad_rate, uv_hrtime() / 1000000, &held_back))
		log_warn(&app->service.log, "bad message skipped",
		    LOG_STR("stream", app->intake.streams[which].name),
		    LOG_STR("id", id), LOG_STR("reason", why),
		    LOG_UINT("held_back", held_back));
}

static void
slip_fill(struct cdb_slip *slip, const struct cdb_entry *e)
{
	strcpy(slip->id, e->id);
	slip->sent_us = e->sent_us;
	slip->origin_us = e->origin_us;
}

static void
tick_enter(struct risk_app *app, const struct cdb_entry *e)
{
	struct cdb_merge_tick *t = cdb_merge_tick(&app->merge);
	char why[CDB_WHY_TEXT];

	slip_fill(&t->slip, e);
	if (cdb_tick_read(e->data, e->len, &t->tick, why) < 0) {
		cdb_merge_undo_tick(&app->merge);
		message_refuse(app, IN_TICKS, e->id, why);
	}
}

static void
signal_enter(struct risk_app *app, const struct cdb_entry *e)
{
	struct cdb_merge_signal *s = cdb_merge_signal(&app->merge);
	char why[CDB_WHY_TEXT];

	slip_fill(&s->slip, e);
	s->worked_seq = UINT64_MAX;	/* until the step has been read */
	if (cdb_signal_read(e->data, e->len, &s->sig, why) < 0) {
		cdb_merge_undo_signal(&app->merge);
		message_refuse(app, IN_SIGNALS, e->id, why);
	}
}

static void
result_enter(struct risk_app *app, const struct cdb_entry *e)
{
	struct cdb_merge_result *r = cdb_merge_result(&app->merge);
	char why[CDB_WHY_TEXT];

	slip_fill(&r->slip, e);
	if (cdb_result_read(e->data, e->len, &r->result, why) < 0) {
		cdb_merge_undo_result(&app->merge);
		message_refuse(app, IN_RESULTS, e->id, why);
	} else if (!cdb_risk_awaits(&app->risk, r->result.order_id)) {
		cdb_merge_undo_result(&app->merge);
		cdb_intake_ack(&app->intake, IN_RESULTS, e->id);
		app->strays++;
	}
}

static void
on_entry(void *arg, size_t which, const struct cdb_entry *e)
{
	struct risk_app *app = arg;

	if (!e->data)
		message_refuse(app, which, e->id, "it has no data");
	else if (which == IN_TICKS)
		tick_enter(app, e);
	else if (which == IN_SIGNALS)
		signal_enter(app, e);
	else
		result_enter(app, e);
}

static void
trouble(struct risk_app *app, const char *what, int err)
{
	cdb_metrics_error(&app->service.m, "book");
	log_warn(&app->service.log, what, LOG_ERR(err));
}

static void
take_one(struct risk_app *app, enum cdb_next what, size_t at)
{
	struct cdb_merge *m = &app->merge;
	size_t which = IN_RESULTS;
	int err = 0;

	if (what == CDB_NEXT_TICK) {
		which = IN_TICKS;
		app->slip = &m->ticks[at].slip;
		/* one that was taken before its acknowledgement was lost */
		if (m->ticks[at].tick.meta.sequence_id > app->risk.tick_seq)
			err = cdb_risk_tick(&app->risk, &m->ticks[at].tick);
	} else if (what == CDB_NEXT_SIGNAL) {
		which = IN_SIGNALS;
		app->slip = &m->signals[at].slip;
		cdb_risk_signal(&app->risk, &m->signals[at].sig);
	} else {
		app->slip = &m->results[at].slip;
		err = cdb_risk_result(&app->risk, &m->results[at].result);
	}
	if (err < 0)
		trouble(app, "an event does not fit into the book", err);
	cdb_intake_ack(&app->intake, which, app->slip->id);
	cdb_merge_drop(m, what, at);
}

/* Take what can be taken; whether something is still to come. */
static bool
drain(struct risk_app *app)
{
	enum cdb_next what;
	size_t at;

	do {
		what = cdb_merge_next(&app->merge, &app->risk, &at);
		if (what == CDB_NEXT_NOTHING || what == CDB_NEXT_WAIT)
			break;
		take_one(app, what, at);
	} while (cdb_intake_acks(&app->intake) < STEP_MAX);
	return what == CDB_NEXT_WAIT;
}

/* No stream is asked for more than the merge has room for. */
static void
room_look(struct risk_app *app)
{
	const struct cdb_merge *m = &app->merge;
	struct cdb_intake_stream *s = app->intake.streams;

	s[IN_TICKS].wanted = m->n_ticks + CDB_INTAKE_COUNT <= CDB_MERGE_CAP;
	s[IN_SIGNALS].wanted =
	    m->n_signals + CDB_INTAKE_COUNT <= CDB_MERGE_CAP;
	s[IN_RESULTS].wanted =
	    m->n_results + CDB_INTAKE_COUNT <= CDB_MERGE_CAP;
}

static uint64_t
uint_of(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_STRING
	    ? strtoull(reply->str, NULL, 10) : 0;
}

/* How far the others were when our entries were read: M1 and M4. */
static void
progress_take(struct risk_app *app, const redisReply *worked,
    const redisReply *feed)
{
	struct cdb_merge *m = &app->merge;
	uint64_t seq = uint_of(worked);
	uint64_t fed;

	for (size_t i = m->n_signals; i > 0; i--) {
		struct cdb_merge_signal *s = &m->signals[(m->signal_head +
		    i - 1) & (CDB_MERGE_CAP - 1)];

		if (s->worked_seq != UINT64_MAX)
			break;
		s->worked_seq = seq;
	}
	if (app->intake.streams[IN_SIGNALS].asked &&
	    app->intake.streams[IN_SIGNALS].complete)
		m->worked_seq = seq;
	m->ended = false;
	if (feed->type != REDIS_REPLY_ARRAY || feed->elements != 2)
		return;
	fed = uint_of(feed->element[1]);
	m->ended = (fed == 0 || uint_of(feed->element[0]) == 1) &&
	    app->risk.tick_seq >= fed && m->worked_seq >= fed;
}

/* The transaction with what is finished has been answered. */
static void
step_count(struct risk_app *app)
{
	int64_t now_us = cdb_wall_us();

	for (size_t i = 0; i < N_OUTPUTS; i++)
		cdb_keeper_added(&app->keepers[i],
		    cdb_outbox_count(&app->box, outputs[i]));
	cdb_outbox_clear(&app->box);
	cdb_risk_metrics_count(&app->metrics, &app->acked, &app->risk.n);
	smx_add(app->service.m.parse_errors, app->bad);
	for (size_t i = 0; i < app->n_spans; i++)
		cdb_metrics_span(&app->service.m,
		    app->metrics.signal_to_order, app->spans_us[i], now_us);
	app->acked = app->risk.n;
	app->bad = 0;
	app->n_spans = 0;
}

static void
on_step(void *arg, const redisReply *reply)
{
	struct risk_app *app = arg;
	size_t n = reply->elements;

	if (app->committing)
		step_count(app);
	cdb_intake_take(&app->intake, app->reading, reply);
	if (app->reading && app->service.bus.state == CDB_BUS_READY)
		progress_take(app, reply->element[n - 3],
		    reply->element[n - 2]);
}

static void
state_put(void *arg, const char *field, const char *value)
{
	struct risk_app *app = arg;

	cdb_bus_addf(&app->service.bus, "HSET state:" GROUP " %s %s", field,
	    value);
}

/* One transaction: what came of the events taken, and the next ones. */
static void
step(struct risk_app *app, bool read)
{
	struct cdb_bus *bus = &app->service.bus;

	cdb_bus_begin(bus);
	if (app->committing) {
		cdb_outbox_add(&app->box, bus);
		cdb_risk_save(&app->risk, state_put, app);
		cdb_intake_add_acks(&app->intake);
		cdb_quiet_reset(&app->quiet);
	}
	/* one cut through all of them; see progress_take() */
	if (read) {
		cdb_bus_addf(bus, "HGET state:signal seq");
		cdb_bus_addf(bus, "HMGET state:feed done seq");
	}
	app->reading = cdb_intake_add_read(&app->intake, read);
	cdb_bus_commit(bus, on_step, app);
}

static bool
is_full(const struct risk_app *app)
{
	for (size_t i = 0; i < N_OUTPUTS; i++)
		if (cdb_keeper_full(&app->keepers[i], 0))
			return true;
	return false;
}

static void
on_poll(uv_timer_t *timer)
{
	struct risk_app *app = timer->data;

	app->intake.ready = true;
	cdb_bus_kick(&app->service.bus);
}

static void
app_idle(void *arg)
{
	struct risk_app *app = arg;
	bool more = !is_full(app) && drain(app);
	bool read;

	room_look(app);
	read = cdb_intake_can_read(&app->intake);
	app->committing = app->box.n > 0 ||
	    cdb_quiet_over(&app->quiet, cdb_intake_acks(&app->intake));
	if (app->committing || read) {
		step(app, read);
		return;
	}
	if (more && !uv_is_active((uv_handle_t *)&app->poll))
		uv_timer_start(&app->poll, on_poll, POLL_MS, 0);
	cdb_intake_wait(&app->intake);
}

static void
load_failed(struct risk_app *app, int err)
{
	cdb_service_fail(&app->service, err == -EXDEV
	    ? "the state in Redis belongs to other limits, another exchange or "
	      "seed; start with an empty Redis"
	    : "the state in Redis cannot be understood");
	app->service.exit_status = 2;
}

/* Symbols come before the orders that refer to them. */
static int
fields_load(struct risk_app *app, const redisReply *reply, bool orders)
{
	int err = 0;

	for (size_t i = 0; i + 1 < reply->elements && err == 0; i += 2) {
		const char *field = reply->element[i]->str;

		if ((strcmp(field, "orders") == 0) == orders)
			err = cdb_risk_load_field(&app->risk, field,
			    reply->element[i + 1]->str);
	}
	return err;
}

static void
on_state(void *arg, const redisReply *reply)
{
	struct risk_app *app = arg;
	int err;

	if (reply->type != REDIS_REPLY_ARRAY) {
		cdb_bus_drop(&app->service.bus, reply->type ==
		    REDIS_REPLY_ERROR ? reply->str : "HGETALL gave no hash");
		return;
	}
	cdb_risk_load_begin(&app->risk);
	err = fields_load(app, reply, false);
	if (err == 0)
		err = fields_load(app, reply, true);
	if (err == 0)
		err = cdb_risk_load_end(&app->risk);
	if (err < 0) {
		load_failed(app, err);
		return;
	}
	app->acked = app->risk.n;
	log_info(&app->service.log, "state loaded",
	    LOG_UINT("signals", app->risk.n.signals),
	    LOG_UINT("orders", app->risk.n.orders),
	    LOG_UINT("pending", app->risk.n_pending));
	cdb_bus_loaded(&app->service.bus);
}

static void rules_ask(struct risk_app *app);

static void
on_rules_time(uv_timer_t *timer)
{
	rules_ask(timer->data);
}

/* The exchange says when results are due; without that nothing can begin. */
static void
on_rules(void *arg, const redisReply *reply)
{
	struct risk_app *app = arg;

	if (reply->type == REDIS_REPLY_NIL) {
		uv_timer_start(&app->poll, on_rules_time, RULES_MS, 0);
		return;
	}
	if (reply->type != REDIS_REPLY_STRING ||
	    cdb_exchange_read(&app->risk.exchange, reply->str) < 0) {
		cdb_service_fail(&app->service,
		    "the rules of the exchange cannot be understood");
		return;
	}
	cdb_intake_load(&app->intake);
	cdb_bus_query(&app->service.bus, on_state, app,
	    "HGETALL state:" GROUP);
}

static void
rules_ask(struct risk_app *app)
{
	cdb_bus_query(&app->service.bus, on_rules, app,
	    "HGET state:execution exchange");
}

/* Before anything is written; see cdb_groups_make(). */
static void
groups_make(struct risk_app *app)
{
	for (size_t i = 0; i < N_OUTPUTS; i++) {
		const struct cdb_names *names =
		    strcmp(outputs[i], CDB_TOPIC_ALERTS) == 0
		    ? &app->alert_groups : &app->groups;

		cdb_groups_make(&app->service.bus, outputs[i], names->name,
		    names->n);
		cdb_keeper_load(&app->keepers[i]);
	}
}

static void
app_load(void *arg)
{
	struct risk_app *app = arg;

	cdb_merge_reset(&app->merge);
	cdb_outbox_clear(&app->box);
	app->bad = 0;
	app->n_spans = 0;
	groups_make(app);
	rules_ask(app);
}

static void
app_down(void *arg)
{
	struct risk_app *app = arg;

	uv_timer_stop(&app->poll);
	cdb_quiet_reset(&app->quiet);
	cdb_intake_reset(&app->intake);
	cdb_keeper_reset(&app->input);
	for (size_t i = 0; i < N_OUTPUTS; i++)
		cdb_keeper_reset(&app->keepers[i]);
}

static void
on_watched(void *arg)
{
	struct risk_app *app = arg;

	smx_set(app->service.m.consumer_lag, (double)app->input.backlog);
}

static void
on_kept(void *arg)
{
	struct risk_app *app = arg;

	if (!is_full(app))
		cdb_bus_kick(&app->service.bus);
}

static void
app_second(void *arg)
{
	struct risk_app *app = arg;

	cdb_risk_metrics_set(&app->metrics, &app->risk);
	cdb_keeper_round(&app->input);
	for (size_t i = 0; i < N_OUTPUTS; i++)
		cdb_keeper_round(&app->keepers[i]);
}

static void
app_metrics(void *arg)
{
	struct risk_app *app = arg;

	cdb_risk_metrics_register(&app->metrics);
}

static void
app_status(void *arg, json_t *out)
{
	struct risk_app *app = arg;

	json_object_set_new(out, "state",
	    json_string(is_full(app) ? "paused" :
		app->service.bus.state == CDB_BUS_LOADING
		? "waiting for the exchange's rules" : "running"));
	json_object_set_new(out, "waiting",
	    json_pack("{s:I, s:I, s:I, s:I}",
		"ticks", (json_int_t)app->merge.n_ticks,
		"signals", (json_int_t)app->merge.n_signals,
		"results", (json_int_t)app->merge.n_results,
		"strays", (json_int_t)app->strays));
	cdb_risk_report(&app->risk, &app->acked, out);
}

static void
app_close(void *arg)
{
	struct risk_app *app = arg;

	uv_close((uv_handle_t *)&app->poll, NULL);
	cdb_quiet_close(&app->quiet);
}

static const struct cdb_service_ops ops = { app_metrics, app_load, app_idle,
	app_down, app_second, app_status, app_close };

static void
app_init(struct risk_app *app)
{
	struct cdb_service *s = &app->service;

	uv_timer_init(s->loop, &app->poll);
	app->poll.data = app;
	cdb_quiet_init(&app->quiet, s->loop, &s->bus, QUIET_MS);
	cdb_intake_init(&app->intake, &s->bus, GROUP, on_entry, app);
	cdb_intake_stream(&app->intake, CDB_TOPIC_TICKS);
	cdb_intake_stream(&app->intake, CDB_TOPIC_SIGNALS);
	cdb_intake_stream(&app->intake, CDB_TOPIC_RESULTS);
	app->intake.eager = true;
	app->input = (struct cdb_keeper){ .bus = &s->bus,
		.stream = CDB_TOPIC_SIGNALS, .limit = UINT64_MAX,
		.done = on_watched, .arg = app };
	for (size_t i = 0; i < N_OUTPUTS; i++)
		app->keepers[i] = (struct cdb_keeper){ .bus = &s->bus,
			.stream = outputs[i], .done = on_kept, .arg = app,
			.limit = (uint64_t)app->stream_limit };
	app->risk.limits = cdb_limits_of[s->opt.profile];
	if (app->orders_minute >= 0)
		app->risk.limits.orders_minute = app->orders_minute;
	app->risk.seed = s->opt.seed;
	app->risk.sink = (struct cdb_risk_sink){ on_order, on_decision,
		on_alert, on_portfolio, app };
	cdb_risk_reset(&app->risk);
}

int
main(int argc, char **argv)
{
	static struct risk_app app = {
		.service = { .name = "risk", .topic = CDB_TOPIC_SIGNALS,
			.ops = &ops, .arg = &app,
			.opt = { .listen = "127.0.0.1:8002" } },
		.bad_rate = { .burst = 10, .period_ms = 1000 },
		.stream_limit = LIMIT_DEFAULT, .orders_minute = -1,
	};
	struct cdb_usage usage = { "cdb-risk",
		"Decides which signals become orders.", options,
		sizeof(options) / sizeof(options[0]), &app };
	int status = cdb_options_parse(argc, argv, &usage, &app.service.opt);

	if (status >= 0)
		return status;
	if (cdb_service_init(&app.service) < 0 ||
	    cdb_merge_init(&app.merge) < 0) {
		fprintf(stderr, "cdb-risk: no event loop, or no memory\n");
		return 1;
	}
	app_init(&app);
	status = cdb_service_run(&app.service);
	cdb_intake_free(&app.intake);
	cdb_merge_free(&app.merge);
	cdb_outbox_free(&app.box);
	return status;
}
