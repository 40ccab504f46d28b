/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_CELLS_H
#define SMX_SRC_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"

/* One bit for each cell of an area: taken by a series. */
struct smx__cell_map {
	uint64_t *words;
	size_t cap;	/* words allocated */
	size_t n;	/* words zeroed, at most cap */
	uint64_t limit; /* cells of the area */
};

/*
 * smx__cells_reserve -- room in the map for cells below `end`, and in the
 * budget for a snapshot of them.  -E2BIG, -ENOMEM.
 */
int smx__cells_reserve(struct smx__cell_map *, struct smx__arena *,
    uint64_t end);

/* Marks n cells as taken; false, and none marked, if one was already. */
bool smx__cells_take(struct smx__cell_map *, uint32_t first, uint32_t n);
void smx__cells_give(struct smx__cell_map *, uint32_t first, uint32_t n);

#endif
