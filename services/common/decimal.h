/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decimal.h -- exact decimals: a 64-bit integer in units of 1e-8.
 *
 * Unit     names end in _e8; 1.5 is 150000000.  The range is about
 *          -92233720368.54775808 .. 92233720368.54775807.
 * Thread   any; pure.
 * Errors   -ERANGE the result does not fit; outputs are written only on 0.
 *          Nothing is ever rounded unless the call says so.
 */
#ifndef CDB_DECIMAL_H
#define CDB_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

#define CDB_DEC_ONE	INT64_C(100000000)
#define CDB_DEC_DIGITS	8	/* after the point */
#define CDB_DEC_TEXT	24	/* bytes that hold any value, NUL included */

/*
 * cdb_dec_parse -- "-12.50" to units; the whole of s[0, len).
 *
 * Digits with an optional minus and one point that has digits on both sides.
 * Zeros beyond the eighth place are accepted.
 * Errors   -EINVAL not of this form; -ERANGE too large; -EDOM more than eight
 *          places, so it cannot be held exactly.
 */
int cdb_dec_parse(const char *s, size_t len, int64_t *out_e8);

/*
 * cdb_dec_format -- the shortest text that cdb_dec_parse() reads back.
 *
 * Returns the length without the NUL.
 */
size_t cdb_dec_format(int64_t v_e8, char dst[CDB_DEC_TEXT]);

/* cdb_dec_mul -- a times b, cut off towards zero at the eighth place. */
int cdb_dec_mul(int64_t a_e8, int64_t b_e8, int64_t *out_e8);

/*
 * cdb_dec_div -- a by b, cut off towards zero at the eighth place.
 *
 * Errors   -EDOM b is zero.
 */
int cdb_dec_div(int64_t a_e8, int64_t b_e8, int64_t *out_e8);

#endif
