/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sources.h -- what one answer is made of: our own series, then those of the
 * segments that were chosen.
 *
 * Thread   one at a time: it belongs to whichever job runs (engine.h).
 */
#ifndef COLLECTOR_SOURCES_H
#define COLLECTOR_SOURCES_H

#include "collector/plans.h"
#include "collector/segments.h"
#include "collector/self.h"

struct sources {
	struct segments *segments;	/* borrowed, as all here */
	struct self *self;
	const char *const *expected;	/* services somebody waits for */
	size_t n_expected;
	/* reused from answer to answer; the three belong together */
	struct expo_source *v;
	struct plan_key *keys;
	const struct smx_snapshot **snaps;
	size_t n, cap;
};

/*
 * sources_choose -- those of `sel`, with the values of the last snapshot.
 *
 * Errors   -ENOMEM.
 */
int sources_choose(struct sources *s, const struct selection *sel,
    const struct self_stats *stats);

void sources_free(struct sources *s);

#endif
