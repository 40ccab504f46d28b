/* SPDX-License-Identifier: Apache-2.0 */
/* One after the other, from the queue to the sinks. */
#include <stdlib.h>
#include <string.h>

#include "app.h"

#define TRIES	 5
#define PAUSE_MS 200	/* before the first retry, then doubled */

void
cdb_notify_entry(void *arg, size_t which, const struct cdb_entry *e)
{
	struct cdb_notify_app *app = arg;
	struct cdb_notify_item *item =
	    &app->queue[(app->head + app->n) % CDB_NOTIFY_QUEUE];
	char why[CDB_WHY_TEXT] = "it has no data";

	if (e->data && cdb_alert_read(e->data, e->len, &item->alert,
		why) == 0) {
		item->which = which;
		strcpy(item->id, e->id);
		app->n++;
		return;
	}
	smx_inc(app->service.m.parse_errors);
	cdb_intake_refuse(&app->intake, which, e->id, why);
}

static void
send_first(struct cdb_notify_app *app)
{
	const struct cdb_notify_item *item = &app->queue[app->head];

	if (app->tries++ == 0) {
		app->line_len = cdb_alert_write(&item->alert, app->line,
		    CDB_NOTIFY_LINE - 1);
		if (app->line_len == 0 || app->line_len > CDB_NOTIFY_LINE - 1)
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
first_done(struct cdb_notify_app *app, const char *why)
{
	const struct cdb_notify_item *item = &app->queue[app->head];

	log_tell(&app->service.log, &item->alert, why);
	if (why[0]) {
		app->n_failed++;
		smx_inc(app->failed);
	} else {
		app->n_sent++;
		smx_inc(app->sent);
	}
	cdb_intake_ack(&app->intake, item->which, item->id);
	app->head = (app->head + 1) % CDB_NOTIFY_QUEUE;
	app->n--;
	app->tries = 0;
}

static void
on_pause(uv_timer_t *timer)
{
	struct cdb_notify_app *app = timer->data;

	cdb_bus_kick(&app->service.bus);
}

static void
on_sent(void *arg, const char *why)
{
	struct cdb_notify_app *app = arg;

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

void
cdb_notify_deliver(struct cdb_notify_app *app)
{
	if (app->n > 0 && !app->sending &&
	    !uv_is_active((uv_handle_t *)&app->pause))
		send_first(app);
}

void
cdb_notify_deliver_init(struct cdb_notify_app *app)
{
	uv_timer_init(app->service.loop, &app->pause);
	app->pause.data = app;
	app->sink.done = on_sent;
	app->sink.arg = app;
	cdb_sink_init(&app->sink, app->service.loop);
}
