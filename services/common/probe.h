/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe.h -- looks at the process itself: its loop, its heap, its scheduling.
 *
 * What stands here in place of the figures of a garbage collector: turns of
 * the loop that keep everybody waiting, and wake-ups that come late.
 *
 * Thread   the loop's; the hiccups are measured in a thread of its own.
 */
#ifndef CDB_PROBE_H
#define CDB_PROBE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "metrics.h"

struct cdb_probe {
	uv_loop_t *loop;
	struct cdb_metrics *metrics;
	uv_check_t turn;	/* runs once in each turn of the loop */
	uint64_t turn_ns;	/* uv_hrtime() of the last one; 0 none yet */
	uint64_t turn_idle_ns;	/* idle time of the loop then */
	uint64_t idle_ns;	/* counted so far */
	bool thread_runs;
	pthread_t thread;
	int stop_fd;		/* eventfd that ends the thread */
};

/* cdb_probe_start -- begin to measure.  Without a thread if it must. */
void cdb_probe_start(struct cdb_probe *probe, uv_loop_t *loop,
    struct cdb_metrics *metrics);

/* cdb_probe_slow -- the slow figures; call it every few seconds. */
void cdb_probe_slow(struct cdb_probe *probe);

/* cdb_probe_stop -- end the thread; the handles close in the loop. */
void cdb_probe_stop(struct cdb_probe *probe);

#endif
