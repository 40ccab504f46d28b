/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_TABLE_H
#define SMX_SRC_TABLE_H
/*
 * table -- a chained hash table of entries that begin with struct smx__key.
 * Owns its buckets, not its entries.
 */
#include "keys.h"

int smx__table_create(struct smx__table *);
void smx__table_destroy(struct smx__table *);
/* -ENOMEM; the entry is in no table then. */
int smx__table_add(struct smx__table *, struct smx__key *);

/* The first entry with this hash, and the next one after it. */
struct smx__key *smx__table_find(const struct smx__table *, uint64_t hash);
struct smx__key *smx__table_next(const struct smx__key *, uint64_t hash);

/* Any bytes; seed chains several. */
uint64_t smx__hash(const void *, size_t len, uint64_t seed);

#endif
