/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_COLLIDE_H
#define SMX_SRC_COLLIDE_H

#include "keys.h"

/*
 * smx__collide -- whether a new family would share the name of a sample with
 * another one: OpenMetrics gives `foo_total` the family name `foo`, and
 * histograms have samples foo_bucket, foo_sum and foo_count.
 *
 * Errors   -EINVAL, naming both.
 * Source   OpenMetrics 1.0, "MetricFamily" names and suffixes.
 */
int smx__collide(const struct smx__keys *, const struct smx__family_parts *,
    struct smx_error *);

#endif
