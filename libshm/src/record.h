/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_RECORD_H
#define SMX_SRC_RECORD_H
/*
 * record -- one directory record, checked on its own.  Pure, over private,
 * 8-byte aligned bytes; what a record means beside others is directory.h's.
 *
 * The calls return NULL, or in a few words what is wrong.
 */
#include "smx/layout.h"

/* A record beyond this is a lie (a family's largest is some 267 KiB). */
#define SMX_RECORD_MAX 1048576u

/* Strings lie in the record's own bytes, each NUL-terminated. */
struct smx__family_parts {
	const struct smx_family_record *fixed;
	const struct smx_bucket *buckets; /* NULL unless a histogram */
	const char *name;
	const char *unit;
	const char *help;
	const char *labels;
};

/*
 * smx__record_frame -- size, flags and CRC of the record at `bytes`, of which
 * `left` can be read (at least one record's header).
 */
const char *smx__record_frame(const unsigned char *bytes, size_t left);

/* Of records that smx__record_frame() has passed. */
const char *smx__family_decode(const struct smx_record *,
    struct smx__family_parts *);

/*
 * smx__series_decode -- fixed part and label values of a series.
 *
 * values   values_len bytes, at least one NUL-terminated string unless it is
 *          0; smx__values_check() says whether they suit the family.
 */
const char *smx__series_decode(const struct smx_record *,
    const struct smx_series_record **fixed, const char **values);

/* n strings of valid text, at most SMX_MAX_VALUE bytes each, fill `len`? */
const char *smx__values_check(const char *values, size_t len, uint32_t n);

const char *smx__retire_decode(const struct smx_record *,
    const struct smx_retire_record **fixed);

const char *smx__exemplars_decode(
    const struct smx_record *, const struct smx_exemplars_record **fixed);

#endif
