/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_EXACT_H
#define SMX_SRC_EXACT_H
/*
 * exact -- integers beside powers of two and of ten, without rounding.
 *
 * The bound that all of this is about: B = 2^(k / 2^schema) x 10^exponent,
 * a native bound in cells.  It is irrational unless 2^schema divides k.
 */
#include <stdint.h>

#define SMX__EXACT_OVER UINT64_MAX

/*
 * smx__exact_cmp -- sign of n - B: -1, 0 or 1.
 *
 * Range    schema 0..8, exponent -18..18, B within [1/2, 2^64].
 * Cost     up to 30 us: numbers of 30,000 bits for schema 8.
 */
int smx__exact_cmp(uint64_t n, int32_t k, unsigned schema, int exponent);

/*
 * smx__exact_floor -- the largest integer not above B, or SMX__EXACT_OVER if
 * that is 2^63 or more.
 *
 * Range    schema 0..8, exponent -18..18, |k| < 2^30.
 */
uint64_t smx__exact_floor(int32_t k, unsigned schema, int exponent);

#endif
