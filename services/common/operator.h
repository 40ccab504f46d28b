/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operator.h -- Redis for tools: they wait for each answer, five seconds at
 * most, and log in as the user `operator`, if they log in.
 *
 * Thread   the caller's.
 */
#ifndef CDB_OPERATOR_H
#define CDB_OPERATOR_H

#include <hiredis/hiredis.h>

#include "runtime/addr.h"

#define CDB_OPERATOR "operator"

/*
 * cdb_operator_connect -- a connection; password empty: without logging in.
 *
 * Whoever calls owns it (redisFree).  NULL: no memory.  Its err and errstr say
 * what failed, a password that is not the user's as well.
 */
redisContext *cdb_operator_connect(const struct addr *addr,
    const char *password);

#endif
