/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolve.h -- a host name becomes an address, and the loop goes on meanwhile.
 *
 * Thread   the loop's; the resolver is asked in libuv's pool.
 */
#ifndef CDB_RESOLVE_H
#define CDB_RESOLVE_H

#include <stdbool.h>
#include <uv.h>

struct cdb_resolve;

/*
 * The answer: a numeric address, or NULL and why there is none.  Both are
 * valid during the call, in which the request ends.
 */
typedef void cdb_resolve_fn(void *arg, const char *address, const char *why);

/* cdb_resolve_needed -- whether `host` is a name, and no address already. */
bool cdb_resolve_needed(const char *host);

/*
 * cdb_resolve_start -- ask for it; IPv4 first, as hiredis does.
 *
 * Returns the request, which fn or cdb_resolve_cancel() ends; NULL if it
 * cannot be asked.
 */
struct cdb_resolve *cdb_resolve_start(uv_loop_t *loop, const char *host,
    cdb_resolve_fn *fn, void *arg);

/*
 * cdb_resolve_cancel -- fn is not called any more.
 *
 * What the resolver is busy with keeps the loop alive until it gives up.
 */
void cdb_resolve_cancel(struct cdb_resolve *r);

#endif
