/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/negotiate.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* A piece of a header: not NUL-terminated. */
struct text {
	const char *at;
	size_t len;
};

#define MAX_PARAMS 8

struct param {
	struct text name, value;
};

/* One element of Accept or Accept-Encoding. */
struct range {
	struct text type, subtype;	/* subtype empty for a coding */
	struct param params[MAX_PARAMS];
	unsigned n_params;		/* without q */
	int q;				/* thousandths */
};

static bool
is(struct text t, const char *word)
{
	return strlen(word) == t.len && strncasecmp(t.at, word, t.len) == 0;
}

static struct text
trim(const char *at, const char *end)
{
	while (at < end && isspace((unsigned char)*at))
		at++;
	while (at < end && isspace((unsigned char)end[-1]))
		end--;
	return (struct text){ at, (size_t)(end - at) };
}

/* The next `stop` outside quotes, or the end. */
static const char *
find(const char *at, const char *end, char stop)
{
	bool quoted = false;

	for (; at < end; at++) {
		if (*at == '"')
			quoted = !quoted;
		else if (*at == '\\' && quoted && at + 1 < end)
			at++;
		else if (*at == stop && !quoted)
			break;
	}
	return at;
}

/* "0", "1", "0.5", "0.125" in thousandths; -1 for anything else. */
static int
parse_q(struct text t)
{
	int q = 0, unit = 1000;

	if (t.len == 0 || t.len > 5 || (t.at[0] != '0' && t.at[0] != '1') ||
	    (t.len > 1 && t.at[1] != '.'))
		return -1;
	for (size_t i = 0; i < t.len; i++) {
		if (i == 1)
			continue;
		if (!isdigit((unsigned char)t.at[i]))
			return -1;
		q += (t.at[i] - '0') * unit;
		unit /= 10;
	}
	return q > 1000 ? -1 : q;
}

static bool
parse_param(struct range *r, const char *at, const char *end)
{
	const char *eq = find(at, end, '=');
	struct text name = trim(at, eq);
	struct text value = eq < end ? trim(eq + 1, end) :
	    (struct text){ end, 0 };

	if (value.len >= 2 && value.at[0] == '"') {
		value.at++;
		value.len -= 2;
	}
	if (is(name, "q")) {
		r->q = parse_q(value);
		return r->q >= 0;
	}
	if (name.len == 0)
		return true;		/* "a/b;" */
	if (r->n_params == MAX_PARAMS)
		return false;
	r->params[r->n_params++] = (struct param){ name, value };
	return true;
}

/* One element; false: not understood, as good as not sent. */
static bool
parse_range(struct range *r, const char *at, const char *end)
{
	const char *semi = find(at, end, ';'), *slash;
	struct text head = trim(at, semi);

	*r = (struct range){ .q = 1000 };
	if (head.len == 0)
		return false;
	slash = memchr(head.at, '/', head.len);
	r->type = slash ? trim(head.at, slash) : head;
	if (slash)
		r->subtype = trim(slash + 1, head.at + head.len);
	while (semi < end) {
		at = semi + 1;
		semi = find(at, end, ';');
		if (!parse_param(r, at, semi))
			return false;
	}
	return true;
}

/* Calls fn for each element that is understood. */
static void
each_range(const char *header, void (*fn)(void *, const struct range *),
    void *ctx)
{
	const char *end = header + strlen(header), *comma;
	struct range r;

	for (const char *at = header; at < end; at = comma + 1) {
		comma = find(at, end, ',');
		if (parse_range(&r, at, comma))
			fn(ctx, &r);
		if (comma == end)
			break;
	}
}

/* What we can say, in the order of preference where all else is equal. */
struct offer {
	enum expo_format format;
	const char *type, *subtype;
	const char *params[4];		/* name, value pairs */
	bool exact;			/* every param must be asked for */
};

static const struct offer offers[] = {
	{ EXPO_TEXT, "text", "plain", { "version", "0.0.4" }, false },
	{ EXPO_OPENMETRICS, "application", "openmetrics-text",
	  { "version", "1.0.0" }, false },
	{ EXPO_PROTOBUF, "application", "vnd.google.protobuf",
	  { "proto", "io.prometheus.client.MetricFamily",
	    "encoding", "delimited" }, true },
};
#define N_OFFERS (sizeof(offers) / sizeof(offers[0]))

/* How well a range fits an offer: -1 not at all, else how specific it is. */
static int
fit(const struct range *r, const struct offer *o)
{
	int named = 0;

	if (is(r->type, "*") && is(r->subtype, "*"))
		return o->exact ? -1 : 0;
	if (!is(r->type, o->type))
		return -1;
	if (is(r->subtype, "*"))
		return o->exact ? -1 : 1;
	if (!is(r->subtype, o->subtype))
		return -1;
	for (unsigned i = 0; i < r->n_params; i++) {
		for (unsigned k = 0; k < 4 && o->params[k]; k += 2) {
			if (!is(r->params[i].name, o->params[k]))
				continue;
			if (!is(r->params[i].value, o->params[k + 1]))
				return -1;
			named++;
		}
	}
	if (o->exact && named < 2)
		return -1;
	return 2 + named;
}

struct choice {
	int q[N_OFFERS], fit[N_OFFERS], position[N_OFFERS];
	int n;
};

static void
on_accept(void *ctx, const struct range *r)
{
	struct choice *c = ctx;

	for (unsigned i = 0; i < N_OFFERS; i++) {
		int f = fit(r, &offers[i]);

		if (f > c->fit[i]) {
			c->fit[i] = f;
			c->q[i] = r->q;
			c->position[i] = c->n;
		}
	}
	c->n++;
}

static bool
better(const struct choice *c, unsigned a, unsigned b)
{
	if (c->q[a] != c->q[b])
		return c->q[a] > c->q[b];
	if (c->fit[a] != c->fit[b])
		return c->fit[a] > c->fit[b];
	return c->position[a] < c->position[b];
}

enum expo_format
negotiate_format(const char *accept)
{
	struct choice c = { .fit = { -1, -1, -1 } };
	unsigned best = 0;

	if (!accept)
		return EXPO_TEXT;
	each_range(accept, on_accept, &c);
	for (unsigned i = 1; i < N_OFFERS; i++)
		if (better(&c, i, best))
			best = i;
	return c.q[best] > 0 ? offers[best].format : EXPO_TEXT;
}

bool
negotiate_named(const char *name, enum expo_format *format)
{
	static const char *const names[] = { [EXPO_TEXT] = "text",
		[EXPO_OPENMETRICS] = "openmetrics",
		[EXPO_PROTOBUF] = "protobuf" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) != 0)
			continue;
		*format = (enum expo_format)i;
		return true;
	}
	return false;
}

struct codings {
	int gzip, any, identity;	/* q, -1 not named */
};

static void
on_coding(void *ctx, const struct range *r)
{
	struct codings *c = ctx;

	if (is(r->type, "gzip") || is(r->type, "x-gzip"))
		c->gzip = r->q;
	else if (is(r->type, "*"))
		c->any = r->q;
	else if (is(r->type, "identity"))
		c->identity = r->q;
}

bool
negotiate_gzip(const char *accept_encoding)
{
	struct codings c = { -1, -1, -1 };
	int q;

	if (!accept_encoding)
		return false;
	each_range(accept_encoding, on_coding, &c);
	q = c.gzip >= 0 ? c.gzip : c.any;
	return q > 0 && q >= c.identity;
}
