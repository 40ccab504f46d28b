/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scrape -- what one scrape of N series costs the collector, from the mapped
 * segment to the finished page, on one thread.
 *
 *     bench-scrape scrape counters|histograms N
 *
 * A child is the service: it registers families of 100 series with two
 * labels, and two of its threads, so two lanes, update every one.  The parent
 * is the collector: it takes a snapshot and renders Prometheus text into the
 * buffer of the scrape before (a fresh one would measure page faults, which
 * cost more than all the rest).  Prints, tab-separated,
 *
 *     scrape  smx  kind  N  ns_median  ns_min  bytes  lines
 *             rss_kb_of_series  peak_rss_kb_added
 *
 * The series' memory is all that the collector holds for them, mapped lanes
 * included; the peak is what one scrape adds to it for its own time.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "expo/expo.h"
#include "smx/view.h"
#include "smx/writer.h"

#define PER_FAMILY   100
#define OBSERVATIONS 50 /* of each histogram, over both threads */
#define N_BOUNDS     11
#define REPEATS_MAX  31

static const double bounds[N_BOUNDS] = { 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
	0.5, 1, 2.5, 5, 10 };

static void
die(const char *what)
{
	fprintf(stderr, "bench-scrape: %s\n", what);
	exit(1);
}

static void
die_error(const char *what, int err)
{
	fprintf(stderr, "bench-scrape: %s: %s\n", what, strerror(-err));
	exit(1);
}

/* ---- the service ---- */

struct service {
	bool histograms;
	uint32_t n;
	struct smx_counter *counters;
	struct smx_histogram *hists;
};

static void
register_family(struct service *s, uint32_t first)
{
	static const char *const labels[] = { "method", "shard", NULL };
	char name[64], shard[16];
	const char *values[] = { "get", shard, NULL };
	struct smx_desc d = { .name = name, .help = "Requests.",
		.label_names = labels };
	struct smx_counter_family counters;
	struct smx_histogram_family hists;
	struct smx_error e;
	int err;

	if (s->histograms) {
		snprintf(name, sizeof(name), "bench_latency_%05u_seconds",
		    first / PER_FAMILY);
		d.exponent = 9;
		d.bounds = bounds;
		d.n_bounds = N_BOUNDS;
		err = smx_histogram_family(&hists, &d, &e);
	} else {
		snprintf(name, sizeof(name), "bench_requests_%05u_total",
		    first / PER_FAMILY);
		err = smx_counter_family(&counters, &d, &e);
	}
	if (err < 0)
		die(e.msg);
	for (uint32_t i = first; i < s->n && i < first + PER_FAMILY; i++) {
		snprintf(shard, sizeof(shard), "s%06u", i);
		if (s->histograms)
			s->hists[i] = smx_histogram_with(hists, values);
		else
			s->counters[i] = smx_counter_with(counters, values);
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
update(struct service *s, bool second)
{
	uint64_t rnd = second ? 88172645463325252u : 362436069362436069u;

	for (uint32_t i = 0; i < s->n; i++) {
		if (!s->histograms)
			smx_add(s->counters[i],
			    second ? 17 : 1234567 + (uint64_t)i * 7919);
		for (int k = 0; s->histograms && k < OBSERVATIONS / 2; k++)
			smx_observe(s->hists[i], duration(&rnd));
	}
}

static void *
second_thread(void *arg)
{
	update(arg, true);
	smx_thread_attach(); /* its lane stays its own until it ends */
	return NULL;
}

static int
run_service(struct service *s, int ready)
{
	uint32_t cells = s->n * (s->histograms ? 3 + N_BOUNDS + 1 : 1);
	struct smx_options o = { .cells = cells + 64, .lanes = 8, .slots = 4,
		.dir_bytes = 65536 + s->n * 128 + s->n / PER_FAMILY * 1024 };
	struct smx_error e;
	pthread_t other;

	s->counters = calloc(s->n, sizeof(*s->counters));
	s->hists = calloc(s->n, sizeof(*s->hists));
	if (s->counters == NULL || s->hists == NULL)
		die("no memory");
	if (smx_attach_error("bench", &o, &e) < 0)
		die(e.msg);
	for (uint32_t i = 0; i < s->n; i += PER_FAMILY)
		register_family(s, i);
	update(s, false);
	if (pthread_create(&other, NULL, second_thread, s) != 0)
		die("no second thread");
	pthread_join(other, NULL);
	if (write(ready, "r", 1) != 1)
		return 1;
	for (;;)
		pause();
}

/* Returns when all values stand in the segment. */
static pid_t
start_service(struct service *s)
{
	int ready[2];
	char c;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		die_error("pipe", -errno);
	pid = fork();
	if (pid < 0)
		die_error("fork", -errno);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(run_service(s, ready[1]));
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		die("the service did not get ready");
	close(ready[0]);
	return pid;
}

/* ---- the collector ---- */

struct collector {
	struct smx_view *view;
	struct smx_snapshot snap;
	struct expo_page *page;
	char *body; /* of the last scrape */
	size_t cap, len;
};

static uint64_t
now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) +
	    (uint64_t)ts.tv_nsec;
}

/* A line "Name:  123 kB" of /proc/self/status. */
static long
status_kb(const char *name)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kb = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			kb = atol(line + strlen(name) + 1);
	if (f != NULL)
		fclose(f);
	return kb;
}

static void
forget_peak(void)
{
	FILE *f = fopen("/proc/self/clear_refs", "w");

	if (f == NULL)
		return;
	fputs("5", f);
	fclose(f);
}

static void
collector_open(struct collector *c, const char *dir)
{
	struct smx_view_options o = { .max_bytes = UINT64_C(1) << 32 };
	struct expo_source src = { .service = "bench" };
	struct smx_error e;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err;

	if (fd < 0)
		die_error(dir, -errno);
	if (smx_view_thread_init() < 0 ||
	    smx_view_open(&c->view, fd, "smx.bench", &o, &e) < 0)
		die(e.msg);
	close(fd);
	src.catalog = smx_view_catalog(c->view);
	err = expo_page_create(&c->page, &src, 1);
	if (err < 0)
		die_error("page", err);
}

static void
take(struct collector *c)
{
	struct smx_error e;

	if (smx_snapshot_take(&c->snap, c->view, &e) < 0)
		die(e.msg);
}

static void
scrape(struct collector *c)
{
	const struct smx_snapshot *snap = &c->snap;
	size_t cap;

	take(c);
	cap = expo_page_bound(c->page, EXPO_TEXT, &snap);
	if (cap > c->cap) {
		free(c->body);
		c->body = malloc(cap);
		if (c->body == NULL)
			die("no memory");
		c->cap = cap;
	}
	c->len = expo_render(c->body, c->cap, c->page, EXPO_TEXT, &snap);
	if (c->len > c->cap)
		die("the bound is none");
}

static size_t
count_lines(const char *body, size_t len)
{
	size_t n = 0;

	for (const char *p = body; len > 0; n++) {
		const char *end = memchr(p, '\n', len);

		if (end == NULL)
			break;
		len -= (size_t)(end + 1 - p);
		p = end + 1;
	}
	return n;
}

static int
compare_ns(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int
repeats(uint32_t n)
{
	return n >= 1000000 ? 5 : n >= 100000 ? 9 : n >= 10000 ? 15 : 31;
}

static void
measure(const struct service *s, const char *kind, const char *dir)
{
	struct collector c = { 0 };
	uint64_t ns[REPEATS_MAX];
	long before = status_kb("VmRSS:"), series, peak;
	int n = repeats(s->n);

	collector_open(&c, dir);
	take(&c);
	series = status_kb("VmRSS:") - before;
	forget_peak();
	scrape(&c);
	for (int i = 0; i < n; i++) {
		uint64_t t0 = now_ns();

		scrape(&c);
		ns[i] = now_ns() - t0;
	}
	peak = status_kb("VmHWM:") - before - series;
	qsort(ns, (size_t)n, sizeof(ns[0]), compare_ns);
	printf("scrape\tsmx\t%s\t%u\t%llu\t%llu\t%zu\t%zu\t%ld\t%ld\n", kind,
	    s->n, (unsigned long long)ns[n / 2], (unsigned long long)ns[0],
	    c.len, count_lines(c.body, c.len), series, peak);
	free(c.body);
	expo_page_destroy(c.page);
	smx_view_close(c.view);
	smx_snapshot_free(&c.snap);
}

int
main(int argc, char **argv)
{
	char dir[] = "/dev/shm/smx-bench-XXXXXX", file[64];
	struct service s = { 0 };
	pid_t pid;

	if (argc != 4 || strcmp(argv[1], "scrape") != 0 ||
	    (strcmp(argv[2], "counters") != 0 &&
		strcmp(argv[2], "histograms") != 0) ||
	    atol(argv[3]) < 1 || atol(argv[3]) > 8000000)
		die("usage: bench-scrape scrape counters|histograms N");
	s.histograms = strcmp(argv[2], "histograms") == 0;
	s.n = (uint32_t)atol(argv[3]);
	if (mkdtemp(dir) == NULL)
		die_error(dir, -errno);
	setenv("SMX_DIR", dir, 1);
	pid = start_service(&s);
	measure(&s, argv[2], dir);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	snprintf(file, sizeof(file), "%s/smx.bench", dir);
	unlink(file);
	rmdir(dir);
	return 0;
}
