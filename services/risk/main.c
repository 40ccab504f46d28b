/* SPDX-License-Identifier: Apache-2.0 */
/* cdb-risk: signals, ticks and results in; orders out.  Wiring only. */
#include <stdio.h>

#include "app.h"
#include "report.h"
#include "services/common/clock.h"

#define POLL_MS	      20	/* should a watermark have got lost (W5) */
#define QUIET_MS      10	/* that events without an output may wait */
#define LIMIT_DEFAULT 500000

/* The transaction with what is finished has been answered. */
static void
step_count(struct cdb_risk_app *app)
{
	int64_t now_us = cdb_wall_us();

	for (size_t i = 0; i < CDB_RISK_OUTPUTS; i++)
		cdb_keeper_added(&app->keepers[i],
		    cdb_outbox_count(&app->box, cdb_risk_outputs[i]));
	cdb_outbox_clear(&app->box);
	cdb_risk_metrics_count(&app->metrics, &app->acked, &app->risk.n);
	smx_add(app->service.m.parse_errors, app->bad_sent);
	for (size_t i = 0; i < app->n_spans; i++)
		cdb_metrics_span(&app->service.m,
		    app->metrics.signal_to_order, app->spans_us[i], now_us);
	app->acked = app->risk.n;
	app->n_spans = 0;
}

static void
on_step(void *arg, const redisReply *reply)
{
	struct cdb_risk_app *app = arg;
	size_t n = reply->elements;

	if (app->committing)
		step_count(app);
	cdb_intake_take(&app->intake, app->reading, reply);
	if (app->reading && app->service.bus.state == CDB_BUS_READY)
		cdb_risk_progress(app, reply->element[n - 3],
		    reply->element[n - 2]);
}

static void
state_put(void *arg, const char *field, const char *value)
{
	struct cdb_risk_app *app = arg;

	cdb_bus_addf(&app->service.bus, "HSET state:" CDB_RISK_GROUP " %s %s", field,
	    value);
}

/* One transaction: what came of the events taken, and the next ones. */
static void
step(struct cdb_risk_app *app, bool read)
{
	struct cdb_bus *bus = &app->service.bus;

	cdb_bus_begin(bus);
	if (app->committing) {
		cdb_outbox_add(&app->box, bus);
		cdb_risk_save(&app->risk, state_put, app);
		cdb_intake_add_acks(&app->intake);
		cdb_quiet_reset(&app->quiet);
		app->bad_sent = app->bad;
		app->bad = 0;
	}
	/* one cut through all of them; see cdb_risk_progress() */
	if (read) {
		cdb_bus_addf(bus, "HGET state:signal seq");
		cdb_bus_addf(bus, "HMGET state:feed done seq");
	}
	app->reading = cdb_intake_add_read(&app->intake, read);
	cdb_bus_commit(bus, on_step, app);
}

static bool
is_full(const struct cdb_risk_app *app)
{
	for (size_t i = 0; i < CDB_RISK_OUTPUTS; i++)
		if (cdb_keeper_full(&app->keepers[i], 0))
			return true;
	return false;
}

static void
on_poll(uv_timer_t *timer)
{
	struct cdb_risk_app *app = timer->data;

	app->intake.ready = true;
	cdb_bus_kick(&app->service.bus);
}

static void
app_idle(void *arg)
{
	struct cdb_risk_app *app = arg;
	bool more = !is_full(app) && cdb_risk_drain(app);
	bool read;

	cdb_risk_room(app);
	read = cdb_intake_can_read(&app->intake);
	app->committing = app->box.n > 0 ||
	    cdb_quiet_over(&app->quiet, cdb_intake_acks(&app->intake));
	if (app->committing || read) {
		step(app, read);
		if (!read)
			cdb_intake_wait(&app->intake);
		return;
	}
	if (more && !uv_is_active((uv_handle_t *)&app->poll))
		uv_timer_start(&app->poll, on_poll, POLL_MS, 0);
	cdb_intake_wait(&app->intake);
}

static void
app_down(void *arg)
{
	struct cdb_risk_app *app = arg;

	uv_timer_stop(&app->poll);
	cdb_quiet_reset(&app->quiet);
	cdb_intake_reset(&app->intake);
	cdb_keeper_reset(&app->input);
	for (size_t i = 0; i < CDB_RISK_OUTPUTS; i++)
		cdb_keeper_reset(&app->keepers[i]);
}

static void
on_watched(void *arg)
{
	struct cdb_risk_app *app = arg;

	smx_set(app->service.m.consumer_lag, (double)app->input.backlog);
}

static void
on_kept(void *arg)
{
	struct cdb_risk_app *app = arg;

	if (!is_full(app))
		cdb_bus_kick(&app->service.bus);
}

static void
app_second(void *arg)
{
	struct cdb_risk_app *app = arg;

	cdb_risk_metrics_set(&app->metrics, &app->risk);
	cdb_keeper_round(&app->input);
	for (size_t i = 0; i < CDB_RISK_OUTPUTS; i++)
		cdb_keeper_round(&app->keepers[i]);
}

static void
app_metrics(void *arg)
{
	struct cdb_risk_app *app = arg;

	cdb_risk_metrics_register(&app->metrics);
}

static void
app_status(void *arg, json_t *out)
{
	struct cdb_risk_app *app = arg;

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
	struct cdb_risk_app *app = arg;

	uv_close((uv_handle_t *)&app->poll, NULL);
	cdb_quiet_close(&app->quiet);
}

static const struct cdb_service_ops ops = { app_metrics, cdb_risk_load,
	app_idle, app_down, app_second, app_status, app_close };

static void
app_init(struct cdb_risk_app *app)
{
	struct cdb_service *s = &app->service;

	uv_timer_init(s->loop, &app->poll);
	app->poll.data = app;
	cdb_quiet_init(&app->quiet, s->loop, &s->bus, QUIET_MS);
	cdb_intake_init(&app->intake, &s->bus, CDB_RISK_GROUP, cdb_risk_entry, app);
	cdb_intake_stream(&app->intake, CDB_TOPIC_TICKS);
	cdb_intake_stream(&app->intake, CDB_TOPIC_SIGNALS);
	cdb_intake_stream(&app->intake, CDB_TOPIC_RESULTS);
	app->intake.eager = app->intake.queues = true;
	app->input = (struct cdb_keeper){ .bus = &s->bus,
		.stream = CDB_TOPIC_SIGNALS, .limit = UINT64_MAX,
		.done = on_watched, .arg = app };
	for (size_t i = 0; i < CDB_RISK_OUTPUTS; i++)
		app->keepers[i] = (struct cdb_keeper){ .bus = &s->bus,
			.stream = cdb_risk_outputs[i], .done = on_kept, .arg = app,
			.limit = (uint64_t)app->stream_limit };
	app->risk.limits = cdb_limits_of[s->opt.profile];
	if (app->orders_minute >= 0)
		app->risk.limits.orders_minute = app->orders_minute;
	app->risk.seed = s->opt.seed;
	cdb_risk_speak(app);
	cdb_risk_reset(&app->risk);
}

int
main(int argc, char **argv)
{
	static struct cdb_risk_app app = {
		.service = { .name = "risk", .topic = CDB_TOPIC_SIGNALS,
			.ops = &ops, .arg = &app,
			.channel = CDB_WATERMARK_CHANNEL,
			.heard = cdb_risk_heard,
			.opt = { .listen = "127.0.0.1:8002" } },
		.stream_limit = LIMIT_DEFAULT, .orders_minute = -1,
	};
	struct cdb_usage usage = { "cdb-risk",
		"Decides which signals become orders.", cdb_risk_options,
		cdb_risk_n_options, &app };
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
