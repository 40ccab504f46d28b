/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_BOUNDS_H
#define SMX_SRC_BOUNDS_H
/*
 * bounds -- the buckets of a histogram, as its family record lists them.
 *
 * The union of the explicit bounds and of the native ones (2^(k/2^schema) in
 * the exposed unit), as integers in cells.  Native bounds are floored from
 * exact arithmetic; equal integers are one bound.  An integer v then lies in
 * the native bucket of exactly the bound that it is not above, so each cell
 * belongs to one native bucket as a whole:
 *
 *   at or below 2^zero_exp2	SMX_NATIVE_ZERO
 *   inside the range		the k with 2^((k-1)/2^schema) < v x 10^-e
 *				<= 2^(k/2^schema), for every v of the cell
 *   above the range		the first k above it
 *
 * Where a cell carries SMX_BUCKET_POWER, its bound is the power of two
 * 2^ceil(native / 2^schema), or 2^zero_exp2 in the zero bucket: of several
 * k with the same integer, a cell names the lowest.
 */
#include <stdint.h>

#include "smx/layout.h"
#include "smx/writer.h"

struct smx__bounds {
	struct smx_bucket *buckets; /* n of them */
	uint32_t n;		    /* 2 .. SMX_MAX_BUCKETS */
	uint8_t flags;		    /* SMX_HIST_* */
	int8_t schema;		    /* 0 without native buckets, as zero_exp2 */
	int16_t zero_exp2;
};

/*
 * smx__bounds_make -- from a description; see its fields in writer.h.
 *
 * Owner    the caller from 0 until smx__bounds_free(); on error *b is as it
 *          was.
 * Errors   -EINVAL, the message names the bound or the field; -ENOMEM.
 */
int smx__bounds_make(struct smx__bounds *b, const struct smx_desc *,
    struct smx_error *);

void smx__bounds_free(struct smx__bounds *b);

#endif
