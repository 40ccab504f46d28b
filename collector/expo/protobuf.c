/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delimited protobuf: each family a MetricFamily behind its length.  The only
 * format that carries native histograms and, at no cost, created times.
 *
 * A message stands behind its own length.  Where there is room a block is
 * written in one go and its length put before it; else it is gone through
 * twice, first by a sink without room, which only counts.
 * A family whose histograms are all native is sent as native, with its
 * explicit bounds beside them if it has any; else all of it is classic, for
 * Prometheus judges a family by its first metric.
 */
#include "buckets.h"
#include "field.h"
#include "scalar.h"

/* MetricFamily */
#define FAMILY_METRIC 4
/* Metric */
#define METRIC_LABEL	 1
#define METRIC_GAUGE	 2
#define METRIC_COUNTER	 3
#define METRIC_HISTOGRAM 7
/* Gauge, Counter */
#define VALUE		1
#define COUNTER_CREATED 3
/* Histogram */
#define HIST_COUNT   1
#define HIST_SUM     2
#define HIST_CREATED 15
#define HIST_EXEMPLAR 16

/* What is kept free for a length that is not known yet. */
#define MESSAGE_LEN 2

struct proto_job {
	struct expo_sink *sink;
	const struct expo_page *page;
	const struct expo_block *block;
	const struct expo_part *part;
	const struct smx_snapshot *snap;
	bool roomy; /* the block's bound fits: nothing needs to be counted */
	struct expo_scalars scalars; /* what the part's series share */
};

/* One series: what stands before its value. */
struct metric {
	const struct expo_series *series;
	const char *text;    /* its labels, as in the text format */
	const char *process; /* of SMX_GAUGE_EACH, else NULL */
};

static const struct smx_series_info *
info_of(const struct proto_job *job, const struct metric *m)
{
	return &job->snap->catalog->series[m->series->index];
}

/* From the page's text, which is readable past its end. */
static inline void
put_prefix(struct expo_sink *s, const char *text, size_t n)
{
	if (!expo_sink_has(s, n)) {
		expo_sink_put(s, text, n);
		return;
	}
	expo_copy_wide(s->dst + s->len, text, n);
	s->len += n;
}

static void
put_labels(struct proto_job *job, const struct metric *m)
{
	const struct expo_text *wire = &job->part->wire;

	put_prefix(job->sink, job->page->text + wire->off, wire->len);
	expo_pairs_put(job->sink, &job->scalars.pairs, info_of(job, m)->values,
	    m->series->wire_len);
}

/* Metric up to its value, which has `body` bytes; true if those are wanted,
 * false if they were only to be counted. */
static bool
metric_start(
    struct proto_job *job, const struct metric *m, uint32_t field, size_t body)
{
	const struct expo_text *wire = &job->part->wire;
	size_t labels = wire->len + m->series->wire_len;
	size_t len;

	if (m->process != NULL)
		labels += expo_wire_label_len("process", m->process);
	len = labels + wire_field_len(body);
	field_length(job->sink, FAMILY_METRIC, len);
	if (job->sink->cap == 0) {
		job->sink->len += len;
		return false;
	}
	put_labels(job, m);
	if (m->process != NULL)
		field_label(job->sink, METRIC_LABEL, "process", m->process);
	field_length(job->sink, field, body);
	return true;
}

/* Nothing if it is not known. */
static size_t
created_len(uint64_t ns)
{
	return ns == 0 ? 0 : wire_field_len(field_time_len(ns));
}

static void
put_created(struct expo_sink *s, uint32_t field, uint64_t ns)
{
	if (ns != 0)
		field_time(s, field, ns);
}

/* Counters and gauges differ in the tag, and in when they began. */
static void
put_scalar(struct proto_job *job, const struct metric *m, uint32_t field,
    double value, uint64_t created_ns)
{
	struct expo_sink *s = job->sink;

	if (m->process == NULL &&
	    expo_sink_has(s,
		job->part->wire.len + m->series->wire_len + EXPO_SCALAR_MAX)) {
		char *p = expo_scalar_put(s->dst + s->len, &job->scalars,
		    m->series, m->text, info_of(job, m)->values, value,
		    created_ns);

		s->len = (size_t)(p - s->dst);
	} else if (metric_start(job, m, field, 9 + created_len(created_ns))) {
		field_double(s, VALUE, value);
		put_created(s, COUNTER_CREATED, created_ns);
	}
}

static void
put_counter(struct proto_job *job, const struct metric *m)
{
	put_scalar(job, m, METRIC_COUNTER,
	    expo_value(job->snap->cells[m->series->cell], job->part->exponent),
	    info_of(job, m)->created_ns);
}

static void
put_gauge(struct proto_job *job, const struct metric *m, double value)
{
	put_scalar(job, m, METRIC_GAUGE, job->part->info ? 1 : value, 0);
}

static void
put_gauges(struct proto_job *job, struct metric m)
{
	struct smx_series_info info = { .family = job->part->family,
		.cell = m.series->cell };
	char process[EXPO_NUMBER_ROOM + 1];
	double value;

	if (job->part->gauge_mode != SMX_GAUGE_EACH) {
		if (smx_gauge_value(job->snap, &info, &value))
			put_gauge(job, &m, value);
		return;
	}
	m.process = process;
	for (uint32_t row = 0; row < job->snap->n_live; row++) {
		if (!smx_gauge_of(job->snap, &info, row, &value))
			continue;
		process[expo_u64(process, job->snap->live[row].slot)] = '\0';
		put_gauge(job, &m, value);
	}
}

/* A message whose length is put before it when it is known, in two bytes as
 * nearly all have; where it begins.  There is room. */
static size_t
message_start(struct expo_sink *s, uint32_t field)
{
	s->dst[s->len] = (char)wire_tag(field, WIRE_BYTES);
	s->len += 1 + MESSAGE_LEN;
	return s->len;
}

static void
message_end(struct expo_sink *s, size_t start)
{
	size_t len = s->len - start;
	size_t n = wire_varint_len(len);
	char *at = s->dst + start - MESSAGE_LEN;

	if (n != MESSAGE_LEN)
		memmove(at + n, at + MESSAGE_LEN, len);
	wire_varint(at, len);
	s->len = start - MESSAGE_LEN + n + len;
}

/* A native histogram is one series to Prometheus.  2.42 takes its exemplars
 * from the classic buckets, in their order, and warns at every scrape of those
 * that are older than the one before: so it gets the newest.  Later ones look
 * into the list. */
static struct expo_exemplars
newest(struct expo_exemplars e)
{
	const struct smx_exemplar *found =
	    expo_exemplars_take(&e, UINT32_MAX);

	if (found != NULL)
		e = (struct expo_exemplars){ found, found + 1 };
	return e;
}

static void
put_exemplars(struct expo_sink *s, struct expo_exemplars e, int exponent)
{
	for (; e.at < e.end; e.at++)
		expo_exemplar_wire(s, HIST_EXEMPLAR, e.at, exponent);
}

static void
put_histogram_body(
    struct proto_job *job, struct expo_sink *s, const struct metric *m)
{
	const uint64_t *cells = job->snap->cells + m->series->cell;
	const uint64_t *buckets = cells + SMX_HIST_BUCKET;
	struct expo_exemplars exemplars =
	    expo_exemplars_of(job->snap, m->series->index);
	uint64_t count = 0;

	for (uint32_t i = 0; i < job->part->n_buckets; i++)
		count += buckets[i];
	field_number(s, HIST_COUNT, count);
	field_double(
	    s, HIST_SUM, expo_value(cells[SMX_HIST_SUM], job->part->exponent));
	if (!job->block->native || job->part->explicit_bounds)
		expo_put_classic(s, job->page, job->part, buckets,
		    job->block->native ? newest(exemplars) : exemplars);
	if (job->block->native)
		expo_put_native(s, job->page, job->part, buckets);
	put_created(s, HIST_CREATED, info_of(job, m)->created_ns);
	if (job->block->native)
		put_exemplars(s, exemplars, job->part->exponent);
}

static void
put_histogram_slowly(struct proto_job *job, const struct metric *m)
{
	struct expo_sink counting = { 0 };

	put_histogram_body(job, &counting, m);
	if (metric_start(job, m, METRIC_HISTOGRAM, counting.len))
		put_histogram_body(job, job->sink, m);
}

static void
put_histogram(struct proto_job *job, const struct metric *m)
{
	struct expo_sink *s = job->sink;
	size_t metric, body;

	if (!job->roomy) {
		put_histogram_slowly(job, m);
		return;
	}
	metric = message_start(s, FAMILY_METRIC);
	put_labels(job, m);
	body = message_start(s, METRIC_HISTOGRAM);
	put_histogram_body(job, s, m);
	message_end(s, body);
	message_end(s, metric);
}

static void
put_part(struct proto_job *job)
{
	const struct expo_series *series = job->page->series + job->part->first;
	const char *text = job->page->text + job->part->text;

	expo_scalars_make(&job->scalars, job->page, job->part,
	    &job->snap->catalog->families[job->part->family]);
	if (job->roomy && job->block->type == SMX_TYPE_COUNTER) {
		char *p = job->sink->dst + job->sink->len;

		p = expo_counters_put(
		    p, &job->scalars, job->page, job->part, job->snap);
		job->sink->len = (size_t)(p - job->sink->dst);
		return;
	}
	for (uint32_t i = 0; i < job->part->n; i++) {
		struct metric m = { .series = &series[i], .text = text };

		text += series[i].text_len;
		if (job->block->type == SMX_TYPE_COUNTER)
			put_counter(job, &m);
		else if (job->block->type == SMX_TYPE_GAUGE)
			put_gauges(job, m);
		else
			put_histogram(job, &m);
	}
}

static void
put_metrics(struct expo_sink *s, bool roomy, const struct expo_page *page,
    const struct expo_block *block, const struct smx_snapshot *const *snapshots)
{
	struct proto_job job = {
		.sink = s, .page = page, .block = block, .roomy = roomy
	};

	job.part = page->parts + block->first;
	for (uint32_t i = 0; i < block->n; i++, job.part++) {
		job.snap = snapshots[job.part->source];
		if (expo__fits(page, job.part->source, job.snap))
			put_part(&job);
	}
}

/* Bytes that come for what the page cannot know. */
static size_t
live_bound(const struct expo_page *page, const struct expo_block *b,
    const struct smx_snapshot *const *snapshots)
{
	const struct expo_part *part = page->parts + b->first;
	size_t n = 0;

	if (b->type != SMX_TYPE_HISTOGRAM)
		return 0;
	for (uint32_t i = 0; i < b->n; i++, part++)
		if (expo__fits(page, part->source, snapshots[part->source]))
			n += snapshots[part->source]->n_exemplars;
	return n * EXPO_EXEMPLAR_MAX;
}

/* In one go, the length put before it when it is known.  How long that is
 * depends on it: if the guess was wrong, the block moves. */
static void
put_block(struct expo_sink *out, const struct expo_page *page,
    const struct expo_block *b, const struct smx_snapshot *const *snapshots)
{
	size_t start = out->len;
	size_t guess = wire_varint_len(b->bound);
	size_t len, prefix;
	char *at = out->dst + start;

	out->len += guess;
	expo_sink_put(out, page->text + b->wire.off, b->wire.len);
	put_metrics(out, true, page, b, snapshots);
	len = out->len - start - guess;
	if (len == b->wire.len) { /* no metric */
		out->len = start;
		return;
	}
	prefix = wire_varint_len(len);
	if (prefix != guess)
		memmove(at + prefix, at + guess, len);
	wire_varint(at, len);
	out->len = start + prefix + len;
}

/* Where room is short: once to count, and once to write what fits. */
static void
put_block_slowly(struct expo_sink *out, const struct expo_page *page,
    const struct expo_block *b, const struct smx_snapshot *const *snapshots)
{
	struct expo_sink counting = { 0 };
	char len[16], *end;

	put_metrics(&counting, false, page, b, snapshots);
	if (counting.len == 0)
		return;
	end = wire_varint(len, counting.len + b->wire.len);
	expo_sink_put(out, len, (size_t)(end - len));
	expo_sink_put(out, page->text + b->wire.off, b->wire.len);
	if (out->cap == 0)
		out->len += counting.len;
	else
		put_metrics(out, false, page, b, snapshots);
}

size_t
expo__render_protobuf(char *dst, size_t cap, const struct expo_page *page,
    const struct smx_snapshot *const *snapshots)
{
	struct expo_sink out = { .dst = dst, .cap = cap };

	for (size_t i = 0; i < page->n_blocks; i++) {
		const struct expo_block *b = &page->blocks[i];

		if (b->bound > 0 && expo_sink_has(&out, b->bound +
			    live_bound(page, b, snapshots)))
			put_block(&out, page, b, snapshots);
		else
			put_block_slowly(&out, page, b, snapshots);
	}
	return out.len;
}
