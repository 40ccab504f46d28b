/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plans.h -- pages (expo.h) kept from scrape to scrape.
 *
 * Each selection of services has one page.  It belongs to a list of sources,
 * each with the generation its catalog had; when any has changed the page is
 * planned anew, with what the old one has rendered of those that have not, or
 * have only grown.  The selection least recently asked for makes room.
 *
 * Thread   one at a time: it belongs to whichever job runs (engine.h).
 */
#ifndef COLLECTOR_PLANS_H
#define COLLECTOR_PLANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/select.h"
#include "expo/expo.h"

#define PLANS_MAX 16

struct plan_key {
	uint64_t serial;	/* of the source: never reused */
	uint64_t generation;	/* of its catalog */
	uint64_t grows;		/* 1: generations only add to it */
};

struct plan {
	struct selection sel;
	struct expo_page *page;		/* NULL: a free place */
	struct plan_key *keys;
	size_t n_keys;
	uint64_t used;
	uint64_t id;			/* of the page: never reused */
};

struct plans {
	struct plan v[PLANS_MAX];
	uint64_t clock;
	uint64_t last_id;
};

/*
 * plans_get -- the page of these sources, which `sel` chose; keys[i] belongs to
 * sources[i].
 *
 * *fresh tells whether it was planned just now.  The page lives until the
 * next call; *id is its own.
 * Errors   those of expo_page_create().
 */
int plans_get(struct plans *p, const struct selection *sel,
    const struct expo_source *sources, const struct plan_key *keys, size_t n,
    const struct expo_page **page, uint64_t *id, bool *fresh);

void plans_free(struct plans *p);

#endif
