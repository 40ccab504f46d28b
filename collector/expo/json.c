/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

#include <string.h>

#include "number.h"
#include "plan.h"
#include "sink.h"

/* Behind the last series: closing brackets, and where to go on. */
#define TAIL 96u

/* Where a series stands.  Families and sources are written as they come, with
 * the first of their series. */
struct json_job {
	struct expo_sink sink;
	const struct expo_page *page;
	const struct expo_source *sources;
	const struct expo_window *window;
	const struct smx_snapshot *const *snapshots;
	const struct expo_block *block; /* open, or NULL */
	const struct expo_part *part;	/* likewise */
	uint64_t seen, written;
	bool full;
};

static void
put(struct json_job *job, const char *text)
{
	expo_sink_put(&job->sink, text, strlen(text));
}

static void
put_escaped(struct json_job *job, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	const char code[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };
	const char sign[2] = { '\\', (char)c };

	if (c < 0x20)
		expo_sink_put(&job->sink, code, sizeof(code));
	else
		expo_sink_put(&job->sink, sign, sizeof(sign));
}

static void
put_string(struct json_job *job, const char *text)
{
	const char *from = text;

	put(job, "\"");
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		expo_sink_put(&job->sink, from, (size_t)(text - from));
		from = text + 1;
		put_escaped(job, c);
	}
	expo_sink_put(&job->sink, from, (size_t)(text - from));
	put(job, "\"");
}

static void
put_u64(struct json_job *job, uint64_t v)
{
	char *p = expo_sink_number(&job->sink);

	expo_sink_end(&job->sink, p + expo_u64(p, v));
}

static void
put_exact(struct json_job *job, uint64_t n, int exponent)
{
	char number[EXPO_NUMBER_ROOM];

	put(job, "\"");
	expo_sink_put(&job->sink, number, expo_exact(number, n, exponent));
	put(job, "\"");
}

static void
put_double(struct json_job *job, double v)
{
	char number[EXPO_NUMBER_ROOM];

	put(job, "\"");
	expo_sink_put(&job->sink, number, expo_double(number, v));
	put(job, "\"");
}

/* {"0":"1.5","3":"2"}: what each process has set, by its slot. */
static void
put_each(struct json_job *job, const struct expo_part *part,
    const struct smx_snapshot *snap, const struct smx_series_info *info)
{
	const char *comma = "\"";
	double value;

	put(job, "{");
	for (uint32_t row = 0; row < snap->n_live; row++) {
		if (!smx_gauge_of(snap, info, row, &value))
			continue;
		put(job, comma);
		put_u64(job, snap->live[row].slot);
		put(job, "\":");
		put_double(job, part->info ? 1 : value);
		comma = ",\"";
	}
	put(job, "}");
}

static void
put_gauge(struct json_job *job, const struct expo_part *part,
    const struct smx_snapshot *snap, const struct expo_series *series)
{
	const struct smx_series_info info = { .family = part->family,
		.cell = series->cell };
	double value;

	if (part->gauge_mode == SMX_GAUGE_EACH)
		put_each(job, part, snap, &info);
	else if (smx_gauge_value(snap, &info, &value))
		put_double(job, part->info ? 1 : value);
	else
		put(job, "null");
}

/* Buckets that are empty are left out: most are. */
static void
put_histogram(
    struct json_job *job, const struct expo_part *part, const uint64_t *cells)
{
	const uint64_t *buckets = cells + SMX_HIST_BUCKET;
	const char *comma = "\"";
	uint64_t count = 0;

	for (uint32_t i = 0; i < part->n_buckets; i++)
		count += buckets[i];
	put(job, "{\"count\":");
	put_exact(job, count, 0);
	put(job, ",\"sum\":");
	put_exact(job, cells[SMX_HIST_SUM], part->exponent);
	put(job, ",\"buckets\":{");
	for (uint32_t i = 0; i < part->n_buckets; i++) {
		if (buckets[i] == 0)
			continue;
		put(job, comma);
		put_u64(job, i);
		put(job, "\":");
		put_exact(job, buckets[i], 0);
		comma = ",\"";
	}
	put(job, "}}");
}

static void
put_value(struct json_job *job, const struct expo_block *block,
    const struct expo_part *part, const struct expo_series *series)
{
	const struct smx_snapshot *snap = job->snapshots[part->source];

	if (!expo__fits(job->page, part->source, snap))
		put(job, "null");
	else if (block->type == SMX_TYPE_COUNTER)
		put_exact(job, snap->cells[series->cell], part->exponent);
	else if (block->type == SMX_TYPE_GAUGE)
		put_gauge(job, part, snap, series);
	else
		put_histogram(job, part, snap->cells + series->cell);
}

static const struct smx_family_info *
family_of(const struct json_job *job, const struct expo_part *part)
{
	return &job->sources[part->source].catalog->families[part->family];
}

static void
open_block(struct json_job *job, const struct expo_block *block,
    const struct expo_part *part)
{
	static const char *const types[] = { "", "counter", "gauge",
		"histogram" }; /* SMX_TYPE_* */
	const struct smx_family_info *f = family_of(job, part);

	put(job, job->written > 0 ? ",\n{\"name\":" : "\n{\"name\":");
	put_string(job, f->name);
	put(job, ",\"type\":\"");
	put(job, types[block->type]);
	put(job, "\",\"unit\":");
	put_string(job, f->unit);
	put(job, ",\"help\":");
	put_string(job, f->help);
	put(job, ",\"sources\":[");
	job->block = block;
}

static void
put_bounds(struct json_job *job, const struct smx_family_info *f)
{
	put(job, ",\"bounds\":[");
	for (uint32_t i = 0; i + 1 < f->n_buckets; i++) {
		put_exact(job, f->buckets[i].upper, f->exponent);
		put(job, ",");
	}
	put(job, "\"+Inf\"]");
}

static void
open_part(struct json_job *job, const struct expo_part *part, bool first)
{
	const struct expo_source *source = &job->sources[part->source];

	put(job, first ? "\n {" : ",\n {");
	if (!source->bare) {
		put(job, "\"service\":");
		put_string(job, source->service);
		put(job, ",\"instance\":");
		put_string(job, source->instance ? source->instance : "");
		put(job, ",");
	}
	put(job, "\"mode\":");
	put(job, part->gauge_mode == SMX_GAUGE_EACH ? "\"each\"" : "\"all\"");
	if (part->n_buckets > 0)
		put_bounds(job, family_of(job, part));
	put(job, ",\"series\":[");
	job->part = part;
}

static void
close_part(struct json_job *job)
{
	if (job->part != NULL)
		put(job, "]}");
	job->part = NULL;
}

static void
close_block(struct json_job *job)
{
	close_part(job);
	if (job->block != NULL)
		put(job, "]}");
	job->block = NULL;
}

static void
put_labels(struct json_job *job, const struct expo_part *part,
    const struct expo_series *series)
{
	const struct smx_catalog *c = job->sources[part->source].catalog;
	const struct smx_family_info *f = family_of(job, part);
	const char *name = f->labels, *value = c->series[series->index].values;

	put(job, "{\"labels\":{");
	for (uint32_t i = 0; i < f->n_labels; i++) {
		put(job, i > 0 ? "," : "");
		put_string(job, name);
		put(job, ":");
		put_string(job, value);
		name += strlen(name) + 1;
		value += strlen(value) + 1;
	}
	put(job, "},\"value\":");
}

static void
put_named(struct json_job *job, const struct expo_block *block,
    const struct expo_part *part, const struct expo_series *series)
{
	bool first = job->block != block;

	if (first) {
		close_block(job);
		open_block(job, block, part);
	}
	if (job->part != part) {
		close_part(job);
		open_part(job, part, first);
	} else {
		put(job, ",");
	}
	put(job, "\n  ");
	put_labels(job, part, series);
	put_value(job, block, part, series);
	put(job, "}");
}

/* The series that would be too much leaves no trace. */
static void
put_series(struct json_job *job, const struct expo_block *block,
    const struct expo_part *part, const struct expo_series *series)
{
	struct json_job before = *job;

	if (job->window->values_only) {
		put(job, job->written > 0 ? "," : "");
		put_value(job, block, part, series);
	} else {
		put_named(job, block, part, series);
	}
	if (job->sink.len + TAIL + EXPO_SLACK > job->sink.cap)
		*job = before;
	else
		job->written++;
	job->full = job->written == before.written ||
		    job->written == job->window->limit;
}

static void
put_part(struct json_job *job, const struct expo_block *block,
    const struct expo_part *part)
{
	uint64_t skip = job->window->first > job->seen ?
	    job->window->first - job->seen : 0;

	for (uint64_t i = skip; i < part->n && !job->full; i++)
		put_series(
		    job, block, part, &job->page->series[part->first + i]);
	job->seen += part->n;
}

static bool
is_chosen(const struct json_job *job, const struct expo_block *block)
{
	const struct expo_part *part = &job->page->parts[block->first];
	const char *family = job->window->family;

	return family[0] == '\0' ||
	       strcmp(family, family_of(job, part)->name) == 0;
}

/* To the end, even when it is full: `seen` is then the total. */
static void
put_blocks(struct json_job *job)
{
	for (size_t i = 0; i < job->page->n_blocks; i++) {
		const struct expo_block *block = &job->page->blocks[i];

		if (!is_chosen(job, block))
			continue;
		for (uint32_t k = 0; k < block->n; k++)
			put_part(
			    job, block, &job->page->parts[block->first + k]);
	}
	close_block(job);
}

static void
put_time(struct json_job *job, uint64_t ns)
{
	char *p = expo_sink_number(&job->sink);

	expo_sink_end(&job->sink, p + expo_time(p, ns));
}

static void
put_head(struct json_job *job)
{
	const struct expo_window *w = job->window;

	put(job, "{\"time\":");
	put_time(job, w->time_ns);
	put(job, ",\"uptime\":");
	put_time(job, w->uptime_ns);
	put(job, ",\"plan\":");
	put_string(job, w->plan);
	put(job, ",\"first\":");
	put_u64(job, w->first);
	put(job, w->values_only ? ",\"values\":[" : ",\"families\":[");
}

size_t
expo_json(char *dst, const struct expo_page *page,
    const struct expo_source *sources, const struct expo_window *window,
    const struct smx_snapshot *const *snapshots)
{
	struct json_job job = { .sink = { .dst = dst, .cap = EXPO_JSON_MAX },
		.page = page,
		.sources = sources,
		.window = window,
		.snapshots = snapshots };
	uint64_t next;

	put_head(&job);
	put_blocks(&job);
	next = window->first + job.written;
	put(&job, "],\"total\":");
	put_u64(&job, job.seen);
	put(&job, ",\"next\":");
	if (next < job.seen)
		put_u64(&job, next);
	else
		put(&job, "null");
	put(&job, "}\n");
	return job.sink.len;
}
