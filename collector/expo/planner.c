/* SPDX-License-Identifier: Apache-2.0 */
#include "planner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "earlier.h"
#include "groups.h"
#include "labels.h"
#include "ladder.h"
#include "merge.h"
#include "number.h"
#include "wire.h"

/* Bytes of a text line besides its head, text and tail. */
#define LINE_END (EXPO_NUMBER_LEN + 1)
/* `,process="4294967295"} ` */
#define PROCESS_MAX 24
#define EOF_LINE    6

struct planner {
	struct expo_page *page;
	const struct expo_source *sources;
	struct expo_groups *groups; /* one per source: what no earlier page has */
	struct expo_earlier earlier;
	struct expo_merge merge;
	struct expo_arena arena;
	struct expo_ladders ladders;
	size_t bucket_cap;
};

/* Series of a candidate, those that an earlier page has among them. */
static uint32_t
count_series(const struct planner *p, const struct expo_candidate *c)
{
	const struct expo_part *part =
	    expo_earlier_part(&p->earlier, c->source, c->family);

	return expo_groups_size(&p->groups[c->source], c->family) +
	       (part != NULL ? part->n : 0);
}

/* Space for as many parts and series as there can be. */
static int
reserve(struct planner *p)
{
	struct expo_page *page = p->page;
	size_t n_series = 0;

	for (size_t i = 0; i < p->merge.n_candidates; i++)
		n_series += count_series(p, &p->merge.candidates[i]);
	if (n_series >= UINT32_MAX)
		return -E2BIG;
	page->series = calloc(n_series + 1, sizeof(*page->series));
	page->parts = calloc(p->merge.n_candidates + 1, sizeof(*page->parts));
	page->blocks = calloc(p->merge.n_drafts + 1, sizeof(*page->blocks));
	if (!page->series || !page->parts || !page->blocks)
		return -ENOMEM;
	return 0;
}

static void
need(struct expo_page *page, uint32_t source, const struct smx_family_info *f,
    uint32_t cell)
{
	struct expo_need *n = &page->needs[source];
	uint32_t *most = f->type == SMX_TYPE_GAUGE ? &n->gauges : &n->cells;
	uint32_t cells =
	    f->type == SMX_TYPE_HISTOGRAM ? SMX_HIST_BUCKET + f->n_buckets : 1;

	/* one cell too many for any snapshot, rather than wrap around */
	if (cell >= UINT32_MAX - cells)
		*most = UINT32_MAX;
	else if (cell + cells > *most)
		*most = cell + cells;
}

/* Returns the bytes of the series' label pairs as protobuf. */
static size_t
add_series(struct planner *p, struct expo_part *part,
    const struct smx_family_info *f, uint32_t index)
{
	const struct expo_source *src = &p->sources[part->source];
	const struct smx_series_info *s = &src->catalog->series[index];
	struct expo_text text = expo_put_series(&p->arena, src, f, s);
	size_t wire = expo_wire_labels(f, s);

	if (text.len > UINT16_MAX || wire > UINT16_MAX)
		p->arena.err = -E2BIG;
	need(p->page, part->source, f, s->cell);
	p->page->series[p->page->n_series++] = (struct expo_series){ s->cell,
		index, (uint16_t)text.len, (uint16_t)wire };
	return wire;
}

/* As they are in an earlier page; returns the same. */
static size_t
copy_series(struct planner *p, const struct expo_part *part,
    const struct smx_family_info *f, const struct expo_part *from)
{
	const struct expo_page *earlier = p->earlier.page;
	const struct expo_series *s = earlier->series + from->first;
	size_t text = 0, wire = 0;

	for (uint32_t i = 0; i < from->n; i++) {
		need(p->page, part->source, f, s[i].cell);
		text += s[i].text_len;
		wire += s[i].wire_len;
	}
	expo_arena_put(&p->arena, earlier->text + from->text, text);
	memcpy(p->page->series + p->page->n_series, s, from->n * sizeof(*s));
	p->page->n_series += from->n;
	return wire;
}

static void
add_heads(
    struct planner *p, struct expo_part *part, const struct smx_family_info *f)
{
	const struct expo_source *s = &p->sources[part->source];
	bool each =
	    f->type == SMX_TYPE_GAUGE && f->gauge_mode == SMX_GAUGE_EACH;

	if (f->type != SMX_TYPE_HISTOGRAM) {
		part->head = expo_put_head(
		    &p->arena, s, f, expo_suffix(f->name, f->type), each);
	} else {
		part->head = expo_put_head(&p->arena, s, f, "_bucket", true);
		part->sum = expo_put_head(&p->arena, s, f, "_sum", false);
		part->count = expo_put_head(&p->arena, s, f, "_count", false);
	}
	if (f->type != SMX_TYPE_GAUGE)
		part->created =
		    expo_put_head(&p->arena, s, f, "_created", false);
	part->wire = expo_wire_source(&p->arena, s);
}

/* The native indices of the buckets, for protobuf. */
static int
add_native(
    struct planner *p, struct expo_part *part, const struct smx_family_info *f)
{
	struct expo_page *page = p->page;
	int err = expo_grow(&page->natives, &p->bucket_cap,
	    page->n_natives + f->n_buckets, sizeof(*page->natives));

	if (err < 0)
		return err;
	part->natives = (uint32_t)page->n_natives;
	for (uint32_t i = 0; i < f->n_buckets; i++)
		page->natives[page->n_natives++] = f->buckets[i].native;
	return 0;
}

/* The most that a series' value, and what frames it, takes as protobuf:
 * tags of one byte, numbers of at most ten. */
static size_t
wire_bound(const struct expo_part *part, const struct smx_family_info *f)
{
	size_t metric = 2 * 11 + part->wire.len;
	size_t created = 2 + 2 * 11;

	if (f->type != SMX_TYPE_HISTOGRAM)
		return metric + 9 + created;
	metric += 11 + 9 + created + (size_t)part->ladder.n * (2 + 11 + 9);
	if (part->native)
		metric += 11 + 9 + 11 + (size_t)f->n_buckets * (2 + 3 * 11);
	return metric;
}

/* `text` are the bytes of the series' texts, `wire` of their label pairs. */
static void
add_bound(struct expo_page *page, const struct expo_part *part,
    const struct smx_family_info *f, size_t text, size_t wire)
{
	size_t n = part->n;
	size_t line = part->head.len + LINE_END;
	size_t bytes = n * line + text;

	if (f->type == SMX_TYPE_GAUGE && f->gauge_mode == SMX_GAUGE_EACH) {
		size_t *each = page->needs[part->source].each;

		each[EXPO_TEXT] += bytes + n * PROCESS_MAX;
		each[EXPO_OPENMETRICS] += bytes + n * PROCESS_MAX;
		each[EXPO_OPENMETRICS_CREATED] += bytes + n * PROCESS_MAX;
		each[EXPO_PROTOBUF] +=
		    wire + n * PROCESS_MAX + n * wire_bound(part, f);
		return;
	}
	if (f->type == SMX_TYPE_HISTOGRAM) {
		const struct expo_ladder *l = &part->ladder;

		bytes += n * (part->sum.len + part->count.len + 2 * LINE_END) +
			 2 * text + (l->n - 1) * (n * line + text);
		for (uint32_t i = l->first; i < l->first + l->n; i++)
			bytes += n * page->rungs[i].le.len;
	}
	page->bound[EXPO_TEXT] += bytes;
	page->bound[EXPO_OPENMETRICS] += bytes;
	if (f->type != SMX_TYPE_GAUGE)
		bytes += n * (part->created.len + LINE_END) + text;
	page->bound[EXPO_OPENMETRICS_CREATED] += bytes;
	page->bound[EXPO_PROTOBUF] += wire + n * wire_bound(part, f);
}

static int
add_part(struct planner *p, const struct expo_candidate *c)
{
	struct expo_page *page = p->page;
	const struct expo_source *src = &p->sources[c->source];
	const struct smx_family_info *f = &src->catalog->families[c->family];
	const struct expo_groups *g = &p->groups[c->source];
	const struct expo_part *earlier =
	    expo_earlier_part(&p->earlier, c->source, c->family);
	struct expo_part *part = &page->parts[page->n_parts];
	size_t wire = 0;
	int err = 0;

	if (count_series(p, c) == 0)
		return 0;
	*part = (struct expo_part){ .source = c->source,
		.family = c->family,
		.first = (uint32_t)page->n_series,
		.n = count_series(p, c),
		.n_buckets = f->n_buckets,
		.exponent = f->exponent,
		.gauge_mode = f->gauge_mode,
		.info = expo_is_info(f->name, f->type),
		.labelled = !src->bare || f->n_labels > 0 };
	part->close = part->labelled ? 2 : 1;
	add_heads(p, part, f);
	if (f->type == SMX_TYPE_HISTOGRAM) {
		part->ladder = expo_ladder_of(&p->ladders, &p->arena, f);
		page->rungs = p->ladders.rungs;
		part->zero_exp2 = f->zero_exp2;
		part->schema = f->schema;
		part->native = f->hist_flags & SMX_HIST_NATIVE;
		part->explicit_bounds = f->hist_flags & SMX_HIST_EXPLICIT;
		if (part->native)
			err = add_native(p, part, f);
	}
	part->text = (uint32_t)p->arena.len;
	if (earlier != NULL)
		wire = copy_series(p, part, f, earlier);
	for (uint32_t i = g->start[c->family]; i < g->start[c->family + 1]; i++)
		wire += add_series(p, part, f, g->series[i]);
	if (p->arena.err == 0)
		add_bound(page, part, f, p->arena.len - part->text, wire);
	page->n_parts++;
	return p->arena.err < 0 ? p->arena.err : err;
}

/* One header for both text formats where they say the same. */
static void
add_headers(
    struct planner *p, struct expo_block *b, const struct smx_family_info *f)
{
	struct expo_arena *a = &p->arena;
	struct expo_text text = expo_put_header(a, f, false);
	struct expo_text open = expo_put_header(a, f, true);

	if (a->err == 0 && text.len == open.len &&
	    memcmp(a->text + text.off, a->text + open.off, text.len) == 0) {
		a->len = open.off;
		open = text;
	}
	b->header[EXPO_TEXT] = text;
	b->header[EXPO_OPENMETRICS] = open;
	b->wire = expo_wire_family(a, f);
	p->page->bound[EXPO_TEXT] += text.len;
	p->page->bound[EXPO_OPENMETRICS] += open.len;
	p->page->bound[EXPO_OPENMETRICS_CREATED] += open.len;
	p->page->bound[EXPO_PROTOBUF] += b->wire.len + 11;
}

static int
add_block(struct planner *p, const struct expo_draft *d)
{
	struct expo_page *page = p->page;
	struct expo_block *b = &page->blocks[page->n_blocks];
	const struct expo_candidate *c;
	size_t first = page->n_parts;
	size_t bound = page->bound[EXPO_PROTOBUF];
	bool each = false;

	for (uint32_t i = d->first; i != EXPO_END; i = c->next) {
		int err;

		c = &p->merge.candidates[i];
		err = add_part(p, c);
		if (err < 0)
			return err;
	}
	if (page->n_parts == first)
		return 0;
	c = &p->merge.candidates[d->first];
	*b = (struct expo_block){ .first = (uint32_t)first,
		.n = (uint32_t)(page->n_parts - first),
		.type = d->type,
		.native = d->type == SMX_TYPE_HISTOGRAM };
	for (size_t i = first; i < page->n_parts; i++) {
		b->native = b->native && page->parts[i].native;
		each = each || page->parts[i].gauge_mode == SMX_GAUGE_EACH;
	}
	add_headers(p, b, &p->sources[c->source].catalog->families[c->family]);
	if (!each)
		b->bound = page->bound[EXPO_PROTOBUF] - bound;
	page->n_blocks++;
	return p->arena.err;
}

/* Losses outlive the catalogs: their names are copied. */
static int
keep_losses(struct planner *p)
{
	struct expo_page *page = p->page;
	size_t n = p->merge.n_losses;
	size_t size = 1;
	char *t;

	for (size_t i = 0; i < n; i++)
		size += strlen(p->merge.losses[i].family) +
			strlen(p->merge.losses[i].winner) + 2;
	page->losses = calloc(n + 1, sizeof(*page->losses));
	page->lost_text = t = malloc(size);
	if (page->losses == NULL || t == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct expo_loss *l = &page->losses[i];

		*l = p->merge.losses[i];
		l->family = strcpy(t, l->family);
		t += strlen(t) + 1;
		l->winner = strcpy(t, l->winner);
		t += strlen(t) + 1;
	}
	page->n_losses = n;
	return 0;
}

static int
plan_all(struct planner *p, size_t n)
{
	int err;

	p->page->needs = calloc(n + 1, sizeof(*p->page->needs));
	p->groups = calloc(n + 1, sizeof(*p->groups));
	if (p->page->needs == NULL || p->groups == NULL)
		return -ENOMEM;
	p->page->n_sources = n;
	err = expo_merge_sources(&p->merge, p->sources, n);
	for (size_t i = 0; i < n && err == 0; i++) {
		p->page->needs[i].series = p->sources[i].catalog->n_series;
		p->page->needs[i].families = p->sources[i].catalog->n_families;
		err = expo_groups_make(&p->groups[i], p->sources[i].catalog,
		    expo_earlier_series(&p->earlier, i));
	}
	if (err == 0)
		err = reserve(p);
	for (size_t i = 0; i < p->merge.n_drafts && err == 0; i++)
		err = add_block(p, &p->merge.drafts[i]);
	if (err == 0)
		err = keep_losses(p);
	return err;
}

int
expo__plan(struct expo_page *page, const struct expo_page *earlier,
    const uint32_t *from, const struct expo_source *sources, size_t n)
{
	struct planner p = { .page = page, .sources = sources };
	int err = expo_earlier_open(
	    &p.earlier, earlier, from, sources, n);

	if (err == 0 && earlier != NULL) /* at once, not bit by bit */
		(void)expo_arena_room(&p.arena, earlier->text_len);
	if (err == 0)
		err = plan_all(&p, n);
	expo_earlier_close(&p.earlier);

	for (size_t i = 0; i < n && p.groups != NULL; i++)
		expo_groups_free(&p.groups[i]);
	free(p.groups);
	expo_merge_free(&p.merge);
	page->rungs = p.ladders.rungs;
	page->n_rungs = p.ladders.n;
	page->text = p.arena.text;
	page->text_len = p.arena.len;
	return err;
}
