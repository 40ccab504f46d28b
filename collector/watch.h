/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.h -- tells when segments come, go or change.
 *
 * inotify on the directory, gathered for 50 ms so that a burst is one call;
 * and a call every 5 s whatever happens: notices can be lost, and the
 * directory itself may come, go or be made anew.
 *
 * Thread   the loop's.
 */
#ifndef COLLECTOR_WATCH_H
#define COLLECTOR_WATCH_H

#include <stdbool.h>
#include <sys/stat.h>
#include <uv.h>

#define WATCH_RESCAN_MS 5000
#define WATCH_GATHER_MS 50

struct watch {
	uv_poll_t poll;
	uv_timer_t gather;
	uv_timer_t rescan;
	const char *dir;		/* borrowed */
	int fd;				/* inotify; -1: none, timer only */
	int wd;				/* -1: no directory */
	dev_t dev;			/* of the watched directory */
	ino_t ino;
	void (*changed)(void *ctx);
	void *ctx;
};

/*
 * watch_open -- call `changed` from the loop, now and again until closed.
 *
 * Errors   none: without inotify the timer remains.
 */
void watch_open(struct watch *w, uv_loop_t *loop, const char *dir,
    void (*changed)(void *ctx), void *ctx);

/* watch_close -- the memory is free to go when the loop has ended. */
void watch_close(struct watch *w);

#endif
