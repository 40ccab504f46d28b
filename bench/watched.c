/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-watched -- what a reader costs the writers: updates while another
 * process takes 1,000 snapshots a second of 1,000 counters and 100
 * histograms, and while it does not, in turns.
 *
 * Rows, tab-separated, each twice, alone and `_watched`:
 *
 *     hot  smx  <operation>  1  <ns median>  <ns best>
 *
 *   one	 one counter
 *   all	 1,000 counters in turn
 *   observe_all 100 histograms in turn
 *
 * A turn is 10 ms: some ten snapshots.  A last line tells how many a
 * second there were; a machine that could not take nine tenths of them has
 * measured nothing, and the program fails.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/chunks.h"
#include "smx/view.h"
#include "smx/writer.h"

#define N_COUNTERS 1000
#define N_HISTS	   100
#define TURNS_MAX  101
#define TURN_NS	   10e6
#define PERIOD_NS  1000000

static char dir[] = "/dev/shm/smx-bench-XXXXXX";
static struct smx_counter counters[N_COUNTERS];
static struct smx_histogram hists[N_HISTS];

/* Shared with the reader's process. */
static struct {
	int on;		    /* take snapshots */
	uint64_t snapshots; /* taken */
} *watch;

static double
now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static void
need(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "bench-watched: %s failed\n", what);
	exit(1);
}

/* The writer on one CPU, the reader on another, where there are two. */
static void
pin(int which)
{
	cpu_set_t allowed, one;
	int cpu;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return;
	CPU_ZERO(&one);
	for (cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--) {
		if (!CPU_ISSET((size_t)cpu, &allowed))
			continue;
		CPU_ZERO(&one);
		CPU_SET((size_t)cpu, &one);
		if (which-- == 0)
			break;
	}
	(void)sched_setaffinity(0, sizeof(one), &one);
}

static void
next_period(struct timespec *at)
{
	at->tv_nsec += PERIOD_NS;
	if (at->tv_nsec >= 1000000000) {
		at->tv_nsec -= 1000000000;
		at->tv_sec++;
	}
	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, at, NULL);
}

/* The collector's part; its parent kills it. */
static void
read_for_ever(void)
{
	int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct smx_snapshot snapshot = { 0 };
	struct smx_view *view;
	struct timespec at;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	pin(1);
	smx_view_thread_init();
	need(smx_view_open(&view, dirfd, "smx.bench", NULL, NULL) == 0,
	    "open a view");
	(void)clock_gettime(CLOCK_MONOTONIC, &at);
	for (;;) {
		next_period(&at);
		if (!__atomic_load_n(&watch->on, __ATOMIC_ACQUIRE))
			continue;
		need(smx_snapshot_take(&snapshot, view, NULL) == 0,
		    "a snapshot");
		(void)__atomic_fetch_add(&watch->snapshots, 1,
		    __ATOMIC_RELAXED);
	}
}

static void
update_one(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		smx_inc(counters[0]);
		bench_barrier();
	}
}

static void
update_all(uint64_t n)
{
	for (uint64_t i = 0; i < n; i += N_COUNTERS)
		for (int k = 0; k < N_COUNTERS; k++) {
			smx_inc(counters[k]);
			bench_barrier();
		}
}

static void
observe_all(uint64_t n)
{
	uint64_t value = 1;

	for (uint64_t i = 0; i < n; i += N_HISTS)
		for (int k = 0; k < N_HISTS; k++) {
			/* 1 us to 1 s, all over the buckets */
			value = value * 6364136223846793005u + 1;
			smx_observe(hists[k], 1000 + value % 1000000000);
			bench_barrier();
		}
}

static double
turn(void (*run)(uint64_t), uint64_t n)
{
	double start = now_ns();

	run(n);
	return (now_ns() - start) / (double)n;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
print_row(const char *name, const char *how, double *ns, size_t n)
{
	qsort(ns, n, sizeof(*ns), compare);
	printf("hot\tsmx\t%s%s\t1\t%.4f\t%.4f\n", name, how, ns[n / 2],
	    ns[0]);
	(void)fflush(stdout);
}

/* Seconds for which it was watched. */
static double
measure(const char *name, void (*run)(uint64_t), size_t turns)
{
	static double alone[TURNS_MAX], watched[TURNS_MAX];
	double first = turn(run, 1000000);
	uint64_t n = (uint64_t)(TURN_NS / first);
	double seconds = 0;

	for (size_t i = 0; i < turns; i++) {
		alone[i] = turn(run, n);
		__atomic_store_n(&watch->on, 1, __ATOMIC_RELEASE);
		watched[i] = turn(run, n);
		__atomic_store_n(&watch->on, 0, __ATOMIC_RELEASE);
		seconds += watched[i] * (double)n / 1e9;
	}
	print_row(name, "", alone, turns);
	print_row(name, "_watched", watched, turns);
	return seconds;
}

static int
measure_all(void)
{
	size_t turns = (size_t)bench_env("BENCH_CHUNKS", 51);
	double seconds, rate;

	turns = turns < 1 ? 1 : turns > TURNS_MAX ? TURNS_MAX : turns;
	seconds = measure("one", update_one, turns);
	seconds += measure("all", update_all, turns);
	seconds += measure("observe_all", observe_all, turns);
	rate = (double)__atomic_load_n(&watch->snapshots, __ATOMIC_RELAXED) /
	    seconds;
	printf("watched\tsmx\tsnapshots_per_second\t%d\t%.0f\n",
	    N_COUNTERS + N_HISTS, rate);
	if (rate >= 900)
		return 0;
	(void)fprintf(stderr, "bench-watched: the machine is too busy for "
	    "1,000 snapshots a second\n");
	return 1;
}

static void
register_all(void)
{
	struct smx_options o = { .dir = dir, .cells = 65536 };
	char name[64];

	need(smx_attach("bench", &o) == 0, "attach");
	for (int i = 0; i < N_COUNTERS; i++) {
		(void)snprintf(name, sizeof(name), "bench_%04d_total", i);
		counters[i] = smx_counter(name, "Requests.");
		need(counters[i].cell != 0, "a counter");
	}
	for (int i = 0; i < N_HISTS; i++) {
		(void)snprintf(name, sizeof(name), "bench_%04d_seconds", i);
		hists[i] = smx_histogram_latency(name, "Latency.");
		need(hists[i].cell != 0, "a histogram");
	}
}

/* However the program ends. */
static void
clean(void)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/smx.bench", dir);
	(void)unlink(path);
	(void)rmdir(dir);
}

int
main(void)
{
	pid_t reader;
	int ret;

	watch = mmap(NULL, sizeof(*watch), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(watch != MAP_FAILED, "mmap");
	need(mkdtemp(dir) != NULL && atexit(clean) == 0,
	    "mkdtemp in /dev/shm");
	register_all();
	reader = fork();
	need(reader >= 0, "fork");
	if (reader == 0)
		read_for_ever();
	pin(0);
	ret = measure_all();
	(void)kill(reader, SIGKILL);
	(void)waitpid(reader, NULL, 0);
	return ret;
}
