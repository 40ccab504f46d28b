/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cdb-notify: alerts of the risk manager and of Alertmanager, to people.
 *
 * What Alertmanager posts goes into a stream first and is answered when Redis
 * has it; so both kinds are delivered by the same path, one after the other,
 * and acknowledged when they are.  A death in between delivers one twice.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/common/clock.h"
#include "services/common/fields.h"
#include "services/common/intake.h"
#include "services/common/service.h"
#include "services/common/trade.h"
#include "sink.h"
#include "smx/hot.h"
#include "webhook.h"

#define GROUP	     "notify"
#define TOPIC_POSTED "notifications"	/* what Alertmanager posted */
#define QUEUE_MAX    (4 * CDB_INTAKE_COUNT)
#define LINE_MAX_LEN 2048
#define TRIES	     5
#define PAUSE_MS     200	/* before the first retry, then doubled */
#define POSTS_MAX    16		/* waiting for Redis */
#define POSTED_LIMIT 10000	/* entries of the stream notifications */

struct item {
	size_t which;		/* stream of the intake */
	char id[CDB_STREAM_ID_TEXT];
	struct cdb_alert alert;
};

struct notify_app;

struct post {
	struct notify_app *app;
	struct httpd_request *req;	/* NULL: free */
	unsigned left;			/* answers of Redis to come */
};

struct notify_app {
	struct cdb_service service;
	struct cdb_intake intake;
	struct cdb_sink sink;
	struct cdb_keeper input;	/* watches only */
	struct cdb_keeper posted;
	struct smx_counter sent;
	struct smx_counter failed;
	struct log_rate bad_rate;
	uv_timer_t pause;
	struct item *queue;		/* ring of QUEUE_MAX */
	size_t head;
	size_t n;
	bool sending;
	bool stale;		/* what is being sent is not ours any more */
	bool reading;
	unsigned tries;
	char line[LINE_MAX_LEN];
	size_t line_len;
	uint64_t n_sent;
	uint64_t n_failed;
	uint64_t n_posted;
	struct post posts[POSTS_MAX];
};

static bool
take_file(void *arg, const char *value)
{
	struct notify_app *app = arg;

	app->sink.path = value;
	return value[0] != '\0';
}

static bool
take_command(void *arg, const char *value)
{
	struct notify_app *app = arg;

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
on_entry(void *arg, size_t which, const struct cdb_entry *e)
{
	struct notify_app *app = arg;
	struct item *item = &app->queue[(app->head + app->n) % QUEUE_MAX];
	char why[CDB_WHY_TEXT] = "it has no data";
	uint64_t held_back;

	if (e->data && cdb_alert_read(e->data, e->len, &item->alert,
		why) == 0) {
		item->which = which;
		strcpy(item->id, e->id);
		app->n++;
		return;
	}
	cdb_intake_ack(&app->intake, which, e->id);
	smx_inc(app->service.m.parse_errors);
	if (log_rate_pass(&app->bad_rate, uv_hrtime() / 1000000, &held_back))
		log_warn(&app->service.log, "bad message skipped",
		    LOG_STR("stream", app->intake.streams[which].name),
		    LOG_STR("id", e->id), LOG_STR("reason", why),
		    LOG_UINT("held_back", held_back));
}

static void
send_first(struct notify_app *app)
{
	const struct item *item = &app->queue[app->head];

	if (app->tries++ == 0) {
		app->line_len = cdb_alert_write(&item->alert, app->line,
		    LINE_MAX_LEN - 1);
		if (app->line_len == 0 || app->line_len > LINE_MAX_LEN - 1)
			abort();	/* no memory */
		app->line[app->line_len++] = '\n';
	}
	app->sending = true;
	cdb_sink_send(&app->sink, app->line, app->line_len, app->tries > 1);
}

/* The log is a sink as well. */
static void
log_tell(const struct log *log, const struct cdb_alert *a, const char *why)
{
	const char *level = cdb_level_name(a->level);

	if (why[0])
		log_error(log, "notification could not be delivered",
		    LOG_STR("code", a->code), LOG_STR("severity", level),
		    LOG_STR("text", a->message),
		    LOG_STR("event_id", a->meta.event_id),
		    LOG_STR("reason", why));
	else
		log_info(log, "notification", LOG_STR("code", a->code),
		    LOG_STR("severity", level), LOG_STR("text", a->message),
		    LOG_STR("event_id", a->meta.event_id));
}

/* Delivered, or given up: it is not ours any more. */
static void
first_done(struct notify_app *app, const char *why)
{
	const struct item *item = &app->queue[app->head];

	log_tell(&app->service.log, &item->alert, why);
	if (why[0]) {
		app->n_failed++;
		smx_inc(app->failed);
	} else {
		app->n_sent++;
		smx_inc(app->sent);
	}
	cdb_intake_ack(&app->intake, item->which, item->id);
	app->head = (app->head + 1) % QUEUE_MAX;
	app->n--;
	app->tries = 0;
}

static void
on_pause(uv_timer_t *timer)
{
	struct notify_app *app = timer->data;

	cdb_bus_kick(&app->service.bus);
}

static void
on_sent(void *arg, const char *why)
{
	struct notify_app *app = arg;

	app->sending = false;
	if (app->stale) {
		app->stale = false;
		app->tries = 0;
	} else if (why[0] && app->tries < TRIES) {
		log_warn(&app->service.log, "notification not delivered yet",
		    LOG_STR("reason", why), LOG_UINT("try", app->tries));
		uv_timer_start(&app->pause, on_pause,
		    (uint64_t)PAUSE_MS << (app->tries - 1), 0);
	} else {
		first_done(app, why);
	}
	/* not from here: this may be inside of `idle` */
	if (!uv_is_active((uv_handle_t *)&app->pause))
		uv_timer_start(&app->pause, on_pause, 0, 0);
}

static void
on_step(void *arg, const redisReply *reply)
{
	struct notify_app *app = arg;

	cdb_intake_take(&app->intake, app->reading, reply);
}

static void
step(struct notify_app *app)
{
	cdb_bus_begin(&app->service.bus);
	cdb_intake_add_acks(&app->intake);
	app->reading = cdb_intake_add_read(&app->intake, true);
	cdb_bus_commit(&app->service.bus, on_step, app);
}

static void
app_idle(void *arg)
{
	struct notify_app *app = arg;
	/* a read may bring one count of each stream */
	bool room = app->n + 2 * CDB_INTAKE_COUNT <= QUEUE_MAX;

	for (size_t i = 0; i < app->intake.n_streams; i++)
		app->intake.streams[i].wanted = room;
	if (app->n > 0 && !app->sending &&
	    !uv_is_active((uv_handle_t *)&app->pause))
		send_first(app);
	if (cdb_intake_acks(&app->intake) > 0 ||
	    cdb_intake_can_read(&app->intake))
		step(app);
	else
		cdb_intake_wait(&app->intake);
}

static void
on_loaded(void *arg, const redisReply *reply)
{
	struct notify_app *app = arg;

	(void)reply;
	cdb_bus_loaded(&app->service.bus);
}

static void
app_load(void *arg)
{
	struct notify_app *app = arg;

	cdb_intake_load(&app->intake);
	cdb_bus_query(&app->service.bus, on_loaded, app, "PING");
}

static void
post_end(struct post *post, unsigned code, const char *text)
{
	httpd_reply_text(post->req, code, text);
	post->req = NULL;
}

static void
app_down(void *arg)
{
	struct notify_app *app = arg;

	cdb_intake_reset(&app->intake);
	cdb_keeper_reset(&app->input);
	cdb_keeper_reset(&app->posted);
	app->stale = app->sending;
	app->n = 0;
	if (!app->sending)
		app->tries = 0;
	for (size_t i = 0; i < POSTS_MAX; i++) {
		if (app->posts[i].req)
			post_end(&app->posts[i], 503,
			    "Redis is not connected: post again.\n");
		app->posts[i].left = 0;	/* no answer comes any more */
	}
}

static void
on_posted(void *arg, const redisReply *reply)
{
	struct post *post = arg;

	post->left--;
	if (!post->req)
		return;		/* an earlier alert of it was refused */
	if (reply->type == REDIS_REPLY_ERROR)
		post_end(post, 503,
		    "Redis does not take it now: post again.\n");
	else if (post->left == 0)
		post_end(post, 200, "taken\n");
}

/* Into the stream; what is there twice has the same event_id. */
static void
alert_post(struct post *post, const struct cdb_alert *alert)
{
	char json[LINE_MAX_LEN];
	size_t len = cdb_alert_write(alert, json, sizeof(json));

	if (len == 0 || len > sizeof(json))
		abort();	/* no memory */
	cdb_bus_query(&post->app->service.bus, on_posted, post,
	    "XADD " TOPIC_POSTED " * " CDB_FIELD_DATA " %b " CDB_FIELD_SENT
	    " %lld", json, len, (long long)cdb_wall_us());
}

static struct post *
post_free(struct notify_app *app)
{
	for (size_t i = 0; i < POSTS_MAX; i++)
		if (!app->posts[i].req && app->posts[i].left == 0)
			return &app->posts[i];
	return NULL;
}

static void
post_take(struct notify_app *app, struct post *post)
{
	static struct cdb_alert alerts[CDB_WEBHOOK_MAX];
	char why[CDB_WHY_TEXT];
	char text[CDB_WHY_TEXT + 2];
	size_t len;
	const char *body = httpd_body(post->req, &len);
	int n = cdb_webhook_read(body ? body : "", len, alerts,
	    CDB_WEBHOOK_MAX, why);

	if (n < 0) {
		smx_inc(app->service.m.parse_errors);
		snprintf(text, sizeof(text), "%s\n", why);
		post_end(post, 400, text);
		return;
	}
	if (n == 0) {
		post_end(post, 200, "taken\n");
		return;
	}
	app->n_posted += (uint64_t)n;
	post->left = (unsigned)n;
	for (int i = 0; i < n; i++)
		alert_post(post, &alerts[i]);
}

static bool
on_other(void *arg, struct httpd_request *req)
{
	struct notify_app *app = arg;
	struct post *post;

	if (strcmp(httpd_path(req), "/webhook") != 0)
		return false;
	if (!httpd_allow(req, "POST"))
		return true;
	post = app->service.bus.state == CDB_BUS_READY ? post_free(app)
						       : NULL;
	if (!post) {
		httpd_reply_text(req, 503, "not now: post again\n");
		return true;
	}
	post->app = app;
	post->req = req;
	post_take(app, post);
	return true;
}

static void
on_watched(void *arg)
{
	struct notify_app *app = arg;

	smx_set(app->service.m.consumer_lag, (double)app->input.backlog);
}

static void
app_second(void *arg)
{
	struct notify_app *app = arg;

	cdb_keeper_round(&app->input);
	cdb_keeper_round(&app->posted);
}

static void
app_metrics(void *arg)
{
	struct notify_app *app = arg;

	app->sent = smx_counter("cdb_notifications_sent_total",
	    "Notifications delivered to all sinks.");
	app->failed = smx_counter("cdb_notifications_failed_total",
	    "Notifications given up after several tries; the log has them.");
}

static void
app_status(void *arg, json_t *out)
{
	struct notify_app *app = arg;

	json_object_set_new(out, "sinks",
	    json_pack("{s:b, s:s*, s:s*}", "log", 1, "file", app->sink.path,
		"command", app->sink.command));
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
	struct notify_app *app = arg;

	for (size_t i = 0; i < POSTS_MAX; i++)
		if (app->posts[i].req)
			post_end(&app->posts[i], 503, "stopping\n");
	uv_close((uv_handle_t *)&app->pause, NULL);
	cdb_sink_close(&app->sink);
}

static const struct cdb_service_ops ops = { app_metrics, app_load, app_idle,
	app_down, app_second, app_status, app_close };

static void
app_init(struct notify_app *app)
{
	struct cdb_service *s = &app->service;

	uv_timer_init(s->loop, &app->pause);
	app->pause.data = app;
	app->sink.done = on_sent;
	app->sink.arg = app;
	cdb_sink_init(&app->sink, s->loop);
	cdb_intake_init(&app->intake, &s->bus, GROUP, on_entry, app);
	cdb_intake_stream(&app->intake, CDB_TOPIC_ALERTS);
	cdb_intake_stream(&app->intake, TOPIC_POSTED);
	/* risk trims the one, nobody else the other */
	app->input = (struct cdb_keeper){ .bus = &s->bus,
		.stream = CDB_TOPIC_ALERTS, .limit = UINT64_MAX,
		.done = on_watched, .arg = app };
	app->posted = (struct cdb_keeper){ .bus = &s->bus,
		.stream = TOPIC_POSTED, .limit = POSTED_LIMIT };
	s->web.other = on_other;
	s->web.other_arg = app;
}

int
main(int argc, char **argv)
{
	static struct notify_app app = {
		.service = { .name = "notify", .topic = CDB_TOPIC_ALERTS,
			.ops = &ops, .arg = &app,
			.opt = { .listen = "127.0.0.1:8004" } },
		.bad_rate = { .burst = 10, .period_ms = 1000 },
	};
	struct cdb_usage usage = { "cdb-notify",
		"Tells people of alerts; Alertmanager posts to /webhook.",
		options, sizeof(options) / sizeof(options[0]), &app };
	int status = cdb_options_parse(argc, argv, &usage, &app.service.opt);

	if (status >= 0)
		return status;
	app.queue = calloc(QUEUE_MAX, sizeof(*app.queue));
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
