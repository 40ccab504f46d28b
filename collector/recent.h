/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recent.h -- answers to pages that are still new enough for the next page
 * that asks: any number of open pages costs one answer a second.
 *
 * Bounded: RECENT_MAX answers of less than BODY_LARGE bytes each, dropped when
 * they are a second old.
 *
 * Thread   the loop's.
 */
#ifndef COLLECTOR_RECENT_H
#define COLLECTOR_RECENT_H

#include "collector/engine.h"

#define RECENT_MAX	8

struct recent {
	struct {
		struct ask ask;
		struct answer answer;	/* its body is ours; NULL: free */
	} v[RECENT_MAX];
};

/* recent_put -- keep the answer for a while, if it is one of that kind. */
void recent_put(struct recent *r, const struct ask *ask,
    const struct answer *a);

/* recent_get -- NULL: there is none.  now_ns is monotonic. */
const struct answer *recent_get(struct recent *r, const struct ask *ask,
    uint64_t now_ns);

/* recent_drop -- those that are too old; UINT64_MAX: all. */
void recent_drop(struct recent *r, uint64_t now_ns);

#endif
