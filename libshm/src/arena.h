/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_ARENA_H
#define SMX_SRC_ARENA_H
/*
 * arena -- memory that only grows, up to a budget, and can be cut back to a
 * mark.  What was handed out never moves.
 *
 * Thread   one at a time.
 * Errors   -ENOMEM; -E2BIG beyond the budget.
 */
#include <stddef.h>

struct smx__chunk;

struct smx__arena {
	struct smx__chunk *top;
	size_t spent; /* bytes taken from malloc, arrays included */
	size_t limit;
};

struct smx__arena_mark {
	const struct smx__chunk *top;
	size_t used;
};

/* A private copy of `size` bytes, aligned to 8; NULL and *err on failure. */
void *smx__arena_copy(struct smx__arena *, const void *, size_t size, int *err);

struct smx__arena_mark smx__arena_mark(const struct smx__arena *);
void smx__arena_cut(struct smx__arena *, struct smx__arena_mark);
void smx__arena_free(struct smx__arena *);

/*
 * smx__array_grow -- make room for `need` items of `size` bytes in a realloced
 * array of *cap items, within the arena's budget.
 */
int smx__array_grow(struct smx__arena *, void *array, size_t *cap, size_t need,
    size_t size);

#endif
