/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include "services/common/metrics.h"

#define SUPPRESSED "cdb_signals_suppressed_total"
#define SUPPRESSED_HELP "Moves beyond the threshold that made no signal."
#define SYMBOLS_SHOWN 8		/* labels stay below ten values */

void
cdb_signal_metrics_register(struct cdb_signal_metrics *m)
{
	static const char *const labels[] = { "symbol", NULL };
	struct smx_desc generated = { .name = "signals_generated_total",
		.help = "Signals published to the stream signals.",
		.label_names = labels, .series_max = SYMBOLS_SHOWN };

	smx_counter_family(&m->generated, &generated, NULL);
	m->ticks = smx_counter("cdb_ticks_total",
	    "Entries of market_data that were taken as ticks.");
	m->suppressed_volume = cdb_counter_labelled(SUPPRESSED,
	    SUPPRESSED_HELP, "reason", "volume");
	m->suppressed_cooldown = cdb_counter_labelled(SUPPRESSED,
	    SUPPRESSED_HELP, "reason", "cooldown");
	m->tick_to_signal = smx_histogram_latency(
	    "cdb_tick_to_signal_seconds",
	    "Time from sending a tick until Redis had the signal it made.");
}

void
cdb_signal_metrics_generated(struct cdb_signal_metrics *m, const char *symbol)
{
	const char *values[] = { symbol };

	if (m->generated.family)
		smx_inc(smx_counter_with(m->generated, values));
}
