/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t
turn(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = turn(v[1], 13) ^ v[0];
	v[0] = turn(v[0], 32);
	v[2] += v[3];
	v[3] = turn(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = turn(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = turn(v[1], 17) ^ v[2];
	v[2] = turn(v[2], 32);
}

static void
sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

uint32_t
smx__lookup_hash(const uint64_t key[2], uint64_t seed, const void *bytes,
    size_t size)
{
	const unsigned char *p = bytes;
	uint64_t v[4] = { key[0] ^ UINT64_C(0x736f6d6570736575),
		key[1] ^ UINT64_C(0x646f72616e646f6d),
		key[0] ^ UINT64_C(0x6c7967656e657261),
		key[1] ^ UINT64_C(0x7465646279746573) };
	uint64_t word, last = (uint64_t)size << 56;

	sip_word(v, seed);
	for (; size >= 8; size -= 8, p += 8) {
		memcpy(&word, p, 8);
		sip_word(v, word);
	}
	for (size_t i = 0; i < size; i++)
		last |= (uint64_t)p[i] << (8 * i);
	sip_word(v, last);
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return (uint32_t)(v[0] ^ v[1] ^ v[2] ^ v[3]);
}

struct smx__lookup_entry *
smx__lookup_next(const struct smx__lookup *t, struct smx__lookup_entry *e,
    uint32_t hash)
{
	do
		e = e + 1 == t->entries + t->cap ? t->entries : e + 1;
	while (e->item != 0 && e->hash != hash);
	return e;
}

struct smx__lookup_entry *
smx__lookup_first(const struct smx__lookup *t, uint32_t hash)
{
	struct smx__lookup_entry *e = &t->entries[hash & (t->cap - 1)];

	return e->item == 0 || e->hash == hash ?
	    e : smx__lookup_next(t, e, hash);
}

void
smx__lookup_set(struct smx__lookup *t, struct smx__lookup_entry *e,
    uint32_t hash, uint32_t item)
{
	if (e->item == 0)
		t->used++;
	*e = (struct smx__lookup_entry){ hash, item + 1 };
}

static struct smx__lookup_entry *
first_empty(const struct smx__lookup *t, uint32_t hash)
{
	struct smx__lookup_entry *e = smx__lookup_first(t, hash);

	while (e->item != 0)
		e = smx__lookup_next(t, e, hash);
	return e;
}

static int
regrow(struct smx__lookup *t, struct smx__arena *a)
{
	struct smx__lookup next = { NULL, t->cap ? t->cap * 2 : 64, 0 };
	size_t more = (next.cap - t->cap) * sizeof(*next.entries);
	const struct smx__lookup_entry *e;

	if (more > a->limit - a->spent)
		return -E2BIG;
	next.entries = calloc(next.cap, sizeof(*next.entries));
	if (next.entries == NULL)
		return -ENOMEM;
	a->spent += more;
	for (size_t i = 0; i < t->cap; i++) {
		e = &t->entries[i];
		if (e->item != 0)
			smx__lookup_set(&next, first_empty(&next, e->hash),
			    e->hash, e->item - 1);
	}
	free(t->entries);
	*t = next;
	return 0;
}

int
smx__lookup_reserve(struct smx__lookup *t, struct smx__arena *a)
{
	/* at most three quarters full */
	return t->used + 1 > t->cap / 4 * 3 ? regrow(t, a) : 0;
}

void
smx__lookup_clear(struct smx__lookup *t)
{
	if (t->cap > 0)
		memset(t->entries, 0, t->cap * sizeof(*t->entries));
	t->used = 0;
}

void
smx__lookup_free(struct smx__lookup *t)
{
	free(t->entries);
}
