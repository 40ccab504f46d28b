/* SPDX-License-Identifier: Apache-2.0 */
/* What has to be known before anything is taken. */
#include <errno.h>
#include <string.h>

#include "app.h"

#define RULES_MS 200	/* between looks for the exchange's rules */

static void
load_failed(struct cdb_risk_app *app, int err)
{
	cdb_service_fail(&app->service, err == -EXDEV
	    ? "the state in Redis belongs to other limits, another exchange or "
	      "seed; start with an empty Redis"
	    : "the state in Redis cannot be understood");
	app->service.exit_status = 2;
}

/* Symbols come before the orders that refer to them. */
static int
fields_load(struct cdb_risk_app *app, const redisReply *reply, bool orders)
{
	int err = 0;

	for (size_t i = 0; i + 1 < reply->elements && err == 0; i += 2) {
		const char *field = reply->element[i]->str;

		if ((strcmp(field, "orders") == 0) == orders)
			err = cdb_risk_load_field(&app->risk, field,
			    reply->element[i + 1]->str);
	}
	return err;
}

static void
on_state(void *arg, const redisReply *reply)
{
	struct cdb_risk_app *app = arg;
	int err;

	if (reply->type != REDIS_REPLY_ARRAY) {
		cdb_bus_drop(&app->service.bus, reply->type ==
		    REDIS_REPLY_ERROR ? reply->str : "HGETALL gave no hash");
		return;
	}
	cdb_risk_load_begin(&app->risk);
	err = fields_load(app, reply, false);
	if (err == 0)
		err = fields_load(app, reply, true);
	if (err == 0)
		err = cdb_risk_load_end(&app->risk);
	if (err < 0) {
		load_failed(app, err);
		return;
	}
	app->acked = app->risk.n;
	log_info(&app->service.log, "state loaded",
	    LOG_UINT("signals", app->risk.n.signals),
	    LOG_UINT("orders", app->risk.n.orders),
	    LOG_UINT("pending", app->risk.n_pending));
	cdb_bus_loaded(&app->service.bus);
}

static void rules_ask(struct cdb_risk_app *app);

static void
on_rules_time(uv_timer_t *timer)
{
	rules_ask(timer->data);
}

/* The exchange says when results are due; without that nothing can begin. */
static void
on_rules(void *arg, const redisReply *reply)
{
	struct cdb_risk_app *app = arg;

	if (reply->type == REDIS_REPLY_NIL) {
		uv_timer_start(&app->poll, on_rules_time, RULES_MS, 0);
		return;
	}
	if (reply->type != REDIS_REPLY_STRING ||
	    cdb_exchange_read(&app->risk.exchange, reply->str) < 0) {
		cdb_service_fail(&app->service,
		    "the rules of the exchange cannot be understood");
		return;
	}
	cdb_intake_load(&app->intake);
	cdb_bus_query(&app->service.bus, on_state, app,
	    "HGETALL state:" CDB_RISK_GROUP);
}

static void
rules_ask(struct cdb_risk_app *app)
{
	cdb_bus_query(&app->service.bus, on_rules, app,
	    "HGET state:execution exchange");
}

/* Before anything is written; see cdb_groups_make(). */
static void
groups_make(struct cdb_risk_app *app)
{
	for (size_t i = 0; i < CDB_RISK_OUTPUTS; i++) {
		const struct cdb_names *names =
		    strcmp(cdb_risk_outputs[i], CDB_TOPIC_ALERTS) == 0
		    ? &app->alert_groups : &app->groups;

		cdb_groups_make(&app->service.bus, cdb_risk_outputs[i], names->name,
		    names->n);
		cdb_keeper_load(&app->keepers[i]);
	}
}

void
cdb_risk_load(void *arg)
{
	struct cdb_risk_app *app = arg;

	cdb_merge_reset(&app->merge);
	app->told = (struct cdb_watermark){ .id = "0-0" };
	cdb_outbox_clear(&app->box);
	app->bad = 0;
	app->n_spans = 0;
	groups_make(app);
	rules_ask(app);
}
