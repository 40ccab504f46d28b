/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "smx.h"

struct watch {
	struct smx_view *view;
	struct smx_snapshot now, before;
	double elapsed; /* seconds between the two */
	const char *part; /* of a family's name, or "" */
};

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void
wait_for(double interval)
{
	struct timespec t = { .tv_sec = (time_t)interval };

	t.tv_nsec = (long)((interval - (double)t.tv_sec) * 1e9);
	nanosleep(&t, NULL);
}

/* Cells that the snapshot before has not are new, from zero. */
static uint64_t
cell_before(const struct watch *w, uint32_t cell, uint32_t n_before)
{
	return cell < n_before ? w->before.cells[cell] : 0;
}

static void
put_name(const struct watch *w, const struct smx_series_info *s)
{
	const struct smx_family_info *f = &w->now.catalog->families[s->family];

	fputs(f->name, stdout);
	text_put_labels(f, s);
}

static void
put_rate(const struct watch *w, uint64_t more, int exponent)
{
	char number[TEXT_NUMBER];

	text_decimal(number, more, exponent);
	printf(" %.6g/s", strtod(number, NULL) / w->elapsed);
}

static void
show_counter(const struct watch *w, const struct smx_series_info *s,
    uint32_t n_before)
{
	int exponent = w->now.catalog->families[s->family].exponent;
	uint64_t now = w->now.cells[s->cell];
	uint64_t before = cell_before(w, s->cell, n_before);
	char number[TEXT_NUMBER];

	if (now == before)
		return;
	put_name(w, s);
	text_decimal(number, now, exponent);
	printf(" %s +", number);
	put_rate(w, now - before, exponent);
	putchar('\n');
}

static uint64_t
count_before(const struct watch *w, const struct smx_series_info *s,
    uint32_t n_before)
{
	uint32_t n = w->now.catalog->families[s->family].n_buckets;
	uint64_t count = 0;

	for (uint32_t i = 0; i < n; i++)
		count += cell_before(w, s->cell + SMX_HIST_BUCKET + i,
		    n_before);
	return count;
}

/* How many, and the mean of those since. */
static void
show_histogram(const struct watch *w, const struct smx_series_info *s,
    uint32_t n_before)
{
	const struct smx_family_info *f = &w->now.catalog->families[s->family];
	uint32_t at = s->cell + SMX_HIST_SUM;
	uint64_t count = smx_histogram_count(&w->now, s);
	uint64_t more = count - count_before(w, s, n_before);
	char number[TEXT_NUMBER];

	if (more == 0)
		return;
	text_decimal(number, w->now.cells[at] - cell_before(w, at, n_before),
	    f->exponent);
	put_name(w, s);
	printf(" count %" PRIu64 " +", count);
	put_rate(w, more, 0);
	printf(" mean %.6g\n", strtod(number, NULL) / (double)more);
}

static void
show_gauge(const struct watch *w, const struct smx_series_info *s)
{
	double value;
	char number[TEXT_NUMBER];

	if (!smx_gauge_value(&w->now, s, &value))
		return;
	put_name(w, s);
	text_double(number, value);
	printf(" %s\n", number);
}

static void
show(const struct watch *w, uint32_t n_before)
{
	const struct smx_catalog *c = w->now.catalog;

	for (uint32_t i = 0; i < c->n_series; i++) {
		const struct smx_series_info *s = &c->series[i];
		const struct smx_family_info *f = &c->families[s->family];

		if (f->retired || strstr(f->name, w->part) == NULL)
			continue;
		if (f->type == SMX_TYPE_COUNTER)
			show_counter(w, s, n_before);
		else if (f->type == SMX_TYPE_HISTOGRAM)
			show_histogram(w, s, n_before);
		else if (f->gauge_mode != SMX_GAUGE_EACH)
			show_gauge(w, s);
	}
	puts("");
	fflush(stdout);
}

/* The arrays change places, so that both are reused. */
static int
next(struct watch *w, struct smx_error *error)
{
	struct smx_snapshot old = w->before;
	int err = smx_view_refresh(w->view, error);

	w->before = w->now;
	w->now = old;
	return err < 0 ? err : smx_snapshot_take(&w->now, w->view, error);
}

static int
watch(struct watch *w, const struct options *o, struct smx_error *error)
{
	int err = smx_snapshot_take(&w->now, w->view, error);
	double last = seconds(), now;
	uint32_t n_before;

	for (unsigned i = 0; err == 0 && (o->count == 0 || i < o->count); i++) {
		n_before = w->now.catalog->n_cells;
		wait_for(o->interval);
		err = next(w, error);
		if (err < 0)
			break;
		now = seconds();
		w->elapsed = now - last;
		last = now;
		show(w, n_before);
		if (ferror(stdout))
			break;
	}
	return err;
}

int
command_watch(const struct options *o)
{
	struct watch w = { .part = o->n_names > 1 ? o->names[1] : "" };
	struct smx_error error;
	int err = target_open(&w.view, o, o->names[0], &error);

	if (err < 0)
		return complain(&error);
	err = watch(&w, o, &error);
	smx_snapshot_free(&w.now);
	smx_snapshot_free(&w.before);
	smx_view_close(w.view);
	return err < 0 ? complain(&error) : 0;
}
