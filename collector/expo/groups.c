/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"

#include <errno.h>
#include <stdlib.h>

int
expo_groups_make(
    struct expo_groups *g, const struct smx_catalog *c, uint32_t first)
{
	g->start = calloc((size_t)c->n_families + 2, sizeof(*g->start));
	g->series =
	    calloc((size_t)(c->n_series - first) + 1, sizeof(*g->series));
	if (g->start == NULL || g->series == NULL)
		return -ENOMEM;
	/* start[f + 2] counts, is summed up, and start[f + 1] then runs from
	 * the first of f to the first of f + 1 while they are filled in */
	for (uint32_t i = first; i < c->n_series; i++)
		if (c->series[i].family < c->n_families)
			g->start[c->series[i].family + 2]++;
	for (uint32_t f = 2; f < c->n_families + 2; f++)
		g->start[f] += g->start[f - 1];
	for (uint32_t i = first; i < c->n_series; i++)
		if (c->series[i].family < c->n_families)
			g->series[g->start[c->series[i].family + 1]++] = i;
	return 0;
}

void
expo_groups_free(struct expo_groups *g)
{
	free(g->start);
	free(g->series);
}
