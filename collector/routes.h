/* SPDX-License-Identifier: Apache-2.0 */
/*
 * routes.h -- from a request to what it asks for.
 *
 * Thread   the loop's.
 */
#ifndef COLLECTOR_ROUTES_H
#define COLLECTOR_ROUTES_H

#include "collector/scrape.h"

struct routes {
	const char *metrics_path;	/* "/metrics"; borrowed */
	struct scraper *scraper;
	const struct httpd *http;
	bool tls;			/* the server speaks it */
	struct self_stats *stats;
};

/* An httpd_handler and a `done` callback; user is a struct routes. */
void routes_handle(struct httpd_request *req, void *user);
void routes_done(const struct httpd_done *done, void *user);

#endif
