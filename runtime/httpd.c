/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/httpd.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/httpd_priv.h"

#define STILL_NS 500000000u	/* requests may lie in its buffer */

static void
on_handle_closed(uv_handle_t *handle)
{
	struct httpd *h = handle->data;
	void (*closed)(void *) = h->closed;
	void *ctx = h->closed_ctx;

	if (--h->n_handles > 0)
		return;
	tls_unref(h->tls);
	free(h);
	if (closed)
		closed(ctx);
}

static void
close_handle(struct httpd *h, uv_handle_t *handle)
{
	handle->data = h;
	h->n_handles++;
	uv_close(handle, on_handle_closed);
}

/* Nothing is connected any more: give everything back. */
static void
finish(struct httpd *h)
{
	h->stopped = true;
	uv_poll_stop(&h->poll);
	MHD_stop_daemon(h->daemon);
	close_handle(h, (uv_handle_t *)&h->poll);
	close_handle(h, (uv_handle_t *)&h->soon);
	close_handle(h, (uv_handle_t *)&h->again);
	close_handle(h, (uv_handle_t *)&h->sweep);
	h->n_handles--;		/* the one httpd_close() holds */
}

static void on_again(uv_timer_t *timer);

/* Let libmicrohttpd work; the caller of MHD_run() (I3). */
void
httpd__drive(struct httpd *h)
{
	MHD_UNSIGNED_LONG_LONG wait_ms;

	MHD_run(h->daemon);
	if (h->closing && h->n_conns == 0) {
		if (!h->stopped)
			finish(h);
		return;
	}
	httpd__accept_again(h);
	if (MHD_get_timeout(h->daemon, &wait_ms) != MHD_YES)
		wait_ms = UINT64_MAX;
	if (!h->accepting && !h->closing && wait_ms > h->opt.grace_ms)
		wait_ms = h->opt.grace_ms;	/* somebody's is over by then */
	uv_timer_stop(&h->again);
	if (wait_ms == 0)
		httpd__drive_soon(h);
	else if (wait_ms != UINT64_MAX)
		uv_timer_start(&h->again, on_again, wait_ms, 0);
}

static void
drive_again(struct httpd *h)
{
	h->starved = false;	/* descriptors may be free again */
	httpd__drive(h);
}

static void
on_again(uv_timer_t *timer)
{
	drive_again(timer->data);
}

static void
on_soon(uv_idle_t *idle)
{
	uv_idle_stop(idle);
	drive_again(idle->data);
}

/* No timer of 0 ms: libuv runs one that is started anew in its callback again
 * in the same turn, as long as there is something to send. */
void
httpd__drive_soon(struct httpd *h)
{
	uv_idle_start(&h->soon, on_soon);
}

static void
on_epoll(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	httpd__drive(poll->data);
}

/*
 * Whether nothing more can come and nothing is owed.  libmicrohttpd waits for
 * edges, and does not see an end that came together with bytes.
 */
static bool
is_over(const struct httpd_conn *c)
{
	return (!c->req || c->req->state == REQ_RECEIVING) &&
	    uv_hrtime() - c->since_ns > STILL_NS && httpd__has_left(c);
}

static void
on_sweep(uv_timer_t *timer)
{
	struct httpd *h = timer->data;
	uint64_t now = uv_now(h->loop);
	bool all = h->closing && now >= h->close_at_ms;

	for (struct httpd_conn *c = h->conns; c; c = c->next) {
		if (c->deadline_ms == UINT64_MAX ||
		    (c->req && c->req->state == REQ_WAITING && !all))
			continue;
		if (all || now >= c->deadline_ms || is_over(c))
			httpd__cut(c);
	}
	if (h->n_conns == 0 && !h->closing && !h->starved)
		uv_timer_stop(timer);
	h->starved = false;
	httpd__drive(h);
}

void
httpd__sweep_start(struct httpd *h)
{
	uv_timer_start(&h->sweep, on_sweep, h->sweep_ms, h->sweep_ms);
}

/* A quarter of the shortest deadline, so that none is missed by much. */
static uint64_t
sweep_ms(const struct httpd_options *opt)
{
	unsigned least = opt->header_ms;

	if (opt->request_ms < least)
		least = opt->request_ms;
	if (opt->idle_ms < least)
		least = opt->idle_ms;
	if (opt->close_ms < least)
		least = opt->close_ms;
	return least / 4 < 20 ? 20 : least / 4;
}

static void
fill_defaults(struct httpd_options *opt)
{
	static const struct httpd_options std = {
		.methods = "GET, HEAD", .body_max = 65536,
		.conn_memory = 32768, .conn_max = 1024, .conn_max_per_ip = 256,
		.grace_ms = 100, .header_ms = 10000, .request_ms = 60000, .idle_ms = 120000,
		.close_ms = 5000,
	};

	opt->methods = opt->methods ? opt->methods : std.methods;
	opt->body_max = opt->body_max ? opt->body_max : std.body_max;
	opt->conn_memory = opt->conn_memory ? opt->conn_memory :
	    std.conn_memory;
	opt->conn_max = opt->conn_max ? opt->conn_max : std.conn_max;
	opt->conn_max_per_ip = opt->conn_max_per_ip ? opt->conn_max_per_ip :
	    std.conn_max_per_ip;
	opt->grace_ms = opt->grace_ms ? opt->grace_ms : std.grace_ms;
	opt->header_ms = opt->header_ms ? opt->header_ms : std.header_ms;
	opt->request_ms = opt->request_ms ? opt->request_ms : std.request_ms;
	opt->idle_ms = opt->idle_ms ? opt->idle_ms : std.idle_ms;
	opt->close_ms = opt->close_ms ? opt->close_ms : std.close_ms;
}

/* Never asked: each session gets its credentials when it begins. */
static int
no_certificate(gnutls_session_t session,
    const gnutls_datum_t *req_ca_dn, int nreqs,
    const gnutls_pk_algorithm_t *algos, int n_algos, gnutls_pcert_st **pcert,
    unsigned *n_pcert, gnutls_privkey_t *key)
{
	(void)session, (void)req_ca_dn, (void)nreqs, (void)algos;
	(void)n_algos, (void)pcert, (void)n_pcert, (void)key;
	return -1;
}

static int
start_daemon(struct httpd *h)
{
	const struct MHD_OptionItem tls[] = {
		{ h->tls ? MHD_OPTION_HTTPS_CERT_CALLBACK : MHD_OPTION_END,
		    0, (void *)(uintptr_t)no_certificate },
		{ MHD_OPTION_END, 0, NULL },
	};

	/* our own limits hold first: theirs would refuse the newest */
	h->daemon = MHD_start_daemon(
	    MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_SUSPEND_RESUME |
	    (h->tls ? (unsigned)MHD_USE_TLS : 0u),
	    0, NULL, NULL, httpd__on_access, h,
	    MHD_OPTION_ARRAY, tls,
	    MHD_OPTION_CONNECTION_LIMIT, h->opt.conn_max + HTTPD_DYING_MAX,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, h->opt.conn_memory,
	    MHD_OPTION_CONNECTION_TIMEOUT, 0u,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1,
	    MHD_OPTION_NOTIFY_CONNECTION, httpd__on_connection, h,
	    MHD_OPTION_NOTIFY_COMPLETED, httpd__on_completed, h,
	    MHD_OPTION_URI_LOG_CALLBACK, httpd__on_uri, h,
	    MHD_OPTION_END);
	return h->daemon ? 0 : -EIO;
}

/* Cannot fail once the descriptors are good: libuv only records them. */
static void
start_handles(struct httpd *h)
{
	int epfd = MHD_get_daemon_info(h->daemon,
	    MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;

	uv_poll_init(h->loop, &h->poll, epfd);
	uv_idle_init(h->loop, &h->soon);
	uv_timer_init(h->loop, &h->again);
	uv_timer_init(h->loop, &h->sweep);
	h->poll.data = h->soon.data = h->again.data = h->sweep.data = h;
	uv_poll_start(&h->poll, UV_READABLE, on_epoll);
	for (size_t i = 0; i < h->n_listeners; i++) {
		struct httpd_listener *l = &h->listeners[i];

		l->h = h;
		uv_poll_init_socket(h->loop, &l->poll, l->fd);
		l->poll.data = l;
	}
	httpd__set_accepting(h, true);
}

int
httpd_open(struct httpd **out, uv_loop_t *loop,
    const struct httpd_options *opt, httpd_handler *handler, void *user,
    struct httpd_error *err)
{
	size_t n = opt->n_listen + opt->n_fds;
	struct httpd *h = calloc(1, sizeof(*h) + n * sizeof(h->listeners[0]));
	int ret = -ENOMEM;

	snprintf(err->msg, sizeof(err->msg), "%s", strerror(ENOMEM));
	if (!h)
		return ret;
	h->loop = loop;
	h->opt = *opt;
	fill_defaults(&h->opt);
	h->sweep_ms = sweep_ms(&h->opt);
	h->handler = handler;
	h->user = user;
	h->n_listeners = n;
	h->tls = opt->tls ? tls_ref(opt->tls) : NULL;
	ret = httpd__open_listeners(h, err);
	if (ret < 0)
		goto out;
	ret = start_daemon(h);
	if (ret < 0) {
		snprintf(err->msg, sizeof(err->msg),
		    "the HTTP server would not start: %s", strerror(errno));
		goto out;
	}
	start_handles(h);
	h->opt.listen = NULL;	/* borrowed during this call only */
	h->opt.fds = NULL;
	h->accepted_fds = true;
	*out = h;
	return 0;
out:
	httpd__close_listeners(h);
	tls_unref(h->tls);
	free(h);
	return ret;
}

void
httpd_close(struct httpd *h, void (*closed)(void *ctx), void *ctx)
{
	if (h->closing)
		return;
	h->closing = true;
	h->closed = closed;
	h->closed_ctx = ctx;
	h->n_handles = 1;	/* ours until finish() */
	httpd__set_accepting(h, false);
	for (size_t i = 0; i < h->n_listeners; i++)
		close_handle(h, (uv_handle_t *)&h->listeners[i].poll);
	httpd__close_listeners(h);
	for (struct httpd_conn *c = h->conns; c; c = c->next)
		if (!c->req)
			httpd__cut(c);
	uv_update_time(h->loop);
	h->close_at_ms = uv_now(h->loop) + h->opt.close_ms;
	/* from the loop, not from here: we may be inside a handler (I3) */
	uv_timer_start(&h->sweep, on_sweep, 0, h->sweep_ms);
}

void
httpd_set_tls(struct httpd *h, struct tls *tls)
{
	tls_ref(tls);
	tls_unref(h->tls);
	h->tls = tls;
}

void
httpd_set_headers(struct httpd *h, const struct httpd_header *headers,
    size_t n)
{
	h->headers = headers;
	h->n_headers = n;
}

uint16_t
httpd_port(const struct httpd *h, size_t i)
{
	return h->listeners[i].port;
}

unsigned
httpd_connections(const struct httpd *h)
{
	return h->n_conns;
}

unsigned
httpd_in_flight(const struct httpd *h)
{
	return h->n_flight;
}
