/* SPDX-License-Identifier: Apache-2.0 */
#include "resolve.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

struct cdb_resolve {
	uv_getaddrinfo_t req;
	cdb_resolve_fn *fn;	/* NULL: nobody waits any more */
	void *arg;
};

bool
cdb_resolve_needed(const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];

	return uv_inet_pton(AF_INET, host, address) < 0 &&
	    uv_inet_pton(AF_INET6, host, address) < 0;
}

/* The first of that family; NULL for none. */
static const struct addrinfo *
first_of(const struct addrinfo *list, int family)
{
	while (list && list->ai_family != family)
		list = list->ai_next;
	return list;
}

static void
answer(const struct cdb_resolve *r, int status, const struct addrinfo *list)
{
	const struct addrinfo *at = first_of(list, AF_INET);
	char text[NI_MAXHOST];

	if (!at)
		at = first_of(list, AF_INET6);
	if (status == 0 && at && getnameinfo(at->ai_addr, at->ai_addrlen,
		text, sizeof(text), NULL, 0, NI_NUMERICHOST) == 0)
		r->fn(r->arg, text, NULL);
	else
		r->fn(r->arg, NULL, status < 0 ? uv_strerror(status)
					       : "the name has no address");
}

static void
on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
	struct cdb_resolve *r = req->data;

	if (r->fn)
		answer(r, status, list);
	uv_freeaddrinfo(list);
	free(r);
}

struct cdb_resolve *
cdb_resolve_start(uv_loop_t *loop, const char *host, cdb_resolve_fn *fn,
    void *arg)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct cdb_resolve *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->fn = fn;
	r->arg = arg;
	r->req.data = r;
	if (uv_getaddrinfo(loop, &r->req, on_resolved, host, NULL, &hints)
	    < 0) {
		free(r);
		return NULL;
	}
	return r;
}

void
cdb_resolve_cancel(struct cdb_resolve *r)
{
	r->fn = NULL;
	uv_cancel((uv_req_t *)&r->req);
}
