/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api.h -- from the query of /api/v1/... to what it asks for (docs/PAGE.md).
 *
 * Strict: an argument that is not known, comes twice or is no number in its
 * range is an error, so that a mistake is not taken for an answer.
 *
 * Thread   the loop's.
 */
#ifndef COLLECTOR_API_H
#define COLLECTOR_API_H

#include "collector/engine.h"
#include "runtime/httpd.h"

#define API_LIMIT	1000	/* series of an answer unless it is given */
#define API_LIMIT_MAX	10000

/*
 * api_parse -- fill *ask for `path`.
 *
 * Return   0; 400 or 404, and why in msg.
 */
unsigned api_parse(const struct httpd_request *req, const char *path,
    struct ask *ask, char msg[128]);

#endif
