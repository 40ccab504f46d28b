/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exemplar_read -- exemplars into a snapshot.  What is being written, was
 * never written, or is not as it should be is left out: an exemplar more or
 * less is no reason to refuse a segment.
 *
 * The order of loads, and what it pairs with (I9): seq, acquire, with the
 * writer's last release; the words, acquire, each with its release store,
 * which came after the odd seq; seq again, relaxed, ordered by those.
 */
#include <stdlib.h>
#include <string.h>

#include "exemplar.h"
#include "guard.h"
#include "load.h"
#include "view_private.h"

#define SLOT sizeof(struct smx_exemplar_slot)

struct job {
	struct smx_snapshot *s;
	struct smx_view *v;
	const struct smx__exemplars *of;
	const struct smx_family_info *family;
	uint64_t committed;
	const unsigned char *region;
	uint16_t *slots; /* of the family's buckets */
};

static int
load_committed(void *arg)
{
	struct job *job = arg;
	const struct smx_header *h =
	    (const struct smx_header *)(const void *)job->v->base;

	/* acquire: the pages below it exist (I5) */
	job->committed = smx__load_acquire(&h->exemplars_committed);
	return 0;
}

/* False if it moved, or was never written. */
static bool
copy_slot(const struct smx_exemplar_slot *from, struct smx_exemplar_slot *to)
{
	uint64_t seq = smx__load_acquire(&from->seq);

	if (seq == 0 || seq & 1)
		return false;
	to->value = smx__load_acquire(&from->value);
	to->time_ns = smx__load_acquire(&from->time_ns);
	to->len = smx__load_acquire(&from->len);
	for (size_t i = 0; i < sizeof(to->text) / 8; i++)
		to->text[i] = smx__load_acquire(&from->text[i]);
	return smx__load_relaxed(&from->seq) == seq;
}

/* The bucket that holds the value. */
static uint32_t
bucket_of(const struct smx_family_info *f, uint64_t value)
{
	uint32_t lo = 0, hi = f->n_buckets - 1;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (f->buckets[mid].upper < value)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* A copy of slot number `slot`, if it says what it may. */
static void
keep(struct job *job, const struct smx_exemplar_slot *copy, uint32_t slot)
{
	struct smx_snapshot *s = job->s;
	struct smx_exemplar *e = &s->exemplars[s->n_exemplars];

	if (copy->value >> 63 || copy->time_ns >> 63 ||
	    copy->len > SMX_EXEMPLAR_TEXT)
		return;
	e->series = job->of->series;
	e->bucket = bucket_of(job->family, copy->value);
	e->value = copy->value;
	e->time_ns = copy->time_ns;
	e->text_len = (uint32_t)copy->len;
	memcpy(e->text, copy->text, sizeof(e->text));
	e->n_labels = smx__exemplar_labels(e->text, e->text_len);
	if (e->n_labels > 0 && job->slots[e->bucket] == slot)
		s->n_exemplars++;
}

static int
read_slots(void *arg)
{
	struct job *job = arg;
	struct smx_exemplar_slot copy;
	uint64_t off = job->of->off;
	const struct smx__spans *spans = &job->v->spans;

	for (size_t k = 0; k < spans->n; k++)
		for (uint32_t i = spans->list[k].first;
		     i < spans->list[k].end; i++)
			if (copy_slot((const struct smx_exemplar_slot *)
			    (const void *)(job->region + off + i * SLOT),
			    &copy))
				keep(job, &copy, i);
	return 0;
}

static int
read_series(struct job *job)
{
	struct smx_view *v = job->v;
	const struct smx__exemplars *e = job->of;
	uint64_t off = v->header.exemplar_off + e->off;
	int err;

	if (e->off + e->n * SLOT > job->committed)
		return 0;
	job->family =
	    &v->dir.families[v->dir.series[e->series].family];
	(void)smx__exemplar_slots(job->family->buckets, job->family->n_buckets,
	    job->slots);
	err = smx__spans_find(&v->spans, v->fd, off, SLOT, e->n);
	if (err == 0 && v->spans.n > 0)
		err = smx__view_map(v, off + e->n * SLOT);
	if (err < 0 || v->spans.n == 0)
		return err;
	job->region = v->base + v->header.exemplar_off;
	return smx__guard_run(v->base, v->mapped, read_slots, job);
}

static int
compare(const void *a, const void *b)
{
	const struct smx_exemplar *x = a, *y = b;

	if (x->series != y->series)
		return x->series < y->series ? -1 : 1;
	return x->bucket < y->bucket ? -1 : x->bucket > y->bucket;
}

/* They are in order, unless an older histogram was opted in later. */
static void
put_in_order(struct smx_snapshot *s)
{
	for (uint32_t i = 1; i < s->n_exemplars; i++)
		if (compare(&s->exemplars[i - 1], &s->exemplars[i]) > 0) {
			qsort(s->exemplars, s->n_exemplars,
			    sizeof(*s->exemplars), compare);
			return;
		}
}

static int
read_all(struct job *job)
{
	const struct smx__directory *d = &job->v->dir;
	int err = smx__guard_run(job->v->base, job->v->mapped, load_committed,
	    job);

	for (size_t i = 0; i < d->n_exemplars && err == 0; i++) {
		job->of = &d->exemplars[i];
		err = read_series(job);
	}
	put_in_order(job->s);
	return err;
}

int
smx__snapshot_exemplars(struct smx_snapshot *s, struct smx_view *v,
    struct smx_error *error)
{
	struct job job = { .s = s, .v = v };
	size_t n = 0;
	int err;

	s->n_exemplars = 0;
	for (size_t i = 0; i < v->dir.n_exemplars; i++)
		n += v->dir.exemplars[i].n;
	if (n == 0)
		return 0;
	err = smx__view_grow(&s->exemplars, &s->cap_exemplars, n,
	    sizeof(*s->exemplars));
	if (err == 0)
		err = smx__view_grow(&v->slots, &v->cap_slots,
		    v->dir.max_buckets, sizeof(*v->slots));
	job.slots = v->slots;
	if (err == 0)
		err = read_all(&job);
	return err < 0 ? smx__view_fail(v, err, "exemplars", error) : 0;
}
