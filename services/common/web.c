/* SPDX-License-Identifier: Apache-2.0 */
#include "web.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "version.h"

/* The JSON object as the answer; takes `o`. */
static void
reply_json(struct httpd_request *req, unsigned status, json_t *o)
{
	char *body = o ? json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(15))
		       : NULL;
	struct httpd_reply reply = { .status = status,
		.content_type = "application/json", .body = body };

	json_decref(o);
	if (!body) {
		httpd_reply_text(req, 500, "out of memory\n");
		return;
	}
	reply.body_len = strlen(body);
	httpd_reply(req, &reply);
	free(body);
}

static void
health(struct cdb_web *web, struct httpd_request *req)
{
	const char *why = NULL;
	bool ok = web->healthy(web->arg, &why);
	json_t *o = json_pack("{s:s, s:s, s:s, s:s*}", "status",
	    ok ? "ok" : "unhealthy", "service", web->service, "version",
	    CDB_VERSION, "reason", ok ? NULL : why);

	reply_json(req, ok ? 200 : 503, o);
}

static void
status(struct cdb_web *web, struct httpd_request *req)
{
	json_t *o = json_pack("{s:s, s:s}", "service", web->service,
	    "version", CDB_VERSION);

	if (o)
		web->status(web->arg, o);
	reply_json(req, 200, o);
}

static void
redirect(struct cdb_web *web, struct httpd_request *req)
{
	char url[320];
	struct httpd_header location = { "Location", url };
	struct httpd_reply reply = { .status = 307, .headers = &location,
		.n_headers = 1, .content_type = "text/plain",
		.body = "The collector serves the metrics.\n" };

	snprintf(url, sizeof(url), "%s/metrics/%s", web->collector_url,
	    web->service);
	reply.body_len = strlen(reply.body);
	httpd_reply(req, &reply);
}

static void
on_request(struct httpd_request *req, void *user)
{
	struct cdb_web *web = user;
	const char *path = httpd_path(req);

	if (web->other && web->other(web->other_arg, req))
		return;
	if (!httpd_allow(req, "GET, HEAD"))
		return;
	if (strcmp(path, "/health") == 0)
		health(web, req);
	else if (strcmp(path, "/status") == 0)
		status(web, req);
	else if (strcmp(path, "/metrics") == 0)
		redirect(web, req);
	else
		httpd_reply_text(req, 404,
		    "There are /health, /status and /metrics.\n");
}

/* Labels must stay few: paths we do not know are all "other". */
static const char *
route_of(const char *path)
{
	static const char *const routes[] = { "health", "status", "metrics",
		"webhook" };

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (strcmp(path + 1, routes[i]) == 0)
			return routes[i];
	return "other";
}

static void
on_done(const struct httpd_done *done, void *user)
{
	struct cdb_web *web = user;

	/* 0: the client left before there was an answer */
	if (done->status != 0)
		cdb_metrics_http(web->metrics, route_of(done->path),
		    done->status, done->duration_ns);
}

int
cdb_web_open(struct cdb_web *web, uv_loop_t *loop, const char *listen,
    struct httpd_error *err)
{
	struct httpd_options opt = { .listen = &listen, .n_listen = 1,
		.close_ms = 500, .done = on_done,
		.methods = web->other ? "GET, HEAD, POST" : NULL,
		.body_max = web->other ? 1u << 20 : 0 };

	return httpd_open(&web->httpd, loop, &opt, on_request, web, err);
}

void
cdb_web_close(struct cdb_web *web)
{
	if (web->httpd)
		httpd_close(web->httpd, NULL, NULL);
	web->httpd = NULL;
}
