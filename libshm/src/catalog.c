/* SPDX-License-Identifier: Apache-2.0 */
/* A directory as a whole: its beginning and end, and what makes an addition
 * all or nothing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "directory.h"
#include "exemplar.h"
#include "fail.h"

void
smx__directory_init(struct smx__directory *d, uint64_t lane_size,
    uint64_t gauge_size, uint64_t max_bytes)
{
	memset(d, 0, sizeof(*d));
	d->arena.limit = (size_t)max_bytes;
	d->lane.limit = lane_size / 8;
	d->gauge.limit = gauge_size / 8;
	/* early at boot there is no randomness: an address must do */
	if (getrandom(d->key, sizeof(d->key), GRND_NONBLOCK) < 0)
		d->key[0] = (uint64_t)(uintptr_t)d;
}

void
smx__directory_free(struct smx__directory *d)
{
	smx__arena_free(&d->arena);
	smx__lookup_free(&d->names);
	smx__lookup_free(&d->keys);
	free(d->families);
	free(d->notes);
	free(d->series);
	free(d->hists);
	free(d->exemplars);
	free(d->lane.words);
	free(d->gauge.words);
}

void
smx__directory_begin(struct smx__directory *d)
{
	d->mark = (struct smx__directory_mark){
		.arena = smx__arena_mark(&d->arena),
		.done = d->done,
		.n_families = d->catalog.n_families,
		.n_series = d->catalog.n_series,
		.n_cells = d->catalog.n_cells,
		.n_gauges = d->catalog.n_gauges,
		.n_exemplars = d->n_exemplars,
	};
	d->n_new_hists = 0;
}

static int
compare_hists(const void *a, const void *b)
{
	const struct smx__hist *x = a, *y = b;

	return x->cell < y->cell ? -1 : x->cell > y->cell;
}

static void
push_hist(struct smx__directory *d, uint32_t series)
{
	const struct smx_series_info *s = &d->series[series];
	const struct smx_family_info *f = &d->families[s->family];

	if (f->type == SMX_TYPE_HISTOGRAM)
		d->hists[d->n_hists++] =
		    (struct smx__hist){ s->cell, f->n_buckets, series };
}

static bool
hists_ascend(const struct smx__directory *d)
{
	for (size_t i = 1; i < d->n_hists; i++)
		if (d->hists[i].cell < d->hists[i - 1].cell)
			return false;
	return true;
}

/* Writers take cells in ascending order, so there is rarely any sorting. */
static int
add_hists(struct smx__directory *d)
{
	int err = smx__array_grow(&d->arena, &d->hists, &d->cap_hists,
	    d->n_hists + d->n_new_hists, sizeof(*d->hists));

	if (err < 0)
		return err;
	for (uint32_t i = d->mark.n_series; i < d->catalog.n_series; i++)
		push_hist(d, i);
	if (!hists_ascend(d))
		qsort(d->hists, d->n_hists, sizeof(*d->hists), compare_hists);
	return 0;
}

static const struct smx__hist *
hist_at(const struct smx__directory *d, uint32_t cell)
{
	const struct smx__hist key = { .cell = cell };

	return d->n_hists == 0 ? NULL
			       : bsearch(&key, d->hists, d->n_hists,
				     sizeof(key), compare_hists);
}

/* Whose the exemplars of this addition are. */
static int
find_owners(struct smx__directory *d, struct smx_error *error)
{
	for (size_t i = d->mark.n_exemplars; i < d->n_exemplars; i++) {
		struct smx__exemplars *e = &d->exemplars[i];
		const struct smx__hist *h = hist_at(d, e->cell);
		const struct smx_family_info *f =
		    h ? &d->families[d->series[h->series].family] : NULL;

		if (h == NULL ||
		    e->n != smx__exemplar_slots(f->buckets, f->n_buckets, NULL))
			return smx__fail(error, -EBADMSG,
			    "exemplars that suit no histogram");
		e->series = h->series;
	}
	return 0;
}

static bool
has_changed(const struct smx__directory *d)
{
	if (d->catalog.n_families != d->mark.n_families ||
	    d->catalog.n_series != d->mark.n_series)
		return true;
	for (uint32_t i = 0; i < d->catalog.n_families; i++)
		if (d->notes[i].retired_at > d->mark.done)
			return true;
	return false;
}

static void
point_catalog(struct smx__directory *d)
{
	d->catalog.families = d->families;
	d->catalog.series = d->series;
}

int
smx__directory_commit(struct smx__directory *d, struct smx_error *error)
{
	int err = d->n_new_hists > 0 ? add_hists(d) : 0;

	if (err < 0)
		return smx__fail(error, err, "no room for the histograms");
	err = find_owners(d, error);
	if (err < 0)
		return err;
	point_catalog(d);
	if (!has_changed(d))
		return 0;
	d->catalog.generation++;
	return 1;
}

/* Cells of the series from `first` on are free again. */
static void
give_cells(struct smx__directory *d, uint32_t first)
{
	for (uint32_t i = first; i < d->catalog.n_series; i++) {
		const struct smx_series_info *s = &d->series[i];
		const struct smx_family_info *f = &d->families[s->family];

		smx__cells_give(smx__cell_map_of(d, f), s->cell,
		    smx__cells_of(f));
	}
}

/* Histograms of the series from `first` on, which a commit that failed has
 * added, are gone; the others stay in their order. */
static void
drop_hists(struct smx__directory *d, uint32_t first)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_hists; i++)
		if (d->hists[i].series < first)
			d->hists[n++] = d->hists[i];
	d->n_hists = n;
}

static void
unretire(struct smx__directory *d, uint64_t since)
{
	for (uint32_t i = 0; i < d->catalog.n_families; i++) {
		if (d->notes[i].retired_at <= since)
			continue;
		d->notes[i].retired_at = 0;
		d->families[i].retired = false;
	}
}

static void
reindex(struct smx__directory *d)
{
	smx__lookup_clear(&d->names);
	smx__lookup_clear(&d->keys);
	for (uint32_t i = 0; i < d->catalog.n_families; i++)
		smx__directory_index_family(d, i);
	for (uint32_t i = 0; i < d->catalog.n_series; i++)
		smx__directory_index_series(d, i);
}

void
smx__directory_rollback(struct smx__directory *d)
{
	const struct smx__directory_mark *m = &d->mark;

	give_cells(d, m->n_series);
	drop_hists(d, m->n_series);
	d->catalog.n_families = m->n_families;
	d->catalog.n_series = m->n_series;
	d->catalog.n_cells = m->n_cells;
	d->catalog.n_gauges = m->n_gauges;
	d->n_exemplars = m->n_exemplars;
	d->done = m->done;
	unretire(d, m->done);
	reindex(d);
	smx__arena_cut(&d->arena, m->arena);
	point_catalog(d);
}
