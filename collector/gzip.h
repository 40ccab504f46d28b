/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip.h -- a body compressed, as members of a gzip file one after the other
 * (RFC 1952, 2.2), so that what is worked on stays in the cache.  Scrapers read
 * them all; browsers stop after the first.
 *
 * Thread   one at a time.
 */
#ifndef COLLECTOR_GZIP_H
#define COLLECTOR_GZIP_H

#include <libdeflate.h>

#include "collector/body.h"

#define GZIP_MEMBER	((size_t)1 << 20)	/* bytes, before compression */
#define GZIP_WHOLE	SIZE_MAX		/* one member */

/*
 * gzip_body -- fill `out` with `plain` compressed.
 *
 * *deflate is made when first needed; the caller frees it.
 * Errors   -ENOMEM; -ENODATA it does not pay: plain is too short.
 */
int gzip_body(struct libdeflate_compressor **deflate,
    const struct body *plain, struct body *out, size_t member);

#endif
