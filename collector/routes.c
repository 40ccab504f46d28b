/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/routes.h"

#include <string.h>

#include "collector/api.h"
#include "collector/assets.h"
#include "collector/negotiate.h"

#define ACCEPT_MAX 4096		/* bytes that are looked at */

/* Lists of services in the query, and a format instead of Accept, while it is
 * walked. */
struct walk {
	struct ask *ask;
	const char *wrong;		/* NULL: nothing is */
};

static bool
on_argument(void *ctx, const char *key, const char *value)
{
	struct walk *w = ctx;
	bool listed = !w->ask->sel.alone;
	int err = 0;

	if (listed && strcmp(key, "service") == 0)
		err = select_add(w->ask->sel.include, value);
	else if (listed && strcmp(key, "exclude") == 0)
		err = select_add(w->ask->sel.exclude, value);
	else if (strcmp(key, "format") == 0 &&
	    !negotiate_named(value, &w->ask->format))
		w->wrong = "format is text, openmetrics or protobuf\n";
	if (err < 0)
		w->wrong = "too many services named\n";
	return w->wrong == NULL;
}

static void
ask_for_metrics(struct routes *r, struct httpd_request *req, struct ask *ask)
{
	struct walk walk = { .ask = ask };
	char list[ACCEPT_MAX];
	const char *accept = httpd_header_list(req, "Accept", list,
	    sizeof(list));

	ask->kind = ASK_METRICS;
	ask->format = negotiate_format(accept);
	/* a browser would show the first member only (gzip.h) */
	ask->gzip = !(accept && strstr(accept, "text/html"));
	if (ask->gzip)
		ask->gzip = negotiate_gzip(httpd_header_list(req,
		    "Accept-Encoding", list, sizeof(list)));
	httpd_query_each(req, on_argument, &walk);
	if (walk.wrong)
		httpd_reply_text(req, 400, walk.wrong);
	else
		scraper_ask(r->scraper, ask, req);
}

static void
handle_metrics(struct routes *r, struct httpd_request *req)
{
	struct ask ask = { 0 };

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
handle_api(struct routes *r, struct httpd_request *req, const char *path)
{
	struct ask ask = { 0 };
	char msg[128];
	unsigned status = api_parse(req, path, &ask, msg);

	if (status)
		httpd_reply_text(req, status, msg);
	else
		scraper_ask(r->scraper, &ask, req);
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

	r->stats->in_flight = httpd_in_flight(r->http);
	if (strcmp(path, r->metrics_path) == 0)
		handle_metrics(r, req);
	else if (strncmp(path, r->metrics_path, n) == 0 && path[n] == '/')
		handle_service(r, req, path + n + 1);
	else if (strncmp(path, "/api/", 5) == 0)
		handle_api(r, req, path);
	else if (strcmp(path, "/sd") == 0)
		handle_sd(r, req);
	else if (strcmp(path, "/-/healthy") == 0)
		httpd_reply_text(req, 200, "smx-collector is healthy.\n");
	else if (strcmp(path, "/-/ready") == 0)
		handle_ready(r, req);
	else if (!assets_reply(req, path))
		httpd_reply_text(req, 404, "not found\n");
}

void
routes_done(const struct httpd_done *done, void *user)
{
	struct routes *r = user;

	self_count_code(r->stats, done->status);
	scraper_done(r->scraper, done->tag, done->status == 200 &&
	    strcmp(done->method, "GET") == 0);
}
