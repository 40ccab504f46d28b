/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include "services/common/metrics.h"

void
cdb_writer_metrics_register(struct cdb_writer_metrics *m)
{
	struct smx_desc up = { .name = "cdb_postgres_up",
		.help = "1 when the last use of PostgreSQL succeeded, else 0.",
		.gauge_mode = SMX_MIN };

	for (int i = 0; i < CDB_CHANNELS; i++) {
		const char *topic = cdb_channel_topic((enum cdb_channel)i);

		m->processed[i] = cdb_counter_labelled(
		    "db_writer_events_processed_total",
		    "Messages committed to the database.", "channel", topic);
		m->failed[i] = cdb_counter_labelled(
		    "db_writer_events_failed_total",
		    "Messages that no table takes, put aside in "
		    "rejected_messages.", "channel", topic);
	}
	m->samples = smx_counter("cdb_db_metric_batches_total",
	    "Times that chosen metrics were stored in the table metrics.");
	smx_gauge_register(&m->postgres_up, &up, NULL);
	m->waiting = smx_gauge("cdb_db_waiting_messages",
	    "Messages read and not committed yet.");
	m->write = smx_histogram_latency("cdb_db_write_seconds",
	    "Time to write one batch, from BEGIN to the answer of COMMIT.");
}
