/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h -- the book as it is shown in /status.
 *
 * Thread   one; pure.
 */
#ifndef CDB_RISK_REPORT_H
#define CDB_RISK_REPORT_H

#include <jansson.h>

#include "risk.h"

/* cdb_risk_report -- add counters, pnl, positions and breakers to `out`. */
void cdb_risk_report(const struct cdb_risk *risk,
    const struct cdb_risk_counts *n, json_t *out);

#endif
