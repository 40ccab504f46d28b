/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quiet.h -- entries that came to nothing wait a moment for company.
 *
 * Each transaction costs a sync to disk.  What nobody waits for is therefore
 * committed with the next output, or when there is enough of it, or after
 * some milliseconds; whoever is killed before only decides about it again.
 *
 * Thread   the loop's.
 */
#ifndef CDB_QUIET_H
#define CDB_QUIET_H

#include "bus.h"

struct cdb_quiet {
	struct cdb_bus *bus;
	uv_timer_t timer;
	uint64_t ms;
	bool over;
};

/* cdb_quiet_init -- at most so many milliseconds. */
void cdb_quiet_init(struct cdb_quiet *q, uv_loop_t *loop,
    struct cdb_bus *bus, uint64_t ms);

/*
 * cdb_quiet_over -- whether n entries have waited long enough, or are enough.
 * Otherwise the bus's `idle` is called when the time has come.
 */
bool cdb_quiet_over(struct cdb_quiet *q, size_t n);

/* cdb_quiet_reset -- they are in a transaction, or forgotten. */
void cdb_quiet_reset(struct cdb_quiet *q);

/* cdb_quiet_close -- its handle closes in the loop. */
void cdb_quiet_close(struct cdb_quiet *q);

#endif
