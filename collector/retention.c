/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/retention.h"

static bool
is_dead(const struct segment *g)
{
	const struct smx_segment_state *t = &g->snap.state;

	return t->slots_live == 0 && t->crowd == 0;
}

/* True: it has been dead, and told, for long enough. */
static bool
is_over(struct segment *g, uint64_t keep_ns, uint64_t now_ns)
{
	struct segment_age *age = &g->age;

	if (!is_dead(g) || age->serial != g->serial)
		*age = (struct segment_age){ .serial = g->serial,
			.dead_ns = now_ns };
	return age->told && now_ns - age->dead_ns >= keep_ns;
}

void
retention_apply(struct segments *s, uint64_t keep_ns, uint64_t now_ns)
{
	for (size_t i = 0; i < s->n && keep_ns > 0; i++) {
		struct segment *g = s->v[i];

		if (!g->shown || !is_over(g, keep_ns, now_ns))
			continue;
		g->shown = false;
		if (!g->age.gone)
			log_info(s->site.log, "segment no longer shown",
			    LOG_STR("file", g->file));
		g->age.gone = true;
	}
}

void
retention_told(struct segments *s, const struct selection *sel)
{
	for (size_t i = 0; i < s->n; i++) {
		struct segment *g = s->v[i];

		if (g->shown && is_dead(g) && g->age.serial == g->serial &&
		    select_matches(sel, g->service, g->instance))
			g->age.told = true;
	}
}
