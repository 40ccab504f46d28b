/* SPDX-License-Identifier: Apache-2.0 */
/* What Alertmanager posts is answered when it is in its stream. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "services/common/clock.h"
#include "webhook.h"

static void
post_end(struct cdb_notify_post *post, unsigned code, const char *text)
{
	httpd_reply_text(post->req, code, text);
	post->req = NULL;
}

static void
on_posted(void *arg, const redisReply *reply)
{
	struct cdb_notify_post *post = arg;

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
alert_post(struct cdb_notify_post *post, const struct cdb_alert *alert)
{
	char json[CDB_NOTIFY_LINE];
	size_t len = cdb_alert_write(alert, json, sizeof(json));

	if (len == 0 || len > sizeof(json))
		abort();	/* no memory */
	cdb_bus_query(&post->app->service.bus, on_posted, post,
	    "XADD " CDB_NOTIFY_POSTED " * " CDB_FIELD_DATA " %b " CDB_FIELD_SENT
	    " %lld", json, len, (long long)cdb_wall_us());
}

static struct cdb_notify_post *
post_free(struct cdb_notify_app *app)
{
	for (size_t i = 0; i < CDB_NOTIFY_POSTS; i++)
		if (!app->posts[i].req && app->posts[i].left == 0)
			return &app->posts[i];
	return NULL;
}

static void
post_take(struct cdb_notify_app *app, struct cdb_notify_post *post)
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

bool
cdb_notify_web(void *arg, struct httpd_request *req)
{
	struct cdb_notify_app *app = arg;
	struct cdb_notify_post *post;

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

void
cdb_notify_posts_end(struct cdb_notify_app *app, const char *text)
{
	for (size_t i = 0; i < CDB_NOTIFY_POSTS; i++) {
		if (app->posts[i].req)
			post_end(&app->posts[i], 503, text);
		app->posts[i].left = 0;
	}
}
