/* SPDX-License-Identifier: Apache-2.0 */
#include "claims.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a, over the two pieces as if they were one. */
static uint64_t
hash(const struct expo_claims *cs, const struct expo_claim *c)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ cs->seed;

	for (uint32_t i = 0; i < c->base_len; i++)
		h = (h ^ (unsigned char)c->base[i]) * UINT64_C(0x100000001b3);
	for (const char *s = c->suffix; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	return h ^ h >> 32;
}

static char
char_at(const struct expo_claim *c, size_t i)
{
	return i < c->base_len ? c->base[i] : c->suffix[i - c->base_len];
}

static bool
same_name(const struct expo_claim *a, const struct expo_claim *b)
{
	size_t len = a->base_len + strlen(a->suffix);

	if (len != b->base_len + strlen(b->suffix))
		return false;
	for (size_t i = 0; i < len; i++)
		if (char_at(a, i) != char_at(b, i))
			return false;
	return true;
}

/* The slot that holds this name, or the free one where it would go. */
static struct expo_claim *
probe(const struct expo_claims *cs, const struct expo_claim *c)
{
	size_t mask = cs->cap - 1;
	size_t i = hash(cs, c) & mask;

	while (cs->slots[i].suffix != NULL && !same_name(&cs->slots[i], c))
		i = (i + 1) & mask;
	return &cs->slots[i];
}

static int
rehash(struct expo_claims *cs)
{
	struct expo_claims big = { .n = cs->n,
		.seed = cs->seed,
		.cap = cs->cap == 0 ? 64 : cs->cap * 2 };

	big.slots = calloc(big.cap, sizeof(*big.slots));
	if (big.slots == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < cs->cap; i++)
		if (cs->slots[i].suffix != NULL)
			*probe(&big, &cs->slots[i]) = cs->slots[i];
	free(cs->slots);
	*cs = big;
	return 0;
}

uint32_t
expo_claims_find(const struct expo_claims *cs, const char *base,
    size_t base_len, const char *suffix)
{
	struct expo_claim c = { base, (uint32_t)base_len, 0, suffix };
	const struct expo_claim *slot;

	if (cs->cap == 0)
		return EXPO_UNCLAIMED;
	slot = probe(cs, &c);
	return slot->suffix == NULL ? EXPO_UNCLAIMED : slot->block;
}

int
expo_claims_add(struct expo_claims *cs, const char *base, size_t base_len,
    const char *suffix, uint32_t block)
{
	struct expo_claim c = { base, (uint32_t)base_len, block, suffix };

	if (cs->n * 2 >= cs->cap) {
		int err = rehash(cs);

		if (err < 0)
			return err;
	}
	*probe(cs, &c) = c;
	cs->n++;
	return 0;
}

void
expo_claims_free(struct expo_claims *cs)
{
	free(cs->slots);
	memset(cs, 0, sizeof(*cs));
}
