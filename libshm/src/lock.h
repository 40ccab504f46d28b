/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_LOCK_H
#define SMX_SRC_LOCK_H
/*
 * lock -- record locks of open file descriptions, on bytes past any end of
 * file.  The kernel drops them when the last descriptor and mapping of the
 * description are gone: at any death, SIGKILL and exec included.
 */
#include <stdbool.h>
#include <stdint.h>

#include "smx/error.h"

/* 0, or -EAGAIN if another description holds it, or -errno of fcntl. */
int smx__lock_write(int fd, int64_t byte);
int smx__lock_read(int fd, int64_t byte);
int smx__lock_release(int fd, int64_t byte);

/* Whether another description than fd's holds a lock in [byte, byte + n);
 * fd must be open for writing.  -errno on failure. */
int smx__lock_held(int fd, int64_t byte, int64_t n);

/* Whether any process lives in the segment, with a slot or without. */
int smx__lock_alive(int fd);

/*
 * smx__lock_register -- the registration lock, polled for at most lock_ms: a
 * stopped holder must not hang its siblings.
 *
 * Errors   -ETIMEDOUT, -errno of fcntl.
 */
int smx__lock_register(int fd, uint32_t lock_ms, struct smx_error *);
void smx__unlock_register(int fd);

#endif
