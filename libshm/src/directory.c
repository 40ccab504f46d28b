/* SPDX-License-Identifier: Apache-2.0 */
#include "directory.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "fail.h"

#define NO_FAMILY UINT32_MAX

static int
lies(const struct smx__directory *d, const char *why, struct smx_error *error)
{
	return smx__fail(error, -EBADMSG, "directory record at %" PRIu64 ": %s",
	    d->done, why);
}

static int
over(const struct smx__directory *d, int err, struct smx_error *error)
{
	return smx__fail(error, err, err == -ENOMEM ? "out of memory" :
	    "directory needs more than the budget of %zu bytes",
	    d->arena.limit);
}

uint32_t
smx__cells_of(const struct smx_family_info *f)
{
	return f->type == SMX_TYPE_HISTOGRAM ?
	    SMX_HIST_BUCKET + f->n_buckets : 1;
}

struct smx__cell_map *
smx__cell_map_of(struct smx__directory *d, const struct smx_family_info *f)
{
	return f->type == SMX_TYPE_GAUGE ? &d->gauge : &d->lane;
}

/* The index entry of this name: taken by the last family that has it, or
 * empty. */
static struct smx__lookup_entry *
find_name(const struct smx__directory *d, const char *name, uint32_t hash)
{
	struct smx__lookup_entry *e = smx__lookup_first(&d->names, hash);

	while (e->item != 0 &&
	    strcmp(d->families[e->item - 1].name, name) != 0)
		e = smx__lookup_next(&d->names, e, hash);
	return e;
}

static uint32_t
name_hash(const struct smx__directory *d, const char *name)
{
	return smx__lookup_hash(d->key, 0, name, strlen(name));
}

static void
retire(struct smx__directory *d, uint32_t family)
{
	if (d->families[family].retired)
		return;
	d->families[family].retired = true;
	d->notes[family].retired_at = d->done + 1;
}

static void
retire_namesake(struct smx__directory *d, const char *name)
{
	const struct smx__lookup_entry *e = find_name(d, name,
	    name_hash(d, name));

	if (e->item != 0)
		retire(d, e->item - 1);
}

void
smx__directory_index_family(struct smx__directory *d, uint32_t number)
{
	const char *name = d->families[number].name;
	uint32_t hash = name_hash(d, name);

	smx__lookup_set(&d->names, find_name(d, name, hash), hash, number);
}

static int
grow_families(struct smx__directory *d)
{
	size_t need = (size_t)d->catalog.n_families + 1;
	int err = smx__array_grow(&d->arena, &d->families, &d->cap_families,
	    need, sizeof(*d->families));

	if (err == 0)
		err = smx__array_grow(&d->arena, &d->notes, &d->cap_notes,
		    need, sizeof(*d->notes));
	return err < 0 ? err : smx__lookup_reserve(&d->names, &d->arena);
}

/* The record's strings and buckets as one private copy. */
static int
copy_family(struct smx__directory *d, const struct smx__family_parts *p,
    struct smx_family_info *info)
{
	const struct smx_family_record *f = p->fixed;
	const char *from = (const char *)(f + 1), *to;
	int err;

	to = smx__arena_copy(&d->arena, from, f->record.size - sizeof(*f),
	    &err);
	if (to == NULL)
		return err;
	*info = (struct smx_family_info){
		.name = to + (p->name - from),
		.unit = to + (p->unit - from),
		.help = to + (p->help - from),
		.labels = to + (p->labels - from),
		.n_labels = f->n_labels,
		.n_buckets = f->n_buckets,
		.buckets = p->buckets != NULL ?
		    (const struct smx_bucket *)(const void *)to : NULL,
		.type = f->type,
		.gauge_mode = f->gauge_mode,
		.exponent = f->exponent,
		.hist_flags = f->hist_flags,
		.schema = f->schema,
		.zero_exp2 = f->zero_exp2,
	};
	return 0;
}

/* A family of a name that is there already replaces the earlier one: its
 * retirement may be a record later, or lost with a killed writer. */
static int
add_family(struct smx__directory *d, const struct smx_record *r,
    struct smx_error *error)
{
	struct smx__family_parts parts;
	struct smx_family_info info;
	uint32_t number = d->catalog.n_families;
	const char *why = smx__family_decode(r, &parts);
	int err;

	if (why != NULL)
		return lies(d, why, error);
	err = grow_families(d);
	if (err == 0)
		err = copy_family(d, &parts, &info);
	if (err < 0)
		return over(d, err, error);
	retire_namesake(d, info.name);
	d->families[number] = info;
	d->notes[number] = (struct smx__family_note){ .off = d->done };
	smx__directory_index_family(d, number);
	d->catalog.n_families++;
	return 0;
}

/* Families lie in ascending order of their offsets. */
static uint32_t
family_at(const struct smx__directory *d, uint64_t off)
{
	uint32_t lo = 0, hi = d->catalog.n_families, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (d->notes[mid].off < off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < d->catalog.n_families && d->notes[lo].off == off ?
	    lo : NO_FAMILY;
}

static size_t
values_len(const char *values, uint32_t n)
{
	const char *at = values;

	for (uint32_t i = 0; i < n; i++)
		at += strlen(at) + 1;
	return (size_t)(at - values);
}

static uint32_t
key_hash(const struct smx__directory *d, uint32_t family, const char *values,
    size_t len)
{
	return smx__lookup_hash(d->key, family, values, len);
}

/* The index entry of a series of these values, or an empty one. */
static struct smx__lookup_entry *
find_key(const struct smx__directory *d, uint32_t family, const char *values,
    size_t len, uint32_t hash)
{
	uint32_t n = d->families[family].n_labels;
	struct smx__lookup_entry *e = smx__lookup_first(&d->keys, hash);
	const struct smx_series_info *s;

	for (; e->item != 0; e = smx__lookup_next(&d->keys, e, hash)) {
		s = &d->series[e->item - 1];
		if (s->family == family && values_len(s->values, n) == len &&
		    memcmp(s->values, values, len) == 0)
			break;
	}
	return e;
}

void
smx__directory_index_series(struct smx__directory *d, uint32_t number)
{
	const struct smx_series_info *s = &d->series[number];
	size_t len = values_len(s->values, d->families[s->family].n_labels);
	uint32_t hash = key_hash(d, s->family, s->values, len);

	smx__lookup_set(&d->keys, find_key(d, s->family, s->values, len, hash),
	    hash, number);
}

static const char *
check_cells(struct smx__directory *d, const struct smx_series_record *s,
    const struct smx_family_info *f)
{
	uint64_t first = s->cell / 8;

	if (s->n_cells != smx__cells_of(f))
		return "a number of cells that its family does not have";
	if (s->cell % 8 != 0 || s->cell < SMX_SINK)
		return "cells in the sink or across others";
	if (first + s->n_cells > smx__cell_map_of(d, f)->limit)
		return "cells past the end";
	return NULL;
}

static int
grow_series(struct smx__directory *d, const struct smx_series_record *s,
    struct smx__cell_map *map)
{
	size_t need = (size_t)d->catalog.n_series + 1;
	int err = smx__array_grow(&d->arena, &d->series, &d->cap_series, need,
	    sizeof(*d->series));

	if (err == 0)
		err = smx__lookup_reserve(&d->keys, &d->arena);
	if (err == 0)
		err = smx__cells_reserve(map, &d->arena, s->cell / 8 + (uint64_t)s->n_cells);
	return err;
}

static void
raise_bounds(struct smx__directory *d, const struct smx_family_info *f,
    const struct smx_series_record *s)
{
	uint32_t end = s->cell / 8 + s->n_cells;
	uint32_t *n = f->type == SMX_TYPE_GAUGE ? &d->catalog.n_gauges :
						  &d->catalog.n_cells;

	if (end > *n)
		*n = end;
	if (f->n_buckets > d->max_buckets)
		d->max_buckets = f->n_buckets;
	if (f->type == SMX_TYPE_HISTOGRAM)
		d->n_new_hists++;
}

static int
put_series(struct smx__directory *d, const struct smx_series_record *s,
    uint32_t family, const char *values, struct smx_error *error)
{
	const struct smx_family_info *f = &d->families[family];
	struct smx__cell_map *map = smx__cell_map_of(d, f);
	uint32_t hash = key_hash(d, family, values, s->values_len);
	struct smx__lookup_entry *e;
	const char *copy;
	int err = grow_series(d, s, map);

	if (err < 0)
		return over(d, err, error);
	e = find_key(d, family, values, s->values_len, hash);
	if (e->item != 0)
		return lies(d, "a series twice", error);
	copy = smx__arena_copy(&d->arena, values, s->values_len, &err);
	if (copy == NULL)
		return over(d, err, error);
	if (!smx__cells_take(map, s->cell / 8, s->n_cells))
		return lies(d, "cells that are another series'", error);
	d->series[d->catalog.n_series] = (struct smx_series_info){ family,
		s->cell / 8, s->created_ns, copy };
	smx__lookup_set(&d->keys, e, hash, d->catalog.n_series);
	d->catalog.n_series++;
	raise_bounds(d, f, s);
	return 0;
}

static int
add_series(struct smx__directory *d, const struct smx_record *r,
    struct smx_error *error)
{
	const struct smx_series_record *s = NULL;
	const char *values = NULL;
	const char *why = smx__series_decode(r, &s, &values);
	uint32_t family = why == NULL ? family_at(d, s->family) : NO_FAMILY;

	if (why == NULL && family == NO_FAMILY)
		why = "a series of no family";
	if (why == NULL)
		why = smx__values_check(values, s->values_len,
		    d->families[family].n_labels);
	if (why == NULL)
		why = check_cells(d, s, &d->families[family]);
	if (why != NULL)
		return lies(d, why, error);
	return put_series(d, s, family, values, error);
}

static int
add_retirement(struct smx__directory *d, const struct smx_record *r,
    struct smx_error *error)
{
	const struct smx_retire_record *t = NULL;
	const char *why = smx__retire_decode(r, &t);
	uint32_t family = why == NULL ? family_at(d, t->family) : NO_FAMILY;

	if (why == NULL && family == NO_FAMILY)
		why = "a retirement of no family";
	if (why != NULL)
		return lies(d, why, error);
	retire(d, family);
	return 0;
}

/* Writers hand slots out in ascending order: so no slot has two owners. */
static int
add_exemplars(struct smx__directory *d, const struct smx_record *r,
    struct smx_error *error)
{
	const struct smx_exemplars_record *e = NULL;
	const char *why = smx__exemplars_decode(r, &e);
	const struct smx__exemplars *last =
	    d->n_exemplars ? &d->exemplars[d->n_exemplars - 1] : NULL;
	int err;

	if (why == NULL && last != NULL &&
	    e->off < last->off + last->n * sizeof(struct smx_exemplar_slot))
		why = "exemplars that are another series'";
	if (why == NULL &&
	    e->off + e->n * sizeof(struct smx_exemplar_slot) > d->exemplar_size)
		why = "exemplars past the end";
	if (why != NULL)
		return lies(d, why, error);
	err = smx__array_grow(&d->arena, &d->exemplars, &d->cap_exemplars,
	    d->n_exemplars + 1, sizeof(*d->exemplars));
	if (err < 0)
		return over(d, err, error);
	d->exemplars[d->n_exemplars++] = (struct smx__exemplars){
		.off = e->off, .n = e->n, .cell = e->cell / 8
	};
	return 0;
}

static int
add_record(struct smx__directory *d, const struct smx_record *r,
    struct smx_error *error)
{
	switch (r->kind) {
	case SMX_RECORD_FAMILY:
		return add_family(d, r, error);
	case SMX_RECORD_SERIES:
		return add_series(d, r, error);
	case SMX_RECORD_RETIRE:
		return add_retirement(d, r, error);
	case SMX_RECORD_EXEMPLARS:
		return add_exemplars(d, r, error);
	default:
		return 0; /* of a later version */
	}
}

/* Does the record at `at` lie whole in `left` bytes, or claim what cannot be
 * anyway? */
static bool
is_whole(const unsigned char *at, size_t left)
{
	uint32_t size;

	if (left < sizeof(struct smx_record))
		return false;
	memcpy(&size, at, sizeof(size));
	return size <= left || size > SMX_RECORD_MAX;
}

int
smx__directory_add(struct smx__directory *d, const void *bytes, size_t n,
    bool final, size_t *used, struct smx_error *error)
{
	const unsigned char *at = bytes, *end = at + n;
	const struct smx_record *r;
	const char *why;
	int err;

	*used = 0;
	for (; at < end; at += r->size) {
		if (!is_whole(at, (size_t)(end - at))) {
			if (!final)
				break;
			return lies(d, "ends past the tail", error);
		}
		why = smx__record_frame(at, (size_t)(end - at));
		if (why != NULL)
			return lies(d, why, error);
		r = (const struct smx_record *)(const void *)at;
		err = add_record(d, r, error);
		if (err < 0)
			return err;
		d->done += r->size;
	}
	*used = (size_t)(at - (const unsigned char *)bytes);
	return 0;
}
