/* SPDX-License-Identifier: Apache-2.0 */
#include "pace.h"

void
cdb_pace_restart(struct cdb_pace *pace)
{
	pace->anchored = false;
}

uint64_t
cdb_pace_due_ns(struct cdb_pace *pace, int64_t event_ms, uint64_t now_ns)
{
	double ahead_ms;

	if (pace->speed <= 0)
		return now_ns;
	if (!pace->anchored) {
		pace->anchored = true;
		pace->event_ms = event_ms;
		pace->wall_ns = now_ns;
	}
	ahead_ms = (double)(event_ms - pace->event_ms) / pace->speed;
	if (ahead_ms <= 0)
		return pace->wall_ns;
	if (ahead_ms > 1e12)
		ahead_ms = 1e12;	/* thirty years will do */
	return pace->wall_ns + (uint64_t)(ahead_ms * 1e6);
}
