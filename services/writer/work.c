/* SPDX-License-Identifier: Apache-2.0 */
/* What the worker does, and what becomes of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"

#define RETRY_MAX_MS 2000
#define HUNG_MS	     10000	/* a database that says nothing for so long */

/* In the worker. */
static void
sample_take(struct cdb_writer_app *app)
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
	struct cdb_writer_app *app = work->data;

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
up_set(struct cdb_writer_app *app, bool up)
{
	if (up && !app->up)
		log_info(&app->service.log, "database can be written");
	app->up = up;
	smx_set(app->metrics.postgres_up, up);
}

static void
on_retry(uv_timer_t *timer)
{
	struct cdb_writer_app *app = timer->data;

	cdb_bus_kick(&app->service.bus);
}

static void
work_failed(struct cdb_writer_app *app)
{
	if (app->up || app->retry_ms == CDB_WRITER_RETRY_MS ||
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
sample_note(struct cdb_writer_app *app)
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
prune_note(struct cdb_writer_app *app)
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
	struct cdb_writer_app *app = work->data;

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
		app->retry_ms = CDB_WRITER_RETRY_MS;
		app->committed = cdb_batch_size(&app->batch) > 0;
		sample_note(app);
		prune_note(app);
	}
	cdb_bus_kick(&app->service.bus);
}

void
cdb_writer_work(struct cdb_writer_app *app)
{
	app->busy = true;
	app->busy_ms = uv_now(app->service.loop);
	app->sample_ts = app->sample_due ? cdb_writer_sample_moment(app) : 0;
	app->prune = app->prune_due;
	app->work.data = app;
	uv_queue_work(app->service.loop, &app->work, on_work, on_worked);
}

void
cdb_writer_look(struct cdb_writer_app *app)
{
	if (!app->busy || !app->up ||
	    uv_now(app->service.loop) - app->busy_ms < HUNG_MS)
		return;
	strcpy(app->error, "no answer from the database");
	log_warn(&app->service.log, "database does not answer");
	up_set(app, false);
}
