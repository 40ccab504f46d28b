/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 64

int
smx__table_create(struct smx__table *t)
{
	t->buckets = calloc(FIRST_BUCKETS, sizeof(*t->buckets));
	t->mask = FIRST_BUCKETS - 1;
	t->n = 0;
	return t->buckets ? 0 : -ENOMEM;
}

void
smx__table_destroy(struct smx__table *t)
{
	free(t->buckets);
	memset(t, 0, sizeof(*t));
}

static void
put(struct smx__key **buckets, size_t mask, struct smx__key *key)
{
	struct smx__key **at = &buckets[key->hash & mask];

	key->next = *at;
	*at = key;
}

static int
grow(struct smx__table *t)
{
	size_t i, mask = t->mask * 2 + 1;
	struct smx__key **buckets = calloc(mask + 1, sizeof(*buckets));

	if (buckets == NULL)
		return -ENOMEM;
	for (i = 0; i <= t->mask; i++)
		while (t->buckets[i]) {
			struct smx__key *key = t->buckets[i];

			t->buckets[i] = key->next;
			put(buckets, mask, key);
		}
	free(t->buckets);
	t->buckets = buckets;
	t->mask = mask;
	return 0;
}

int
smx__table_add(struct smx__table *t, struct smx__key *key)
{
	if (t->n > t->mask && grow(t) < 0)
		return -ENOMEM;
	put(t->buckets, t->mask, key);
	t->n++;
	return 0;
}

static struct smx__key *
same_hash(struct smx__key *key, uint64_t hash)
{
	while (key && key->hash != hash)
		key = key->next;
	return key;
}

struct smx__key *
smx__table_find(const struct smx__table *t, uint64_t hash)
{
	return same_hash(t->buckets[hash & t->mask], hash);
}

struct smx__key *
smx__table_next(const struct smx__key *key, uint64_t hash)
{
	return same_hash(key->next, hash);
}

/* FNV-1a with a final mix; not the hot path's hash. */
uint64_t
smx__hash(const void *data, size_t len, uint64_t seed)
{
	const unsigned char *p = data;
	uint64_t h = seed ^ UINT64_C(0xcbf29ce484222325);
	size_t i;

	for (i = 0; i < len; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	h ^= h >> 32;
	return h * UINT64_C(0x9e3779b97f4a7c15);
}
