/* SPDX-License-Identifier: Apache-2.0 */
/*
 * self_families.h -- the families of the collector's own series.
 */
#ifndef COLLECTOR_SELF_FAMILIES_H
#define COLLECTOR_SELF_FAMILIES_H

#include "smx/snapshot.h"

#define SELF_BUCKETS 12		/* of the scrape duration, +Inf included */

/* Up to N_OURS about the collector, then about a service. */
enum self_family {
	F_BUILD_INFO, F_SCRAPE, F_TURN, F_REQUESTS, F_IN_FLIGHT, F_DISCONNECTS,
	F_ERRORS, F_SEGMENTS, F_SEGMENTS_BAD, F_SEGMENT_ERRORS, F_HIDDEN,
	F_DIRECTORY_UP,
	F_CPU, F_OPEN_FDS, F_MAX_FDS, F_VIRTUAL, F_VIRTUAL_MAX, F_RESIDENT,
	F_START, F_THREADS,
	N_OURS,
	S_LIVE = N_OURS, S_SLOTS, S_LANES, S_LANES_USED, S_DIR, S_DIR_USED,
	S_CELLS, S_CELLS_USED, S_GAUGES, S_GAUGES_USED, S_SERIES, S_SIZE,
	S_CREATED,
	S_REFUSED, S_DROPPED, S_NO_SLOT, S_NO_LANE, S_REDEFINED, S_OVERFLOWED,
	S_ADOPTED, S_APPROXIMATE,
	N_FAMILIES
};
/* Within those about a service. */
#define OF_SERVICE(family) ((uint32_t)(family) - N_OURS)

/* Of F_SCRAPE and F_TURN, in nanoseconds. */
extern const struct smx_bucket self_time_bounds[SELF_BUCKETS];

/* self_families_fill -- describe all of them; everything in it is static. */
void self_families_fill(struct smx_family_info families[N_FAMILIES]);

#endif
