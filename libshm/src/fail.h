/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_FAIL_H
#define SMX_SRC_FAIL_H

#include "smx/error.h"

/* smx__fail -- fill err (may be NULL) and return code, a negative errno.
 * The words get ": strerror" appended if the format ends in ':'. */
int smx__fail(struct smx_error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
