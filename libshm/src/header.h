/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_HEADER_H
#define SMX_SRC_HEADER_H

#include "smx/error.h"
#include "smx/layout.h"

/* What its field `crc` must be. */
uint32_t smx__header_crc(const struct smx_header *);

/*
 * smx__header_check -- is this private copy of a header sound, and does it
 * fit a file of that many bytes?  Pure.
 *
 * Promise  after 0 every region lies in the file, in the order of layout.h,
 *          apart from the others; no sum or product of its fields within the
 *          regions overflows.
 * Errors   -EAGAIN no magic yet; -EPROTO not ours, another version, unknown
 *          features; -EBADMSG a field lies.
 */
int smx__header_check(const struct smx_header *, uint64_t file_size,
    struct smx_error *);

#endif
