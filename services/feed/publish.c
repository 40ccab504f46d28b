/* SPDX-License-Identifier: Apache-2.0 */
/* What is due goes to the stream, together with the feed's position. */
#include "app.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/common/clock.h"

#define TICK_JSON 2048		/* bytes; the longest message is below 1200 */
#define KEEPER_MS 50		/* between rounds when the stream fills up */

/* One field of the state, into the transaction under way. */
static void
state_put(void *arg, const char *field, const char *value)
{
	struct cdb_feed_app *app = arg;

	cdb_bus_addf(&app->service.bus, "HSET state:feed %s %s", field, value);
}

static void
tick_add(struct cdb_feed_app *app, const struct cdb_tick *tick)
{
	char json[TICK_JSON];
	char sent[24];
	size_t len = cdb_tick_write(tick, json, sizeof(json));
	const char *argv[] = { "XADD", CDB_TOPIC_TICKS, "*", CDB_FIELD_DATA,
		json, CDB_FIELD_SENT, sent };
	size_t lens[] = { 4, sizeof(CDB_TOPIC_TICKS) - 1, 1,
		sizeof(CDB_FIELD_DATA) - 1, len, sizeof(CDB_FIELD_SENT) - 1,
		0 };

	if (len == 0 || len > sizeof(json))
		abort();	/* no memory; half a batch cannot be sent */
	lens[6] = (size_t)snprintf(sent, sizeof(sent), "%" PRId64,
	    cdb_wall_us());
	cdb_bus_add(&app->service.bus, 7, argv, lens);
}

static void
on_published(void *arg, const redisReply *reply)
{
	struct cdb_feed_app *app = arg;
	uint64_t now = uv_hrtime();

	(void)reply;
	for (size_t i = 0; i < app->n_batch; i++)
		smx_observe(app->metrics.latency, now - app->due_ns[i]);
	cdb_feed_metrics_count(&app->metrics, &app->acked, &app->sent);
	smx_add(app->service.m.parse_errors,
	    app->sent.bad - app->acked.bad);
	app->acked = app->sent;
	app->published_ns = now;
	cdb_keeper_added(&app->keeper, app->n_batch);
	if (app->done_sent && !app->done) {
		app->done = true;
		log_info(&app->service.log, "replay done",
		    LOG_UINT("published", app->acked.published),
		    LOG_UINT("bad_rows", app->acked.bad),
		    LOG_UINT("duplicates", app->acked.duplicates));
	}
}

static void
on_keeping(uv_timer_t *timer)
{
	struct cdb_feed_app *app = timer->data;

	cdb_keeper_round(&app->keeper);
}

static void
keep_soon(struct cdb_feed_app *app)
{
	if (app->keeper.length > app->keeper.limit / 2 &&
	    !uv_is_active((uv_handle_t *)&app->keeping))
		uv_timer_start(&app->keeping, on_keeping, KEEPER_MS, 0);
}

static void
on_kept(void *arg)
{
	struct cdb_feed_app *app = arg;

	smx_set(app->service.m.consumer_lag, (double)app->keeper.backlog);
	keep_soon(app);
	cdb_bus_kick(&app->service.bus);
}

static void
on_due(uv_timer_t *timer)
{
	struct cdb_feed_app *app = timer->data;

	cdb_bus_kick(&app->service.bus);
}

/* Whether the next tick may go now; otherwise a timer has been set. */
static int
tick_due(struct cdb_feed_app *app, uint64_t now, uint64_t *due)
{
	int64_t ts;
	int got = cdb_feed_peek(&app->feed, &ts);

	if (got <= 0)
		return got;
	*due = cdb_pace_due_ns(&app->pace, ts, now);
	if (*due <= now)
		return 1;
	uv_update_time(app->service.loop);
	uv_timer_start(&app->due, on_due, (*due - now + 999999) / 1000000, 0);
	return 0;
}

/* Stopped by a signal or a debugger, and now it goes on. */
static volatile sig_atomic_t continued;

static void
on_continued(int signal_number)
{
	(void)signal_number;
	continued = 1;
}

/* All that is due, at most a batch; a transaction must be open. */
static int
batch_add(struct cdb_feed_app *app)
{
	uint64_t now = uv_hrtime();
	int got = 1;

	app->n_batch = 0;
	if (continued) {	/* what was missed is not made up for */
		continued = 0;
		cdb_pace_restart(&app->pace);
	}
	while (app->n_batch < CDB_FEED_BATCH) {
		struct cdb_tick tick;

		got = tick_due(app, now, &app->due_ns[app->n_batch]);
		if (got <= 0)
			break;
		got = cdb_feed_take(&app->feed, &tick);
		if (got < 0)
			break;
		tick_add(app, &tick);
		app->n_batch++;
	}
	return got < 0 ? got : 0;
}

static void
publish(struct cdb_feed_app *app)
{
	struct cdb_bus *bus = &app->service.bus;

	cdb_bus_begin(bus);
	if (batch_add(app) < 0) {
		/* no EXEC was sent, so nothing of it happens */
		cdb_bus_drop(bus, "a data file cannot be read");
		cdb_service_fail(&app->service, "a data file cannot be read");
		return;
	}
	cdb_feed_save(&app->feed, state_put, app);
	cdb_feed_count(&app->feed, &app->sent);
	app->done_sent = app->feed.done;
	cdb_bus_commit(bus, on_published, app);
}

void
cdb_feed_publish_idle(struct cdb_feed_app *app)
{
	uint64_t due;
	int got;

	keep_soon(app);
	if (app->done || cdb_keeper_full(&app->keeper, 0))
		return;
	got = tick_due(app, uv_hrtime(), &due);
	if (got < 0)
		cdb_service_fail(&app->service, strerror(-got));
	else if (got > 0 || app->feed.done)
		publish(app);
}

void
cdb_feed_publish_init(struct cdb_feed_app *app)
{
	struct cdb_service *s = &app->service;

	uv_timer_init(s->loop, &app->due);
	uv_timer_init(s->loop, &app->keeping);
	sigaction(SIGCONT, &(struct sigaction){ .sa_handler = on_continued,
		.sa_flags = SA_RESTART }, NULL);
	app->due.data = app->keeping.data = app;
	app->keeper = (struct cdb_keeper){ .bus = &s->bus,
		.stream = CDB_TOPIC_TICKS, .done = on_kept, .arg = app,
		.limit = (uint64_t)app->stream_limit };
	app->published_ns = uv_hrtime();
}

void
cdb_feed_publish_reset(struct cdb_feed_app *app)
{
	uv_timer_stop(&app->due);
	uv_timer_stop(&app->keeping);
	cdb_keeper_reset(&app->keeper);
}

void
cdb_feed_publish_close(struct cdb_feed_app *app)
{
	uv_close((uv_handle_t *)&app->due, NULL);
	uv_close((uv_handle_t *)&app->keeping, NULL);
}
