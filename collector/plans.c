/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/plans.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void
drop(struct plan *p)
{
	if (!p->page)
		return;
	expo_page_destroy(p->page);
	free(p->keys);
	*p = (struct plan){ 0 };
}

static bool
fits(const struct plan *p, const struct plan_key *keys, size_t n)
{
	return p->page && p->n_keys == n &&
	    (n == 0 || memcmp(p->keys, keys, n * sizeof(*keys)) == 0);
}

/* The one of this selection, else the one that was not asked for the
 * longest. */
static struct plan *
choose(struct plans *ps, const struct selection *sel)
{
	struct plan *oldest = &ps->v[0];

	for (size_t i = 0; i < PLANS_MAX; i++) {
		struct plan *p = &ps->v[i];

		if (p->page && select_equal(&p->sel, sel))
			return p;
		if (p->used < oldest->used)
			oldest = p;
	}
	return oldest;
}

/* For each source its place in the old plan, if what that has still holds. */
static uint32_t *
find_earlier(const struct plan *old, const struct plan_key *keys, size_t n)
{
	uint32_t *from = malloc((n + 1) * sizeof(*from));

	for (size_t i = 0; i < n && from; i++) {
		from[i] = EXPO_NEW;
		for (size_t k = 0; k < old->n_keys; k++)
			if (old->keys[k].serial == keys[i].serial &&
			    (keys[i].grows || old->keys[k].generation ==
			    keys[i].generation))
				from[i] = (uint32_t)k;
	}
	return from;
}

/* In place of what is there, which is gone on an error too. */
static int
plan(struct plan *p, const struct selection *sel,
    const struct expo_source *sources, const struct plan_key *keys, size_t n)
{
	struct plan new = { .sel = *sel, .n_keys = n };
	uint32_t *from = find_earlier(p, keys, n);
	int err = -ENOMEM;

	new.keys = malloc((n + 1) * sizeof(*keys));
	if (!new.keys || !from)
		goto out;
	if (n > 0)
		memcpy(new.keys, keys, n * sizeof(*keys));
	err = expo_page_renew(&new.page, p->page, from, sources, n);
out:
	free(from);
	drop(p);
	if (err < 0) {
		free(new.keys);
		return err;
	}
	*p = new;
	return 0;
}

int
plans_get(struct plans *ps, const struct selection *sel,
    const struct expo_source *sources, const struct plan_key *keys, size_t n,
    const struct expo_page **page, uint64_t *id, bool *fresh)
{
	struct plan *p = choose(ps, sel);
	int err;

	*fresh = !select_equal(&p->sel, sel) || !fits(p, keys, n);
	if (*fresh) {
		err = plan(p, sel, sources, keys, n);
		if (err < 0)
			return err;
		p->id = ++ps->last_id;
	}
	p->used = ++ps->clock;
	*page = p->page;
	*id = p->id;
	return 0;
}

void
plans_free(struct plans *ps)
{
	for (size_t i = 0; i < PLANS_MAX; i++)
		drop(&ps->v[i]);
}
