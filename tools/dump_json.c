/* SPDX-License-Identifier: Apache-2.0 */
/*
 * {"service": ..., "state": {...}, "live": [...], "families": [
 *   {"name", "type", "unit", "help", "exponent", "labels": [...],
 *    "retired", "series"?}], "series": [
 *   {"family": index, "labels": {...}, "created": seconds,
 *    "value": n | "sum": n, "count": n, "buckets": [[upper, n], ...],
 *      "exemplars"?: [{"value", "time", "labels": {...}}]
 *    | "values": {slot: n}}]}
 *
 * Numbers are exact decimals; NaN and infinities are strings, since JSON has
 * none.  An unset gauge has the value null.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "smx.h"

static void
put_key(const char *name)
{
	text_put_quoted(name);
	putchar(':');
}

static void
put_u64(const char *name, uint64_t value)
{
	printf(",\"%s\":%" PRIu64, name, value);
}

static void
put_double(double value)
{
	char number[TEXT_NUMBER];

	text_double(number, value);
	printf(isfinite(value) ? "%s" : "\"%s\"", number);
}

static void
put_decimal(uint64_t cell, int exponent)
{
	char number[TEXT_NUMBER];

	text_decimal(number, cell, exponent);
	fputs(number, stdout);
}

static void
put_state(const struct smx_segment_state *s)
{
	printf(",\"state\":{\"size\":%" PRIu64, s->size);
	fputs(",\"created\":", stdout);
	put_decimal(s->created_ns, 9);
	put_u64("slots", s->slots);
	put_u64("slots_live", s->slots_live);
	put_u64("crowd", s->crowd);
	put_u64("lanes", s->lanes);
	put_u64("lanes_owned", s->lanes_owned);
	put_u64("lane_bytes", s->lane_bytes);
	put_u64("lane_bytes_used", s->lane_bytes_used);
	put_u64("gauge_bytes", s->gauge_bytes);
	put_u64("gauge_bytes_used", s->gauge_bytes_used);
	put_u64("dir_bytes", s->dir_bytes);
	put_u64("dir_bytes_used", s->dir_bytes_used);
	put_u64("refused", s->refused);
	put_u64("dropped", s->dropped);
	put_u64("no_slot", s->no_slot);
	put_u64("no_lane", s->no_lane);
	put_u64("redefined", s->redefined);
	put_u64("overflowed", s->overflowed);
	put_u64("adopted", s->adopted);
	putchar('}');
}

static void
put_live(const struct smx_snapshot *s)
{
	fputs(",\"live\":[", stdout);
	for (uint32_t i = 0; i < s->n_live; i++) {
		printf("%s{\"slot\":%u,\"pid\":%u,\"start\":",
		    i > 0 ? "," : "", s->live[i].slot, s->live[i].pid);
		put_decimal(s->live[i].start_ns, 9);
		putchar('}');
	}
	putchar(']');
}

static void
put_family(const struct smx_family_info *f)
{
	const char *label = f->labels;

	fputs("{\"name\":", stdout);
	text_put_quoted(f->name);
	printf(",\"type\":\"%s\",\"unit\":\"%s\",\"exponent\":%d,\"help\":",
	    text_type(f), f->unit, f->exponent);
	text_put_quoted(f->help);
	fputs(",\"labels\":[", stdout);
	for (uint32_t i = 0; i < f->n_labels; i++) {
		if (i > 0)
			putchar(',');
		text_put_quoted(label);
		label += strlen(label) + 1;
	}
	printf("],\"retired\":%s}", f->retired ? "true" : "false");
}

static void
put_labels(const struct smx_family_info *f, const struct smx_series_info *s)
{
	const char *name = f->labels, *value = s->values;

	fputs(",\"labels\":{", stdout);
	for (uint32_t i = 0; i < f->n_labels; i++) {
		if (i > 0)
			putchar(',');
		put_key(name);
		text_put_quoted(value);
		name += strlen(name) + 1;
		value += strlen(value) + 1;
	}
	putchar('}');
}

static void
put_histogram(const struct smx_snapshot *s, const struct smx_series_info *i)
{
	const struct smx_family_info *f = &s->catalog->families[i->family];
	const uint64_t *cells = s->cells + i->cell;

	fputs(",\"sum\":", stdout);
	put_decimal(cells[SMX_HIST_SUM], f->exponent);
	put_u64("count", smx_histogram_count(s, i));
	fputs(",\"buckets\":[", stdout);
	for (uint32_t k = 0; k < f->n_buckets; k++) {
		fputs(k > 0 ? ",[" : "[", stdout);
		if (f->buckets[k].upper == UINT64_MAX)
			fputs("\"+Inf\"", stdout);
		else
			put_decimal(f->buckets[k].upper, f->exponent);
		printf(",%" PRIu64 "]", cells[SMX_HIST_BUCKET + k]);
	}
	putchar(']');
}

static void
put_exemplar(const struct smx_exemplar *e, int exponent)
{
	const char *at = e->text;

	fputs("{\"value\":", stdout);
	put_decimal(e->value, exponent);
	fputs(",\"time\":", stdout);
	put_decimal(e->time_ns, 9);
	fputs(",\"labels\":{", stdout);
	for (uint32_t i = 0; i < e->n_labels; i++) {
		if (i > 0)
			putchar(',');
		put_key(at);
		at += strlen(at) + 1;
		text_put_quoted(at);
		at += strlen(at) + 1;
	}
	fputs("}}", stdout);
}

/* Nothing where there are none. */
static void
put_exemplars(const struct smx_snapshot *s, const struct smx_series_info *i)
{
	int exponent = s->catalog->families[i->family].exponent;
	const char *before = ",\"exemplars\":[";

	for (uint32_t k = 0; k < s->n_exemplars; k++) {
		if (s->exemplars[k].series != i - s->catalog->series)
			continue;
		fputs(before, stdout);
		put_exemplar(&s->exemplars[k], exponent);
		before = ",";
	}
	if (before[1] == '\0')
		putchar(']');
}

static void
put_each(const struct smx_snapshot *s, const struct smx_series_info *i)
{
	const char *comma = "";
	double value;

	fputs(",\"values\":{", stdout);
	for (uint32_t row = 0; row < s->n_live; row++) {
		if (!smx_gauge_of(s, i, row, &value))
			continue;
		printf("%s\"%u\":", comma, s->live[row].slot);
		put_double(value);
		comma = ",";
	}
	putchar('}');
}

static void
put_gauge(const struct smx_snapshot *s, const struct smx_series_info *i)
{
	double value;

	fputs(",\"value\":", stdout);
	if (smx_gauge_value(s, i, &value))
		put_double(value);
	else
		fputs("null", stdout);
}

static void
put_series(const struct smx_snapshot *s, const struct smx_series_info *i)
{
	const struct smx_family_info *f = &s->catalog->families[i->family];

	printf("{\"family\":%u", i->family);
	put_labels(f, i);
	fputs(",\"created\":", stdout);
	put_decimal(i->created_ns, 9);
	if (f->type == SMX_TYPE_HISTOGRAM) {
		put_histogram(s, i);
		put_exemplars(s, i);
	} else if (f->type == SMX_TYPE_COUNTER) {
		fputs(",\"value\":", stdout);
		put_decimal(s->cells[i->cell], f->exponent);
	} else if (f->gauge_mode == SMX_GAUGE_EACH) {
		put_each(s, i);
	} else {
		put_gauge(s, i);
	}
	putchar('}');
}

void
dump_json(const char *service, const struct smx_snapshot *s)
{
	const struct smx_catalog *c = s->catalog;

	fputs("{\"service\":", stdout);
	text_put_quoted(service);
	put_state(&s->state);
	put_live(s);
	fputs(",\"families\":[", stdout);
	for (uint32_t i = 0; i < c->n_families; i++) {
		if (i > 0)
			putchar(',');
		put_family(&c->families[i]);
	}
	fputs("],\"series\":[", stdout);
	for (uint32_t i = 0; i < c->n_series; i++) {
		if (i > 0)
			putchar(',');
		put_series(s, &c->series[i]);
	}
	printf("],\"approximate\":%u}\n", s->approximate);
}
