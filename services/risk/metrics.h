/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.h -- the metrics of the risk service.
 */
#ifndef CDB_RISK_METRICS_H
#define CDB_RISK_METRICS_H

#include "risk.h"
#include "smx/hot.h"

struct cdb_risk_metrics {
	struct smx_counter orders;
	struct smx_counter stops;
	struct smx_counter signals;
	struct smx_counter blocked[CDB_REASONS];	/* {reason} */
	struct smx_counter alerts[3];			/* {level} */
	struct smx_gauge exposure;
	struct smx_gauge drawdown;
	struct smx_gauge breaker;
	struct smx_gauge pending;
	struct smx_histogram signal_to_order;
};

void cdb_risk_metrics_register(struct cdb_risk_metrics *m);

/* cdb_risk_metrics_count -- what came on top of `before`. */
void cdb_risk_metrics_count(struct cdb_risk_metrics *m,
    const struct cdb_risk_counts *before, const struct cdb_risk_counts *now);

/* cdb_risk_metrics_set -- the gauges. */
void cdb_risk_metrics_set(struct cdb_risk_metrics *m,
    const struct cdb_risk *risk);

#endif
