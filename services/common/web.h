/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web.h -- the HTTP side of a service: /health, /status, /metrics.
 *
 *	/health	 {"status":"ok","service":...,"version":...}; 503 if not well
 *	/status	 what the service says of itself
 *	/metrics 307 to the collector's /metrics/<service>: nothing is rendered
 *		 here
 *
 * Thread   the loop's.
 */
#ifndef CDB_WEB_H
#define CDB_WEB_H

#include <jansson.h>
#include <stdbool.h>
#include <uv.h>

#include "metrics.h"
#include "runtime/httpd.h"

struct cdb_web {
	struct httpd *httpd;
	const char *service;		/* borrowed, like the next ones */
	const char *collector_url;
	struct cdb_metrics *metrics;
	/* Whether the service is well; *why is a literal when it is not. */
	bool (*healthy)(void *arg, const char **why);
	/* Add to what /status says. */
	void (*status)(void *arg, json_t *out);
	void *arg;
	/* Answers, now or later, what the service has beside these; false:
	 * it has no such path.  May be NULL; with it POST is allowed, for
	 * paths of its own. */
	bool (*other)(void *arg, struct httpd_request *req);
	void *other_arg;
};

/*
 * cdb_web_open -- listen at `listen`.  The other fields of web are set.
 *
 * Errors   as httpd_open(); err->msg names the address.
 */
int cdb_web_open(struct cdb_web *web, uv_loop_t *loop, const char *listen,
    struct httpd_error *err);
void cdb_web_close(struct cdb_web *web);

#endif
