/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/api.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "collector/negotiate.h"
#include "runtime/number.h"

struct query {
	struct ask *ask;
	const char *wrong;		/* the key; NULL: nothing is */
	const char *why;
	unsigned seen;			/* bits: which arguments came */
};

static const char *
set_number(uint32_t *to, const char *value, uint32_t least, uint32_t most)
{
	int64_t v;
	/* no sign, and no more digits than the largest has */
	int err = value[0] == '-' || strlen(value) > 10 ? -EINVAL :
	    number_parse(value, least, most, &v);

	if (err == -EINVAL)
		return "is not a number";
	if (err < 0)
		return "is out of range";
	*to = (uint32_t)v;
	return NULL;
}

static const char *
set_text(char *to, size_t cap, const char *value, const char *chars)
{
	size_t n = strlen(value);

	if (n == 0 || n >= cap || strspn(value, chars) < n)
		return "is not such a name";
	memcpy(to, value, n + 1);
	return NULL;
}

static const char *
set_first(struct ask *ask, const char *value)
{
	return set_number(&ask->window.first, value, 0, UINT32_MAX);
}

static const char *
set_limit(struct ask *ask, const char *value)
{
	return set_number(&ask->window.limit, value, 1, API_LIMIT_MAX);
}

static const char *
set_plan(struct ask *ask, const char *value)
{
	return set_text(ask->window.plan, sizeof(ask->window.plan), value,
	    "0123456789abcdef-");
}

static const char *
set_family(struct ask *ask, const char *value)
{
	return set_text(ask->window.family, sizeof(ask->window.family), value,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:");
}

static const char *
set_service(struct ask *ask, const char *value)
{
	return select_add(ask->sel.include, value) < 0 ?
	    "names too many services" : NULL;
}

static const char *
set_exclude(struct ask *ask, const char *value)
{
	return select_add(ask->sel.exclude, value) < 0 ?
	    "names too many services" : NULL;
}

static const struct argument {
	const char *key;
	const char *(*set)(struct ask *ask, const char *value);
} arguments[] = {
	{ "first", set_first }, { "limit", set_limit }, { "plan", set_plan },
	{ "family", set_family }, { "service", set_service },
	{ "exclude", set_exclude },
};
#define N_ARGUMENTS (sizeof(arguments) / sizeof(arguments[0]))

static bool
on_argument(void *ctx, const char *key, const char *value)
{
	struct query *q = ctx;

	q->wrong = key;
	q->why = "is not known here";
	for (unsigned i = 0; i < N_ARGUMENTS; i++) {
		if (q->ask->kind != ASK_SERIES ||
		    strcmp(key, arguments[i].key) != 0)
			continue;
		q->why = q->seen & 1u << i ? "comes twice" :
		    arguments[i].set(q->ask, value);
		q->seen |= 1u << i;
	}
	return q->why == NULL;
}

unsigned
api_parse(const struct httpd_request *req, const char *path, struct ask *ask,
    char msg[128])
{
	struct query q = { .ask = ask };

	if (strcmp(path, "/api/v1/state") == 0) {
		ask->kind = ASK_STATE;
	} else if (strcmp(path, "/api/v1/series") == 0) {
		ask->kind = ASK_SERIES;
		ask->window.limit = API_LIMIT;
	} else {
		snprintf(msg, 128, "there is /api/v1/state and "
		    "/api/v1/series\n");
		return 404;
	}
	httpd_query_each(req, on_argument, &q);
	if (q.why) {
		snprintf(msg, 128, "%.64s %s\n", q.wrong, q.why);
		return 400;
	}
	ask->gzip = negotiate_gzip(httpd_header_get(req, "Accept-Encoding"));
	return 0;
}
