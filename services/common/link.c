/* SPDX-License-Identifier: Apache-2.0 */
#include "link.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "uvredis.h"

#define LINK_MAGIC 0x117du

/* Who gets a reply.  Freed with it, or when the link closes. */
struct waiter {
	cdb_link_reply_fn *fn;
	void *arg;
	unsigned extra_ms;
};

static struct cdb_link *
link_from(void *p)
{
	struct cdb_link *link = p;

	assert(link->magic == LINK_MAGIC);
	return link;
}

static void
fail(struct cdb_link *link, const char *why)
{
	char text[160];

	snprintf(text, sizeof(text), "%s", why);	/* freed with ac */
	cdb_link_close(link);
	link->ops->down(link, text, link->arg);
}

static void
on_timeout(uv_timer_t *timer)
{
	struct cdb_link *link = link_from(timer->data);

	fail(link, link->ac && link->ac->c.flags & REDIS_CONNECTED
	    ? "no answer in time" : "no connection in time");
}

static void
timer_arm(struct cdb_link *link, unsigned extra_ms)
{
	uv_update_time(link->loop);
	uv_timer_start(&link->timer, on_timeout,
	    link->timeout_ms + extra_ms, 0);
}

/* The context goes its own way: its callbacks find no link any more. */
static void
forget(struct cdb_link *link, const redisAsyncContext *ac)
{
	((redisAsyncContext *)(uintptr_t)ac)->data = NULL;
	link->ac = NULL;
	link->awaited = 0;
}

static void
on_connect(const redisAsyncContext *ac, int status)
{
	struct cdb_link *link = ac->data;

	if (!link)
		return;
	link_from(link);
	uv_timer_stop(&link->timer);
	if (status == REDIS_OK) {
		link->ops->up(link, link->arg);
		return;
	}
	/* hiredis frees the context itself after this call */
	forget(link, ac);
	link->ops->down(link, ac->errstr, link->arg);
}

static void
on_disconnect(const redisAsyncContext *ac, int status)
{
	struct cdb_link *link = ac->data;

	(void)status;
	if (!link)
		return;		/* cdb_link_close() */
	link_from(link);
	uv_timer_stop(&link->timer);
	forget(link, ac);	/* hiredis frees it after this call */
	link->ops->down(link,
	    ac->err ? ac->errstr : "the server has hung up", link->arg);
}

static void
on_poll_error(redisAsyncContext *ac, int err)
{
	struct cdb_link *link = link_from(ac->data);
	int so_error = 0;
	socklen_t len = sizeof(so_error);

	if (getsockopt(ac->c.fd, SOL_SOCKET, SO_ERROR, &so_error, &len) < 0 ||
	    so_error == 0)
		so_error = -err;
	fail(link, strerror(so_error));
}

void
cdb_link_init(struct cdb_link *link, uv_loop_t *loop, unsigned timeout_ms,
    const struct cdb_link_ops *ops, void *arg)
{
	memset(link, 0, sizeof(*link));
	link->magic = LINK_MAGIC;
	link->loop = loop;
	link->timeout_ms = timeout_ms;
	link->ops = ops;
	link->arg = arg;
	uv_timer_init(loop, &link->timer);
	link->timer.data = link;
}

/* Makes this connection the link's, or frees it. */
static int
adopt(struct cdb_link *link, redisAsyncContext *ac, char why[128])
{
	if (!ac || ac->err ||
	    cdb_uvredis_attach(ac, link->loop, on_poll_error) < 0) {
		snprintf(why, 128, "%s", ac && ac->err ? ac->errstr
						      : "out of memory");
		if (ac)
			redisAsyncFree(ac);
		return -EIO;
	}
	link->ac = ac;
	link->awaited = 0;
	ac->data = link;
	redisAsyncSetConnectCallback(ac, on_connect);
	redisAsyncSetDisconnectCallback(ac, on_disconnect);
	return 0;
}

static void
on_resolved(void *arg, const char *address, const char *why)
{
	struct cdb_link *link = link_from(arg);
	char text[128];

	link->resolve = NULL;
	if (!address)
		fail(link, why);
	else if (adopt(link, redisAsyncConnect(address, link->port), text) < 0)
		fail(link, text);
}

static int
resolve(struct cdb_link *link, const struct addr *addr, char why[128])
{
	link->port = addr->port;
	link->resolve = cdb_resolve_start(link->loop, addr->host, on_resolved,
	    link);
	if (link->resolve)
		return 0;
	snprintf(why, 128, "the resolver cannot be asked");
	return -EIO;
}

int
cdb_link_open(struct cdb_link *link, const struct addr *addr, char why[128])
{
	int err;

	if (link->ac || link->resolve)
		return -EISCONN;
	if (addr->is_unix)
		err = adopt(link, redisAsyncConnectUnix(addr->path), why);
	else if (cdb_resolve_needed(addr->host))
		err = resolve(link, addr, why);
	else
		err = adopt(link, redisAsyncConnect(addr->host, addr->port),
		    why);
	if (err == 0)
		timer_arm(link, 0);
	return err;
}

void
cdb_link_close(struct cdb_link *link)
{
	redisAsyncContext *ac = link->ac;

	uv_timer_stop(&link->timer);
	if (link->resolve)
		cdb_resolve_cancel(link->resolve);
	link->resolve = NULL;
	if (!ac)
		return;
	forget(link, ac);
	redisAsyncFree(ac);
}

void
cdb_link_destroy(struct cdb_link *link)
{
	cdb_link_close(link);
	uv_close((uv_handle_t *)&link->timer, NULL);
}

static void
on_reply(redisAsyncContext *ac, void *r, void *privdata)
{
	struct cdb_link *link = ac->data;
	struct waiter w = *(struct waiter *)privdata;

	free(privdata);
	if (!link || !r)
		return;
	/* the next reply has its own time from now on */
	if (--link->awaited > 0)
		timer_arm(link, w.extra_ms);
	else
		uv_timer_stop(&link->timer);
	w.fn(w.arg, r);
}

static struct waiter *
waiter_new(unsigned extra_ms, cdb_link_reply_fn *fn, void *arg)
{
	struct waiter *w = malloc(sizeof(*w));

	if (!w)
		abort();	/* half a transaction cannot be taken back */
	*w = (struct waiter){ fn, arg, extra_ms };
	return w;
}

/* Starts the clock for a reply that is the only one awaited. */
static struct waiter *
expect(struct cdb_link *link, unsigned extra_ms, cdb_link_reply_fn *fn,
    void *arg)
{
	if (!fn)
		return NULL;
	if (link->awaited++ == 0)
		timer_arm(link, extra_ms);
	return waiter_new(extra_ms, fn, arg);
}

void
cdb_link_send(struct cdb_link *link, int argc, const char **argv,
    const size_t *lens, unsigned extra_ms, cdb_link_reply_fn *fn, void *arg)
{
	struct waiter *w;

	if (!link->ac)
		return;
	w = expect(link, extra_ms, fn, arg);
	if (redisAsyncCommandArgv(link->ac, fn ? on_reply : NULL, w, argc,
		argv, lens) != REDIS_OK)
		free(w);	/* the clock ends the link */
}

void
cdb_link_send_raw(struct cdb_link *link, const char *cmd, size_t len,
    unsigned extra_ms, cdb_link_reply_fn *fn, void *arg)
{
	struct waiter *w;

	if (!link->ac)
		return;
	w = expect(link, extra_ms, fn, arg);
	if (redisAsyncFormattedCommand(link->ac, fn ? on_reply : NULL, w, cmd,
		len) != REDIS_OK)
		free(w);
}

void
cdb_link_vsendf(struct cdb_link *link, unsigned extra_ms,
    cdb_link_reply_fn *fn, void *arg, const char *format, va_list ap)
{
	char *cmd;
	int len = redisvFormatCommand(&cmd, format, ap);

	if (len < 0)
		abort();	/* no memory, or a format of ours is wrong */
	cdb_link_send_raw(link, cmd, (size_t)len, extra_ms, fn, arg);
	redisFreeCommand(cmd);
}

void
cdb_link_sendf(struct cdb_link *link, unsigned extra_ms,
    cdb_link_reply_fn *fn, void *arg, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	cdb_link_vsendf(link, extra_ms, fn, arg, format, ap);
	va_end(ap);
}

/* [kind, channel, text]; the first of a channel says that it is heard. */
static void
on_message(redisAsyncContext *ac, void *r, void *privdata)
{
	struct cdb_link *link = ac->data;
	const redisReply *reply = r;

	(void)privdata;
	if (link && reply && reply->elements == 3 &&
	    reply->element[2]->type == REDIS_REPLY_STRING)
		link->heard(link->heard_arg, reply->element[2]->str);
}

void
cdb_link_listen(struct cdb_link *link, const char *channel,
    cdb_link_heard_fn *fn, void *arg)
{
	link->heard = fn;
	link->heard_arg = arg;
	if (link->ac)
		redisAsyncCommand(link->ac, on_message, NULL, "SUBSCRIBE %s",
		    channel);
}
