/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cdb-notify: alerts of the risk manager and of Alertmanager, to people.
 *
 * What Alertmanager posts goes into a stream first and is answered when Redis
 * has it; so both kinds are delivered by the same path, one after the other,
 * and acknowledged when they are.  A death in between delivers one twice.
 */
#include <stdio.h>
#include <stdlib.h>

#include "app.h"
#include "services/common/fields.h"

#define GROUP	     "notify"
#define POSTED_LIMIT 10000	/* entries of the stream notifications */

static bool
take_file(void *arg, const char *value)
{
	struct cdb_notify_app *app = arg;

	app->sink.path = value;
	return value[0] != '\0';
}

static bool
take_command(void *arg, const char *value)
{
	struct cdb_notify_app *app = arg;

	app->sink.command = value;
	return value[0] != '\0';
}

static const struct cdb_option options[] = {
	{ "--sink-file", "FILE", "a file name",
	    "append each notification as a line of JSON", take_file },
	{ "--sink-command", "COMMAND", "a command for the shell",
	    "run it with that line on its standard input", take_command },
};

static void
on_step(void *arg, const redisReply *reply)
{
	struct cdb_notify_app *app = arg;

	cdb_intake_take(&app->intake, app->reading, reply);
}

static void
step(struct cdb_notify_app *app)
{
	cdb_bus_begin(&app->service.bus);
	cdb_intake_add_acks(&app->intake);
	app->reading = cdb_intake_add_read(&app->intake, true);
	cdb_bus_commit(&app->service.bus, on_step, app);
}

static void
app_idle(void *arg)
{
	struct cdb_notify_app *app = arg;
	/* a read may bring one count of each stream */
	bool room = app->n + 2 * CDB_INTAKE_COUNT <= CDB_NOTIFY_QUEUE;

	for (size_t i = 0; i < app->intake.n_streams; i++)
		app->intake.streams[i].wanted = room;
	cdb_notify_deliver(app);
	if (cdb_intake_acks(&app->intake) > 0 ||
	    cdb_intake_can_read(&app->intake))
		step(app);
	else
		cdb_intake_wait(&app->intake);
}

static void
on_loaded(void *arg, const redisReply *reply)
{
	struct cdb_notify_app *app = arg;

	(void)reply;
	cdb_bus_loaded(&app->service.bus);
}

static void
app_load(void *arg)
{
	struct cdb_notify_app *app = arg;

	cdb_intake_load(&app->intake);
	cdb_bus_query(&app->service.bus, on_loaded, app, "PING");
}

static void
app_down(void *arg)
{
	struct cdb_notify_app *app = arg;

	cdb_intake_reset(&app->intake);
	cdb_keeper_reset(&app->input);
	cdb_keeper_reset(&app->posted);
	app->stale = app->sending;
	app->n = 0;
	if (!app->sending)
		app->tries = 0;
	cdb_notify_posts_end(app, "Redis is not connected: post again.\n");
}

static void
on_watched(void *arg)
{
	struct cdb_notify_app *app = arg;

	smx_set(app->service.m.consumer_lag, (double)app->input.backlog);
}

static void
app_second(void *arg)
{
	struct cdb_notify_app *app = arg;

	cdb_keeper_round(&app->input);
	cdb_keeper_round(&app->posted);
}

static void
app_metrics(void *arg)
{
	struct cdb_notify_app *app = arg;

	app->sent = smx_counter("cdb_notifications_sent_total",
	    "Notifications delivered to all sinks.");
	app->failed = smx_counter("cdb_notifications_failed_total",
	    "Notifications given up after several tries; the log has them.");
}

static void
app_status(void *arg, json_t *out)
{
	struct cdb_notify_app *app = arg;

	json_object_set_new(out, "sinks",
	    /* a command may hold a token: only whether there is one */
	    json_pack("{s:b, s:s*, s:b}", "log", 1, "file", app->sink.path,
		"command", app->sink.command != NULL));
	json_object_set_new(out, "counters",
	    json_pack("{s:I, s:I, s:I, s:I}",
		"sent", (json_int_t)app->n_sent,
		"failed", (json_int_t)app->n_failed,
		"posted", (json_int_t)app->n_posted,
		"waiting", (json_int_t)app->n));
}

static void
app_close(void *arg)
{
	struct cdb_notify_app *app = arg;

	cdb_notify_posts_end(app, "stopping\n");
	uv_close((uv_handle_t *)&app->pause, NULL);
	cdb_sink_close(&app->sink);
}

static const struct cdb_service_ops ops = { app_metrics, app_load, app_idle,
	app_down, app_second, app_status, app_close };

static void
app_init(struct cdb_notify_app *app)
{
	struct cdb_service *s = &app->service;

	cdb_notify_deliver_init(app);
	cdb_intake_init(&app->intake, &s->bus, GROUP, cdb_notify_entry, app);
	cdb_intake_stream(&app->intake, CDB_TOPIC_ALERTS);
	cdb_intake_stream(&app->intake, CDB_NOTIFY_POSTED);
	/* risk trims the one, nobody else the other */
	app->input = (struct cdb_keeper){ .bus = &s->bus,
		.stream = CDB_TOPIC_ALERTS, .limit = UINT64_MAX,
		.done = on_watched, .arg = app };
	app->posted = (struct cdb_keeper){ .bus = &s->bus,
		.stream = CDB_NOTIFY_POSTED, .limit = POSTED_LIMIT };
	s->web.other = cdb_notify_web;
	s->web.other_arg = app;
}

int
main(int argc, char **argv)
{
	static struct cdb_notify_app app = {
		.service = { .name = "notify", .topic = CDB_TOPIC_ALERTS,
			.ops = &ops, .arg = &app,
			.opt = { .listen = "127.0.0.1:8004" } },
	};
	struct cdb_usage usage = { "cdb-notify",
		"Tells people of alerts; Alertmanager posts to /webhook.",
		options, sizeof(options) / sizeof(options[0]), &app };
	int status = cdb_options_parse(argc, argv, &usage, &app.service.opt);

	if (status >= 0)
		return status;
	app.queue = calloc(CDB_NOTIFY_QUEUE, sizeof(*app.queue));
	if (!app.queue || cdb_service_init(&app.service) < 0) {
		fprintf(stderr, "cdb-notify: no event loop, or no memory\n");
		return 1;
	}
	app_init(&app);
	status = cdb_service_run(&app.service);
	cdb_intake_free(&app.intake);
	free(app.queue);
	return status;
}
