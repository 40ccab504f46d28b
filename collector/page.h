/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page.h -- the page for people at `/`.
 *
 * Thread   the job's (engine.h).
 */
#ifndef COLLECTOR_PAGE_H
#define COLLECTOR_PAGE_H

#include "collector/body.h"
#include "collector/segments.h"

/*
 * page_index -- self-contained HTML: each service, its state, its links.
 *
 * Errors   -ENOMEM; nothing is in the body then.
 */
int page_index(struct body *body, const struct segments *segments,
    const char *const *expected, size_t n_expected, const char *metrics_path);

#endif
