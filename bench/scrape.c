/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-scrape -- what one scrape of N series costs the collector, from the
 * mapped segment to the finished page, on one thread.
 *
 *     bench-scrape scrape counters|histograms N [FORMAT [LANES]]
 *     bench-scrape scrape grown N
 *     bench-scrape scrape paced N
 *     bench-scrape serve counters|histograms N
 *
 * A child is the service (scrape_service.h), with two lanes if none are named.
 * The parent is the collector: it takes a snapshot and renders a page, text,
 * openmetrics or protobuf, into the buffer of the scrape before (a fresh one
 * would measure page faults, which cost more than all the rest).  Prints,
 * tab-separated,
 *
 *     scrape  smx  kind  N  ns_median  ns_min  bytes  lines
 *             rss_kb_of_series  peak_rss_kb_added
 *
 * where kind also names another format and other lanes.  The series' memory is
 * all that the collector holds for them, mapped lanes included; the peak is
 * what one scrape adds to it for its own time.  `grown` is a scrape of
 * counters of which one was just registered.  `paced` tells what the writers
 * see of it: a thread updates all counters in turn, seconds with one scrape
 * and seconds without in turns,
 *
 *     paced  smx  N  ns_alone  ns_scraped  ratio
 *            worst_us_alone  worst_us_scraped  turns
 *
 * medians over the turns of an update's median, and the longest that a
 * thousand updates ever took: mostly what the scheduler does.  `serve` prints the directory of
 * the segment and stays until its standard input ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/scrape_service.h"
#include "expo/expo.h"
#include "smx/view.h"

#define REPEATS_MAX 31

static const char *const formats[] = {
	[EXPO_TEXT] = "text",
	[EXPO_OPENMETRICS] = "openmetrics",
	[EXPO_PROTOBUF] = "protobuf",
};
#define N_FORMATS (sizeof(formats) / sizeof(formats[0]))

struct collector {
	struct smx_view *view;
	struct smx_snapshot snap;
	struct expo_page *page;
	enum expo_format format;
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
plan(struct collector *c)
{
	const struct expo_source src = { .service = "bench",
		.catalog = smx_view_catalog(c->view) };
	const uint32_t same = 0;
	struct expo_page *page;
	int err = expo_page_renew(&page, c->page, &same, &src, 1);

	if (err < 0)
		die_error("page", err);
	expo_page_destroy(c->page);
	c->page = page;
}

static void
collector_open(struct collector *c)
{
	struct smx_view_options o = { .max_bytes = UINT64_C(1) << 32 };
	struct smx_error e;
	int fd = open(service_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		die_error(service_dir, -errno);
	if (smx_view_thread_init() < 0 ||
	    smx_view_open(&c->view, fd, "smx.bench", &o, &e) < 0)
		die(e.msg);
	close(fd);
	plan(c);
}

static void
collector_close(struct collector *c)
{
	free(c->body);
	expo_page_destroy(c->page);
	smx_view_close(c->view);
	smx_snapshot_free(&c->snap);
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
	struct smx_error e;
	size_t cap;
	int news = smx_view_refresh(c->view, &e);

	if (news < 0)
		die(e.msg);
	if (news > 0)
		plan(c);
	take(c);
	cap = expo_page_bound(c->page, c->format, &snap);
	if (cap > c->cap) {
		free(c->body);
		c->cap = cap + cap / 16; /* for series to come */
		c->body = malloc(c->cap);
		if (c->body == NULL)
			die("no memory");
	}
	c->len = expo_render(c->body, c->cap, c->page, c->format, &snap);
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

/* Between scrapes, `grow` is called if it is not NULL. */
static void
measure(struct service *s, const char *kind, enum expo_format format,
    void (*grow)(struct service *))
{
	struct collector c = { .format = format };
	uint64_t ns[REPEATS_MAX];
	long before = status_kb("VmRSS:"), series, peak;
	int n = repeats(s->n);

	collector_open(&c);
	take(&c);
	series = status_kb("VmRSS:") - before;
	forget_peak();
	scrape(&c);
	for (int i = 0; i < n; i++) {
		uint64_t t0;

		if (grow != NULL)
			grow(s);
		t0 = now_ns();
		scrape(&c);
		ns[i] = now_ns() - t0;
	}
	peak = status_kb("VmHWM:") - before - series;
	qsort(ns, (size_t)n, sizeof(ns[0]), compare_ns);
	printf("scrape\tsmx\t%s\t%u\t%llu\t%llu\t%zu\t%zu\t%ld\t%ld\n", kind,
	    s->n, (unsigned long long)ns[n / 2], (unsigned long long)ns[0],
	    c.len, count_lines(c.body, c.len), series, peak);
	collector_close(&c);
}

#define TURNS 10

static int
compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* One second; with a scrape in it, if c is not NULL. */
static void
turn(struct service *s, struct collector *c, double *median, double *worst)
{
	struct service_pace seen;

	service_pace_begin(s);
	if (c != NULL) {
		nanosleep(&(struct timespec){ .tv_nsec = 300000000 }, NULL);
		scrape(c);
	}
	service_pace_end(s, &seen);
	*median = seen.median_ns;
	if (*worst < seen.worst_us)
		*worst = seen.worst_us;
}

static void
run_paced(struct service *s)
{
	struct collector c = { .format = EXPO_TEXT };
	double alone[TURNS], scraped[TURNS], worst[2] = { 0, 0 };

	service_start(s);
	collector_open(&c);
	scrape(&c);
	for (int i = 0; i < TURNS; i++) {
		turn(s, NULL, &alone[i], &worst[0]);
		turn(s, &c, &scraped[i], &worst[1]);
	}
	qsort(alone, TURNS, sizeof(alone[0]), compare_double);
	qsort(scraped, TURNS, sizeof(scraped[0]), compare_double);
	printf("paced\tsmx\t%u\t%.3f\t%.3f\t%.3f\t%.0f\t%.0f\t%d\n", s->n,
	    alone[TURNS / 2], scraped[TURNS / 2],
	    scraped[TURNS / 2] / alone[TURNS / 2], worst[0], worst[1], TURNS);
	collector_close(&c);
	service_stop(s);
}

static enum expo_format
format_of(const char *name)
{
	for (size_t i = 0; i < N_FORMATS; i++)
		if (strcmp(formats[i], name) == 0)
			return (enum expo_format)i;
	die("a format is text, openmetrics or protobuf");
}

/* "counters-protobuf-64-lanes" */
static void
run_scrape(struct service *s, const char *what, enum expo_format format)
{
	char kind[64], lanes[32] = "";

	if (s->lanes != 2)
		snprintf(lanes, sizeof(lanes), "-%u-lanes", s->lanes);
	snprintf(kind, sizeof(kind), "%s%s%s%s", what,
	    format == EXPO_TEXT ? "" : "-",
	    format == EXPO_TEXT ? "" : formats[format], lanes);
	service_start(s);
	measure(s, kind, format,
	    strcmp(what, "grown") == 0 ? service_grow : NULL);
	service_stop(s);
}

static void
run_serve(struct service *s)
{
	char c;

	service_start(s);
	printf("%s\n", service_dir);
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		service_grow(s);
	service_stop(s);
}

int
main(int argc, char **argv)
{
	struct service s = { .lanes = 2 };

	if (argc < 4 || argc > 6 || atol(argv[3]) < 1 ||
	    atol(argv[3]) > 8000000)
		die("usage: bench-scrape scrape|serve "
		    "counters|histograms|grown|paced N [FORMAT [LANES]]");
	s.histograms = strcmp(argv[2], "histograms") == 0;
	s.n = (uint32_t)atol(argv[3]);
	if (argc > 5)
		s.lanes = (uint32_t)atol(argv[5]);
	if (s.lanes < 1 || s.lanes > 1000)
		die("lanes: 1 to 1000");
	/* as the collector does */
	(void)mallopt(M_MMAP_THRESHOLD, 128 << 10);
	if (strcmp(argv[1], "serve") == 0)
		run_serve(&s);
	else if (strcmp(argv[2], "paced") == 0)
		run_paced(&s);
	else
		run_scrape(&s, argv[2],
		    argc > 4 ? format_of(argv[4]) : EXPO_TEXT);
	return 0;
}
