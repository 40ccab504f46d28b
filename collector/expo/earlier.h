/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPO_EARLIER_H
#define EXPO_EARLIER_H
/*
 * earlier -- what an earlier page has of the sources of a new one.
 */
#include "plan.h"

struct expo_earlier {
	const struct expo_page *page; /* NULL: there is none */
	size_t n;		      /* sources of the new page */
	uint32_t **parts;	      /* [source][family]: index + 1, or 0 */
	uint32_t *families, *series;  /* [source]: what the page knew */
};

/*
 * expo_earlier_open -- page may be NULL; from and sources as in
 * expo_page_renew().
 *
 * Errors   -ENOMEM; to be closed in any case.
 */
int expo_earlier_open(struct expo_earlier *, const struct expo_page *,
    const uint32_t *from, const struct expo_source *sources, size_t n);
void expo_earlier_close(struct expo_earlier *);

/* How many of the first series of this source are in the page. */
uint32_t expo_earlier_series(const struct expo_earlier *, size_t source);

/* The part with those of this family; NULL: none of them is of it. */
const struct expo_part *expo_earlier_part(
    const struct expo_earlier *, size_t source, uint32_t family);

#endif
