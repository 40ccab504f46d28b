/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "guard.h"
#include "load.h"
#include "view_private.h"

/* What the tables at the front of a segment say, in one guarded reading. */
struct control {
	struct smx_view *view;
	struct smx_segment_state *state;
	const struct smx__spans *spans; /* of the table being read */
	uint32_t n_claimed;
};

static uint64_t
clamped(const uint64_t *at, uint64_t limit)
{
	uint64_t value = smx__load_relaxed(at);

	return value < limit ? value : limit;
}

/* Counters and levels for people: each by itself, so relaxed. */
static int
read_state(void *arg)
{
	const struct control *c = arg;
	const struct smx_header *h = &c->view->header;
	const struct smx_header *m =
	    (const struct smx_header *)(const void *)c->view->base;
	struct smx_segment_state *s = c->state;

	s->lane_bytes_used = clamped(&m->cells_reserved, h->lane_size);
	s->gauge_bytes_used = clamped(&m->gauges_reserved, h->gauge_size);
	s->dir_bytes_used = clamped(&m->dir_tail, h->dir_size);
	s->refused = smx__load_relaxed(&m->refused);
	s->dropped = smx__load_relaxed(&m->dropped);
	s->no_slot = smx__load_relaxed(&m->no_slot);
	s->no_lane = smx__load_relaxed(&m->no_lane);
	s->redefined = smx__load_relaxed(&m->redefined);
	s->overflowed = smx__load_relaxed(&m->overflowed);
	s->adopted = smx__load_relaxed(&m->adopted);
	return 0;
}

/* Slots that were ever claimed; whether they live is asked one by one. */
static int
read_slots(void *arg)
{
	struct control *c = arg;
	const struct smx_view *v = c->view;
	const struct smx_slot *slots =
	    (const struct smx_slot *)(const void *)(v->base +
		v->header.slot_off);

	for (size_t i = 0; i < c->spans->n; i++)
		for (uint32_t k = c->spans->list[i].first;
		     k < c->spans->list[i].end; k++)
			if (smx__load_relaxed_u32(&slots[k].generation) != 0)
				v->claimed[c->n_claimed++] = k;
	return 0;
}

static int
read_lane_table(void *arg)
{
	const struct control *c = arg;
	const struct smx_view *v = c->view;
	const struct smx_lane *lanes =
	    (const struct smx_lane *)(const void *)(v->base +
		v->header.lane_tab_off);
	uint64_t owner;

	for (size_t i = 0; i < c->spans->n; i++)
		for (uint32_t k = c->spans->list[i].first;
		     k < c->spans->list[i].end; k++) {
			owner = smx__load_relaxed(&lanes[k].owner);
			/* acquire: the pages below it exist (I5) */
			v->committed[k] =
			    smx__load_acquire(&lanes[k].committed);
			if (k > 0 && owner != SMX_OWNER_NONE)
				c->state->lanes_owned++;
		}
	return 0;
}

/* Reads one of the tables, as far as it exists. */
static int
read_table(struct control *c, uint64_t off, uint32_t n, int (*fn)(void *))
{
	struct smx_view *v = c->view;
	int err = smx__spans_find(&v->spans, v->fd, off, SMX_LINE, n);

	c->spans = &v->spans;
	return err < 0 ? err : smx__guard_run(v->base, v->mapped, fn, c);
}

static int
make_tables(struct smx_view *v)
{
	const struct smx_header *h = &v->header;

	if (v->committed == NULL)
		v->committed = malloc(h->lane_cap * sizeof(*v->committed));
	if (v->claimed == NULL)
		v->claimed = malloc(h->slot_cap * sizeof(*v->claimed));
	if (v->committed == NULL || v->claimed == NULL)
		return -ENOMEM;
	memset(v->committed, 0, h->lane_cap * sizeof(*v->committed));
	return 0;
}

static void
fill_capacities(struct smx_segment_state *s, const struct smx_header *h)
{
	*s = (struct smx_segment_state){
		.size = h->size,
		.created_ns = h->created_ns,
		.slots = h->slot_cap,
		.lanes = h->lane_cap - 1,
		.lane_bytes = h->lane_size,
		.gauge_bytes = h->gauge_size,
		.dir_bytes = h->dir_size,
	};
}

static int
read_control(struct control *c, struct smx_error *error)
{
	struct smx_view *v = c->view;
	const struct smx_header *h = &v->header;
	int err = make_tables(v);

	fill_capacities(c->state, h);
	if (err == 0)
		err = smx__guard_run(v->base, v->mapped, read_state, c);
	if (err == 0)
		err = read_table(c, h->slot_off, h->slot_cap, read_slots);
	if (err == 0)
		err = read_table(c, h->lane_tab_off, h->lane_cap,
		    read_lane_table);
	return err < 0 ? smx__view_fail(v, err, "tables", error) : 0;
}

int
smx_snapshot_take(struct smx_snapshot *s, struct smx_view *v,
    struct smx_error *error)
{
	struct control c = { .view = v, .state = &s->state };
	size_t n_cells = v->dir.catalog.n_cells;
	int err;

	s->catalog = &v->dir.catalog;
	smx__spans_forget(&v->spans);
	err = smx__view_grow(&s->cells, &s->cap_cells, n_cells,
	    sizeof(*s->cells));
	if (err < 0)
		return smx__view_fail(v, err, "cells", error);
	if (n_cells > 0)
		memset(s->cells, 0, n_cells * sizeof(*s->cells));
	err = read_control(&c, error);
	if (err == 0)
		err = smx__snapshot_slots(s, v, c.n_claimed, error);
	if (err == 0)
		err = smx__snapshot_lanes(s, v, error);
	return err < 0 ? err : smx__snapshot_exemplars(s, v, error);
}

void
smx_snapshot_free(struct smx_snapshot *s)
{
	free(s->cells);
	free(s->gauges);
	free(s->live);
	free(s->exemplars);
	s->exemplars = NULL;
	s->cells = s->gauges = NULL;
	s->live = NULL;
	s->cap_cells = s->cap_gauges = s->cap_live = 0;
	s->cap_exemplars = 0;
	s->n_live = s->n_exemplars = 0;
}
