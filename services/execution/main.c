/* SPDX-License-Identifier: Apache-2.0 */
/* cdb-execution: orders in, results of a paper exchange out.  Wiring only. */
#include <stdio.h>
#include <string.h>

#include "app.h"
#include "services/common/clock.h"
#include "services/common/decimal.h"
#include "services/common/fields.h"

#define LIMIT_DEFAULT 500000

static void
on_step(void *arg, const redisReply *reply)
{
	struct cdb_execution_app *app = arg;

	cdb_keeper_added(&app->output, app->box.n);
	cdb_outbox_clear(&app->box);
	cdb_execution_count(app);
	app->rules_told = true;
	cdb_intake_take(&app->intake, app->reading, reply);
}

/* One transaction: results, totals, and the next orders. */
static void
step(struct cdb_execution_app *app, bool read)
{
	struct cdb_bus *bus = &app->service.bus;
	char text[CDB_DESK_TEXT];

	cdb_bus_begin(bus);
	cdb_outbox_add(&app->box, bus);
	cdb_desk_write(&app->desk.count, text);
	if (!app->rules_told || memcmp(&app->desk.count, &app->acked,
		sizeof(app->acked)) != 0)
		cdb_bus_addf(bus, "HSET state:" CDB_EXECUTION_GROUP
		    " exchange %s counts %s", app->rules, text);
	cdb_intake_add_acks(&app->intake);
	app->reading = cdb_intake_add_read(&app->intake, read);
	cdb_bus_commit(bus, on_step, app);
}

static void
on_due(uv_timer_t *timer)
{
	struct cdb_execution_app *app = timer->data;

	cdb_bus_kick(&app->service.bus);
}

static void
due_arm(struct cdb_execution_app *app)
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
	struct cdb_execution_app *app = arg;
	bool read;

	if (!cdb_keeper_full(&app->output, 0))
		cdb_execution_answer(app);
	app->intake.streams[0].wanted =
	    app->desk.n + CDB_INTAKE_COUNT <= CDB_DESK_CAP &&
	    !cdb_keeper_full(&app->output, 0);
	read = cdb_intake_can_read(&app->intake);
	if (read || !app->rules_told || cdb_intake_acks(&app->intake) > 0) {
		step(app, read);
	} else if (app->audit_due) {
		cdb_execution_audit(app);
	} else {
		if (!cdb_keeper_full(&app->output, 0))
			due_arm(app);
		cdb_intake_wait(&app->intake);
	}
}

static void
app_down(void *arg)
{
	struct cdb_execution_app *app = arg;

	uv_timer_stop(&app->due);
	cdb_intake_reset(&app->intake);
	cdb_keeper_reset(&app->input);
	cdb_keeper_reset(&app->output);
}

static void
on_watched(void *arg)
{
	struct cdb_execution_app *app = arg;

	smx_set(app->service.m.consumer_lag, (double)app->input.backlog);
}

static void
on_kept(void *arg)
{
	struct cdb_execution_app *app = arg;

	if (!cdb_keeper_full(&app->output, 0))
		cdb_bus_kick(&app->service.bus);
}

static void
app_second(void *arg)
{
	struct cdb_execution_app *app = arg;

	app->audit_due = true;
	cdb_keeper_round(&app->input);
	cdb_keeper_round(&app->output);
}

static void
app_metrics(void *arg)
{
	struct cdb_execution_app *app = arg;

	cdb_execution_metrics_register(&app->metrics);
}

static void
app_status(void *arg, json_t *out)
{
	struct cdb_execution_app *app = arg;
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
	struct cdb_execution_app *app = arg;

	uv_close((uv_handle_t *)&app->due, NULL);
}

static const struct cdb_service_ops ops = { app_metrics, cdb_execution_load,
	app_idle, app_down, app_second, app_status, app_close };

static void
app_init(struct cdb_execution_app *app)
{
	struct cdb_service *s = &app->service;

	uv_timer_init(s->loop, &app->due);
	app->due.data = app;
	app->desk.speed = app->opt.speed;
	cdb_exchange_write(&app->opt.rules, app->rules);
	cdb_intake_init(&app->intake, &s->bus, CDB_EXECUTION_GROUP,
	    cdb_execution_entry, app);
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
	static struct cdb_execution_app app = {
		.service = { .name = "execution", .topic = CDB_TOPIC_ORDERS,
			.ops = &ops, .arg = &app,
			.opt = { .listen = "127.0.0.1:8003" } },
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
