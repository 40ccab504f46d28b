/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.h -- the metrics of the execution service.
 */
#ifndef CDB_EXECUTION_METRICS_H
#define CDB_EXECUTION_METRICS_H

#include "smx/hot.h"

struct cdb_execution_metrics {
	struct smx_counter received;
	struct smx_counter filled;
	struct smx_counter rejected;
	struct smx_counter retries;
	struct smx_counter fees;		/* 1e-8 quote */
	struct smx_gauge difference;
	struct smx_histogram ack;
	struct smx_histogram tick_to_trade;
	struct smx_histogram slippage;		/* 1e-4 bps */
};

void cdb_execution_metrics_register(struct cdb_execution_metrics *m);

#endif
