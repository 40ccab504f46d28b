/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uvredis.h -- hiredis inside a libuv loop.
 *
 * hiredis has an adapter of its own, which drops errors of the poll: when
 * Redis dies between two requests, nobody is told.  This one tells.
 *
 * Thread   the loop's.
 */
#ifndef CDB_UVREDIS_H
#define CDB_UVREDIS_H

#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <uv.h>

/*
 * An error of the poll, a negative errno.  Polling has ended; free the
 * context.  It is called at most once per context, and never after it is
 * freed.
 */
typedef void cdb_uvredis_error_fn(redisAsyncContext *ac, int err);

/*
 * cdb_uvredis_attach -- drive `ac` from `loop`.
 *
 * Owner    the context: what is allocated goes when it is freed.
 * Errors   -EBUSY it is driven already; -ENOMEM; -errno of uv_poll_init.
 */
int cdb_uvredis_attach(redisAsyncContext *ac, uv_loop_t *loop,
    cdb_uvredis_error_fn *on_error);

#endif
