/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_GUARD_H
#define SMX_SRC_GUARD_H

#include <stddef.h>

/*
 * smx__guard_run -- call fn(arg), which reads base[0..size).
 *
 * Return   what fn returns, or -EFAULT if the file behind the mapping ended
 *          before what was read.  fn is then left in the middle: it must do
 *          nothing but load, and store into memory of the caller.
 * Thread   any; not from within fn.
 */
int smx__guard_run(const void *base, size_t size, int (*fn)(void *),
    void *arg);

#endif
