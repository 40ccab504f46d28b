/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assets.h -- the files of the page at /, which are part of the program.
 *
 * Thread   the loop's.
 */
#ifndef COLLECTOR_ASSETS_H
#define COLLECTOR_ASSETS_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/httpd.h"

struct asset {
	const char *path;		/* "/", "/page/main.js" */
	const char *type;
	const char *tag;		/* W/"..." of its content */
	const unsigned char *plain;
	size_t plain_len;
	const unsigned char *packed;	/* gzip */
	size_t packed_len;
};

/* Made from collector/page/ by embed.py. */
extern const struct asset assets[];
extern const unsigned n_assets;

/* assets_reply -- answer with the file of this path; false: there is none,
 * and req still waits. */
bool assets_reply(struct httpd_request *req, const char *path);

#endif
