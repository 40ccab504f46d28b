/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eventloop -- metrics for a loop that is there already: how busy each turn
 * keeps it, how late timers come, and what the process uses.
 *
 *	example-eventloop SECONDS
 *
 * Three places are touched: registration at start, a prepare and a check
 * around the loop's sleep, and a slow timer for what the kernel knows.  The
 * work itself stays as it was.
 */
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include <smx/writer.h>

struct loop_metrics {
	struct smx_histogram busy, late;
	struct smx_counter turns;
	uint64_t awake; /* ticks: since when callbacks run */
	uv_prepare_t prepare;
	uv_check_t check;
	uv_timer_t slow;
};

/* Before the loop sleeps: all callbacks of this turn have run. */
static void
on_prepare(uv_prepare_t *handle)
{
	struct loop_metrics *m = handle->data;

	smx_observe_since(m->busy, m->awake);
	smx_inc(m->turns);
}

static void
on_check(uv_check_t *handle)
{
	((struct loop_metrics *)handle->data)->awake = smx_ticks();
}

/* Reads /proc, so not on a hot path: every five seconds is plenty. */
static void
on_slow(uv_timer_t *timer)
{
	(void)timer;
	(void)smx_process_metrics();
}

static void
loop_metrics_add(struct loop_metrics *m, uv_loop_t *loop)
{
	m->busy = smx_histogram_latency("loop_busy_seconds",
	    "Time of callbacks in one turn of the loop.");
	m->late = smx_histogram_latency("timer_late_seconds",
	    "How much later than due a timer came.");
	m->turns = smx_counter("loop_turns_total", "Turns of the loop.");
	m->awake = smx_ticks();
	m->prepare.data = m->check.data = m;
	uv_prepare_init(loop, &m->prepare);
	uv_prepare_start(&m->prepare, on_prepare);
	uv_check_init(loop, &m->check);
	uv_check_start(&m->check, on_check);
	uv_timer_init(loop, &m->slow);
	uv_timer_start(&m->slow, on_slow, 0, 5000);
}

/* The program that was there before. */
static struct loop_metrics metrics;
static uint64_t due_ns;

static void
on_work(uv_timer_t *timer)
{
	uint64_t now = uv_hrtime();

	smx_observe(metrics.late, now - due_ns);
	due_ns = now + uv_timer_get_repeat(timer) * 1000000;
}

static void
on_end(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

int
main(int argc, char **argv)
{
	uint64_t ms = (uint64_t)(atof(argc > 1 ? argv[1] : "3600") * 1000);
	uv_loop_t *loop = uv_default_loop();
	struct smx_error error;
	uv_timer_t work, end;

	if (smx_attach_error("eventloop", NULL, &error) < 0)
		fprintf(stderr, "no metrics: %s\n", error.msg);
	loop_metrics_add(&metrics, loop);
	uv_timer_init(loop, &work);
	uv_timer_start(&work, on_work, 10, 10);
	due_ns = uv_hrtime() + 10000000;
	uv_timer_init(loop, &end);
	uv_timer_start(&end, on_end, ms, 0);
	return uv_run(loop, UV_RUN_DEFAULT) < 0;
}
