/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "smx.h"

static void
put_segment(const char *service, const struct smx_snapshot *s)
{
	const struct smx_segment_state *state = &s->state;
	char created[TEXT_NUMBER];

	text_time(created, state->created_ns);
	printf("# %s: created %s\n# used: ", service, created);
	capacity_put(state);
	for (uint32_t i = 0; i < s->n_live; i++) {
		text_time(created, s->live[i].start_ns);
		printf("# slot %u: pid %u since %s\n", s->live[i].slot,
		    s->live[i].pid, created);
	}
}

static void
put_family(const struct smx_family_info *f)
{
	printf("\n# %s, %s", f->name, text_type(f));
	if (f->unit[0] != '\0')
		printf(", %s", f->unit);
	fputs(": ", stdout);
	text_put_quoted(f->help);
	putchar('\n');
}

static void
put_histogram(const struct smx_snapshot *s, const struct smx_series_info *i)
{
	const struct smx_family_info *f = &s->catalog->families[i->family];
	const uint64_t *cells = s->cells + i->cell;
	char number[TEXT_NUMBER];

	text_decimal(number, cells[SMX_HIST_SUM], f->exponent);
	printf(" count %" PRIu64 " sum %s", smx_histogram_count(s, i), number);
	for (uint32_t k = 0; k < f->n_buckets; k++) {
		if (cells[SMX_HIST_BUCKET + k] == 0)
			continue;
		text_decimal(number, f->buckets[k].upper, f->exponent);
		printf(" <=%s:%" PRIu64,
		    f->buckets[k].upper == UINT64_MAX ? "+Inf" : number,
		    cells[SMX_HIST_BUCKET + k]);
	}
	putchar('\n');
}

/* Whose the last values of its buckets were. */
static void
put_exemplars(const struct smx_snapshot *s, const struct smx_series_info *i)
{
	const struct smx_family_info *f = &s->catalog->families[i->family];
	char number[TEXT_NUMBER], time[TEXT_NUMBER];

	for (uint32_t k = 0; k < s->n_exemplars; k++) {
		const struct smx_exemplar *e = &s->exemplars[k];

		if (e->series != i - s->catalog->series)
			continue;
		fputs(f->name, stdout);
		text_put_labels(f, i);
		fputs(" exemplar ", stdout);
		text_put_exemplar_labels(e);
		text_decimal(number, e->value, f->exponent);
		text_time(time, e->time_ns);
		printf(" %s %s\n", number, time);
	}
}

static void
put_gauge(const struct smx_snapshot *s, const struct smx_series_info *i)
{
	char number[TEXT_NUMBER];
	double value;

	if (!smx_gauge_value(s, i, &value)) {
		puts(" unset");
		return;
	}
	text_double(number, value);
	printf(" %s\n", number);
}

static void
put_each(const struct smx_snapshot *s, const struct smx_series_info *i)
{
	char number[TEXT_NUMBER];
	double value;

	for (uint32_t row = 0; row < s->n_live; row++) {
		if (!smx_gauge_of(s, i, row, &value))
			continue;
		text_double(number, value);
		printf(" process %u: %s", s->live[row].slot, number);
	}
	putchar('\n');
}

static void
put_series(const struct smx_snapshot *s, const struct smx_series_info *i)
{
	const struct smx_family_info *f = &s->catalog->families[i->family];
	char number[TEXT_NUMBER];

	fputs(f->name, stdout);
	text_put_labels(f, i);
	if (f->type == SMX_TYPE_HISTOGRAM) {
		put_histogram(s, i);
		put_exemplars(s, i);
	} else if (f->type == SMX_TYPE_COUNTER) {
		text_decimal(number, s->cells[i->cell], f->exponent);
		printf(" %s\n", number);
	} else if (f->gauge_mode == SMX_GAUGE_EACH) {
		put_each(s, i);
	} else {
		put_gauge(s, i);
	}
}

/* Series in the directory's order; a family's header again where its series
 * do not follow each other. */
void
dump_text(const char *service, const struct smx_snapshot *s)
{
	const struct smx_catalog *c = s->catalog;
	uint32_t last = UINT32_MAX;

	put_segment(service, s);
	for (uint32_t i = 0; i < c->n_series; i++) {
		const struct smx_series_info *series = &c->series[i];

		if (c->families[series->family].retired)
			continue;
		if (series->family != last)
			put_family(&c->families[series->family]);
		last = series->family;
		put_series(s, series);
	}
	putchar('\n');
}
