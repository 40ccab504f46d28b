/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/routes.h"

#include <string.h>

#include "collector/negotiate.h"

#define ACCEPT_MAX 4096		/* bytes that are looked at */

/* Lists of services in the query, while it is walked. */
struct walk {
	struct selection *sel;
	bool too_long;
};

static bool
on_argument(void *ctx, const char *key, const char *value)
{
	struct walk *w = ctx;
	int err = 0;

	if (strcmp(key, "service") == 0)
		err = select_add(w->sel->include, value);
	else if (strcmp(key, "exclude") == 0)
		err = select_add(w->sel->exclude, value);
	w->too_long = err < 0;
	return err == 0;
}

static void
ask_for_metrics(struct routes *r, struct httpd_request *req, struct ask *ask)
{
	char list[ACCEPT_MAX];

	ask->kind = ASK_METRICS;
	ask->format = negotiate_format(httpd_header_list(req, "Accept", list,
	    sizeof(list)));
	ask->gzip = negotiate_gzip(httpd_header_list(req, "Accept-Encoding",
	    list, sizeof(list)));
	scraper_ask(r->scraper, ask, req);
}

static void
handle_metrics(struct routes *r, struct httpd_request *req)
{
	struct ask ask = { 0 };
	struct walk walk = { .sel = &ask.sel };

	httpd_query_each(req, on_argument, &walk);
	if (walk.too_long)
		httpd_reply_text(req, 400, "too many services named\n");
	else
		ask_for_metrics(r, req, &ask);
}

static void
handle_service(struct routes *r, struct httpd_request *req, const char *name)
{
	struct ask ask = { .sel.alone = true };

	if (name[0] == '\0' || strpbrk(name, ",/") ||
	    select_add(ask.sel.include, name) < 0)
		httpd_reply_text(req, 404, "not a service's name\n");
	else
		ask_for_metrics(r, req, &ask);
}

static void
handle_ready(struct routes *r, struct httpd_request *req)
{
	if (r->scraper->scanned)
		httpd_reply_text(req, 200, "smx-collector is ready.\n");
	else
		httpd_reply_text(req, 503,
		    "the directory has not been read yet\n");
}

static void
handle_sd(struct routes *r, struct httpd_request *req)
{
	struct ask ask = { .kind = ASK_SD, .tls = r->tls };
	const char *host = httpd_header_get(req, "Host");

	if (!host || !sd_host_valid(host)) {
		httpd_reply_text(req, 400, "a Host header is needed: it is "
		    "the address of the targets\n");
		return;
	}
	memcpy(ask.host, host, strlen(host));
	scraper_ask(r->scraper, &ask, req);
}

void
routes_handle(struct httpd_request *req, void *user)
{
	struct routes *r = user;
	const char *path = httpd_path(req);
	size_t n = strlen(r->metrics_path);
	struct ask index = { .kind = ASK_INDEX };

	r->stats->in_flight = httpd_in_flight(r->http);
	if (strcmp(path, r->metrics_path) == 0)
		handle_metrics(r, req);
	else if (strncmp(path, r->metrics_path, n) == 0 && path[n] == '/')
		handle_service(r, req, path + n + 1);
	else if (strcmp(path, "/") == 0)
		scraper_ask(r->scraper, &index, req);
	else if (strcmp(path, "/sd") == 0)
		handle_sd(r, req);
	else if (strcmp(path, "/-/healthy") == 0)
		httpd_reply_text(req, 200, "smx-collector is healthy.\n");
	else if (strcmp(path, "/-/ready") == 0)
		handle_ready(r, req);
	else
		httpd_reply_text(req, 404, "not found\n");
}

void
routes_done(const struct httpd_done *done, void *user)
{
	struct routes *r = user;

	self_count_code(r->stats, done->status);
}
