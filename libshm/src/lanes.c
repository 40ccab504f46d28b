/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lanes, one after the other, added up cell by cell.  Within a lane the cells
 * ascend, counters between histograms:
 *
 *   sink | counters | histogram | counters | histogram | ... | committed
 *
 * The order of loads, and what it pairs with:
 *   committed  acquire   the writer's release after it made the pages (I5)
 *   counters   relaxed   each is whole by itself; coherence keeps it from
 *                        falling
 *   end        acquire   the writer's release at the end of an observation:
 *                        all observations it counts are then visible
 *   sum, buckets acquire the writer's release stores of them: what made them
 *                        began before, so `begin`, loaded last, shows it (I7)
 *   begin      relaxed   ordered by the acquire loads before it
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "guard.h"
#include "load.h"
#include "view_private.h"

/* More than this many extra tries, and the sum is taken as it is. */
#define TRIES 4

struct lane {
	const uint64_t *cells; /* in the mapping */
	uint32_t end;	       /* cells committed and in use */
	const struct smx__span *span, *spans_end; /* being read, and on */
	struct smx__span first; /* the only one, if nothing is missing */
	uint64_t off;		/* in the file */
	struct smx_view *view;
	uint64_t *out;
};

/* Lanes in which nothing is missing are added up this many at a time. */
#define TOGETHER 4

static uint32_t
min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t
max_u32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static uint32_t
end_of(const struct smx__hist *h)
{
	return h->cell + SMX_HIST_BUCKET + h->n_buckets;
}

/* Number of the first histogram that ends behind `cell`, or of all: they lie
 * apart, ascending. */
static size_t
hist_behind(const struct smx_view *v, uint32_t cell)
{
	size_t lo = 0, hi = v->dir.n_hists, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (end_of(&v->dir.hists[mid]) <= cell)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Adds cells [first, end), which exist, to the totals. */
static void
add_cells(const struct lane *l, uint32_t first, uint32_t end)
{
	for (uint32_t i = first; i < end; i++)
		l->out[i] += smx__load_relaxed(&l->cells[i]);
}

/* Copies n cells, none before the span being read; those in a hole are 0. */
static void
copy_cells(const struct lane *l, uint32_t first, uint32_t n, uint64_t *to)
{
	const struct smx__span *s;
	uint32_t end = first + n, last;

	if (l->span->first > first || l->span->end < end)
		memset(to, 0, n * sizeof(*to));
	for (s = l->span; s < l->spans_end && s->first < end; s++) {
		last = min_u32(end, s->end);
		for (uint32_t i = max_u32(first, s->first); i < last; i++)
			to[i - first] = smx__load_acquire(&l->cells[i]);
	}
}

/* Copies sum and buckets; true if they belong together. */
static bool
read_hist(const struct lane *l, const struct smx__hist *h, uint64_t *to)
{
	uint64_t begin, end;

	copy_cells(l, h->cell + SMX_HIST_END, 1, &end);
	copy_cells(l, h->cell + SMX_HIST_SUM, 1 + h->n_buckets, to);
	copy_cells(l, h->cell + SMX_HIST_BEGIN, 1, &begin);
	return begin == end;
}

static bool
add_hist(const struct lane *l, const struct smx__hist *h)
{
	uint64_t *tmp = l->view->buckets;
	uint64_t *out = l->out + h->cell + SMX_HIST_SUM;
	bool whole = false;

	for (int i = 0; i < TRIES && !whole; i++)
		whole = read_hist(l, h, tmp);
	for (uint32_t i = 0; i < 1 + h->n_buckets; i++)
		out[i] += tmp[i];
	return whole;
}

/* Adds what lies in one span from cell `at` on; returns where the next one
 * goes on: a histogram is read whole, wherever it ends. */
static uint32_t
read_span(const struct lane *l, uint32_t at)
{
	const struct smx_view *v = l->view;
	uint32_t end = min_u32(l->span->end, l->end);
	const struct smx__hist *h;

	at = max_u32(at, l->span->first);
	for (size_t i = hist_behind(v, at); at < end && i < v->dir.n_hists;
	     i++) {
		h = &v->dir.hists[i];
		if (h->cell >= end)
			break;
		add_cells(l, at, h->cell);
		if (!add_hist(l, h))
			v->moved[i] = 1;
		at = end_of(h);
	}
	if (at < end)
		add_cells(l, at, end);
	return max_u32(at, end);
}

static int
read_lane(void *arg)
{
	struct lane *l = arg;
	uint32_t at = SMX_SINK / 8;

	for (; l->span < l->spans_end; l->span++)
		at = read_span(l, at);
	return 0;
}

/* Lane 0 promises nothing (I3): its histograms are cells like all others. */
static int
read_shared(void *arg)
{
	struct lane *l = arg;

	for (; l->span < l->spans_end; l->span++)
		add_cells(l, max_u32(SMX_SINK / 8, l->span->first),
		    min_u32(l->span->end, l->end));
	return 0;
}

/* Cells before a histogram that is not committed whole: it was never observed
 * into, nor was anything behind it. */
static uint32_t
whole_cells(const struct smx_view *v, uint32_t end)
{
	size_t i = hist_behind(v, end);

	return i < v->dir.n_hists ? min_u32(end, v->dir.hists[i].cell) : end;
}

/* One store for four loads. */
static void
add_cells_of_four(const struct lane l[TOGETHER], uint32_t first, uint32_t end)
{
	const uint64_t *a = l[0].cells, *b = l[1].cells;
	const uint64_t *c = l[2].cells, *d = l[3].cells;
	uint64_t *out = l->out;

	for (uint32_t i = first; i < end; i++)
		out[i] += smx__load_relaxed(&a[i]) + smx__load_relaxed(&b[i]) +
		    smx__load_relaxed(&c[i]) + smx__load_relaxed(&d[i]);
}

/* As read_lane(), of lanes that have all cells. */
static int
read_four(void *arg)
{
	const struct lane *l = arg;
	struct smx_view *v = l->view;
	uint32_t at = SMX_SINK / 8;

	for (size_t i = 0; i < v->dir.n_hists; i++) {
		const struct smx__hist *h = &v->dir.hists[i];

		add_cells_of_four(l, at, h->cell);
		for (int k = 0; k < TOGETHER; k++)
			if (!add_hist(&l[k], h))
				v->moved[i] = 1;
		at = end_of(h);
	}
	add_cells_of_four(l, at, l->end);
	return 0;
}

/* Return 1 if there is anything in it; its spans are then in the view. */
static int
find_lane(struct lane *l, struct smx_snapshot *s, struct smx_view *v,
    uint32_t number)
{
	const struct smx_header *h = &v->header;
	uint64_t bytes = v->committed[number];
	int err;

	if (bytes > h->lane_size)
		bytes = h->lane_size;
	*l = (struct lane){ .off = h->lane_off + number * h->lane_stride,
		.end = min_u32((uint32_t)(bytes / 8), v->dir.catalog.n_cells),
		.view = v, .out = s->cells };
	if (number > 0)
		l->end = whole_cells(v, l->end);
	if (l->end <= SMX_SINK / 8)
		return 0;
	err = smx__spans_find(&v->spans, v->fd, l->off, 8, l->end);
	if (err < 0 || v->spans.n == 0)
		return err;
	l->first = v->spans.list[0];
	err = smx__view_map(v, l->off + (uint64_t)l->end * 8);
	return err < 0 ? err : 1;
}

/* Only now: to find another lane may have moved the mapping. */
static void
point(struct lane *l, const struct smx__span *spans, size_t n)
{
	l->cells = (const uint64_t *)(const void *)(l->view->base + l->off);
	l->span = spans;
	l->spans_end = spans + n;
}

static int
read_alone(struct lane *l, const struct smx__span *spans, size_t n,
    int (*read)(void *))
{
	point(l, spans, n);
	return smx__guard_run(l->view->base, l->view->mapped, read, l);
}

static int
read_together(struct lane l[TOGETHER])
{
	for (int k = 0; k < TOGETHER; k++)
		point(&l[k], &l[k].first, 1);
	return smx__guard_run(l->view->base, l->view->mapped, read_four, l);
}

static bool
is_whole(const struct lane *l)
{
	return l->end == l->view->dir.catalog.n_cells && l->first.first == 0 &&
	    l->first.end >= l->end;
}

static int
add_lanes(struct smx_snapshot *s, struct smx_view *v)
{
	struct lane l[TOGETHER];
	size_t n = 0;
	int err = 0;

	for (uint32_t i = 0; i < v->header.lane_cap && err >= 0; i++) {
		err = find_lane(&l[n], s, v, i);
		if (err <= 0)
			continue;
		if (i == 0 || !is_whole(&l[n]))
			err = read_alone(&l[n], v->spans.list, v->spans.n,
			    i == 0 ? read_shared : read_lane);
		else if (++n == TOGETHER) {
			err = read_together(l);
			n = 0;
		}
	}
	for (size_t k = 0; k < n && err >= 0; k++)
		err = read_alone(&l[k], &l[k].first, 1, read_lane);
	return err < 0 ? err : 0;
}

static int
make_scratch(struct smx_view *v)
{
	int err = smx__view_grow(&v->buckets, &v->cap_buckets,
	    (size_t)v->dir.max_buckets + 1, sizeof(*v->buckets));

	if (err == 0)
		err = smx__view_grow(&v->moved, &v->cap_moved,
		    v->dir.n_hists + 1, sizeof(*v->moved));
	if (err == 0)
		memset(v->moved, 0, v->cap_moved);
	return err;
}

/* Whether nobody has to fear that a sum over the buckets wraps around, or is
 * more than a signed number holds. */
static bool
can_be(const uint64_t *buckets, uint32_t n)
{
	uint64_t sum = 0, high = 0;

	for (uint32_t i = 0; i < n; i++) {
		sum += buckets[i];
		high |= buckets[i] | sum;
	}
	return high <= INT64_MAX;
}

/* More observations than any service makes in its life: it lies. */
static int
check_counts(const struct smx_snapshot *s, const struct smx_view *v,
    struct smx_error *error)
{
	const struct smx_catalog *c = &v->dir.catalog;

	for (size_t i = 0; i < v->dir.n_hists; i++) {
		const struct smx__hist *h = &v->dir.hists[i];

		if (!can_be(s->cells + h->cell + SMX_HIST_BUCKET, h->n_buckets))
			return smx__fail(error, -EBADMSG,
			    "%s: histogram \"%s\" has more observations than "
			    "there can be", v->name,
			    c->families[c->series[h->series].family].name);
	}
	return 0;
}

int
smx__snapshot_lanes(struct smx_snapshot *s, struct smx_view *v,
    struct smx_error *error)
{
	int err = make_scratch(v);

	if (err == 0)
		err = add_lanes(s, v);
	if (err < 0)
		return smx__view_fail(v, err, "lanes", error);
	s->approximate = 0;
	for (size_t i = 0; i < v->dir.n_hists; i++)
		s->approximate += v->moved[i];
	return check_counts(s, v, error);
}
