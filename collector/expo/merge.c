/* SPDX-License-Identifier: Apache-2.0 */
#include "merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "claims.h"
#include "labels.h"

static const char *const counter_names[] = { "", "_total", "_created", NULL };
static const char *const gauge_names[] = { "", NULL };
static const char *const info_names[] = { "", "_info", NULL };
static const char *const histogram_names[] = { "", "_bucket", "_sum", "_count",
	"_created", NULL };

/* What a type appends to the family name; the bare name is always claimed. */
static const char *const *
names_of(const struct smx_family_info *f)
{
	if (f->type == SMX_TYPE_COUNTER)
		return counter_names;
	if (f->type == SMX_TYPE_HISTOGRAM)
		return histogram_names;
	return expo_is_info(f->name, f->type) ? info_names : gauge_names;
}

/* Names that expo puts on the series itself. */
static bool
label_is_ours(const struct expo_source *s, const struct smx_family_info *f,
    const char *label)
{
	if (!s->bare && (strcmp(label, "service") == 0 ||
			    strcmp(label, "service_instance") == 0))
		return true;
	if (f->type == SMX_TYPE_HISTOGRAM && strcmp(label, "le") == 0)
		return true;
	return f->type == SMX_TYPE_GAUGE && f->gauge_mode == SMX_GAUGE_EACH &&
	       strcmp(label, "process") == 0;
}

/* One label name twice in a series fails the whole scrape. */
static bool
labels_clash(const struct expo_source *s, const struct smx_family_info *f)
{
	const char *a = f->labels;

	for (uint32_t i = 0; i < f->n_labels; i++, a += strlen(a) + 1) {
		const char *b = f->labels;

		if (label_is_ours(s, f, a))
			return true;
		for (uint32_t k = 0; k < i; k++, b += strlen(b) + 1)
			if (strcmp(a, b) == 0)
				return true;
	}
	return false;
}

static int
lose(struct expo_merge *m, uint32_t source, const char *family,
    const char *winner, enum expo_reason reason)
{
	int err = expo_grow(
	    &m->losses, &m->loss_cap, m->n_losses + 1, sizeof(*m->losses));

	if (err < 0)
		return err;
	m->losses[m->n_losses++] =
	    (struct expo_loss){ source, family, winner, reason };
	return 0;
}

static int
compare_sources(const struct expo_source *a, const struct expo_source *b)
{
	const char *x = a->instance != NULL ? a->instance : "";
	const char *y = b->instance != NULL ? b->instance : "";
	int order;

	if (a->bare || b->bare)
		return (int)b->bare - (int)a->bare;
	order = strcmp(a->service, b->service);
	return order != 0 ? order : strcmp(x, y);
}

static int
add_draft(struct expo_merge *m, struct expo_claims *claims,
    const struct smx_family_info *f)
{
	uint32_t block = (uint32_t)m->n_drafts;
	size_t len = expo_base_len(f->name, f->type);
	int err = expo_grow(
	    &m->drafts, &m->draft_cap, m->n_drafts + 1, sizeof(*m->drafts));

	for (const char *const *s = names_of(f); err == 0 && *s; s++)
		err = expo_claims_add(claims, f->name, len, *s, block);
	if (err == 0)
		m->drafts[m->n_drafts++] =
		    (struct expo_draft){ f->name, EXPO_END, EXPO_END, f->type };
	return err;
}

static int
add_candidate(struct expo_merge *m, struct expo_draft *d, uint32_t source,
    uint32_t family)
{
	uint32_t i = (uint32_t)m->n_candidates;
	int err;

	if (m->n_candidates >= EXPO_END - 1)
		return -E2BIG;
	err = expo_grow(&m->candidates, &m->candidate_cap, m->n_candidates + 1,
	    sizeof(*m->candidates));
	if (err < 0)
		return err;
	m->candidates[m->n_candidates++] =
	    (struct expo_candidate){ source, family, EXPO_END };
	if (d->first == EXPO_END)
		d->first = i;
	else
		m->candidates[d->last].next = i;
	d->last = i;
	return 0;
}

/* The draft in the way of f, or EXPO_UNCLAIMED. */
static uint32_t
find_owner(const struct expo_claims *claims, const struct smx_family_info *f)
{
	size_t len = expo_base_len(f->name, f->type);
	uint32_t owner = EXPO_UNCLAIMED;

	for (const char *const *s = names_of(f);
	     *s != NULL && owner == EXPO_UNCLAIMED; s++)
		owner = expo_claims_find(claims, f->name, len, *s);
	return owner;
}

static int
place_family(struct expo_merge *m, struct expo_claims *claims,
    const struct expo_source *sources, uint32_t source, uint32_t family)
{
	const struct smx_family_info *f =
	    &sources[source].catalog->families[family];
	uint32_t owner;
	struct expo_draft *d;
	int err;

	if (labels_clash(&sources[source], f))
		return lose(m, source, f->name, "", EXPO_LOST_LABEL);
	owner = find_owner(claims, f);
	if (owner == EXPO_UNCLAIMED) {
		owner = (uint32_t)m->n_drafts;
		err = add_draft(m, claims, f);
		if (err < 0)
			return err;
	}
	d = &m->drafts[owner];
	if (strcmp(d->name, f->name) != 0)
		return lose(m, source, f->name, d->name, EXPO_LOST_NAME);
	if (d->type != f->type)
		return lose(m, source, f->name, d->name, EXPO_LOST_TYPE);
	if (d->last != EXPO_END &&
	    compare_sources(
		&sources[m->candidates[d->last].source], &sources[source]) == 0)
		return lose(m, source, f->name, d->name, EXPO_LOST_TWICE);
	return add_candidate(m, d, source, family);
}

static int
compare_order(const void *a, const void *b, void *arg)
{
	const struct expo_source *sources = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int order = compare_sources(&sources[x], &sources[y]);

	return order != 0 ? order : (x > y) - (x < y);
}

static int
compare_drafts(const void *a, const void *b)
{
	const struct expo_draft *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* A reader gives no other; a catalog made by hand may. */
static bool
makes_sense(const struct smx_family_info *f)
{
	if (strlen(f->name) > SMX_MAX_NAME || f->exponent < -SMX_MAX_EXPONENT ||
	    f->exponent > SMX_MAX_EXPONENT)
		return false;
	if (f->type != SMX_TYPE_HISTOGRAM)
		return f->type == SMX_TYPE_COUNTER || f->type == SMX_TYPE_GAUGE;
	return f->n_buckets > 0 && f->schema >= 0 && f->schema <= 8;
}

static int
place_all(struct expo_merge *m, struct expo_claims *claims,
    const struct expo_source *sources, const uint32_t *order, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct smx_catalog *c = sources[order[i]].catalog;

		for (uint32_t f = 0; f < c->n_families; f++) {
			int err;

			if (c->families[f].retired ||
			    !makes_sense(&c->families[f]))
				continue;
			err = place_family(m, claims, sources, order[i], f);
			if (err < 0)
				return err;
		}
	}
	return 0;
}

int
expo_merge_sources(
    struct expo_merge *m, const struct expo_source *sources, size_t n)
{
	struct expo_claims claims = { .seed = (uintptr_t)m };
	uint32_t *order;
	int err;

	if (n >= UINT32_MAX)
		return -E2BIG;
	order = calloc(n + 1, sizeof(*order));
	if (order == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	qsort_r(order, n, sizeof(*order), compare_order,
	    (struct expo_source *)sources);
	err = place_all(m, &claims, sources, order, n);
	if (err == 0 && m->n_drafts > 0)
		qsort(
		    m->drafts, m->n_drafts, sizeof(*m->drafts), compare_drafts);
	expo_claims_free(&claims);
	free(order);
	return err;
}

void
expo_merge_free(struct expo_merge *m)
{
	free(m->drafts);
	free(m->candidates);
	free(m->losses);
	memset(m, 0, sizeof(*m));
}
