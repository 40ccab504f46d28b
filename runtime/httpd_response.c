/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer as libmicrohttpd sends it.
 *
 * Given a whole body it hands all that is left of it to one send(), and over
 * loopback the kernel takes tens of megabytes there, while everybody else
 * waits.  So a body comes in pieces, one for each turn of the loop, which are
 * the smaller the more answers there are to be sent: together they are
 * TURN_BYTES.  A piece is copied, and still in the cache when it is sent.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/httpd_priv.h"

#define TURN_BYTES	((size_t)2 << 20)	/* some 0.6 ms of send() */
#define PIECE_MAX	((size_t)256 << 10)
#define PIECE_MIN	((size_t)8 << 10)

/* A body on its way. */
struct source {
	const char *bytes;
	size_t len;
	void (*free_body)(void *ctx);
	void *free_ctx;
};

static size_t
piece_size(const struct httpd *h)
{
	size_t n = TURN_BYTES / (h->n_flight > 0 ? h->n_flight : 1);

	return n > PIECE_MAX ? PIECE_MAX : n < PIECE_MIN ? PIECE_MIN : n;
}

static ssize_t
on_read(void *cls, uint64_t at, char *buf, size_t max)
{
	const struct source *src = cls;
	size_t n = src->len - (size_t)at;

	if (n > max)
		n = max;
	memcpy(buf, src->bytes + at, n);
	return (ssize_t)n;
}

static void
on_sent(void *cls)
{
	struct source *src = cls;

	src->free_body(src->free_ctx);
	free(src);
}

static struct MHD_Response *
in_pieces(const struct httpd_reply *r, size_t piece)
{
	struct source *src = malloc(sizeof(*src));
	struct MHD_Response *resp;

	if (!src)
		return NULL;
	*src = (struct source){ .bytes = r->body, .len = r->body_len,
		.free_body = r->free_body, .free_ctx = r->free_ctx };
	resp = MHD_create_response_from_callback(r->body_len, piece, on_read,
	    src, on_sent);
	if (!resp)
		free(src);
	return resp;
}

/* The body is taken, also by an error. */
static struct MHD_Response *
with_body(const struct httpd_reply *r, size_t piece)
{
	/* libmicrohttpd takes char *, and writes to none of them */
	void *body = (void *)(uintptr_t)r->body;
	struct MHD_Response *resp;

	if (!r->free_body)
		return MHD_create_response_from_buffer(r->body_len, body,
		    MHD_RESPMEM_MUST_COPY);
	if (r->body_len > piece)
		resp = in_pieces(r, piece);
	else
		resp = MHD_create_response_from_buffer_with_free_callback_cls(
		    r->body_len, body, r->free_body, r->free_ctx);
	if (!resp)
		r->free_body(r->free_ctx);
	return resp;
}

static void
add_headers(struct MHD_Response *resp, const struct httpd_reply *r,
    const struct httpd *h)
{
	if (r->content_type)
		(void)MHD_add_response_header(resp,
		    MHD_HTTP_HEADER_CONTENT_TYPE, r->content_type);
	for (size_t i = 0; i < r->n_headers; i++)
		(void)MHD_add_response_header(resp, r->headers[i].name,
		    r->headers[i].value);
	for (size_t i = 0; i < h->n_headers; i++)
		(void)MHD_add_response_header(resp, h->headers[i].name,
		    h->headers[i].value);
}

struct MHD_Response *
httpd__response_create(const struct httpd *h, const struct httpd_reply *r)
{
	struct MHD_Response *resp = with_body(r, piece_size(h));

	if (resp)
		add_headers(resp, r, h);
	return resp;
}
