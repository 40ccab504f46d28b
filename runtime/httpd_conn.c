/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/httpd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "runtime/httpd_priv.h"

struct httpd_conn *
httpd__conn_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd,
	    MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

void
httpd__cut(struct httpd_conn *conn)
{
	conn->deadline_ms = UINT64_MAX;
	(void)shutdown(conn->fd, SHUT_RDWR);
}

bool
httpd__has_left(const struct httpd_conn *conn)
{
	char byte;
	ssize_t n = recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

unsigned
httpd_cut_slow(struct httpd *h, size_t least, uint64_t longer_ms)
{
	uint64_t now = uv_hrtime();
	unsigned n = 0;

	for (struct httpd_conn *c = h->conns; c; c = c->next) {
		const struct httpd_request *req = c->req;

		if (c->deadline_ms == UINT64_MAX || !req ||
		    req->state != REQ_QUEUED || req->reply_len < least ||
		    now - c->since_ns < longer_ms * 1000000)
			continue;
		httpd__cut(c);
		n++;
	}
	return n;
}

/* Before the handshake: what the session shows is ours, not the daemon's,
 * so it can be replaced while we run. */
static void
start_tls(struct httpd *h, struct httpd_conn *c, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd,
	    MHD_CONNECTION_INFO_GNUTLS_SESSION);

	c->tls = tls_ref(h->tls);
	if (!info || tls_apply(c->tls, info->tls_session) < 0)
		httpd__cut(c);
}

static void
conn_started(struct httpd *h, struct MHD_Connection *mhd, void **ctx)
{
	struct httpd_conn *c = calloc(1, sizeof(*c));

	*ctx = c;
	if (!c)
		return;		/* on_access() then refuses */
	c->h = h;
	c->fd = MHD_get_connection_info(mhd,
	    MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	httpd__peer_of(&c->peer, MHD_get_connection_info(mhd,
	    MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
	c->since_ns = uv_hrtime();
	c->deadline_ms = uv_now(h->loop) + h->opt.header_ms;
	if (h->tls)
		start_tls(h, c, mhd);
	c->next = h->conns;
	if (c->next)
		c->next->prev = c;
	h->conns = c;
	if (h->n_conns++ == 0)
		httpd__sweep_start(h);
}

static void
conn_closed(struct httpd *h, struct httpd_conn *c)
{
	if (!c)
		return;
	if (c->next)
		c->next->prev = c->prev;
	if (c->prev)
		c->prev->next = c->next;
	else
		h->conns = c->next;
	h->n_conns--;
	tls_unref(c->tls);
	free(c);
}

void
httpd__on_connection(void *cls, struct MHD_Connection *mhd, void **ctx,
    enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		conn_started(cls, mhd, ctx);
	else
		conn_closed(cls, *ctx);
}

/* The decoded path is a C string: a %00 in it would hide what follows. */
void *
httpd__on_uri(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	struct httpd_conn *c = httpd__conn_of(mhd);

	(void)cls;
	if (c)
		c->bad_uri = strstr(uri, "%00") != NULL;
	return NULL;
}
