/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ab-http -- open-loop load on HTTP targets, and what it was like, as JSON.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "open_loop.h"

#define STEP_NS 100000000u /* of the timeline */

static const char usage[] =
    "usage: ab-http [--rate R] [--seconds S | --slices] [--warm-up S]\n"
    "               [--grace S] [--connections N] [--spin-us US] [--seed N]\n"
    "               URL...\n"
    "Requests of http://IPv4:PORT/PATH, R a second in all [1000], for S\n"
    "seconds [5] after a warm-up [0.5].  Each is due at a random point of its\n"
    "1/R seconds, which the seed [1] gives; with seed 0 at their beginning.\n"
    "Latency runs from the time a request was due.  Prints JSON; times are\n"
    "nanoseconds.\n"
    "With --slices each line of the input is a number of seconds to load for,\n"
    "after a warm-up of its own; when that is done, a line says at which\n"
    "CLOCK_REALTIME it began.  At the end of the input all slices together\n"
    "are printed as one.\n";

struct options {
	struct load load;
	double warm_up;
	bool slices;
	char **urls;
};

/* All that was measured, one slice after the other. */
struct pool {
	struct samples samples;
	uint64_t start_ns; /* CLOCK_REALTIME when the first one began */
	double seconds;	   /* of all slices, their warm-ups left out */
};

static int
target_read(struct load_target *t, const char *url)
{
	char host[64];
	unsigned port;
	int at = 0;

	t->addr = (struct sockaddr_in){ .sin_family = AF_INET };
	if (sscanf(url, "http://%63[0-9.]:%u%n", host, &port, &at) != 2 ||
	    at == 0 || url[at] != '/' || port == 0 || port > 65535 ||
	    inet_pton(AF_INET, host, &t->addr.sin_addr) != 1 ||
	    strlen(url) > 300)
		return -EINVAL;
	t->addr.sin_port = htons((uint16_t)port);
	snprintf(t->request, sizeof(t->request),
	    "GET %s HTTP/1.1\r\nHost: %s:%u\r\n\r\n", url + at, host, port);
	return 0;
}

static int
fail(const char *what)
{
	fprintf(stderr, "ab-http: %s\n%s", what, usage);
	return 2;
}

/* A number between the two, or the end of the program. */
static double
number(const char *name, const char *text, double least, double most)
{
	char *end;
	double value = text ? strtod(text, &end) : NAN;

	if (!text || end == text || *end != '\0' || !(value >= least) ||
	    value > most) {
		fprintf(stderr, "ab-http: %s is a number from %g to %g\n", name,
		    least, most);
		exit(2);
	}
	return value;
}

/* One option with its value; false when there is no such option. */
static bool
option_read(struct options *o, const char *name, const char *value)
{
	struct load *load = &o->load;

	if (strcmp(name, "--rate") == 0)
		load->rate = number(name, value, 1, 1e6);
	else if (strcmp(name, "--seconds") == 0)
		load->seconds = number(name, value, 0.01, 3600);
	else if (strcmp(name, "--warm-up") == 0)
		o->warm_up = number(name, value, 0, 3600);
	else if (strcmp(name, "--grace") == 0)
		load->grace_s = number(name, value, 0, 3600);
	else if (strcmp(name, "--connections") == 0)
		load->connections = (uint32_t)number(name, value, 1, 10000);
	else if (strcmp(name, "--seed") == 0)
		load->seed = (uint64_t)number(name, value, 0, 1e9);
	else if (strcmp(name, "--spin-us") == 0)
		load->spin_ns = (uint64_t)(number(name, value, 0, 1e6) * 1000);
	else
		return false;
	return true;
}

static int
options_read(struct options *o, char **argv)
{
	struct load *load = &o->load;
	char **arg = argv + 1;

	while (*arg && strncmp(*arg, "--", 2) == 0) {
		if (strcmp(*arg, "--slices") == 0) {
			o->slices = true;
			arg++;
		} else if (option_read(o, arg[0], arg[1])) {
			arg += 2;
		} else {
			return fail("no such option");
		}
	}
	o->urls = arg;
	for (; *arg; arg++)
		if (load->n_targets == LOAD_TARGETS_MAX ||
		    target_read(&load->target[load->n_targets++], *arg) < 0)
			return fail("not a target, or too many of them");
	return load->n_targets > 0 ? 0 : fail("where to?");
}

static void
write_quantiles(const uint64_t *v, size_t n)
{
	static const struct {
		const char *name;
		double q;
	} points[] = { { "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 },
		{ "p999", 0.999 }, { "max", 1 } };

	printf("{");
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
		printf("%s\"%s\":%" PRIu64, i ? "," : "", points[i].name,
		    n ? samples_quantile(v, n, points[i].q) : 0);
	printf("}");
}

static int
write_span(const char *name, const struct samples *s, uint32_t target,
    enum sample_span span)
{
	uint64_t *v;
	int64_t n = samples_sorted(s, target, span, &v);

	if (n < 0)
		return (int)n;
	printf(",\"%s\":", name);
	write_quantiles(v, (size_t)n);
	if (span == SPAN_LATENCY) {
		printf(",\"curve\":");
		samples_write_curve(stdout, v, (size_t)n);
	}
	free(v);
	return 0;
}

static void
write_counts(const struct samples *s, uint32_t target)
{
	uint64_t n[4] = { 0 };

	for (size_t i = 0; i < s->n; i++)
		if (target == SAMPLES_ALL || s->all[i].target == target)
			n[s->all[i].fault]++;
	printf("\"requests\":%" PRIu64 ",\"errors\":{\"status\":%" PRIu64
	       ",\"connection\":%" PRIu64 ",\"unanswered\":%" PRIu64 "}",
	    n[0] + n[1] + n[2] + n[3], n[FAULT_STATUS], n[FAULT_CONNECTION],
	    n[FAULT_UNANSWERED]);
}

/* The end of the last answer over the time: what really came through. */
static double
throughput(const struct samples *s)
{
	uint64_t last = 0;
	size_t good = 0;

	for (size_t i = 0; i < s->n; i++) {
		good += s->all[i].fault == FAULT_NONE;
		if (s->all[i].done_ns > last)
			last = s->all[i].done_ns;
	}
	return last ? (double)good * 1e9 / (double)last : 0;
}

static int
write_result(const struct load *load, struct pool *pool, char **urls)
{
	struct samples *s = &pool->samples;
	int err;

	printf("{\"start_ns\":%" PRIu64 ",\"rate\":%.3f,\"seconds\":%.3f,"
	       "\"throughput\":%.3f,",
	    pool->start_ns, load->rate, pool->seconds, throughput(s));
	write_counts(s, SAMPLES_ALL);
	err = write_span("latency", s, SAMPLES_ALL, SPAN_LATENCY);
	err = err ? err : write_span("service", s, SAMPLES_ALL, SPAN_SERVICE);
	err = err ? err : write_span("lateness", s, SAMPLES_ALL, SPAN_LATENESS);
	printf(",\"targets\":[");
	for (uint32_t i = 0; i < load->n_targets && err == 0; i++) {
		printf("%s{\"url\":\"%s\",", i ? "," : "", urls[i]);
		write_counts(s, i);
		err = write_span("latency", s, i, SPAN_LATENCY);
		printf("}");
	}
	printf("],\"timeline\":");
	err = err ? err : samples_write_timeline(stdout, s, STEP_NS);
	printf("}\n");
	return err;
}

/* The warm-up and what is measured are one run: the connections are there,
 * and nothing pauses between the two.  *began_ns is the end of the warm-up. */
static int
slice(const struct options *o, double seconds, struct pool *pool,
    uint64_t *began_ns)
{
	uint64_t lead_ns = (uint64_t)(o->warm_up * 1e9);
	struct load load = o->load;
	struct samples s;
	int err;

	load.seconds = o->warm_up + seconds;
	err = samples_open(&s, (size_t)(load.rate * load.seconds) + 1);
	if (err == 0)
		err = load_run(&load, &s, began_ns);
	if (err == 0)
		err = samples_pool(&pool->samples, &s, lead_ns,
		    (uint64_t)(pool->seconds * 1e9));
	samples_close(&s);
	*began_ns += lead_ns;
	if (pool->seconds == 0)
		pool->start_ns = *began_ns;
	pool->seconds += seconds;
	return err;
}

/* Each with other random points, the same in every run of the program. */
static int
slices(struct options *o, struct pool *pool)
{
	char line[64];
	int err = 0;

	while (err == 0 && fgets(line, sizeof(line), stdin)) {
		uint64_t began_ns;

		line[strcspn(line, "\n")] = '\0';
		err = slice(
		    o, number("a slice", line, 0.01, 3600), pool, &began_ns);
		if (err == 0)
			printf("%" PRIu64 "\n", began_ns);
		fflush(stdout);
		if (o->load.seed)
			o->load.seed++;
	}
	return err;
}

int
main(int argc, char **argv)
{
	struct options o = { .load = { .rate = 1000,
				 .seconds = 5,
				 .seed = 1,
				 .grace_s = 5,
				 .connections = 64,
				 .spin_ns = 100000 },
		.warm_up = 0.5 };
	struct pool pool = { 0 };
	uint64_t began_ns;
	int err = options_read(&o, argv);

	(void)argc;
	if (err)
		return err;
	err = o.slices ? slices(&o, &pool)
		       : slice(&o, o.load.seconds, &pool, &began_ns);
	if (err == 0)
		err = write_result(&o.load, &pool, o.urls);
	samples_close(&pool.samples);
	if (err < 0)
		fprintf(stderr, "ab-http: %s\n", strerror(-err));
	return err < 0;
}
