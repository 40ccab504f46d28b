/* SPDX-License-Identifier: Apache-2.0 */
#include "app.h"
#include "messages.h"

const char *const cdb_risk_outputs[CDB_RISK_OUTPUTS] = { CDB_TOPIC_ORDERS,
	CDB_TOPIC_RISK, CDB_TOPIC_PORTFOLIO, CDB_TOPIC_ALERTS };

static size_t
order_write(const void *order, char *dst, size_t cap)
{
	return cdb_order_write(order, dst, cap);
}

static size_t
decision_write(const void *decision, char *dst, size_t cap)
{
	return cdb_decision_write(decision, dst, cap);
}

static size_t
alert_write(const void *alert, char *dst, size_t cap)
{
	return cdb_alert_write(alert, dst, cap);
}

static size_t
portfolio_write(const void *portfolio, char *dst, size_t cap)
{
	return cdb_portfolio_write(portfolio, dst, cap);
}

static void
on_order(void *arg, const struct cdb_order *order)
{
	struct cdb_risk_app *app = arg;

	/* the tick of a stop-loss is its own origin */
	cdb_outbox_put(&app->box, CDB_TOPIC_ORDERS, app->slip->origin_us
	    ? app->slip->origin_us : app->slip->sent_us, order_write, order);
	if (order->signal_id[0] && app->n_spans < CDB_RISK_STEP)
		app->spans_us[app->n_spans++] = app->slip->sent_us;
}

static void
on_decision(void *arg, const struct cdb_decision *decision)
{
	struct cdb_risk_app *app = arg;

	cdb_outbox_put(&app->box, CDB_TOPIC_RISK, 0, decision_write,
	    decision);
}

static void
on_alert(void *arg, const struct cdb_alert *alert)
{
	struct cdb_risk_app *app = arg;

	cdb_outbox_put(&app->box, CDB_TOPIC_ALERTS, 0, alert_write, alert);
}

static void
on_portfolio(void *arg, const struct cdb_portfolio *portfolio)
{
	struct cdb_risk_app *app = arg;

	cdb_outbox_put(&app->box, CDB_TOPIC_PORTFOLIO, 0, portfolio_write,
	    portfolio);
}

void
cdb_risk_speak(struct cdb_risk_app *app)
{
	app->risk.sink = (struct cdb_risk_sink){ on_order, on_decision,
		on_alert, on_portfolio, app };
}
