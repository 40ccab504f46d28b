/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.h -- the metrics of the signal service.
 */
#ifndef CDB_SIGNAL_METRICS_H
#define CDB_SIGNAL_METRICS_H

#include <stdint.h>

#include "smx/hot.h"
#include "smx/writer.h"

struct cdb_signal_metrics {
	struct smx_counter ticks;
	struct smx_counter suppressed_volume;
	struct smx_counter suppressed_cooldown;
	struct smx_histogram tick_to_signal;
	struct smx_counter_family generated;	/* {symbol} */
};

void cdb_signal_metrics_register(struct cdb_signal_metrics *m);

/* cdb_signal_metrics_generated -- one more signal for this symbol. */
void cdb_signal_metrics_generated(struct cdb_signal_metrics *m,
    const char *symbol);

#endif
