/* SPDX-License-Identifier: Apache-2.0 */
/*
 * made.h -- a catalog and a snapshot filled by hand, so that series of our
 * own go through the same encoders as those of the services.
 *
 *	made_begin(m);
 *	made_gauge(m, F_UP, (const char *[]){ "feed" }, 1);
 *	...
 *	if (made_end(m) == 0)
 *		use(&m->catalog, &m->snap);
 *
 * The same series in the same order as last time keep the catalog's
 * generation, so what was planned for it still holds.
 *
 * Thread   one at a time.
 */
#ifndef COLLECTOR_MADE_H
#define COLLECTOR_MADE_H

#include <stddef.h>
#include <stdint.h>

#include "smx/snapshot.h"

/* Bytes that grow by doubling; len of cap are in use. */
struct made_bytes {
	char *at;
	size_t len, cap;
};

struct made {
	const struct smx_family_info *families;	/* borrowed; at most 255 */
	uint32_t n_families;
	int err;			/* of this round: 0 or -ENOMEM */
	uint64_t created_ns;		/* of all series */
	struct made_bytes series;	/* struct smx_series_info */
	struct made_bytes shape;	/* family + 1, then its label values;
					 * for each series */
	struct made_bytes last_shape;
	struct made_bytes cells, gauges;	/* uint64_t */
	struct smx_live live;
	struct smx_catalog catalog;
	struct smx_snapshot snap;	/* borrows from all above */
};

void made_init(struct made *m, const struct smx_family_info *families,
    uint32_t n_families, uint64_t created_ns);
void made_free(struct made *m);

void made_begin(struct made *m);

/* One series; `values` are the label values of its family, copied. */
void made_counter(struct made *m, uint32_t family, const char *const *values,
    uint64_t cell);
/* Returns its index, for made_gauge_set() after a good made_end(). */
size_t made_gauge(struct made *m, uint32_t family, const char *const *values,
    double value);
void made_gauge_set(struct made *m, size_t index, double value);
void made_histogram(struct made *m, uint32_t family,
    const char *const *values, uint64_t sum, const uint64_t *buckets);

/*
 * made_end -- catalog and snap are then valid until the next made_begin().
 *
 * Errors   -ENOMEM; neither may be used.
 */
int made_end(struct made *m);

#endif
