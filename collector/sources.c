/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/sources.h"

#include <errno.h>
#include <stdlib.h>

/* Serials of our own sources; those of segments count up from 1. */
#define SERIAL_OURS	(UINT64_C(1) << 62)
#define SERIAL_MISSING	(UINT64_C(2) << 62)	/* + index of expected */
#define SERIAL_SERVICE	(UINT64_C(3) << 62)	/* + serial of the segment */

/* Room for the sources of all segments and of our own about them. */
static int
reserve(struct sources *s)
{
	size_t cap = 2 * s->segments->n + s->n_expected + 1;
	struct expo_source *v;
	struct plan_key *keys;
	const struct smx_snapshot **snaps;

	s->n = 0;
	if (cap <= s->cap)
		return 0;
	v = realloc(s->v, cap * sizeof(*v));
	if (!v)
		return -ENOMEM;
	s->v = v;
	keys = realloc(s->keys, cap * sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	s->keys = keys;
	snaps = realloc(s->snaps, cap * sizeof(*snaps));
	if (!snaps)
		return -ENOMEM;
	s->snaps = snaps;
	s->cap = cap;
	return 0;
}

static void
add(struct sources *s, const struct expo_source *source,
    uint64_t serial, bool grows, const struct smx_snapshot *snap)
{
	s->v[s->n] = *source;
	s->keys[s->n] = (struct plan_key){ serial,
		source->catalog->generation, grows };
	s->snaps[s->n++] = snap;
}

static void
add_made(struct sources *s, const struct made *m, const char *service,
    const char *instance, uint64_t serial)
{
	const struct expo_source source = { .catalog = &m->catalog,
		.service = service, .instance = instance, .bare = !service };

	add(s, &source, serial, false, &m->snap);
}

/* What is ours goes first: it wins over services that use such names. */
static void
add_own(struct sources *s)
{
	if (s->self->about_us)
		add_made(s, &s->self->ours, NULL, NULL, SERIAL_OURS);
	for (size_t i = 0; i < s->segments->n; i++) {
		const struct segment *g = s->segments->v[i];

		if (g->shown)
			add_made(s, &s->self->services[i], g->service,
			    g->instance, SERIAL_SERVICE + g->serial);
	}
	for (size_t i = 0; i < s->n_expected; i++)
		if (self_misses(s->segments, s->expected[i]))
			add_made(s, &s->self->missing, s->expected[i], "",
			    SERIAL_MISSING + i);
}

int
sources_choose(struct sources *s, const struct selection *sel,
    const struct self_stats *stats)
{
	int err = reserve(s);

	if (err == 0 && !sel->alone)
		err = self_fill(s->self, s->segments, stats);
	if (err < 0)
		return err;
	if (!sel->alone)
		add_own(s);
	for (size_t i = 0; i < s->segments->n; i++) {
		const struct segment *g = s->segments->v[i];

		if (g->shown && select_matches(sel, g->service,
		    g->instance))
			add(s, &(struct expo_source){
			    .catalog = smx_view_catalog(g->view),
			    .service = g->service, .instance = g->instance },
			    g->serial, true, &g->snap);
	}
	return 0;
}

void
sources_free(struct sources *s)
{
	free(s->v);
	free(s->keys);
	free(s->snaps);
}
