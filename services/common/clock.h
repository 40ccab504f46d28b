/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h -- wall-clock time, for stamps beside the messages.
 *
 * Decisions never use it: they run on the events' own time.
 */
#ifndef CDB_CLOCK_H
#define CDB_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Microseconds since 1970; other processes read the same clock. */
static inline int64_t
cdb_wall_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

#endif
