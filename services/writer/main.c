/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cdb-writer: what happened, from the bus to PostgreSQL.  Wiring only.
 *
 * A batch is read, committed, and only then acknowledged: a death in between
 * writes it again, which changes nothing.  While the database is away the
 * batch is kept and no more is read, so the streams fill up to their limits,
 * their writers pause, and in the end the feed does.
 */
#include <stdio.h>
#include <string.h>

#include "app.h"
#include "services/common/fields.h"
#include "services/common/trade.h"

#define GROUP	       "writer"
#define HEALTH_LIMIT   20000	/* entries of the stream health */
#define SAMPLE_DEFAULT 60
#define KEEP_DEFAULT   30	/* days */

static void
on_entry(void *arg, size_t which, const struct cdb_entry *e)
{
	struct cdb_writer_app *app = arg;

	cdb_batch_put(&app->batch, (enum cdb_channel)which, e->id, e->data,
	    e->len);
}

static void
counts_observe(struct cdb_writer_app *app)
{
	const struct cdb_store *store = &app->store;

	for (size_t i = 0; i < CDB_CHANNELS; i++) {
		smx_add(app->metrics.processed[i], store->written[i]);
		smx_add(app->metrics.failed[i], store->refused[i]);
		smx_add(app->service.m.parse_errors, store->refused[i]);
		app->written += store->written[i];
		app->refused += store->refused[i];
		if (store->refused[i] > 0)
			log_warn(&app->service.log, "messages put aside",
			    LOG_STR("stream",
				cdb_channel_topic((enum cdb_channel)i)),
			    LOG_UINT("n", store->refused[i]),
			    LOG_STR("last", store->error));
	}
	app->batches++;
	smx_observe(app->metrics.write, store->ns);
}

static void
on_step(void *arg, const redisReply *reply)
{
	struct cdb_writer_app *app = arg;

	if (app->committed) {
		counts_observe(app);
		app->committed = false;
		cdb_batch_clear(&app->batch);
		/* the worker may be busy at each full second */
		smx_set(app->metrics.waiting, 0);
	}
	cdb_intake_take(&app->intake, app->reading, reply);
}

static void
batch_ack(struct cdb_writer_app *app)
{
	for (size_t ch = 0; ch < CDB_CHANNELS; ch++)
		for (size_t i = 0; i < app->batch.lists[ch].n; i++)
			cdb_intake_ack(&app->intake, ch,
			    app->batch.lists[ch].items[i].id);
}

static void
app_idle(void *arg)
{
	struct cdb_writer_app *app = arg;
	bool empty = cdb_batch_size(&app->batch) == 0;

	if (app->busy || uv_is_active((uv_handle_t *)&app->retry))
		return;
	if (app->committed || (empty && app->up &&
		cdb_intake_can_read(&app->intake))) {
		if (app->committed)
			batch_ack(app);
		cdb_bus_begin(&app->service.bus);
		cdb_intake_add_acks(&app->intake);
		app->reading = cdb_intake_add_read(&app->intake, true);
		cdb_bus_commit(&app->service.bus, on_step, app);
	} else if (!empty || !app->up || app->sample_due || app->prune_due) {
		cdb_writer_work(app);
	} else {
		cdb_intake_wait(&app->intake);
	}
}

static void
on_loaded(void *arg, const redisReply *reply)
{
	struct cdb_writer_app *app = arg;

	(void)reply;
	cdb_bus_loaded(&app->service.bus);
}

static void
app_load(void *arg)
{
	struct cdb_writer_app *app = arg;

	cdb_intake_load(&app->intake);
	/* answers come in order: behind this one all groups are known */
	cdb_bus_query(&app->service.bus, on_loaded, app, "PING");
}

static void
app_down(void *arg)
{
	struct cdb_writer_app *app = arg;

	cdb_intake_reset(&app->intake);
	cdb_keeper_reset(&app->input);
	cdb_keeper_reset(&app->health);
	app->committed = false;
	if (app->busy)
		app->stale = true;
	else
		cdb_batch_clear(&app->batch);
}

static void
on_watched(void *arg)
{
	struct cdb_writer_app *app = arg;

	smx_set(app->service.m.consumer_lag, (double)app->input.backlog);
}

static void
app_second(void *arg)
{
	struct cdb_writer_app *app = arg;

	cdb_writer_look(app);
	cdb_keeper_round(&app->input);
	cdb_keeper_round(&app->health);
	if (!app->busy)
		smx_set(app->metrics.waiting,
		    (double)cdb_batch_size(&app->batch));
}

static void
app_metrics(void *arg)
{
	struct cdb_writer_app *app = arg;

	cdb_writer_metrics_register(&app->metrics);
}

static bool
app_healthy(void *arg, const char **why)
{
	struct cdb_writer_app *app = arg;

	*why = "the database cannot be written";
	return app->up;
}

static void
app_status(void *arg, json_t *out)
{
	struct cdb_writer_app *app = arg;

	cdb_put_text(out, "state", app->up ? "running"
	    : "waiting for the database");
	json_object_set_new(out, "database",
	    json_pack("{s:b, s:s, s:s}", "up", app->up, "conninfo",
		app->postgres, "last_error", app->error));
	json_object_set_new(out, "counters",
	    json_pack("{s:I, s:I, s:I, s:I}",
		"written", (json_int_t)app->written,
		"rejected", (json_int_t)app->refused,
		"batches", (json_int_t)app->batches,
		"failures", (json_int_t)app->failures));
}

static void
app_close(void *arg)
{
	struct cdb_writer_app *app = arg;

	uv_close((uv_handle_t *)&app->retry, NULL);
	cdb_writer_chores_close(app);
}

static const struct cdb_service_ops ops = { app_metrics, app_load, app_idle,
	app_down, app_second, app_status, app_close };

static void
app_init(struct cdb_writer_app *app)
{
	struct cdb_service *s = &app->service;

	uv_timer_init(s->loop, &app->retry);
	app->retry.data = app;
	cdb_intake_init(&app->intake, &s->bus, GROUP, on_entry, app);
	for (int i = 0; i < CDB_CHANNELS; i++)
		cdb_intake_stream(&app->intake,
		    cdb_channel_topic((enum cdb_channel)i));
	app->input = (struct cdb_keeper){ .bus = &s->bus,
		.stream = CDB_TOPIC_RISK, .limit = UINT64_MAX,
		.done = on_watched, .arg = app };
	app->health = (struct cdb_keeper){ .bus = &s->bus,
		.stream = CDB_TOPIC_HEALTH, .limit = HEALTH_LIMIT };
	app->store.log = &s->log;
	app->collector_url = s->opt.collector_url;
	cdb_writer_chores_init(app);
}

int
main(int argc, char **argv)
{
	static struct cdb_writer_app app = {
		.service = { .name = "writer", .topic = CDB_TOPIC_RISK,
			.ops = &ops, .arg = &app, .healthy = app_healthy,
			.opt = { .listen = "127.0.0.1:8005" } },
		.store = { .conninfo = "dbname=cdb",
			.schema = "services/writer/schema" },
		.postgres = "dbname=cdb", .sample_s = SAMPLE_DEFAULT,
		.keep_days = KEEP_DEFAULT, .retry_ms = CDB_WRITER_RETRY_MS,
	};
	struct cdb_usage usage = { "cdb-writer",
		"Writes what happened to PostgreSQL.", cdb_writer_options,
		cdb_writer_n_options, &app };
	int status = cdb_options_parse(argc, argv, &usage, &app.service.opt);

	if (status >= 0)
		return status;
	if (cdb_service_init(&app.service) < 0) {
		fprintf(stderr, "cdb-writer: no event loop\n");
		return 1;
	}
	app_init(&app);
	status = cdb_service_run(&app.service);
	cdb_store_close(&app.store);
	cdb_batch_free(&app.batch);
	cdb_intake_free(&app.intake);
	return status;
}
