/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPO_CLAIMS_H
#define EXPO_CLAIMS_H
/*
 * claims -- which block owns a name.  A block owns its family name and the
 * names of all its samples, so that no two can meet in the output.
 *
 * Owner    names are borrowed from the catalogs.
 */
#include <stddef.h>
#include <stdint.h>

#define EXPO_UNCLAIMED UINT32_MAX

struct expo_claim {
	const char *base; /* not NUL-terminated */
	uint32_t base_len;
	uint32_t block;
	const char *suffix; /* the name is base and suffix; NULL: a free slot */
};

struct expo_claims {
	struct expo_claim *slots;
	size_t n, cap; /* cap is 0 or a power of two */
	uint64_t seed; /* names come from strangers: not the same each time */
};

/* The block that owns base + suffix, or EXPO_UNCLAIMED. */
uint32_t expo_claims_find(const struct expo_claims *, const char *base,
    size_t base_len, const char *suffix);

/* Give base + suffix, unclaimed so far, to a block.  Errors: -ENOMEM. */
int expo_claims_add(struct expo_claims *, const char *base, size_t base_len,
    const char *suffix, uint32_t block);

void expo_claims_free(struct expo_claims *);

#endif
