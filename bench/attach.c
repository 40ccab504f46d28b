/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-attach -- what comes before the first update: attaching, registering,
 * a thread's first lane; and what a counter takes of memory.
 *
 * Rows, tab-separated:
 *
 *     attach  smx  <what>  <n>  <ns median>  <ns best>
 *     memory  smx  <what>  <n>  <bytes for each>
 *
 *   attach_new	     a process's first attach, which makes the segment
 *   attach, attach_series  to one that is there; with n series in it
 *   register	     one counter more, of a name of its own
 *   register_with   one more series of a family, at its first look-up
 *   register_again  a counter that this process has already
 *   register_all    n counters in families of 100, for each; none before.
 *		     Of the processor: it waits for nothing, and nearly a
 *		     second is too long to hope for a machine of one's own
 *   lane	     a thread claims its lane
 *   counter	     of the segment: record and cell in one lane
 *   counter_lane    of the segment: for each lane more
 *   counter_process of the process: its index and its look-up cache
 *
 * Each measurement has a process of its own: a process attaches once.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "smx/writer.h"

#define SAMPLES	   101
#define N_REGISTER 1000
#define N_SERIES   1000
#define N_ALL	   100000
#define PER_FAMILY 100

static char dir[] = "/dev/shm/smx-bench-XXXXXX";
static double *shared; /* a child's results; SAMPLES or N_REGISTER of them */

static double
read_clock(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static double
now_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

static void
need(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "bench-attach: %s failed\n", what);
	exit(1);
}

static const struct smx_options *
roomy(void)
{
	static const struct smx_options o = {
		.dir = dir, .cells = N_ALL + 1000, .dir_bytes = 32u << 20,
		.series_max = N_ALL,
	};

	return &o;
}

/* Runs fn in a child, which leaves its results in `shared`. */
static void
in_child(void (*fn)(void))
{
	pid_t pid = fork();
	int status;

	need(pid >= 0, "fork");
	if (pid == 0) {
		fn();
		_exit(0);
	}
	need(waitpid(pid, &status, 0) == pid && status == 0, "a child");
}

static void
forget_segment(void)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/smx.bench", dir);
	(void)unlink(path);
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
print_times(const char *what, int n, size_t samples)
{
	qsort(shared, samples, sizeof(*shared), compare);
	printf("attach\tsmx\t%s\t%d\t%.0f\t%.0f\n", what, n,
	    shared[samples / 2], shared[0]);
	(void)fflush(stdout);
}

static void
print_bytes(const char *what, int n, double bytes)
{
	printf("memory\tsmx\t%s\t%d\t%.1f\n", what, n, bytes);
}

static size_t sample;

static void
time_attach(void)
{
	double start = now_ns();
	int err = smx_attach("bench", roomy());

	shared[sample] = now_ns() - start;
	need(err == 0, "attach");
}

static void
time_attaches(const char *what, int n, bool anew)
{
	for (sample = 0; sample < SAMPLES; sample++) {
		if (anew)
			forget_segment();
		in_child(time_attach);
	}
	print_times(what, n, SAMPLES);
}

static struct smx_counter_family
make_family(int number)
{
	static const char *const labels[] = { "method", "shard", NULL };
	char name[64];
	struct smx_desc d = { .name = name, .help = "Requests.",
		.label_names = labels };
	struct smx_counter_family f;

	(void)snprintf(name, sizeof(name), "bench_requests_%05d_total",
	    number);
	need(smx_counter_family(&f, &d, NULL) == 0, "a family");
	return f;
}

/* Counters as `bench scrape` has them. */
static void
register_series(int first, int n)
{
	struct smx_counter_family f = { NULL };
	char shard[16];
	const char *const values[] = { "get", shard };

	for (int i = first; i < first + n; i++) {
		if (i % PER_FAMILY == 0 || f.family == NULL)
			f = make_family(i / PER_FAMILY);
		(void)snprintf(shard, sizeof(shard), "s%06d", i);
		need(smx_counter_with(f, values).cell != 0, "a series");
	}
}

static void
register_some(void)
{
	need(smx_attach("bench", roomy()) == 0, "attach");
	register_series(0, N_SERIES);
}

static void
time_names(bool again)
{
	char name[64];

	for (int i = 0; i < N_REGISTER; i++) {
		double start;

		(void)snprintf(name, sizeof(name), "bench_name_%05d_total",
		    i);
		if (again)
			(void)smx_counter(name, "Requests.");
		start = now_ns();
		need(smx_counter(name, "Requests.").cell != 0, "a counter");
		shared[i] = now_ns() - start;
	}
}

static void
time_new_names(void)
{
	need(smx_attach("bench", roomy()) == 0, "attach");
	time_names(false);
}

static void
time_old_names(void)
{
	need(smx_attach("bench", roomy()) == 0, "attach");
	time_names(true);
}

static void
time_series(void)
{
	struct smx_counter_family f;
	char shard[16];
	const char *const values[] = { "put", shard };

	need(smx_attach("bench", roomy()) == 0, "attach");
	f = make_family(0);
	for (int i = 0; i < N_REGISTER; i++) {
		double start;

		(void)snprintf(shard, sizeof(shard), "s%06d", i);
		start = now_ns();
		need(smx_counter_with(f, values).cell != 0, "a series");
		shared[i] = now_ns() - start;
	}
}

static void
time_all(void)
{
	double start;

	need(smx_attach("bench", roomy()) == 0, "attach");
	start = read_clock(CLOCK_PROCESS_CPUTIME_ID);
	register_series(0, N_ALL);
	shared[sample] = (read_clock(CLOCK_PROCESS_CPUTIME_ID) - start) /
	    N_ALL;
}

static void *
claim_lane(void *arg)
{
	double start = now_ns();

	(void)arg;
	need(smx_thread_attach() == 0, "a lane");
	shared[sample] = now_ns() - start;
	return NULL;
}

/* A thousand series have to be in the lane before it is the thread's. */
static void
time_lanes(void)
{
	pthread_t thread;

	register_some();
	for (sample = 0; sample < SAMPLES; sample++) {
		need(pthread_create(&thread, NULL, claim_lane, NULL) == 0 &&
		    pthread_join(thread, NULL) == 0, "a thread");
	}
}

static double
segment_bytes(void)
{
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/smx.bench", dir);
	need(stat(path, &st) == 0, "stat");
	return (double)st.st_blocks * 512;
}

static double
heap_bytes(void)
{
	struct mallinfo2 m = mallinfo2();

	return (double)(m.uordblks + m.hblkhd);
}

static void *
hold_lane(void *arg)
{
	pthread_barrier_t *b = arg;

	need(smx_thread_attach() == 0, "a lane");
	(void)pthread_barrier_wait(b);
	(void)pthread_barrier_wait(b);
	return NULL;
}

/* Lanes double as they grow: what is committed beyond the last cell is
 * counted as well. */
static void
measure_memory(void)
{
	double segment, heap, one;
	pthread_barrier_t barrier;
	pthread_t thread;

	need(smx_attach("bench", roomy()) == 0 && smx_thread_attach() == 0,
	    "attach");
	segment = segment_bytes();
	heap = heap_bytes();
	register_series(0, N_ALL);
	one = segment_bytes();
	shared[0] = (one - segment) / N_ALL;
	shared[1] = (heap_bytes() - heap) / N_ALL;
	need(pthread_barrier_init(&barrier, NULL, 2) == 0, "barrier");
	need(pthread_create(&thread, NULL, hold_lane, &barrier) == 0,
	    "thread");
	(void)pthread_barrier_wait(&barrier);
	shared[2] = (segment_bytes() - one) / N_ALL;
	(void)pthread_barrier_wait(&barrier);
	(void)pthread_join(thread, NULL);
}

static void
run_all(void)
{
	time_attaches("attach_new", 0, true);
	time_attaches("attach", 0, false);
	in_child(register_some);
	time_attaches("attach_series", N_SERIES, false);
	forget_segment();
	in_child(time_new_names);
	print_times("register", 1, N_REGISTER);
	in_child(time_old_names);
	print_times("register_again", 1, N_REGISTER);
	in_child(time_series);
	print_times("register_with", 1, N_REGISTER);
	forget_segment();
	in_child(time_lanes);
	print_times("lane", N_SERIES, SAMPLES);
	for (sample = 0; sample < 5; sample++) {
		forget_segment();
		in_child(time_all);
	}
	print_times("register_all", N_ALL, 5);
	forget_segment();
	in_child(measure_memory);
	print_bytes("counter", N_ALL, shared[0]);
	print_bytes("counter_process", N_ALL, shared[1]);
	print_bytes("counter_lane", N_ALL, shared[2]);
}

/* However the program ends. */
static void
clean(void)
{
	forget_segment();
	(void)rmdir(dir);
}

int
main(void)
{
	shared = mmap(NULL, N_REGISTER * sizeof(*shared),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(shared != MAP_FAILED, "mmap");
	need(mkdtemp(dir) != NULL && atexit(clean) == 0,
	    "mkdtemp in /dev/shm");
	run_all();
	return 0;
}
