/* SPDX-License-Identifier: Apache-2.0 */
/*
 * messages.h -- risk_events and portfolio as JSON; see message.h.
 *
 * Thread   any; pure.
 */
#ifndef CDB_RISK_MESSAGES_H
#define CDB_RISK_MESSAGES_H

#include "risk.h"

/* As cdb_tick_write(). */
size_t cdb_decision_write(const struct cdb_decision *d, char *dst,
    size_t cap);
size_t cdb_portfolio_write(const struct cdb_portfolio *p, char *dst,
    size_t cap);

#endif
