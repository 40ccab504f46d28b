/* SPDX-License-Identifier: Apache-2.0 */
/* cdb-feed: publishes market data to the bus.  Wiring only. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feed.h"
#include "metrics.h"
#include "pace.h"
#include "runtime/number.h"
#include "services/common/clock.h"
#include "services/common/groups.h"
#include "services/common/service.h"

#define BATCH_MAX    512	/* ticks of one transaction */
#define TICK_JSON    2048	/* bytes; the longest message is below 1200 */
#define KEEPER_MS    50		/* between rounds when the stream fills up */
#define RATE_DEFAULT 100
#define LIMIT_DEFAULT 50000

struct feed_app {
	struct cdb_service service;
	struct cdb_feed feed;
	struct cdb_pace pace;
	struct cdb_feed_metrics metrics;
	struct cdb_keeper keeper;
	struct log_rate bad_rate;
	uv_timer_t due;		/* the next tick's time has come */
	uv_timer_t keeping;	/* the next round of the keeper */
	/* options */
	const char *paths[CDB_SOURCES_MAX];
	size_t n_paths;
	const char *symbol;
	int64_t rate;
	int64_t ticks;
	int64_t stream_limit;
	/* the transaction under way */
	size_t n_batch;
	uint64_t due_ns[BATCH_MAX];
	struct cdb_feed_counts sent;	/* totals with it */
	struct cdb_feed_counts acked;	/* totals without it */
	bool done_sent;
	bool done;		/* Redis knows that the replay is done */
	uint64_t published_ns;	/* uv_hrtime() of the last answer */
};

static bool
take_data(void *arg, const char *value)
{
	struct feed_app *app = arg;

	if (app->n_paths == CDB_SOURCES_MAX)
		return false;
	app->paths[app->n_paths++] = value;
	return value[0] != '\0';
}

static bool
take_speed(void *arg, const char *value)
{
	struct feed_app *app = arg;
	char *end;

	if (strcmp(value, "max") == 0) {
		app->pace.speed = 0;
		return true;
	}
	app->pace.speed = strtod(value, &end);
	return *end == '\0' && app->pace.speed >= 1e-6 &&
	    app->pace.speed <= 1e9;
}

static bool
take_symbol(void *arg, const char *value)
{
	struct feed_app *app = arg;

	app->symbol = value;
	return cdb_symbol_valid(value);
}

static bool
take_rate(void *arg, const char *value)
{
	struct feed_app *app = arg;

	return number_parse(value, 1, 1000000, &app->rate) == 0;
}

static bool
take_ticks(void *arg, const char *value)
{
	struct feed_app *app = arg;

	return number_parse(value, 0, INT64_MAX, &app->ticks) == 0;
}

static bool
take_limit(void *arg, const char *value)
{
	struct feed_app *app = arg;

	return number_parse(value, 1, 100000000, &app->stream_limit) == 0;
}

static const struct cdb_option options[] = {
	{ "--data", "FILE", "a file, at most 64 times",
	    "recorded file to replay, may be repeated [a seeded market]",
	    take_data },
	{ "--speed", "N", "a number above 0, or max",
	    "times recorded speed, or max [1]", take_speed },
	{ "--symbol", "NAME", "a symbol like BTCUSDT",
	    "where the file name tells none", take_symbol },
	{ "--rate", "N", "a whole number from 1 to 1000000",
	    "ticks per second of the seeded market [100]", take_rate },
	{ "--ticks", "N", "a whole number from 0 on",
	    "length of the seeded market [0, endless]", take_ticks },
	{ "--stream-limit", "N", "a whole number from 1 to 100000000",
	    "entries of market_data at which to pause [50000]", take_limit },
};

static void
on_bad_row(void *arg, const char *path, uint64_t line, const char *why)
{
	struct feed_app *app = arg;
	uint64_t held_back;

	if (log_rate_pass(&app->bad_rate, uv_hrtime() / 1000000, &held_back))
		log_warn(&app->service.log, "bad row skipped",
		    LOG_STR("file", path), LOG_UINT("line", line),
		    LOG_STR("reason", why), LOG_UINT("held_back", held_back));
}

/* One field of the state, into the transaction under way. */
static void
state_put(void *arg, const char *field, const char *value)
{
	struct feed_app *app = arg;

	cdb_bus_addf(&app->service.bus, "HSET state:feed %s %s", field, value);
}

static void
tick_add(struct feed_app *app, const struct cdb_tick *tick)
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

/* The last reply of our transactions is XLEN. */
static void
on_published(void *arg, const redisReply *reply)
{
	struct feed_app *app = arg;
	uint64_t now = uv_hrtime();
	const redisReply *length = reply->element[reply->elements - 1];

	for (size_t i = 0; i < app->n_batch; i++)
		smx_observe(app->metrics.latency, now - app->due_ns[i]);
	cdb_feed_metrics_count(&app->metrics, &app->acked, &app->sent);
	smx_add(app->service.m.parse_errors,
	    app->sent.bad - app->acked.bad);
	app->acked = app->sent;
	app->published_ns = now;
	if (length->type == REDIS_REPLY_INTEGER) {
		app->keeper.length = (uint64_t)length->integer;
		app->keeper.known = true;
	}
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
	struct feed_app *app = timer->data;

	cdb_keeper_round(&app->keeper);
}

static void
keep_soon(struct feed_app *app)
{
	if (app->keeper.length > app->keeper.limit / 2 &&
	    !uv_is_active((uv_handle_t *)&app->keeping))
		uv_timer_start(&app->keeping, on_keeping, KEEPER_MS, 0);
}

static void
on_kept(void *arg)
{
	struct feed_app *app = arg;

	smx_set(app->service.m.consumer_lag, (double)app->keeper.backlog);
	keep_soon(app);
	cdb_bus_kick(&app->service.bus);
}

static void
on_due(uv_timer_t *timer)
{
	struct feed_app *app = timer->data;

	cdb_bus_kick(&app->service.bus);
}

/* Whether the next tick may go now; otherwise a timer has been set. */
static int
tick_due(struct feed_app *app, uint64_t now, uint64_t *due)
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

/* All that is due, at most a batch; a transaction must be open. */
static int
batch_add(struct feed_app *app)
{
	uint64_t now = uv_hrtime();
	int got = 1;

	app->n_batch = 0;
	while (app->n_batch < BATCH_MAX) {
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
publish(struct feed_app *app)
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
	cdb_bus_addf(bus, "XLEN " CDB_TOPIC_TICKS);
	cdb_feed_count(&app->feed, &app->sent);
	app->done_sent = app->feed.done;
	cdb_bus_commit(bus, on_published, app);
}

static void
app_idle(void *arg)
{
	struct feed_app *app = arg;
	uint64_t due;
	int got;

	keep_soon(app);
	if (app->done || cdb_keeper_full(&app->keeper))
		return;
	got = tick_due(app, uv_hrtime(), &due);
	if (got < 0)
		cdb_service_fail(&app->service, strerror(-got));
	else if (got > 0 || app->feed.done)
		publish(app);
}

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
load_failed(struct feed_app *app, int err)
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
	struct feed_app *app = arg;
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
	struct feed_app *app = arg;

	cdb_bus_query(&app->service.bus, on_state, app,
	    "HGETALL state:feed");
}

static void
app_down(void *arg)
{
	struct feed_app *app = arg;

	uv_timer_stop(&app->due);
	uv_timer_stop(&app->keeping);
	cdb_keeper_reset(&app->keeper);
}

static void
app_second(void *arg)
{
	struct feed_app *app = arg;

	smx_set(app->metrics.staleness, app->done ? 0 :
	    (double)(uv_hrtime() - app->published_ns) / 1e9);
	cdb_keeper_round(&app->keeper);
}

static void
app_metrics(void *arg)
{
	struct feed_app *app = arg;

	cdb_feed_metrics_register(&app->metrics);
}

static const char *
replay_state(const struct feed_app *app)
{
	if (app->done)
		return "done";
	if (app->service.bus.state != CDB_BUS_READY)
		return "waiting for redis";
	return cdb_keeper_full(&app->keeper) ? "paused" : "running";
}

static void
app_status(void *arg, json_t *out)
{
	struct feed_app *app = arg;
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
	struct feed_app *app = arg;

	uv_close((uv_handle_t *)&app->due, NULL);
	uv_close((uv_handle_t *)&app->keeping, NULL);
}

static const struct cdb_service_ops ops = { app_metrics, app_load, app_idle,
	app_down, app_second, app_status, app_close };

/* Everything that can be wrong with the data is found before it starts. */
static int
data_open(struct feed_app *app)
{
	const char *which;
	char why[CDB_WHY_TEXT];
	uint64_t seed = app->service.opt.seed;

	if (app->n_paths == 0) {
		cdb_feed_open_market(&app->feed, seed, (uint32_t)app->rate,
		    (uint64_t)app->ticks);
		return 0;
	}
	if (cdb_feed_open_files(&app->feed, app->paths, app->n_paths,
		app->symbol, seed, on_bad_row, app, &which, why) == 0)
		return 0;
	log_error(&app->service.log, "cannot replay",
	    LOG_STR("file", which), LOG_STR("reason", why));
	return 2;
}

static void
app_init(struct feed_app *app)
{
	struct cdb_service *s = &app->service;

	uv_timer_init(s->loop, &app->due);
	uv_timer_init(s->loop, &app->keeping);
	app->due.data = app->keeping.data = app;
	app->keeper = (struct cdb_keeper){ .bus = &s->bus,
		.stream = CDB_TOPIC_TICKS, .done = on_kept, .arg = app,
		.limit = (uint64_t)app->stream_limit };
	app->published_ns = uv_hrtime();
}

int
main(int argc, char **argv)
{
	static struct feed_app app = {
		.service = { .name = "feed", .topic = CDB_TOPIC_TICKS,
			.ops = &ops, .arg = &app,
			.opt = { .listen = "127.0.0.1:8000" } },
		.bad_rate = { .burst = 10, .period_ms = 1000 },
		.pace = { .speed = 1 },
		.rate = RATE_DEFAULT, .stream_limit = LIMIT_DEFAULT,
	};
	struct cdb_usage usage = { "cdb-feed",
		"Replays recorded market data, or makes some, to the bus.",
		options, sizeof(options) / sizeof(options[0]), &app };
	int status = cdb_options_parse(argc, argv, &usage, &app.service.opt);

	if (status >= 0)
		return status;
	if (cdb_service_init(&app.service) < 0) {
		fprintf(stderr, "cdb-feed: no event loop\n");
		return 1;
	}
	status = data_open(&app);
	if (status == 0) {
		app_init(&app);
		status = cdb_service_run(&app.service);
	}
	cdb_feed_close(&app.feed);
	return status;
}
