/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.h -- the metrics of the writer.
 */
#ifndef CDB_WRITER_METRICS_H
#define CDB_WRITER_METRICS_H

#include "batch.h"
#include "smx/hot.h"

struct cdb_writer_metrics {
	struct smx_counter processed[CDB_CHANNELS];	/* {channel} */
	struct smx_counter failed[CDB_CHANNELS];	/* {channel} */
	struct smx_counter samples;
	struct smx_gauge postgres_up;
	struct smx_gauge waiting;
	struct smx_histogram write;
};

void cdb_writer_metrics_register(struct cdb_writer_metrics *m);

#endif
