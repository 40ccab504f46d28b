/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include "services/common/metrics.h"

void
cdb_risk_metrics_register(struct cdb_risk_metrics *m)
{
	m->orders = smx_counter("orders_total", "Orders sent.");
	m->stops = smx_counter("cdb_stop_orders_total",
	    "Orders among them that close a position by its stop-loss, "
	    "without a signal.");
	m->signals = smx_counter("signals_received_total",
	    "Signals decided about.");
	for (int i = CDB_DAILY_LOSS; i < CDB_REASONS; i++)
		m->blocked[i] = cdb_counter_labelled("orders_blocked_total",
		    "Signals that led to no order, by reason.", "reason",
		    cdb_reason_name((enum cdb_reason)i));
	for (int i = 0; i < 3; i++)
		m->alerts[i] = cdb_counter_labelled("cdb_alerts_total",
		    "Alerts published.", "level",
		    cdb_level_name((enum cdb_level)i));
	m->exposure = smx_gauge("cdb_total_exposure_ratio",
	    "Positions at their marks and pending buys, as a part of the "
	    "equity.");
	m->drawdown = smx_gauge("cdb_daily_drawdown_ratio",
	    "Equity below the day's first one, as a part of it.");
	m->breaker = smx_gauge("circuit_breaker_active",
	    "1 while signals are blocked by a circuit breaker or a halt.");
	m->pending = smx_gauge("cdb_pending_orders",
	    "Orders without a result yet.");
	m->signal_to_order = smx_histogram_latency(
	    "cdb_signal_to_order_seconds",
	    "Time from the sending of a signal until Redis had its order.");
}

void
cdb_risk_metrics_count(struct cdb_risk_metrics *m,
    const struct cdb_risk_counts *before, const struct cdb_risk_counts *now)
{
	smx_add(m->orders, now->orders - before->orders);
	smx_add(m->stops, now->stops - before->stops);
	smx_add(m->signals, now->signals - before->signals);
	for (int i = CDB_DAILY_LOSS; i < CDB_REASONS; i++)
		smx_add(m->blocked[i], now->blocked[i] - before->blocked[i]);
	for (int i = 0; i < 3; i++)
		smx_add(m->alerts[i], now->alerts[i] - before->alerts[i]);
}

void
cdb_risk_metrics_set(struct cdb_risk_metrics *m, const struct cdb_risk *risk)
{
	double equity = (double)cdb_risk_equity(risk);
	double start = (double)risk->day_start_e8;
	double lost = start > 0 ? (start - equity) / start : 0;

	smx_set(m->exposure, equity > 0
	    ? (double)cdb_risk_exposure(risk) / equity : 0);
	smx_set(m->drawdown, lost > 0 ? lost : 0);
	smx_set(m->breaker, cdb_risk_breaker(risk));
	smx_set(m->pending, (double)risk->n_pending);
}
