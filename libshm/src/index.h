/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_INDEX_H
#define SMX_SRC_INDEX_H
/*
 * index -- the look-up table behind smx__bucket_of() of hot.h.
 */
#include "smx/hot.h"
#include "smx/layout.h"

/*
 * smx__index_get -- the table for n buckets, n >= 1, as in a family record:
 * `upper` strictly ascending, the last UINT64_MAX, all others below 2^63.
 *
 * Right for every value below 2^63, in every rounding mode.
 * Memory   10 bytes a bucket; the table 4 KiB at most up to SMX_MAX_EXPLICIT
 *          bounds, 32 KiB beyond, of which only what is looked up is touched.
 * Owner    the library: never freed, since handles live as long as the
 *          process; asked twice for equal bounds, returns the same table.
 *          The buckets are copied.
 * Thread   the caller holds the mutex of the process (registration).
 * Errors   NULL: no memory.
 */
const struct smx__index *smx__index_get(const struct smx_bucket *buckets,
    uint32_t n);

/* For each bucket the slot that its exemplars are in. */
const uint16_t *smx__index_slots(const struct smx__index *);

#endif
