/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_LOOKUP_H
#define SMX_SRC_LOOKUP_H
/*
 * lookup -- item numbers by hash, open addressing.  The hash is keyed, so that
 * nobody can choose label values that all collide.
 */
#include <stddef.h>
#include <stdint.h>

#include "arena.h"

struct smx__lookup_entry {
	uint32_t hash;
	uint32_t item; /* + 1; 0 is empty */
};

struct smx__lookup {
	struct smx__lookup_entry *entries;
	size_t cap; /* 0 or a power of two */
	size_t used;
};

/* SipHash-1-3 of the bytes, begun with `seed`; 32 bits of it. */
uint32_t smx__lookup_hash(const uint64_t key[2], uint64_t seed, const void *,
    size_t size);

/* Makes sure that one more entry fits. */
int smx__lookup_reserve(struct smx__lookup *, struct smx__arena *);

/*
 * smx__lookup_first, _next -- entries with this hash, one after the other; at
 * the end an empty one, into which smx__lookup_set() may put a new item.
 */
struct smx__lookup_entry *smx__lookup_first(const struct smx__lookup *,
    uint32_t hash);
struct smx__lookup_entry *smx__lookup_next(const struct smx__lookup *,
    struct smx__lookup_entry *, uint32_t hash);
void smx__lookup_set(struct smx__lookup *, struct smx__lookup_entry *,
    uint32_t hash, uint32_t item);

void smx__lookup_clear(struct smx__lookup *);
void smx__lookup_free(struct smx__lookup *);

#endif
