/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_EXEMPLAR_H
#define SMX_SRC_EXEMPLAR_H
/*
 * exemplar -- what an exemplar may be, and which slot is whose.  Pure; the
 * writer asks before it publishes, the reader before it believes.
 */
#include <stddef.h>
#include <stdint.h>

#include "smx/layout.h"

/* Which flag of a bucket ends a slot of exemplars: of n >= 1 buckets. */
uint32_t smx__exemplar_flag(const struct smx_bucket *, uint32_t n);

/*
 * smx__exemplar_slots -- slots of a histogram with these n >= 1 buckets: one
 * for each explicit bound, or without any for each power of two, and one
 * for what is above them.
 *
 * of       NULL, or n entries: the slot of each bucket.
 */
uint32_t smx__exemplar_slots(const struct smx_bucket *, uint32_t n,
    uint16_t *of);

/*
 * smx__exemplar_labels -- the labels in `len` bytes of text: name, value,
 * name, value … each NUL-terminated, valid and within the limits of layout.h.
 *
 * Return   how many, 0 if they are not to be shown.
 */
uint32_t smx__exemplar_labels(const char *text, size_t len);

#endif
