/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/assets.h"

#include <string.h>

#include "collector/negotiate.h"

/* Nothing from anywhere else, and nothing in the page but its files. */
#define POLICY	"default-src 'self'; base-uri 'none'; form-action 'none'; " \
		"frame-ancestors 'none'; object-src 'none'"

static const struct asset *
find(const char *path)
{
	for (unsigned i = 0; i < n_assets; i++)
		if (strcmp(assets[i].path, path) == 0)
			return &assets[i];
	return NULL;
}

/* `sent` is a list of quoted tags, or "*"; weak ones do as well. */
static bool
is_known(const char *sent, const char *tag)
{
	return sent && (strcmp(sent, "*") == 0 || strstr(sent, tag));
}

/* It is ours: there is nothing to free, and nothing to copy. */
static void
free_nothing(void *ctx)
{
	(void)ctx;
}

bool
assets_reply(struct httpd_request *req, const char *path)
{
	const struct asset *a = find(path);
	bool packed, known;

	if (!a)
		return false;
	packed = negotiate_gzip(httpd_header_get(req, "Accept-Encoding"));
	known = is_known(httpd_header_get(req, "If-None-Match"), a->tag);
	const struct httpd_header headers[] = {
		{ "ETag", a->tag },
		{ "Cache-Control", "no-cache" },
		{ "Vary", "Accept-Encoding" },
		{ "Content-Security-Policy", POLICY },
		{ "X-Content-Type-Options", "nosniff" },
		{ "Referrer-Policy", "no-referrer" },
		{ "Content-Encoding", "gzip" },
	};
	struct httpd_reply reply = { .status = 200, .content_type = a->type,
		.headers = headers, .n_headers = packed ? 7 : 6,
		.body = packed ? a->packed : a->plain,
		.body_len = packed ? a->packed_len : a->plain_len,
		.free_body = free_nothing };

	if (known) {
		reply.status = 304;
		reply.body_len = 0;
		reply.n_headers = 6;
	}
	httpd_reply(req, &reply);
	return true;
}
