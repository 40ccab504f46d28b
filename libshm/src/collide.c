/* SPDX-License-Identifier: Apache-2.0 */
#include "collide.h"

#include <stdio.h>
#include <string.h>

static const char *const suffixes[] = {
	"", "_total", "_created", "_bucket", "_sum", "_count", "_info",
};
#define N_SUFFIXES (sizeof(suffixes) / sizeof(suffixes[0]))

/* Which suffixes a family of this type takes, as bits of the table above. */
static unsigned
taken(uint8_t type)
{
	switch (type) {
	case SMX_TYPE_COUNTER:
		return 1u << 0 | 1u << 1 | 1u << 2;
	case SMX_TYPE_HISTOGRAM:
		return 1u << 0 | 1u << 2 | 1u << 3 | 1u << 4 | 1u << 5;
	default:
		return 1u << 0;
	}
}

/* The family's name in OpenMetrics: a counter's goes without _total. */
static size_t
stem_length(const struct smx__family_parts *p)
{
	size_t n = p->fixed->name_len;

	return p->fixed->type == SMX_TYPE_COUNTER ? n - strlen("_total") : n;
}

/* Its stem is this, and it takes the suffix? */
static bool
takes(const struct smx__family_key *f, bool counter, unsigned suffix)
{
	return f && (f->record->type == SMX_TYPE_COUNTER) == counter &&
	    (taken(f->record->type) & 1u << suffix) != 0;
}

static struct smx__family_key *
taker(const struct smx__keys *k, const char *stem, size_t len,
    unsigned suffix, const struct smx__family_key *except)
{
	char name[SMX_MAX_NAME + 16];
	struct smx__family_key *f;

	f = smx__keys_family(k, stem, len);
	if (f != except && takes(f, false, suffix))
		return f;
	(void)snprintf(name, sizeof(name), "%.*s_total", (int)len, stem);
	f = smx__keys_family(k, name, strlen(name));
	return f != except && takes(f, true, suffix) ? f : NULL;
}

/* Who else takes the sample name? */
static struct smx__family_key *
owner_of(const struct smx__keys *k, const char *name,
    const struct smx__family_key *except)
{
	struct smx__family_key *f = NULL;
	size_t n = strlen(name);
	unsigned i;

	for (i = 0; i < N_SUFFIXES && f == NULL; i++) {
		size_t s = strlen(suffixes[i]);

		if (n > s && strcmp(name + n - s, suffixes[i]) == 0)
			f = taker(k, name, n - s, i, except);
	}
	return f;
}

struct smx__family_key *
smx__collide(const struct smx__keys *k, const struct smx__family_parts *p,
    const struct smx__family_key *except)
{
	char name[SMX_MAX_NAME + 16];
	struct smx__family_key *f = NULL;
	unsigned i;

	for (i = 0; i < N_SUFFIXES && f == NULL; i++) {
		if ((taken(p->fixed->type) & 1u << i) == 0)
			continue;
		(void)snprintf(name, sizeof(name), "%.*s%s",
		    (int)stem_length(p), p->name, suffixes[i]);
		f = owner_of(k, name, except);
	}
	return f;
}
