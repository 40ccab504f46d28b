/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_TOP_QUANTILE_H
#define TOOLS_TOP_QUANTILE_H
/*
 * quantile -- from bucket counts, as Prometheus' histogram_quantile() does it:
 * values lie evenly in their bucket, and whatever is in the last one is at
 * its lower end.
 */
#include <stdint.h>

#include "smx/layout.h"

/*
 * quantile_of -- in the exposed unit; NaN if nothing was counted.
 *
 * q        0..1; 1 gives the upper end of the highest bucket in use.
 * Source   histogram_quantile of Prometheus.
 */
double quantile_of(double q, const uint64_t *counts,
    const struct smx_bucket *buckets, uint32_t n, int exponent);

/* cell x 10^-exponent */
double quantile_scaled(double cell, int exponent);

#endif
