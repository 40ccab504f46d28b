/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that come, and those that make room for them.
 *
 * Whoever fills all places must not keep others out.  So the newcomer is let
 * in, and the connection that has been idle for longest is cut: one that
 * drips its headers, or that is kept between two requests.  But whoever has
 * just come has a moment to say what he wants: a flood that is faster than he
 * waits until then.  A request that is
 * being computed is never cut; one whose answer is not being taken is, when
 * nothing else is left.
 */
#include "runtime/httpd.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/httpd_priv.h"

#define ACCEPT_BATCH 16		/* per wake-up, so that the loop stays fair */
#define SLOW_NS 1000000000u	/* to take an answer, while others wait */

void
httpd__peer_of(struct httpd_peer *peer, const struct sockaddr *sa)
{
	const struct sockaddr_in6 *in6 = (const void *)sa;
	const struct sockaddr_in *in = (const void *)sa;

	*peer = (struct httpd_peer){ 0 };
	if (sa && sa->sa_family == AF_INET) {
		peer->len = 4;
		memcpy(peer->net, &in->sin_addr, 4);
	} else if (sa && sa->sa_family == AF_INET6 &&
	    IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		peer->len = 4;
		memcpy(peer->net, &in6->sin6_addr.s6_addr[12], 4);
	} else if (sa && sa->sa_family == AF_INET6) {
		peer->len = 8;	/* one customer has a whole /64 */
		memcpy(peer->net, &in6->sin6_addr, 8);
	}
}

static bool
same_peer(const struct httpd_peer *a, const struct httpd_peer *b)
{
	return a->len == b->len && memcmp(a->net, b->net, a->len) == 0;
}

static bool
may_be_cut(const struct httpd_conn *c, uint64_t now)
{
	if (c->deadline_ms == UINT64_MAX)
		return false;
	return !c->req || c->req->state == REQ_RECEIVING ||
	    (c->req->state == REQ_QUEUED && now - c->since_ns >= SLOW_NS);
}

/* Idle ones go before those that take an answer, the longest first. */
static bool
goes_before(const struct httpd_conn *a, const struct httpd_conn *b)
{
	bool a_takes = a->req && a->req->state == REQ_QUEUED;
	bool b_takes = b->req && b->req->state == REQ_QUEUED;

	return a_takes != b_takes ? b_takes : a->since_ns <= b->since_ns;
}

static bool
has_just_come(const struct httpd_conn *c, uint64_t now)
{
	return !c->asked &&
	    now - c->since_ns < UINT64_C(1000000) * c->h->opt.grace_ms;
}

/* The first to go, of `peer` only unless it is NULL; NULL: nobody may.  One
 * address has no claim to a moment: its places are its own to fill. */
static struct httpd_conn *
victim_of(struct httpd *h, const struct httpd_peer *peer)
{
	struct httpd_conn *victim = NULL;
	uint64_t now = uv_hrtime();

	for (struct httpd_conn *c = h->conns; c; c = c->next) {
		if (!may_be_cut(c, now) || (peer && !same_peer(&c->peer, peer)))
			continue;
		/* of equals the one that came first: it stands last */
		if (!victim || goes_before(c, victim))
			victim = c;
	}
	return victim && !peer && has_just_come(victim, now) ? NULL : victim;
}

static unsigned
count_of(const struct httpd *h, const struct httpd_peer *peer)
{
	unsigned n = 0;

	for (const struct httpd_conn *c = h->conns; c; c = c->next)
		n += c->deadline_ms != UINT64_MAX &&
		    (!peer || same_peer(&c->peer, peer));
	return n;
}

/* Whether one more may come, and who must go for it (NULL: nobody). */
static bool
has_room(struct httpd *h, struct httpd_conn **victim)
{
	*victim = NULL;
	if (h->n_conns < h->opt.conn_max)
		return true;
	if (h->n_conns >= h->opt.conn_max + HTTPD_DYING_MAX - 1)
		return false;
	if (count_of(h, NULL) < h->opt.conn_max)
		return true;
	*victim = victim_of(h, NULL);
	return *victim != NULL;
}

/* The same of the places of one address. */
static bool
peer_has_room(struct httpd *h, const struct sockaddr *sa,
    struct httpd_conn **victim)
{
	struct httpd_peer peer;

	*victim = NULL;
	httpd__peer_of(&peer, sa);
	if (peer.len == 0 || h->n_conns < h->opt.conn_max_per_ip ||
	    count_of(h, &peer) < h->opt.conn_max_per_ip)
		return true;
	*victim = victim_of(h, &peer);
	return *victim != NULL;
}

/* For somebody who is here: another one may have to go.  False: he himself. */
static bool
make_room(struct httpd *h, const struct sockaddr *sa)
{
	struct httpd_conn *victim;

	if (!peer_has_room(h, sa, &victim) ||
	    (!victim && !has_room(h, &victim)))
		return false;
	if (victim)
		httpd__cut(victim);
	return true;
}

/* Whether another one may be tried at once. */
static bool
accept_failed(struct httpd *h, int error)
{
	struct httpd_conn *c;

	if (error == ECONNABORTED || error == EINTR)
		return true;
	if (error != EMFILE && error != ENFILE && error != ENOBUFS &&
	    error != ENOMEM)
		return false;
	c = victim_of(h, NULL);
	if (c) {
		httpd__cut(c);
	} else {
		h->starved = true;
		httpd__set_accepting(h, false);
		httpd__sweep_start(h);
	}
	return false;
}

/* One connection more; false: no more for now. */
static bool
accept_one(struct httpd *h, int listener)
{
	struct sockaddr_storage ss;
	struct sockaddr *sa = (struct sockaddr *)&ss;
	socklen_t len = sizeof(ss);
	int fd = accept4(listener, sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return accept_failed(h, errno);
	if (!make_room(h, sa)) {
		close(fd);
		return true;
	}
	/* it owns fd now, also when it refuses */
	(void)MHD_add_connection(h->daemon, fd, sa, len);
	MHD_run(h->daemon);
	return true;
}

static void
on_accept(uv_poll_t *poll, int status, int events)
{
	struct httpd_listener *l = poll->data;
	struct httpd *h = l->h;
	struct httpd_conn *victim;

	(void)status;
	(void)events;
	if (h->opt.arrival)
		h->opt.arrival(h->user);
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		if (!has_room(h, &victim)) {
			/* whoever is done lets in the next one; so does
			 * httpd__drive(), which looks again by and by */
			httpd__set_accepting(h, false);
			break;
		}
		if (!accept_one(h, l->fd))
			break;
	}
	httpd__drive(h);
}

void
httpd__set_accepting(struct httpd *h, bool on)
{
	if (h->accepting == on)
		return;
	h->accepting = on;
	for (size_t i = 0; i < h->n_listeners; i++) {
		if (on)
			uv_poll_start(&h->listeners[i].poll, UV_READABLE,
			    on_accept);
		else
			uv_poll_stop(&h->listeners[i].poll);
	}
}

void
httpd__accept_again(struct httpd *h)
{
	struct httpd_conn *victim;

	if (!h->accepting && !h->closing && !h->starved &&
	    has_room(h, &victim))
		httpd__set_accepting(h, true);
}
