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

/* The one to make room: a page of these sources grown since, else the one
 * that was not asked for the longest. */
static struct plan *
victim(struct plans *ps, const struct plan_key *keys, size_t n)
{
	struct plan *oldest = &ps->v[0];

	for (size_t i = 0; i < PLANS_MAX; i++) {
		struct plan *p = &ps->v[i];
		bool same = p->page && p->n_keys == n;

		for (size_t k = 0; k < n && same; k++)
			same = p->keys[k].serial == keys[k].serial;
		if (same)
			return p;
		if (p->used < oldest->used)
			oldest = p;
	}
	return oldest;
}

static int
plan(struct plan *p, const struct expo_source *sources,
    const struct plan_key *keys, size_t n)
{
	struct plan new = { .n_keys = n };
	int err;

	new.keys = malloc((n + 1) * sizeof(*keys));
	if (!new.keys)
		return -ENOMEM;
	if (n > 0)
		memcpy(new.keys, keys, n * sizeof(*keys));
	err = expo_page_create(&new.page, sources, n);
	if (err < 0) {
		free(new.keys);
		return err;
	}
	*p = new;
	return 0;
}

int
plans_get(struct plans *ps, const struct expo_source *sources,
    const struct plan_key *keys, size_t n, const struct expo_page **page,
    bool *fresh)
{
	struct plan *p = NULL;
	int err;

	for (size_t i = 0; i < PLANS_MAX && !p; i++)
		if (fits(&ps->v[i], keys, n))
			p = &ps->v[i];
	*fresh = !p;
	if (!p) {
		p = victim(ps, keys, n);
		drop(p);
		err = plan(p, sources, keys, n);
		if (err < 0)
			return err;
	}
	p->used = ++ps->clock;
	*page = p->page;
	return 0;
}

void
plans_free(struct plans *ps)
{
	for (size_t i = 0; i < PLANS_MAX; i++)
		drop(&ps->v[i]);
}
