/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/retention.h"

static bool
is_dead(const struct segment *g)
{
	const struct smx_segment_state *t = &g->snap.state;

	return t->slots_live == 0 && t->crowd == 0;
}

/* Its values will not change any more: from this turn on they are its last. */
static void
grow_old(struct segment *g, uint64_t turn)
{
	if (!is_dead(g))
		g->age = (struct segment_age){ 0 };
	else if (g->age.serial != g->serial)
		g->age = (struct segment_age){ .serial = g->serial,
			.turn = turn };
}

static bool
is_over(const struct segment *g, uint64_t keep_ns, uint64_t now_ns)
{
	return g->age.told && now_ns - g->age.told_ns >= keep_ns;
}

void
retention_apply(struct segments *s, uint64_t turn, uint64_t keep_ns,
    uint64_t now_ns)
{
	for (size_t i = 0; i < s->n && keep_ns > 0; i++) {
		struct segment *g = s->v[i];

		if (!g->shown)
			continue;
		grow_old(g, turn);
		if (!is_over(g, keep_ns, now_ns))
			continue;
		g->shown = false;
		if (!g->age.gone)
			log_info(s->site.log, "segment no longer shown",
			    LOG_STR("file", g->file));
		g->age.gone = true;
	}
}

void
retention_told(struct segments *s, uint64_t turn, const struct selection *sel,
    uint64_t now_ns)
{
	for (size_t i = 0; i < s->n; i++) {
		struct segment *g = s->v[i];
		struct segment_age *age = &g->age;

		if (age->turn == 0 || age->serial != g->serial || age->told ||
		    turn < age->turn ||
		    !select_matches(sel, g->service, g->instance))
			continue;
		age->told = true;
		age->told_ns = now_ns;
	}
}
