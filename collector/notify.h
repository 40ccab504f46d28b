/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify.h -- tells the service manager that we are ready, alive, ending.
 *
 * Ready is after the first look at the directory.  Alive is a loop that turns
 * and a look at the directory not long ago: a job that hangs stops it too.
 *
 * Thread   the loop's.
 */
#ifndef COLLECTOR_NOTIFY_H
#define COLLECTOR_NOTIFY_H

#include "collector/scrape.h"

struct notify {
	uv_timer_t timer;
	const struct scraper *scraper;
	uint64_t watchdog_ms;		/* 0: nobody waits for us */
	bool ready;
};

/* notify_open -- begin; nothing happens without a service manager. */
void notify_open(struct notify *n, uv_loop_t *loop,
    const struct scraper *scraper);

/* notify_close -- we are ending now. */
void notify_close(struct notify *n);

#endif
