/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pace.h -- when a tick of the past is due today.
 *
 * The first tick after a start is due at once; the others follow at their
 * distance in event time, divided by the speed.
 *
 * Thread   any; pure.
 */
#ifndef CDB_PACE_H
#define CDB_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct cdb_pace {
	double speed;		/* 0: everything is due at once */
	bool anchored;
	int64_t event_ms;	/* this event time ... */
	uint64_t wall_ns;	/* ... is due at this time of uv_hrtime() */
};

/* cdb_pace_restart -- the next tick is due when it is asked for. */
void cdb_pace_restart(struct cdb_pace *pace);

/*
 * cdb_pace_due_ns -- when (uv_hrtime()) the tick of this event time is due.
 *
 * `now_ns` anchors the first one.  A tick whose time is below the anchor is
 * due at once.
 */
uint64_t cdb_pace_due_ns(struct cdb_pace *pace, int64_t event_ms,
    uint64_t now_ns);

#endif
