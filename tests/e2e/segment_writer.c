/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segment_writer -- a real writer that does what it is told.
 *
 *	segment_writer SERVICE [INSTANCE [CELLS]]
 *
 * reads commands, a line each, and answers each with "ok" or the error:
 *
 *	help TEXT		of all families that come after it
 *	counter NAME N		add N
 *	gauge NAME VALUE
 *	histogram NAME NS...	observe each
 *	native NAME NS...	the same with native buckets alone
 *	explicit NAME NS...	the same with 1 ms and 2.5 ms alone
 *	buckets NAME EXPONENT SCHEMA LOW HIGH BOUND...
 *				a histogram; SCHEMA - for no native buckets
 *	label NAME VALUE N	counter NAME{name="VALUE"} += N
 *	many PREFIX N		N counters
 *	load PREFIX N		N series of counters, all of which a thread
 *				adds to for ever
 *	exemplar NAME NS ID	observe, of order_id ID
 *	spin NAME		observe for ever in a thread
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smx/writer.h"

static char help[512] = "Of a test: \\ and \"quotes\".";

static int
do_counter(const char *name, const char *value, struct smx_error *e)
{
	const struct smx_desc d = { .name = name, .help = help };
	struct smx_counter c;
	int err = smx_counter_register(&c, &d, e);

	if (err == 0)
		smx_add(c, strtoull(value, NULL, 10));
	return err;
}

static int
do_gauge(const char *name, const char *value, struct smx_error *e)
{
	const struct smx_desc d = { .name = name, .help = help };
	struct smx_gauge g;
	int err = smx_gauge_register(&g, &d, e);

	if (err == 0)
		smx_set(g, strtod(value, NULL));
	return err;
}

static int
observe_each(const struct smx_desc *d, const char *values, struct smx_error *e)
{
	struct smx_histogram h;
	int err = smx_histogram_register(&h, d, e);
	char *end;

	while (err == 0 && *values) {
		smx_observe(h, strtoull(values, &end, 10));
		values = *end ? end + 1 : end;
	}
	return err;
}

static int
do_histogram(const char *name, int native, const char *values,
    struct smx_error *e)
{
	const struct smx_desc d = { .name = name, .help = help,
		.unit = "seconds", .exponent = 9, .native = native };

	return observe_each(&d, values, e);
}

static int
do_explicit(const char *name, const char *values, struct smx_error *e)
{
	static const double bounds[] = { 0.001, 0.0025 };
	const struct smx_desc d = { .name = name, .help = help,
		.unit = "seconds", .exponent = 9, .bounds = bounds,
		.n_bounds = 2 };

	return observe_each(&d, values, e);
}

static int
do_buckets(const char *name, const char *rest, struct smx_error *e)
{
	double bounds[64];
	struct smx_desc d = { .name = name, .help = help, .bounds = bounds };
	struct smx_histogram h;
	char schema[8];
	int at, more;

	if (sscanf(rest, "%d %7s %lf %lf %n", &d.exponent, schema,
		&d.native_min, &d.native_max, &at) < 4)
		return -EINVAL;
	d.native = schema[0] != '-';
	d.schema = schema[0] == '0' ? -1 : (int)strtol(schema, NULL, 10);
	for (; d.n_bounds < 64 && sscanf(rest + at, "%lf %n",
		 &bounds[d.n_bounds], &more) == 1; at += more)
		d.n_bounds++;
	return smx_histogram_register(&h, &d, e);
}

static int
do_exemplar(const char *name, const char *rest, struct smx_error *e)
{
	const struct smx_desc d = { .name = name, .help = help,
		.unit = "seconds", .exponent = 9, .exemplars = 1 };
	struct smx_histogram h;
	char ns[32], id[256];
	int err;

	if (sscanf(rest, "%31s %255s", ns, id) != 2)
		return -EINVAL;
	err = smx_histogram_register(&h, &d, e);
	if (err == 0)
		smx_observe_exemplar(h, strtoull(ns, NULL, 10), "order_id",
		    id);
	return err;
}

static int
do_label(const char *name, const char *rest, struct smx_error *e)
{
	char value[256], count[32];
	const struct smx_label labels[] = { { "name", value }, { 0 } };
	const struct smx_desc d = { .name = name, .help = help,
		.labels = labels };
	struct smx_counter c;
	int err;

	if (sscanf(rest, "%255s %31s", value, count) != 2)
		return -EINVAL;
	err = smx_counter_register(&c, &d, e);
	if (err == 0)
		smx_add(c, strtoull(count, NULL, 10));
	return err;
}

static int
do_many(const char *prefix, const char *count, struct smx_error *e)
{
	unsigned long n = strtoul(count, NULL, 10);
	char name[300];
	int err = 0;

	for (unsigned long i = 0; i < n && err == 0; i++) {
		snprintf(name, sizeof(name), "%s_%lu_total", prefix, i);
		err = do_counter(name, "1", e);
	}
	return err;
}

#define PER_FAMILY 100

struct load {
	struct smx_counter *counters;
	unsigned long n;
};

static void *
add_for_ever(void *arg)
{
	const struct load *l = arg;

	for (unsigned long i = 0;; i = (i + 1) % l->n)
		smx_add(l->counters[i], 1);
	return NULL;
}

static int
register_series(struct load *l, const char *prefix, struct smx_error *e)
{
	static const char *const labels[] = { "shard", NULL };
	struct smx_counter_family family = { 0 };
	char name[300], shard[32];
	const char *values[] = { shard, NULL };
	const struct smx_desc d = { .name = name, .help = help,
		.label_names = labels };
	int err = 0;

	for (unsigned long i = 0; i < l->n && err == 0; i++) {
		snprintf(name, sizeof(name), "%s_%lu_total", prefix,
		    i / PER_FAMILY);
		snprintf(shard, sizeof(shard), "s%lu", i);
		if (i % PER_FAMILY == 0)
			err = smx_counter_family(&family, &d, e);
		if (err == 0)
			l->counters[i] = smx_counter_with(family, values);
	}
	return err;
}

static int
do_load(const char *prefix, const char *count, struct smx_error *e)
{
	static struct load l;
	pthread_t t;
	int err;

	if (l.counters)
		return -EBUSY;
	l.n = strtoul(count, NULL, 10);
	l.counters = l.n ? calloc(l.n, sizeof(*l.counters)) : NULL;
	if (!l.counters)
		return -EINVAL;
	err = register_series(&l, prefix, e);
	return err ? err : -pthread_create(&t, NULL, add_for_ever, &l);
}

static void *
spin(void *arg)
{
	const struct smx_histogram *h = arg;

	for (uint64_t i = 1;; i = i * 6364136223846793005u + 1)
		smx_observe(*h, i >> 40);
	return NULL;
}

static int
do_spin(const char *name, struct smx_error *e)
{
	static struct smx_histogram h;
	const struct smx_desc d = { .name = name, .help = help,
		.unit = "seconds", .exponent = 9 };
	pthread_t t;
	int err = smx_histogram_register(&h, &d, e);

	return err ? err : -pthread_create(&t, NULL, spin, &h);
}

static int
obey(char *line, struct smx_error *e)
{
	char word[32], name[256];
	int at = 0;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%31s %255s %n", word, name, &at) < 2)
		return -EINVAL;
	if (strcmp(word, "help") == 0) {
		snprintf(help, sizeof(help), "%.500s", line + strlen("help "));
		return 0;
	}
	if (strcmp(word, "counter") == 0)
		return do_counter(name, line + at, e);
	if (strcmp(word, "gauge") == 0)
		return do_gauge(name, line + at, e);
	if (strcmp(word, "histogram") == 0)
		return do_histogram(name, 0, line + at, e);
	if (strcmp(word, "native") == 0)
		return do_histogram(name, 1, line + at, e);
	if (strcmp(word, "explicit") == 0)
		return do_explicit(name, line + at, e);
	if (strcmp(word, "buckets") == 0)
		return do_buckets(name, line + at, e);
	if (strcmp(word, "label") == 0)
		return do_label(name, line + at, e);
	if (strcmp(word, "exemplar") == 0)
		return do_exemplar(name, line + at, e);
	if (strcmp(word, "many") == 0)
		return do_many(name, line + at, e);
	if (strcmp(word, "load") == 0)
		return do_load(name, line + at, e);
	if (strcmp(word, "spin") == 0)
		return do_spin(name, e);
	return -EINVAL;
}

int
main(int argc, char **argv)
{
	struct smx_options opt = {
		.instance = argc > 2 && *argv[2] ? argv[2] : NULL,
		.cells = argc > 3 ? (uint32_t)atol(argv[3]) : 0,
		.dir_bytes = argc > 3 ? 256u * (uint32_t)atol(argv[3]) : 0,
	};
	struct smx_error e = { 0 };
	char line[4096];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2 || smx_attach_error(argv[1], &opt, &e) < 0) {
		printf("%s\n", argc < 2 ? "no service named" : e.msg);
		return 1;
	}
	puts("ok");
	while (fgets(line, sizeof(line), stdin)) {
		snprintf(e.msg, sizeof(e.msg), "not understood");
		puts(obey(line, &e) == 0 ? "ok" : e.msg);
	}
	return 0;
}
