/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sd.h -- the answer to http_sd_configs: a target for each service, and one
 * for the collector itself.
 *
 *	[{"targets": ["host-a:9464"],
 *	  "labels": {"__metrics_path__": "/metrics/feed", "service": "feed"}},
 *	 ...
 *	 {"targets": ["host-a:9464"],
 *	  "labels": {"__metrics_path__": "/metrics", "__param_service": "."}}]
 *
 * The address is the one that was asked, so it is right from there.  With
 * `honor_labels: true` the label is the one that the series have anyway, and
 * `up{service="feed"}` says whether they can be had.
 *
 * Thread   one at a time: it belongs to whichever job runs (engine.h).
 */
#ifndef COLLECTOR_SD_H
#define COLLECTOR_SD_H

#include "collector/body.h"
#include "collector/segments.h"

#define SD_HOST 264	/* bytes of HOST:PORT, the NUL included */

/* sd_host_valid -- whether it is no more than a host and perhaps a port. */
bool sd_host_valid(const char *host);

/*
 * sd_write -- the JSON into `b`.
 *
 * `scheme` is "http" or "https".
 * Errors   -ENOMEM.
 */
int sd_write(struct body *b, const struct segments *segments,
    const char *host, const char *scheme, const char *metrics_path);

#endif
