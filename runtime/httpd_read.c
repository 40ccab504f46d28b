/* SPDX-License-Identifier: Apache-2.0 */
/* What is in a request. */
#include "runtime/httpd.h"

#include <string.h>
#include <strings.h>

#include "runtime/httpd_priv.h"

const char *
httpd_method(const struct httpd_request *req)
{
	return req->method;
}

const char *
httpd_path(const struct httpd_request *req)
{
	return req->path;
}

const char *
httpd_header_get(const struct httpd_request *req, const char *name)
{
	return MHD_lookup_connection_value(req->mhd, MHD_HEADER_KIND, name);
}

/* The lines of one header, as they are walked. */
struct lines {
	const char *name;
	unsigned n;
	char *out;			/* NULL: they are only counted */
	size_t len, cap;
};

static void
join(struct lines *l, const char *value)
{
	size_t comma = l->len > 0 ? 2 : 0;
	size_t n = strlen(value);

	if (n == 0 || l->len + comma + n >= l->cap)
		return;
	memcpy(l->out + l->len, ", ", comma);
	memcpy(l->out + l->len + comma, value, n + 1);
	l->len += comma + n;
}

static enum MHD_Result
on_line(void *cls, enum MHD_ValueKind kind, const char *name,
    const char *value)
{
	struct lines *l = cls;

	(void)kind;
	if (strcasecmp(name, l->name) != 0)
		return MHD_YES;
	l->n++;
	if (l->out)
		join(l, value ? value : "");
	return MHD_YES;
}

static unsigned
count_lines(const struct httpd_request *req, const char *name)
{
	struct lines l = { .name = name };

	(void)MHD_get_connection_values(req->mhd, MHD_HEADER_KIND, on_line,
	    &l);
	return l.n;
}

bool
httpd__has_two_meanings(const struct httpd_request *req)
{
	unsigned lengths = count_lines(req, MHD_HTTP_HEADER_CONTENT_LENGTH);
	unsigned codings = count_lines(req, MHD_HTTP_HEADER_TRANSFER_ENCODING);

	return count_lines(req, MHD_HTTP_HEADER_HOST) > 1 ||
	    lengths + codings > 1;
}

bool
httpd__has_no_end(const struct httpd_request *req)
{
	const char *coding = httpd_header_get(req,
	    MHD_HTTP_HEADER_TRANSFER_ENCODING);

	return coding && strcasecmp(coding, "chunked") != 0;
}

const char *
httpd_header_list(const struct httpd_request *req, const char *name,
    char *buf, size_t cap)
{
	struct lines l = { .name = name, .out = buf, .cap = cap };

	buf[0] = '\0';
	(void)MHD_get_connection_values(req->mhd, MHD_HEADER_KIND, on_line,
	    &l);
	return l.n > 0 ? buf : NULL;
}

struct each {
	bool (*fn)(void *, const char *, const char *);
	void *ctx;
};

static enum MHD_Result
on_argument(void *cls, enum MHD_ValueKind kind, const char *key,
    const char *value)
{
	struct each *each = cls;

	(void)kind;
	return each->fn(each->ctx, key, value ? value : "") ? MHD_YES : MHD_NO;
}

void
httpd_query_each(const struct httpd_request *req,
    bool (*fn)(void *ctx, const char *key, const char *value), void *ctx)
{
	struct each each = { fn, ctx };

	(void)MHD_get_connection_values(req->mhd, MHD_GET_ARGUMENT_KIND,
	    on_argument, &each);
}

const char *
httpd_query_get(const struct httpd_request *req, const char *key)
{
	return MHD_lookup_connection_value(req->mhd, MHD_GET_ARGUMENT_KIND,
	    key);
}

const void *
httpd_body(const struct httpd_request *req, size_t *len)
{
	*len = req->body_len;
	return req->body;
}
