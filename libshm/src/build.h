/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_BUILD_H
#define SMX_SRC_BUILD_H

#include "smx/layout.h"

/*
 * smx__segment_build -- make the file behind fd an empty segment of this
 * header, whose magic is 0; the caller holds its registration lock, or
 * nobody else knows the file.
 *
 * Order    the magic comes last: a segment whose maker died has none, and
 *          the next one builds it again.
 * Errors   -ENOSPC, -errno of fchmod, ftruncate, fallocate, pwrite.
 */
int smx__segment_build(int fd, const struct smx_header *);

#endif
