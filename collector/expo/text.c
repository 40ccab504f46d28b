/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prometheus text 0.0.4 and OpenMetrics 1.0.  They differ in the headers, made
 * when the page was planned; in the counts of histograms, integers in
 * OpenMetrics and numbers like any other in 0.0.4; and in the last line.
 */
#include <string.h>

#include "exemplar.h"
#include "number.h"
#include "plan.h"
#include "sink.h"

/* A piece of a line; readable EXPO_WIDE bytes past its end. */
struct piece {
	const char *p;
	size_t n;
};

struct text_job {
	struct expo_sink sink;
	const struct expo_page *page;
	bool openmetrics, created;
	const struct expo_block *header_of; /* not shown yet, or NULL */
};

static struct piece
piece_of(const struct expo_page *page, struct expo_text t)
{
	struct piece p = { page->text + t.off, t.len };

	return p;
}

/* HELP and TYPE go before the first sample, and only then. */
static void
show_header(struct text_job *job)
{
	const struct expo_text *t;

	if (job->header_of == NULL)
		return;
	t = &job->header_of->header[job->openmetrics];
	expo_sink_put(&job->sink, job->page->text + t->off, t->len);
	job->header_of = NULL;
}

/* Three pieces in a row; returns where the value goes. */
static inline char *
line_start(struct expo_sink *s, struct piece a, struct piece b, struct piece c)
{
	char *p;

	if (!expo_sink_has(s, a.n + b.n + c.n)) {
		expo_sink_put(s, a.p, a.n);
		expo_sink_put(s, b.p, b.n);
		expo_sink_put(s, c.p, c.n);
		return expo_sink_number(s);
	}
	p = expo_copy_wide(s->dst + s->len, a.p, a.n);
	p = expo_copy_wide(p, b.p, b.n);
	if (c.n > 0)
		p = expo_copy_wide(p, c.p, c.n);
	return p;
}

static inline void
line_end(struct expo_sink *s, char *end)
{
	*end = '\n';
	expo_sink_end(s, end + 1);
}

/* When counting began, if that is known and asked for. */
static void
created_line(struct text_job *job, const struct expo_part *part,
    const struct smx_snapshot *snap, const struct expo_series *series,
    struct piece text)
{
	uint64_t ns = snap->catalog->series[series->index].created_ns;
	const struct piece none = { "", 0 };
	char *p;

	if (!job->created || ns == 0)
		return;
	p = line_start(
	    &job->sink, piece_of(job->page, part->created), text, none);
	p += expo_time(p, ns);
	line_end(&job->sink, p);
}

static void
render_counters(struct text_job *job, const struct expo_part *part,
    const struct smx_snapshot *snap)
{
	const struct expo_series *series = job->page->series + part->first;
	const struct piece none = { "", 0 };
	struct piece head = piece_of(job->page, part->head);
	struct piece text = { job->page->text + part->text, 0 };
	struct expo_sink *s = &job->sink;

	show_header(job);
	for (uint32_t i = 0; i < part->n; i++, text.p += text.n) {
		char *p;

		text.n = series[i].text_len;
		p = line_start(s, head, text, none);
		p += expo_decimal(
		    p, snap->cells[series[i].cell], part->exponent);
		line_end(s, p);
		created_line(job, part, snap, &series[i], text);
	}
}

static void
gauge_line(struct text_job *job, struct piece head, struct piece text,
    struct piece tail, double value)
{
	char *p;

	show_header(job);
	p = line_start(&job->sink, head, text, tail);
	p += expo_double(p, value);
	line_end(&job->sink, p);
}

/* One line for each live process that has set the gauge. */
static void
render_each(struct text_job *job, const struct expo_part *part,
    const struct smx_snapshot *snap, const struct smx_series_info *info,
    struct piece text)
{
	struct piece head = piece_of(job->page, part->head);
	char label[EXPO_NUMBER_ROOM + EXPO_WIDE + 16] = ",process=\"";
	double value;

	text.n -= part->close;
	for (uint32_t row = 0; row < snap->n_live; row++) {
		struct piece tail = { label, 10 };

		if (!smx_gauge_of(snap, info, row, &value))
			continue;
		tail.n += expo_u64(label + tail.n, snap->live[row].slot);
		memcpy(label + tail.n, "\"} ", 3);
		tail.n += 3;
		if (!part->labelled) {
			tail.p++;
			tail.n--;
		}
		gauge_line(job, head, text, tail, part->info ? 1 : value);
	}
}

static void
render_gauges(struct text_job *job, const struct expo_part *part,
    const struct smx_snapshot *snap)
{
	const struct expo_series *series = job->page->series + part->first;
	const struct piece none = { "", 0 };
	struct piece head = piece_of(job->page, part->head);
	struct piece text = { job->page->text + part->text, 0 };
	struct smx_series_info info = { .family = part->family };

	for (uint32_t i = 0; i < part->n; i++, text.p += text.n) {
		double value;

		text.n = series[i].text_len;
		info.cell = series[i].cell;
		if (part->gauge_mode == SMX_GAUGE_EACH)
			render_each(job, part, snap, &info, text);
		else if (smx_gauge_value(snap, &info, &value))
			gauge_line(job, head, text, none,
			    part->info ? 1 : value);
	}
}

static inline void
count_line(struct text_job *job, struct piece head, struct piece text,
    struct piece tail, uint64_t count)
{
	char *p = line_start(&job->sink, head, text, tail);

	p += job->openmetrics ? expo_u64(p, count) : expo_decimal(p, count, 0);
	line_end(&job->sink, p);
}

/* OpenMetrics: an exemplar goes behind the value it is for. */
static void
exemplar_line(struct text_job *job, const struct smx_exemplar *e, int exponent)
{
	job->sink.len--; /* the end of the line before */
	expo_exemplar_text(&job->sink, e, exponent);
	expo_sink_put(&job->sink, "\n", 1);
}

/* Buckets, sum and count of one histogram.  The ladder ends with +Inf and its
 * last bucket, so the last sum is the count. */
static void
render_histogram(struct text_job *job, const struct expo_part *part,
    const uint64_t *cells, struct piece text, struct expo_exemplars exemplars)
{
	const struct expo_page *page = job->page;
	const struct expo_rung *rung = page->rungs + part->ladder.first;
	const uint64_t *buckets = cells + SMX_HIST_BUCKET;
	struct piece head = piece_of(page, part->head);
	struct piece open = { text.p, text.n - part->close };
	const struct piece none = { "", 0 };
	uint64_t count = 0;
	uint32_t k = 0;
	char *p;

	for (uint32_t i = 0; i < part->ladder.n; i++, rung++) {
		struct piece le = piece_of(page, rung->le);
		const struct smx_exemplar *e =
		    expo_exemplars_take(&exemplars, rung->bucket);

		if (!part->labelled) {
			le.p++;
			le.n--;
		}
		while (k <= rung->bucket)
			count += buckets[k++];
		count_line(job, head, open, le, count);
		if (e != NULL && job->openmetrics)
			exemplar_line(job, e, part->exponent);
	}
	p = line_start(&job->sink, piece_of(page, part->sum), text, none);
	p += expo_decimal(p, cells[SMX_HIST_SUM], part->exponent);
	line_end(&job->sink, p);
	count_line(job, piece_of(page, part->count), text, none, count);
}

static void
render_histograms(struct text_job *job, const struct expo_part *part,
    const struct smx_snapshot *snap)
{
	const struct expo_series *series = job->page->series + part->first;
	struct piece text = { job->page->text + part->text, 0 };

	show_header(job);
	for (uint32_t i = 0; i < part->n; i++, text.p += text.n) {
		text.n = series[i].text_len;
		render_histogram(job, part, snap->cells + series[i].cell, text,
		    expo_exemplars_of(snap, series[i].index));
		created_line(job, part, snap, &series[i], text);
	}
}

static void
render_block(struct text_job *job, const struct expo_block *block,
    const struct smx_snapshot *const *snapshots)
{
	const struct expo_part *part = job->page->parts + block->first;

	job->header_of = block;
	for (uint32_t i = 0; i < block->n; i++, part++) {
		const struct smx_snapshot *snap = snapshots[part->source];

		if (!expo__fits(job->page, part->source, snap))
			continue;
		if (block->type == SMX_TYPE_COUNTER)
			render_counters(job, part, snap);
		else if (block->type == SMX_TYPE_GAUGE)
			render_gauges(job, part, snap);
		else
			render_histograms(job, part, snap);
	}
}

size_t
expo__render_text(char *dst, size_t cap, const struct expo_page *page,
    enum expo_format format, const struct smx_snapshot *const *snapshots)
{
	bool openmetrics = format != EXPO_TEXT;
	struct text_job job = { .sink = { .dst = dst, .cap = cap },
		.page = page,
		.openmetrics = openmetrics,
		.created = format == EXPO_OPENMETRICS_CREATED };

	for (size_t i = 0; i < page->n_blocks; i++)
		render_block(&job, &page->blocks[i], snapshots);
	if (openmetrics)
		expo_sink_put(&job.sink, "# EOF\n", 6);
	return job.sink.len;
}
