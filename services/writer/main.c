/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cdb-writer: what happened, from the bus to PostgreSQL.  Wiring only.
 *
 * A batch is read, committed, and only then acknowledged: a death in between
 * writes it again, which changes nothing.  While the database is away the
 * batch is kept and no more is read, so the streams fill up to their limits,
 * their writers pause, and in the end the feed does.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conninfo.h"
#include "metrics.h"
#include "runtime/number.h"
#include "sample.h"
#include "services/common/clock.h"
#include "services/common/fields.h"
#include "services/common/intake.h"
#include "services/common/service.h"
#include "services/common/trade.h"
#include "store.h"

#define GROUP	       "writer"
#define RETRY_MIN_MS   100
#define RETRY_MAX_MS   2000
#define HEALTH_LIMIT   20000	/* entries of the stream health */
#define SAMPLE_DEFAULT 60
#define KEEP_DEFAULT   30	/* days */
#define PRUNE_MS       3600000
#define HUNG_MS	       10000	/* a database that says nothing for so long */

struct writer_app {
	struct cdb_service service;
	struct cdb_intake intake;
	struct cdb_batch batch;
	struct cdb_store store;		/* the worker's while `busy` */
	struct cdb_writer_metrics metrics;
	struct cdb_keeper input;	/* watches only */
	struct cdb_keeper health;	/* the stream has no other keeper */
	uv_work_t work;
	uv_timer_t retry;
	uv_timer_t sampling;
	uv_timer_t pruning;
	const char *collector_url;
	int64_t sample_s;		/* 0: never */
	int64_t sample_next_s;		/* when the timer will be through */
	int64_t sample_due_s;		/* when it was */
	int64_t keep_days;		/* 0: for ever */
	char postgres[CDB_CONNINFO_SHOWN];
	bool busy;		/* the worker is at it */
	uint64_t busy_ms;	/* since when, on the loop's clock */
	bool stale;		/* the connection that read it is gone */
	bool committed;		/* acknowledge it */
	bool sample_due;
	bool prune_due;
	bool reading;
	bool up;
	int result;
	unsigned retry_ms;
	uint64_t written;
	uint64_t refused;
	uint64_t batches;
	uint64_t failures;
	char error[CDB_STORE_TEXT];
	bool prune;		/* the worker shall */
	long pruned;		/* rows; negative: it failed */
	/* a sample, made by the worker */
	bool sampled;
	int64_t sample_ts;
	char why[CDB_SAMPLE_WHY];
};

static bool
take_postgres(void *arg, const char *value)
{
	struct writer_app *app = arg;

	app->store.conninfo = value;
	return value[0] != '\0' && strlen(value) < 700 &&
	    cdb_conninfo_show(value, app->postgres);
}

static bool
take_schema(void *arg, const char *value)
{
	struct writer_app *app = arg;

	app->store.schema = value;
	return value[0] != '\0' && strlen(value) < 900;
}

static bool
take_sample(void *arg, const char *value)
{
	struct writer_app *app = arg;

	return number_parse(value, 0, 86400, &app->sample_s) == 0;
}

static bool
take_keep(void *arg, const char *value)
{
	struct writer_app *app = arg;

	return number_parse(value, 0, 36500, &app->keep_days) == 0;
}

static const struct cdb_option options[] = {
	{ "--postgres", "CONNINFO", "a libpq connection string",
	    "where PostgreSQL listens [dbname=cdb]", take_postgres },
	{ "--schema", "FOLDER", "a folder with NNN_name.sql",
	    "migrations, applied at start [services/writer/schema]",
	    take_schema },
	{ "--sample-s", "N", "seconds from 0 to 86400",
	    "between rows of the table metrics, 0 for none [60]",
	    take_sample },
	{ "--keep-days", "N", "days from 0 to 36500",
	    "of metrics, health_checks and rejected_messages, 0 for ever [30]",
	    take_keep },
};

static void
on_entry(void *arg, size_t which, const struct cdb_entry *e)
{
	struct writer_app *app = arg;

	cdb_batch_put(&app->batch, (enum cdb_channel)which, e->id, e->data,
	    e->len);
}

/* In the worker. */
static void
sample_take(struct writer_app *app)
{
	char *array = NULL;

	app->sampled = false;
	if (cdb_sample_fetch(app->collector_url, app->sample_ts,
		(int)app->sample_s, &array, app->why) < 0)
		return;
	app->sampled = cdb_store_samples(&app->store, array) == 0;
	snprintf(app->why, sizeof(app->why), "%.120s", app->store.error);
	free(array);
}

static void
on_work(uv_work_t *work)
{
	struct writer_app *app = work->data;

	app->result = cdb_store_open(&app->store);
	if (app->result == 0 && cdb_batch_size(&app->batch) > 0)
		app->result = cdb_store_write(&app->store, &app->batch);
	if (app->result == 0 && app->sample_ts)
		sample_take(app);
	if (app->result == 0 && app->prune)
		app->pruned = cdb_store_prune(&app->store,
		    (int)app->keep_days);
}

static void
up_set(struct writer_app *app, bool up)
{
	if (up && !app->up)
		log_info(&app->service.log, "database can be written");
	app->up = up;
	smx_set(app->metrics.postgres_up, up);
}

static void
on_retry(uv_timer_t *timer)
{
	struct writer_app *app = timer->data;

	cdb_bus_kick(&app->service.bus);
}

static void
work_failed(struct writer_app *app)
{
	if (app->up || app->retry_ms == RETRY_MIN_MS ||
	    strcmp(app->error, app->store.error) != 0)
		log_warn(&app->service.log, "database cannot be written",
		    LOG_STR("reason", app->store.error),
		    LOG_UINT("waiting", cdb_batch_size(&app->batch)));
	strcpy(app->error, app->store.error);
	app->failures++;
	cdb_metrics_error(&app->service.m, "database");
	up_set(app, false);
	uv_timer_start(&app->retry, on_retry, app->retry_ms, 0);
	app->retry_ms = app->retry_ms * 2 < RETRY_MAX_MS ? app->retry_ms * 2
							 : RETRY_MAX_MS;
}

static void
counts_observe(struct writer_app *app)
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
sample_note(struct writer_app *app)
{
	if (app->sample_ts == 0)
		return;
	app->sample_due = false;
	if (app->sampled)
		smx_inc(app->metrics.samples);
	else
		log_warn(&app->service.log, "no metrics stored",
		    LOG_STR("reason", app->why));
}

/* As long as there is something, it goes on behind the next batch; what
 * failed has time until the next round. */
static void
prune_note(struct writer_app *app)
{
	if (!app->prune)
		return;
	app->prune_due = app->pruned > 0;
	if (app->pruned > 0)
		log_info(&app->service.log, "old rows deleted",
		    LOG_INT("n", app->pruned));
	else if (app->pruned < 0)
		log_warn(&app->service.log, "old rows not deleted",
		    LOG_STR("reason", app->store.error));
}

static void
on_worked(uv_work_t *work, int status)
{
	struct writer_app *app = work->data;

	(void)status;
	app->busy = false;
	if (app->stale) {
		/* read by a connection that is gone: it will come again, and
		 * if it was committed, change nothing */
		app->stale = false;
		cdb_batch_clear(&app->batch);
	} else if (app->result < 0) {
		work_failed(app);
	} else {
		up_set(app, true);
		app->retry_ms = RETRY_MIN_MS;
		app->committed = cdb_batch_size(&app->batch) > 0;
		sample_note(app);
		prune_note(app);
	}
	cdb_bus_kick(&app->service.bus);
}

/* The moment it was due; where the database was away for longer than a
 * window, the latest there has been. */
static int64_t
sample_moment(const struct writer_app *app)
{
	int64_t latest = time(NULL) / app->sample_s * app->sample_s;

	return latest > app->sample_due_s ? latest : app->sample_due_s;
}

static void
work_start(struct writer_app *app)
{
	app->busy = true;
	app->busy_ms = uv_now(app->service.loop);
	app->sample_ts = app->sample_due ? sample_moment(app) : 0;
	app->prune = app->prune_due;
	app->work.data = app;
	uv_queue_work(app->service.loop, &app->work, on_work, on_worked);
}

static void
on_step(void *arg, const redisReply *reply)
{
	struct writer_app *app = arg;

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
batch_ack(struct writer_app *app)
{
	for (size_t ch = 0; ch < CDB_CHANNELS; ch++)
		for (size_t i = 0; i < app->batch.lists[ch].n; i++)
			cdb_intake_ack(&app->intake, ch,
			    app->batch.lists[ch].items[i].id);
}

static void
app_idle(void *arg)
{
	struct writer_app *app = arg;
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
		work_start(app);
	} else {
		cdb_intake_wait(&app->intake);
	}
}

static void
on_loaded(void *arg, const redisReply *reply)
{
	struct writer_app *app = arg;

	(void)reply;
	cdb_bus_loaded(&app->service.bus);
}

static void
app_load(void *arg)
{
	struct writer_app *app = arg;

	cdb_intake_load(&app->intake);
	/* answers come in order: behind this one all groups are known */
	cdb_bus_query(&app->service.bus, on_loaded, app, "PING");
}

static void
app_down(void *arg)
{
	struct writer_app *app = arg;

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
	struct writer_app *app = arg;

	smx_set(app->service.m.consumer_lag, (double)app->input.backlog);
}

/* A server that is stopped keeps the worker waiting and breaks nothing: it is
 * not up all the same. */
static void
hung_note(struct writer_app *app)
{
	if (!app->busy || !app->up ||
	    uv_now(app->service.loop) - app->busy_ms < HUNG_MS)
		return;
	strcpy(app->error, "no answer from the database");
	log_warn(&app->service.log, "database does not answer");
	up_set(app, false);
}

static void
app_second(void *arg)
{
	struct writer_app *app = arg;

	hung_note(app);
	cdb_keeper_round(&app->input);
	cdb_keeper_round(&app->health);
	if (!app->busy)
		smx_set(app->metrics.waiting,
		    (double)cdb_batch_size(&app->batch));
}

static void
on_sampling(uv_timer_t *timer);

/* At the whole multiples of the window, so that a row says when it was. */
static void
sampling_arm(struct writer_app *app)
{
	int64_t window_ms = app->sample_s * 1000;
	int64_t now_ms = cdb_wall_us() / 1000;
	/* a timer may be early, and this one just was: then not again */
	int64_t next = (now_ms + window_ms / 4) / window_ms + 1;

	app->sample_next_s = next * app->sample_s;
	uv_timer_start(&app->sampling, on_sampling,
	    (uint64_t)(next * window_ms - now_ms), 0);
}

static void
on_sampling(uv_timer_t *timer)
{
	struct writer_app *app = timer->data;

	app->sample_due = true;
	app->sample_due_s = app->sample_next_s;
	sampling_arm(app);
	cdb_bus_kick(&app->service.bus);
}

static void
on_pruning(uv_timer_t *timer)
{
	struct writer_app *app = timer->data;

	app->prune_due = true;
	cdb_bus_kick(&app->service.bus);
}

static void
app_metrics(void *arg)
{
	struct writer_app *app = arg;

	cdb_writer_metrics_register(&app->metrics);
}

static bool
app_healthy(void *arg, const char **why)
{
	struct writer_app *app = arg;

	*why = "the database cannot be written";
	return app->up;
}

static void
app_status(void *arg, json_t *out)
{
	struct writer_app *app = arg;

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
	struct writer_app *app = arg;

	uv_close((uv_handle_t *)&app->retry, NULL);
	uv_close((uv_handle_t *)&app->sampling, NULL);
	uv_close((uv_handle_t *)&app->pruning, NULL);
}

static const struct cdb_service_ops ops = { app_metrics, app_load, app_idle,
	app_down, app_second, app_status, app_close };

static void
app_init(struct writer_app *app)
{
	struct cdb_service *s = &app->service;

	uv_timer_init(s->loop, &app->retry);
	uv_timer_init(s->loop, &app->sampling);
	uv_timer_init(s->loop, &app->pruning);
	app->retry.data = app->sampling.data = app->pruning.data = app;
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
	if (app->sample_s > 0 && s->opt.metrics)
		sampling_arm(app);
	if (app->keep_days > 0)
		uv_timer_start(&app->pruning, on_pruning, 0, PRUNE_MS);
}

int
main(int argc, char **argv)
{
	static struct writer_app app = {
		.service = { .name = "writer", .topic = CDB_TOPIC_RISK,
			.ops = &ops, .arg = &app, .healthy = app_healthy,
			.opt = { .listen = "127.0.0.1:8005" } },
		.store = { .conninfo = "dbname=cdb",
			.schema = "services/writer/schema" },
		.postgres = "dbname=cdb", .sample_s = SAMPLE_DEFAULT,
		.keep_days = KEEP_DEFAULT, .retry_ms = RETRY_MIN_MS,
	};
	struct cdb_usage usage = { "cdb-writer",
		"Writes what happened to PostgreSQL.", options,
		sizeof(options) / sizeof(options[0]), &app };
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
