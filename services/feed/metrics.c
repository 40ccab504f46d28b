/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include "services/common/metrics.h"

#define DROPPED "cdb_feed_dropped_total"
#define DROPPED_HELP "Rows that were not published, by reason."

void
cdb_feed_metrics_register(struct cdb_feed_metrics *m)
{
	m->published = smx_counter("market_data_published_total",
	    "Ticks published to the stream market_data.");
	m->gaps = smx_counter("cdb_feed_gaps_total",
	    "Jumps of the exchange's trade ids.");
	m->out_of_order = smx_counter("cdb_feed_out_of_order_total",
	    "Ticks published with a trade id below an earlier one.");
	m->dropped_duplicate = cdb_counter_labelled(DROPPED, DROPPED_HELP,
	    "reason", "duplicate");
	m->dropped_bad = cdb_counter_labelled(DROPPED, DROPPED_HELP,
	    "reason", "bad_row");
	m->staleness = smx_gauge("cdb_data_staleness_seconds",
	    "Time since the last tick was published; 0 once a replay is "
	    "done.");
	m->latency = smx_histogram_latency("cdb_feed_latency_seconds",
	    "Time from the moment a tick was due until Redis had it.");
}

void
cdb_feed_metrics_count(struct cdb_feed_metrics *m,
    const struct cdb_feed_counts *before, const struct cdb_feed_counts *now)
{
	smx_add(m->published, now->published - before->published);
	smx_add(m->gaps, now->gaps - before->gaps);
	smx_add(m->out_of_order, now->late - before->late);
	smx_add(m->dropped_duplicate, now->duplicates - before->duplicates);
	smx_add(m->dropped_bad, now->bad - before->bad);
}
