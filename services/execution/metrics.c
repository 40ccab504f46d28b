/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include "services/common/metrics.h"

static const double slippage_bounds[] = { 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25,
	50, 100 };

static void
slippage_register(struct cdb_execution_metrics *m)
{
	struct smx_desc desc = { .name = "cdb_slippage_bps",
		.help = "By how much fills were worse than the order's price, "
			"in basis points; better ones count as 0.",
		.unit = "bps", .exponent = 4, .bounds = slippage_bounds,
		.n_bounds = sizeof(slippage_bounds) /
		    sizeof(slippage_bounds[0]) };

	smx_histogram_register(&m->slippage, &desc, NULL);
}

void
cdb_execution_metrics_register(struct cdb_execution_metrics *m)
{
	/* the slow ones lead to their orders */
	struct smx_desc tick_to_trade = { .name = "cdb_tick_to_trade_seconds",
		.help = "Time from the sending of a tick until Redis had the "
			"result of the order it led to.",
		.unit = "seconds", .exponent = 9, .exemplars = 1 };
	struct smx_desc fees = { .name = "cdb_fees_quote_total",
		.help = "Fees paid, in the quote asset.", .exponent = 8 };

	m->received = smx_counter("execution_orders_received_total",
	    "Orders taken from the stream.");
	m->filled = smx_counter("execution_orders_filled_total",
	    "Orders filled.");
	m->rejected = smx_counter("execution_orders_rejected_total",
	    "Orders rejected, or given up after errors.");
	m->retries = smx_counter("cdb_order_retries_total",
	    "Attempts after the first one of an order.");
	smx_counter_register(&m->fees, &fees, NULL);
	m->difference = smx_gauge("cdb_order_conservation_difference",
	    "Orders in the stream less those answered and those pending, "
	    "as Redis has them; anything but 0 is a fault.");
	m->ack = smx_histogram_latency("cdb_order_ack_seconds",
	    "Time from the sending of an order until Redis had its result.");
	smx_histogram_register(&m->tick_to_trade, &tick_to_trade, NULL);
	slippage_register(m);
}
