/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link.h -- one connection to Redis on which nothing waits for ever.
 *
 * Connecting is bounded, and so is the wait for each reply: a server that is
 * stopped, a host that is gone, or a resolver that says nothing, ends the link
 * like one that hangs up.
 *
 * Thread   the loop's.
 */
#ifndef CDB_LINK_H
#define CDB_LINK_H

#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdbool.h>
#include <uv.h>

#include "resolve.h"
#include "runtime/addr.h"

struct cdb_link;

struct cdb_link_ops {
	/* The connection stands. */
	void (*up)(struct cdb_link *link, void *arg);
	/* It is gone, and closed already; `why` is valid during the call. */
	void (*down)(struct cdb_link *link, const char *why, void *arg);
};

/* A reply, never NULL; freed after the call. */
typedef void cdb_link_reply_fn(void *arg, const redisReply *reply);

/* What was published on a channel; valid during the call. */
typedef void cdb_link_heard_fn(void *arg, const char *text);

struct cdb_link {
	unsigned magic;
	uv_loop_t *loop;
	uv_timer_t timer;	/* for connecting, then for the next reply */
	unsigned timeout_ms;
	unsigned awaited;	/* replies that have a function */
	redisAsyncContext *ac;	/* NULL when closed, or not resolved yet */
	struct cdb_resolve *resolve;	/* NULL: no name is being asked for */
	uint16_t port;			/* for when it is known */
	const struct cdb_link_ops *ops;
	void *arg;
	cdb_link_heard_fn *heard;
	void *heard_arg;
};

/*
 * cdb_link_init -- prepare a closed link.
 *
 * timeout_ms bounds connecting and the wait for each reply.  ops and arg are
 * borrowed.
 */
void cdb_link_init(struct cdb_link *link, uv_loop_t *loop,
    unsigned timeout_ms, const struct cdb_link_ops *ops, void *arg);

/*
 * cdb_link_open -- begin to connect; `up` or `down` follows, from the loop.
 *
 * Errors   -EISCONN it is open; -EIO it cannot even begin (why is set).
 */
int cdb_link_open(struct cdb_link *link, const struct addr *addr,
    char why[128]);

/* cdb_link_close -- at once; `down` is not called, no reply comes any more. */
void cdb_link_close(struct cdb_link *link);

/* cdb_link_destroy -- close for good; the timer's handle closes in the loop. */
void cdb_link_destroy(struct cdb_link *link);

/*
 * cdb_link_send -- one command.
 *
 * fn may be NULL: then the reply is dropped, and not waited for either.
 * extra_ms is added to the wait, for commands that block on purpose.
 * A closed link drops the command: `down` has been called, or is not wanted.
 */
void cdb_link_send(struct cdb_link *link, int argc, const char **argv,
    const size_t *lens, unsigned extra_ms, cdb_link_reply_fn *fn, void *arg);

/* cdb_link_sendf -- the same from a format as hiredis has it (%s %b %lld). */
void cdb_link_sendf(struct cdb_link *link, unsigned extra_ms,
    cdb_link_reply_fn *fn, void *arg, const char *format, ...);

void cdb_link_vsendf(struct cdb_link *link, unsigned extra_ms,
    cdb_link_reply_fn *fn, void *arg, const char *format, va_list ap);

/* cdb_link_send_raw -- the same, of a command in Redis's own format. */
void cdb_link_send_raw(struct cdb_link *link, const char *cmd, size_t len,
    unsigned extra_ms, cdb_link_reply_fn *fn, void *arg);

/*
 * cdb_link_listen -- hear what is published on a channel from now on.
 *
 * One channel for each opening; the link sends nothing else afterwards.  If
 * Redis refuses, the link goes down.
 */
void cdb_link_listen(struct cdb_link *link, const char *channel,
    cdb_link_heard_fn *fn, void *arg);

#endif
