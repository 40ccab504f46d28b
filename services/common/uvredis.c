/* SPDX-License-Identifier: Apache-2.0 */
#include "uvredis.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define POLLER_MAGIC 0x70c1u

struct poller {
	unsigned magic;
	int events;
	redisAsyncContext *ac;		/* NULL once it is gone */
	cdb_uvredis_error_fn *on_error;
	uv_poll_t handle;
};

static struct poller *
poller_from(void *p)
{
	struct poller *poller = p;

	assert(poller->magic == POLLER_MAGIC);
	return poller;
}

static void
on_poll(uv_poll_t *handle, int status, int events)
{
	struct poller *p = poller_from(handle->data);

	if (status < 0) {
		if (p->ac)
			p->on_error(p->ac, status);
		return;
	}
	/* each of the two may free the context, which clears p->ac */
	if (p->ac && (events & UV_READABLE))
		redisAsyncHandleRead(p->ac);
	if (p->ac && (events & UV_WRITABLE))
		redisAsyncHandleWrite(p->ac);
}

static void
watch(struct poller *p, int events)
{
	int err;

	p->events = events;
	err = events ? uv_poll_start(&p->handle, events, on_poll)
		     : uv_poll_stop(&p->handle);
	/* fails only for a handle that is closing or a wrong argument */
	assert(err == 0);
	(void)err;
}

static void
add_read(void *data)
{
	struct poller *p = poller_from(data);

	watch(p, p->events | UV_READABLE);
}

static void
del_read(void *data)
{
	struct poller *p = poller_from(data);

	watch(p, p->events & ~UV_READABLE);
}

static void
add_write(void *data)
{
	struct poller *p = poller_from(data);

	watch(p, p->events | UV_WRITABLE);
}

static void
del_write(void *data)
{
	struct poller *p = poller_from(data);

	watch(p, p->events & ~UV_WRITABLE);
}

static void
on_close(uv_handle_t *handle)
{
	free(poller_from(handle->data));
}

static void
cleanup(void *data)
{
	struct poller *p = poller_from(data);

	p->ac = NULL;
	uv_close((uv_handle_t *)&p->handle, on_close);
}

int
cdb_uvredis_attach(redisAsyncContext *ac, uv_loop_t *loop,
    cdb_uvredis_error_fn *on_error)
{
	struct poller *p;
	int err;

	if (ac->ev.data)
		return -EBUSY;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	err = uv_poll_init(loop, &p->handle, ac->c.fd);
	if (err < 0) {
		free(p);
		return err;
	}
	p->magic = POLLER_MAGIC;
	p->ac = ac;
	p->on_error = on_error;
	p->handle.data = p;
	ac->ev.data = p;
	ac->ev.addRead = add_read;
	ac->ev.delRead = del_read;
	ac->ev.addWrite = add_write;
	ac->ev.delWrite = del_write;
	ac->ev.cleanup = cleanup;
	return 0;
}
