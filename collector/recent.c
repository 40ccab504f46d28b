/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/recent.h"

static bool
is_new(const struct answer *a, uint64_t now_ns)
{
	return a->body && now_ns - a->looked_ns < ENGINE_LOOK_NS;
}

static void
drop(struct answer *a)
{
	body_unref(a->body);
	a->body = NULL;
}

void
recent_drop(struct recent *r, uint64_t now_ns)
{
	for (size_t i = 0; i < RECENT_MAX; i++)
		if (!is_new(&r->v[i].answer, now_ns))
			drop(&r->v[i].answer);
}

const struct answer *
recent_get(struct recent *r, const struct ask *ask, uint64_t now_ns)
{
	for (size_t i = 0; i < RECENT_MAX; i++)
		if (is_new(&r->v[i].answer, now_ns) &&
		    ask_equal(&r->v[i].ask, ask))
			return &r->v[i].answer;
	return NULL;
}

void
recent_put(struct recent *r, const struct ask *ask, const struct answer *a)
{
	size_t at = 0;

	if (!ask_is_page(ask) || a->status != 200 || a->body->len >= BODY_LARGE)
		return;
	/* a free place, or else that of the oldest */
	for (size_t i = 1; i < RECENT_MAX; i++)
		if (r->v[at].answer.body && (!r->v[i].answer.body ||
		    r->v[i].answer.looked_ns < r->v[at].answer.looked_ns))
			at = i;
	drop(&r->v[at].answer);
	r->v[at].ask = *ask;
	r->v[at].answer = *a;
	r->v[at].answer.body = body_ref(a->body);
	r->v[at].answer.spare = NULL;
}
