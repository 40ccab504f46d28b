/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weight.h -- what a segment costs to show: bytes of its catalog, its values
 * and its text, roughly.  Pure.
 *
 * A catalog within its own budget can still ask for a text without end: each
 * bound of a histogram, and each process of a gauge that is shown by process,
 * repeats all the labels of a series.
 */
#ifndef COLLECTOR_WEIGHT_H
#define COLLECTOR_WEIGHT_H

#include <stdint.h>

#include "smx/snapshot.h"

struct weight {
	uint64_t bytes;
	uint64_t each;			/* bytes more per live process */
};

/*
 * weight_of -- a text in any format is not longer, nor are the arrays.
 *
 * Cost     goes through all labels: once per change of the catalog.
 */
struct weight weight_of(const struct smx_catalog *catalog,
    const char *service, const char *instance);

/* weight_sum -- with so many live processes; UINT64_MAX if it is more. */
uint64_t weight_sum(const struct weight *w, uint32_t n_live);

#endif
