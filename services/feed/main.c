/* SPDX-License-Identifier: Apache-2.0 */
/* cdb-feed: publishes market data to the bus.  Wiring only. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app.h"

#define RATE_DEFAULT  100
#define LIMIT_DEFAULT 50000

static const char *
state_get(void *arg, const char *field)
{
	const redisReply *reply = arg;

	for (size_t i = 0; i + 1 < reply->elements; i += 2)
		if (strcmp(reply->element[i]->str, field) == 0)
			return reply->element[i + 1]->str;
	return NULL;
}

static void
load_failed(struct cdb_feed_app *app, int err)
{
	cdb_service_fail(&app->service, err == -EXDEV
	    ? "the state in Redis belongs to a replay of other data, seed or "
	      "rate; start with an empty Redis"
	    : err == -EINVAL ? "the state in Redis cannot be understood"
	    : strerror(-err));
	app->service.exit_status = 2;
}

static void
on_state(void *arg, const redisReply *reply)
{
	struct cdb_feed_app *app = arg;
	int err;

	if (reply->type != REDIS_REPLY_ARRAY) {
		cdb_bus_drop(&app->service.bus, reply->type ==
		    REDIS_REPLY_ERROR ? reply->str : "HGETALL gave no hash");
		return;
	}
	err = cdb_feed_load(&app->feed, state_get, (void *)(uintptr_t)reply);
	if (err < 0) {
		load_failed(app, err);
		return;
	}
	cdb_feed_count(&app->feed, &app->acked);
	app->done = app->done_sent = false;
	cdb_pace_restart(&app->pace);
	log_info(&app->service.log, "position loaded",
	    LOG_UINT("published", app->acked.published));
	cdb_bus_loaded(&app->service.bus);
}

static void
app_load(void *arg)
{
	struct cdb_feed_app *app = arg;

	cdb_groups_make(&app->service.bus, CDB_TOPIC_TICKS, app->groups.name,
	    app->groups.n);
	cdb_keeper_load(&app->keeper);
	cdb_bus_query(&app->service.bus, on_state, app,
	    "HGETALL state:feed");
}

static void
app_idle(void *arg)
{
	cdb_feed_publish_idle(arg);
}

static void
app_down(void *arg)
{
	cdb_feed_publish_reset(arg);
}

static void
app_second(void *arg)
{
	struct cdb_feed_app *app = arg;

	smx_set(app->metrics.staleness, app->done ? 0 :
	    (double)(uv_hrtime() - app->published_ns) / 1e9);
	cdb_keeper_round(&app->keeper);
}

static void
app_metrics(void *arg)
{
	struct cdb_feed_app *app = arg;

	cdb_feed_metrics_register(&app->metrics);
}

static const char *
replay_state(const struct cdb_feed_app *app)
{
	if (app->done)
		return "done";
	if (app->service.bus.state != CDB_BUS_READY)
		return "waiting for redis";
	return cdb_keeper_full(&app->keeper, 0) ? "paused" : "running";
}

static void
app_status(void *arg, json_t *out)
{
	struct cdb_feed_app *app = arg;
	const struct cdb_feed_counts *n = &app->acked;

	json_object_set_new(out, "replay", json_string(replay_state(app)));
	json_object_set_new(out, "source",
	    json_string(app->feed.from_files ? "files" : "seeded market"));
	json_object_set_new(out, "event_ts_ms",
	    json_integer(app->feed.last_ts_ms));
	json_object_set_new(out, "counters",
	    json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}",
		"published", (json_int_t)n->published,
		"bad_rows", (json_int_t)n->bad,
		"gaps", (json_int_t)n->gaps,
		"missing_ids", (json_int_t)n->missing,
		"duplicates", (json_int_t)n->duplicates,
		"out_of_order", (json_int_t)n->late));
	json_object_set_new(out, "stream",
	    json_pack("{s:I, s:I, s:I}",
		"length", (json_int_t)app->keeper.length,
		"limit", (json_int_t)app->keeper.limit,
		"backlog", (json_int_t)app->keeper.backlog));
}

static void
app_close(void *arg)
{
	cdb_feed_publish_close(arg);
}

static const struct cdb_service_ops ops = { app_metrics, app_load, app_idle,
	app_down, app_second, app_status, app_close };

int
main(int argc, char **argv)
{
	static struct cdb_feed_app app = {
		.service = { .name = "feed", .topic = CDB_TOPIC_TICKS,
			.ops = &ops, .arg = &app,
			.opt = { .listen = "127.0.0.1:8000" } },
		.bad_rate = { .burst = 10, .period_ms = 1000 },
		.pace = { .speed = 1 },
		.rate = RATE_DEFAULT, .stream_limit = LIMIT_DEFAULT,
	};
	int status = cdb_feed_arguments(&app, argc, argv);

	if (status < 0 && cdb_service_init(&app.service) < 0) {
		fprintf(stderr, "cdb-feed: no event loop\n");
		status = 1;
	}
	if (status < 0)
		status = cdb_feed_data(&app);
	if (status < 0) {
		cdb_feed_publish_init(&app);
		status = cdb_service_run(&app.service);
	}
	cdb_feed_close(&app.feed);
	return status;
}
