/* SPDX-License-Identifier: Apache-2.0 */
#include "collide.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fail.h"

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

/* Whether a live family with this stem takes that suffix. */
static const struct smx__family_key *
taker(const struct smx__keys *k, const char *stem, size_t len, unsigned suffix)
{
	char name[SMX_MAX_NAME + 16];
	const struct smx__family_key *f;

	f = smx__keys_family(k, stem, len);
	if (f && f->record->type != SMX_TYPE_COUNTER &&
	    taken(f->record->type) & 1u << suffix)
		return f;
	(void)snprintf(name, sizeof(name), "%.*s_total", (int)len, stem);
	f = smx__keys_family(k, name, strlen(name));
	if (f && f->record->type == SMX_TYPE_COUNTER &&
	    taken(SMX_TYPE_COUNTER) & 1u << suffix)
		return f;
	return NULL;
}

/* Who else takes the sample name? */
static const struct smx__family_key *
owner_of(const struct smx__keys *k, const char *name)
{
	size_t n = strlen(name);
	unsigned i;

	for (i = 0; i < N_SUFFIXES; i++) {
		size_t s = strlen(suffixes[i]);
		const struct smx__family_key *f = NULL;

		if (n > s && strcmp(name + n - s, suffixes[i]) == 0)
			f = taker(k, name, n - s, i);
		if (f)
			return f;
	}
	return NULL;
}

int
smx__collide(const struct smx__keys *k, const struct smx__family_parts *p,
    struct smx_error *err)
{
	char name[SMX_MAX_NAME + 16];
	unsigned i;

	for (i = 0; i < N_SUFFIXES; i++) {
		const struct smx__family_key *f;

		if ((taken(p->fixed->type) & 1u << i) == 0)
			continue;
		(void)snprintf(name, sizeof(name), "%.*s%s",
		    (int)stem_length(p), p->name, suffixes[i]);
		f = owner_of(k, name);
		if (f)
			return smx__fail(err, -EINVAL, "`%.100s` and `%.100s` "
			    "would share a sample's name", p->name,
			    f->parts.name);
	}
	return 0;
}
