/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deliveries.h -- which answers have reached somebody.
 *
 * An answer has a number, its turn.  Those who asked for it take all of it or
 * leave before; what at least one of them has taken is taken.
 *
 * Thread   the loop's; what deliveries_collect() gives may go elsewhere.
 */
#ifndef COLLECTOR_DELIVERIES_H
#define COLLECTOR_DELIVERIES_H

#include <stdint.h>

#include "collector/select.h"

struct delivery {
	struct delivery *next;
	uint64_t turn;
	unsigned refs;			/* who is still taking it */
	bool taken;
	struct selection sel;
};

struct deliveries {
	struct delivery *under_way;
	struct delivery *taken;
};

/*
 * deliveries_begin -- an answer goes out to n > 0 clients.
 *
 * Without memory for it, it counts as not taken.
 */
void deliveries_begin(struct deliveries *d, uint64_t turn,
    const struct selection *sel, unsigned n);

/* deliveries_end -- one client is done with it: took it all, or did not. */
void deliveries_end(struct deliveries *d, uint64_t turn, bool whole);

/* deliveries_collect -- those taken since, for deliveries_free(). */
struct delivery *deliveries_collect(struct deliveries *d);

/* deliveries_free -- a list of them. */
void deliveries_free(struct delivery *list);

/* deliveries_close -- frees all that is left. */
void deliveries_close(struct deliveries *d);

#endif
