/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/scrape_service.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smx/writer.h"

#define PER_FAMILY   100
#define OBSERVATIONS 50 /* of each histogram, over both threads */
#define N_BOUNDS     11
#define SPARE	     64 /* series that may be added */

static const double bounds[N_BOUNDS] = { 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
	0.5, 1, 2.5, 5, 10 };

static struct smx_counter *counters;
static struct smx_histogram *hists;
char service_dir[] = "/dev/shm/smx-bench-XXXXXX";

void
die(const char *what)
{
	fprintf(stderr, "bench-scrape: %s\n", what);
	exit(1);
}

void
die_error(const char *what, int err)
{
	fprintf(stderr, "bench-scrape: %s: %s\n", what, strerror(-err));
	exit(1);
}

static void
register_family(struct service *s, uint32_t first)
{
	static const char *const labels[] = { "method", "shard", NULL };
	char name[64], shard[16];
	const char *values[] = { "get", shard, NULL };
	struct smx_desc d = { .name = name, .help = "Requests.",
		.label_names = labels };
	struct smx_counter_family family;
	struct smx_histogram_family hist_family;
	struct smx_error e;
	int err;

	if (s->histograms) {
		snprintf(name, sizeof(name), "bench_latency_%05u_seconds",
		    first / PER_FAMILY);
		d.exponent = 9;
		d.bounds = bounds;
		d.n_bounds = N_BOUNDS;
		err = smx_histogram_family(&hist_family, &d, &e);
	} else {
		snprintf(name, sizeof(name), "bench_requests_%05u_total",
		    first / PER_FAMILY);
		err = smx_counter_family(&family, &d, &e);
	}
	if (err < 0)
		die(e.msg);
	for (uint32_t i = first; i < s->n &&
	     i / PER_FAMILY == first / PER_FAMILY; i++) {
		snprintf(shard, sizeof(shard), "s%06u", i);
		if (s->histograms)
			hists[i] = smx_histogram_with(hist_family, values);
		else
			counters[i] = smx_counter_with(family, values);
	}
}

/* Log-uniform from 1 ms to 12 s, in nanoseconds. */
static uint64_t
duration(uint64_t *rnd)
{
	*rnd ^= *rnd << 13;
	*rnd ^= *rnd >> 7;
	*rnd ^= *rnd << 17;
	return (uint64_t)(1e6 * pow(12000, (double)(*rnd >> 11) * 0x1p-53));
}

static void
update(struct service *s, bool first)
{
	uint64_t rnd = first ? 362436069362436069u : 88172645463325252u;

	for (uint32_t i = 0; i < s->n; i++) {
		if (!s->histograms)
			smx_add(counters[i],
			    first ? 1234567 + (uint64_t)i * 7919 : 17);
		for (int k = 0; s->histograms && k < OBSERVATIONS / 2; k++)
			smx_observe(hists[i], duration(&rnd));
	}
}

static pthread_barrier_t all_done;

/* Its lane stays its own until all have one. */
static void *
further_thread(void *arg)
{
	update(arg, false);
	smx_thread_attach();
	pthread_barrier_wait(&all_done);
	return NULL;
}

static void
update_in_threads(struct service *s)
{
	pthread_t thread;

	pthread_barrier_init(&all_done, NULL, s->lanes);
	for (uint32_t i = 1; i < s->lanes; i++)
		if (pthread_create(&thread, NULL, further_thread, s) != 0)
			die("no further thread");
	update(s, true);
	pthread_barrier_wait(&all_done);
}

static void
grow(struct service *s)
{
	s->n++;
	register_family(s, s->n - 1);
	smx_inc(counters[s->n - 1]);
}

#define CHUNK	  1000u
#define CHUNKS	  200000u /* the first ones of a second */
#define SECOND_NS UINT64_C(1000000000)

static int
compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Chunk after chunk for a second, all counters in turn. */
static void
pace(const struct service *s, struct service_pace *seen)
{
	static uint32_t ns[CHUNKS];
	uint64_t began = smx_ticks(), last = began, now;
	uint32_t n = 0, at = 0, worst = 0;

	do {
		for (uint32_t i = 0; i < CHUNK; i++) {
			smx_inc(counters[at]);
			at = at + 1 == s->n ? 0 : at + 1;
		}
		now = smx_ticks();
		ns[n % CHUNKS] = (uint32_t)smx_ticks_ns(now - last);
		if (ns[n % CHUNKS] > worst)
			worst = ns[n % CHUNKS];
		n++;
		last = now;
	} while (smx_ticks_ns(now - began) < SECOND_NS);
	n = n < CHUNKS ? n : CHUNKS;
	qsort(ns, n, sizeof(ns[0]), compare_u32);
	seen->median_ns = (double)ns[n / 2] / CHUNK;
	seen->worst_us = worst / 1e3;
}

static int
answer(struct service *s, char command)
{
	struct service_pace seen;

	if (command == 'p') {
		pace(s, &seen);
		return write(s->from, &seen, sizeof(seen)) == sizeof(seen);
	}
	grow(s);
	return write(s->from, "", 1) == 1;
}

/* Writes a byte when it is ready, and then answers each that comes. */
static int
run(struct service *s)
{
	uint32_t max = s->n + SPARE;
	uint32_t cells = max * (s->histograms ? 3 + N_BOUNDS + 1 : 1);
	struct smx_options o = { .cells = cells + 64, .lanes = s->lanes + 6,
		.slots = 4,
		.dir_bytes = 65536 + max * 128 + max / PER_FAMILY * 1024 };
	struct smx_error e;
	char c = 0;

	counters = calloc(max, sizeof(*counters));
	hists = calloc(max, sizeof(*hists));
	if (counters == NULL || hists == NULL)
		die("no memory");
	if (smx_attach_error("bench", &o, &e) < 0)
		die(e.msg);
	for (uint32_t i = 0; i < s->n; i += PER_FAMILY)
		register_family(s, i);
	update_in_threads(s);
	if (write(s->from, &c, 1) != 1)
		return 1;
	while (read(s->to, &c, 1) == 1 && answer(s, c))
		;
	return 0;
}

static void
await(struct service *s)
{
	char c;

	if (read(s->from, &c, 1) != 1)
		die("the service has ended");
}

void
service_start(struct service *s)
{
	int to[2], from[2];

	strcpy(service_dir + strlen(service_dir) - 6, "XXXXXX");
	if (mkdtemp(service_dir) == NULL)
		die_error(service_dir, -errno);
	setenv("SMX_DIR", service_dir, 1);
	if (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0)
		die_error("pipe", -errno);
	s->pid = fork();
	if (s->pid < 0)
		die_error("fork", -errno);
	if (s->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(to[1]);
		s->to = to[0];
		s->from = from[1];
		_exit(run(s));
	}
	close(to[0]);
	close(from[1]);
	s->to = to[1];
	s->from = from[0];
	await(s);
}

void
service_grow(struct service *s)
{
	if (write(s->to, "g", 1) != 1)
		die_error("the service", -errno);
	await(s);
}

void
service_pace_begin(struct service *s)
{
	if (write(s->to, "p", 1) != 1)
		die_error("the service", -errno);
}

void
service_pace_end(struct service *s, struct service_pace *seen)
{
	if (read(s->from, seen, sizeof(*seen)) != sizeof(*seen))
		die("the service has ended");
}

void
service_stop(struct service *s)
{
	char file[64];

	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	close(s->to);
	close(s->from);
	snprintf(file, sizeof(file), "%s/smx.bench", service_dir);
	unlink(file);
	rmdir(service_dir);
}
