/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_COLLIDE_H
#define SMX_SRC_COLLIDE_H

#include "keys.h"

/*
 * smx__collide -- a live family, other than `except`, with which a new one
 * would share the name of a sample: OpenMetrics gives `foo_total` the family
 * name `foo`, and histograms have samples foo_bucket, foo_sum and foo_count.
 *
 * Return   NULL if there is none.
 * Source   OpenMetrics 1.0, "MetricFamily" names and suffixes.
 */
struct smx__family_key *smx__collide(const struct smx__keys *,
    const struct smx__family_parts *, const struct smx__family_key *except);

#endif
