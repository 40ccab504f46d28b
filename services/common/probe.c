/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"

#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define HICCUP_MS 10

/*
 * The callbacks of a turn run before and after this one, and the wait for
 * something to do lies between them: what is not waiting was work.
 */
static void
on_turn(uv_check_t *handle)
{
	struct cdb_probe *probe = handle->data;
	uint64_t now = uv_hrtime();
	uint64_t idle = uv_metrics_idle_time(probe->loop);
	uint64_t waited = idle - probe->turn_idle_ns;
	uint64_t took = now - probe->turn_ns;

	if (probe->turn_ns && took >= waited)
		smx_observe(probe->metrics->loop_stall, took - waited);
	probe->turn_ns = now;
	probe->turn_idle_ns = idle;
}

/* Sleeps and looks how late it wakes up, until stop_fd can be read. */
static void *
hiccup_main(void *arg)
{
	struct cdb_probe *probe = arg;
	struct pollfd fd = { .fd = probe->stop_fd, .events = POLLIN };

	for (;;) {
		uint64_t t0 = uv_hrtime();
		uint64_t asked = UINT64_C(1000000) * HICCUP_MS;
		uint64_t slept;

		if (poll(&fd, 1, HICCUP_MS) > 0)
			return NULL;
		slept = uv_hrtime() - t0;
		smx_observe(probe->metrics->hiccup,
		    slept > asked ? slept - asked : 0);
	}
}

/* Signals belong to the loop's thread. */
static void
thread_start(struct cdb_probe *probe)
{
	sigset_t all;
	sigset_t before;

	probe->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (probe->stop_fd < 0)
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	probe->thread_runs =
	    pthread_create(&probe->thread, NULL, hiccup_main, probe) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void
cdb_probe_start(struct cdb_probe *probe, uv_loop_t *loop,
    struct cdb_metrics *metrics)
{
	memset(probe, 0, sizeof(*probe));
	probe->loop = loop;
	probe->metrics = metrics;
	uv_check_init(loop, &probe->turn);
	probe->turn.data = probe;
	uv_check_start(&probe->turn, on_turn);
	/* it only looks on: the loop ends without it */
	uv_unref((uv_handle_t *)&probe->turn);
	thread_start(probe);
}

static void
count_active(uv_handle_t *handle, void *arg)
{
	if (uv_is_active(handle))
		++*(unsigned *)arg;
}

void
cdb_probe_slow(struct cdb_probe *probe)
{
	struct cdb_metrics *m = probe->metrics;
	struct mallinfo2 heap = mallinfo2();
	uint64_t idle = uv_metrics_idle_time(probe->loop);
	unsigned active = 0;

	uv_walk(probe->loop, count_active, &active);
	smx_set(m->loop_handles, active);
	smx_set(m->malloc_arena, (double)heap.arena);
	smx_set(m->malloc_in_use, (double)heap.uordblks);
	smx_set(m->malloc_mmap, (double)heap.hblkhd);
	smx_add(m->loop_idle, idle - probe->idle_ns);
	probe->idle_ns = idle;
	smx_process_metrics();
}

void
cdb_probe_stop(struct cdb_probe *probe)
{
	if (probe->thread_runs) {
		eventfd_write(probe->stop_fd, 1);
		pthread_join(probe->thread, NULL);
		probe->thread_runs = false;
	}
	if (probe->stop_fd >= 0)
		close(probe->stop_fd);
	probe->stop_fd = -1;
	uv_close((uv_handle_t *)&probe->turn, NULL);
}
