/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "smx.h"

/* Cells behind the sink, of an area of that many bytes. */
static uint64_t
cells(uint64_t bytes)
{
	return bytes > SMX_SINK ? (bytes - SMX_SINK) / 8 : 0;
}

void
capacity_of(struct capacity to[N_CAPACITIES], const struct smx_segment_state *s)
{
	const struct capacity all[N_CAPACITIES] = {
		{ "slots", "slots", s->slots_live, s->slots },
		{ "lanes", "lanes", s->lanes_owned, s->lanes },
		{ "cells", "cells", cells(s->lane_bytes_used),
		    cells(s->lane_bytes) },
		{ "gauges", "gauges", cells(s->gauge_bytes_used),
		    cells(s->gauge_bytes) },
		{ "bytes of directory", "dir_bytes", s->dir_bytes_used,
		    s->dir_bytes },
	};

	for (size_t i = 0; i < N_CAPACITIES; i++)
		to[i] = all[i];
}

void
capacity_put(const struct smx_segment_state *s)
{
	struct capacity c[N_CAPACITIES];

	capacity_of(c, s);
	for (size_t i = 0; i < N_CAPACITIES; i++)
		printf("%s%" PRIu64 " of %" PRIu64 " %s", i > 0 ? ", " : "",
		    c[i].used, c[i].of, c[i].what);
	putchar('\n');
}
