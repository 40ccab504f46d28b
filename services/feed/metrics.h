/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.h -- the metrics of the feed.
 */
#ifndef CDB_FEED_METRICS_H
#define CDB_FEED_METRICS_H

#include "feed.h"
#include "smx/hot.h"

struct cdb_feed_metrics {
	struct smx_counter published;
	struct smx_counter gaps;
	struct smx_counter out_of_order;
	struct smx_counter dropped_duplicate;
	struct smx_counter dropped_bad;
	struct smx_gauge staleness;
	struct smx_histogram latency;
};

void cdb_feed_metrics_register(struct cdb_feed_metrics *m);

/* cdb_feed_metrics_count -- what came on top of `before`. */
void cdb_feed_metrics_count(struct cdb_feed_metrics *m,
    const struct cdb_feed_counts *before, const struct cdb_feed_counts *now);

#endif
