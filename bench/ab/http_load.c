/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ab-http -- open-loop load on HTTP targets, and what it was like, as JSON.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "open_loop.h"

#define STEP_NS 100000000u /* of the timeline */

static const char usage[] =
    "usage: ab-http [--rate R] [--seconds S] [--warm-up S] [--grace S]\n"
    "               [--connections N] [--spin-us US] [--seed N] URL...\n"
    "Requests of http://IPv4:PORT/PATH, R a second in all [1000], for S\n"
    "seconds [5] after a warm-up [0.5].  Each is due at a random point of its\n"
    "1/R seconds, which the seed [1] gives; with seed 0 at their beginning.\n"
    "Latency runs from the time a request was due.  Prints JSON; times are\n"
    "nanoseconds.\n";

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

static int
options_read(struct load *load, double *warm_up, char **argv)
{
	char **arg = argv + 1;

	for (; *arg && strncmp(*arg, "--", 2) == 0; arg += 2) {
		if (strcmp(*arg, "--rate") == 0)
			load->rate = number(*arg, arg[1], 1, 1e6);
		else if (strcmp(*arg, "--seconds") == 0)
			load->seconds = number(*arg, arg[1], 0.01, 3600);
		else if (strcmp(*arg, "--warm-up") == 0)
			*warm_up = number(*arg, arg[1], 0, 3600);
		else if (strcmp(*arg, "--grace") == 0)
			load->grace_s = number(*arg, arg[1], 0, 3600);
		else if (strcmp(*arg, "--connections") == 0)
			load->connections =
			    (uint32_t)number(*arg, arg[1], 1, 10000);
		else if (strcmp(*arg, "--seed") == 0)
			load->seed = (uint64_t)number(*arg, arg[1], 0, 1e9);
		else if (strcmp(*arg, "--spin-us") == 0)
			load->spin_ns =
			    (uint64_t)(number(*arg, arg[1], 0, 1e6) * 1000);
		else
			return fail("no such option");
	}
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
write_result(
    const struct load *load, struct samples *s, uint64_t start, char **urls)
{
	int err;

	printf("{\"start_ns\":%" PRIu64 ",\"rate\":%.3f,\"seconds\":%.3f,"
	       "\"throughput\":%.3f,",
	    start, load->rate, load->seconds, throughput(s));
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
	return err ? err : samples_write_timeline(stdout, s, STEP_NS);
}

/* One run; a warm-up is a run that nobody looks at. */
static int
run(const struct load *load, char **urls)
{
	struct samples s;
	uint64_t start;
	int err = samples_open(&s, (size_t)(load->rate * load->seconds) + 1);

	if (err == 0)
		err = load_run(load, &s, &start);
	if (err == 0 && urls) {
		err = write_result(load, &s, start, urls);
		printf("}\n");
	}
	samples_close(&s);
	return err;
}

int
main(int argc, char **argv)
{
	struct load load = { .rate = 1000,
		.seconds = 5,
		.seed = 1,
		.grace_s = 5,
		.connections = 64,
		.spin_ns = 100000 };
	struct load warm;
	double warm_up = 0.5;
	int err = options_read(&load, &warm_up, argv);

	if (err)
		return err;
	warm = load;
	warm.seconds = warm_up;
	err = run(&warm, NULL);
	if (err == 0)
		err = run(&load, argv + argc - load.n_targets);
	if (err < 0)
		fprintf(stderr, "ab-http: %s\n", strerror(-err));
	return err < 0;
}
