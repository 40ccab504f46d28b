/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPO_BUCKETS_H
#define EXPO_BUCKETS_H
/*
 * buckets -- the buckets of one histogram as fields of its protobuf message.
 *
 * buckets  the cells after begin, end and sum: as many as the part says.
 */
#include "exemplar.h"

/* All bounds of the ladder; without +Inf, which is the count, unless it has
 * an exemplar. */
void expo_put_classic(struct expo_sink *, const struct expo_page *,
    const struct expo_part *, const uint64_t *buckets, struct expo_exemplars);

/* Schema, zero bucket, and the native buckets that are not empty. */
void expo_put_native(struct expo_sink *, const struct expo_page *,
    const struct expo_part *, const uint64_t *buckets);

#endif
