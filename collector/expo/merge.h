/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPO_MERGE_H
#define EXPO_MERGE_H
/*
 * merge -- decides which families of which sources share a block, and which
 * ones cannot be shown beside the others.
 *
 * Owner    all strings are borrowed from the catalogs.
 */
#include "expo.h"

#define EXPO_END UINT32_MAX

/* A family of a source that is shown. */
struct expo_candidate {
	uint32_t source;
	uint32_t family;
	uint32_t next; /* of the same draft, or EXPO_END */
};

/* A block in the making. */
struct expo_draft {
	const char *name;
	uint32_t first, last; /* candidates */
	uint8_t type;
};

struct expo_merge {
	struct expo_draft *drafts; /* sorted by name */
	struct expo_candidate *candidates;
	struct expo_loss *losses;
	size_t n_drafts, n_candidates, n_losses;
	size_t draft_cap, candidate_cap, loss_cap;
};

/*
 * expo_merge_sources -- fill *m, which is all zero.
 *
 * Errors   -ENOMEM, -E2BIG; expo_merge_free() in any case.
 */
int expo_merge_sources(
    struct expo_merge *m, const struct expo_source *, size_t n);
void expo_merge_free(struct expo_merge *);

#endif
