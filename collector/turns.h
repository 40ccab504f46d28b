/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turns.h -- how long each turn of the event loop keeps it busy: whoever
 * waits for an answer to something small waits that long.
 *
 * Thread   the loop's.
 */
#ifndef COLLECTOR_TURNS_H
#define COLLECTOR_TURNS_H

#include <uv.h>

#include "collector/self.h"

struct turns {
	uv_prepare_t prepare;		/* comes once in each turn */
	uint64_t at_ns, idle_ns;	/* when it last came */
	struct self_stats *stats;
};

/* turns_open -- before the loop runs for the first time. */
void turns_open(struct turns *t, uv_loop_t *loop, struct self_stats *stats);
void turns_close(struct turns *t);

#endif
