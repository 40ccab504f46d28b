/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_ADMIN_H
#define SMX_SRC_ADMIN_H
/*
 * admin -- take away or empty a segment that no process lives in.
 *
 * Both hold the registration lock of the file: a process that is attaching
 * either has its lease by then, and the call fails, or finds afterwards that
 * the path names another file or none, and opens again.
 *
 * file     of the directory dirfd: smx.NAME, or one that was set aside.
 * Errors   -EBUSY a process lives in it; -ETIMEDOUT the registration lock
 *          was held for lock_ms; -EPROTO not a segment; -EPERM not a regular
 *          file; -errno of openat, fstat, unlinkat, linkat, renameat, …
 */
#include <stdint.h>

#include "smx/error.h"

/* smx__admin_remove -- the file is gone after 0. */
int smx__admin_remove(int dirfd, const char *file, uint32_t lock_ms,
    struct smx_error *);

/*
 * smx__admin_reset -- an empty segment with the same regions, of the same
 * user, in its place; the old one is set aside, over what was there.
 *
 * Errors   -EAGAIN, -EBADMSG, -EPROTO no sound header to go by.
 */
int smx__admin_reset(int dirfd, const char *file, uint32_t lock_ms,
    struct smx_error *);

#endif
