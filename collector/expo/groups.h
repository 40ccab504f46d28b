/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPO_GROUPS_H
#define EXPO_GROUPS_H
/*
 * groups -- the series of a catalog by family, in the directory's order.
 */
#include <stdint.h>

#include "smx/snapshot.h"

/* Those of family f are series[start[f]] up to series[start[f + 1]], as
 * indices of the catalog. */
struct expo_groups {
	uint32_t *start;
	uint32_t *series;
};

/* expo_groups_make -- of the series from `first` on.  -ENOMEM; to be freed in
 * any case. */
int expo_groups_make(
    struct expo_groups *, const struct smx_catalog *, uint32_t first);
void expo_groups_free(struct expo_groups *);

static inline uint32_t
expo_groups_size(const struct expo_groups *g, uint32_t family)
{
	return g->start[family + 1] - g->start[family];
}

#endif
