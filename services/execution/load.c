/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "app.h"

static void
refuse_state(struct cdb_execution_app *app, const char *why)
{
	cdb_service_fail(&app->service, why);
	app->service.exit_status = 2;
}

static void
on_state(void *arg, const redisReply *reply)
{
	struct cdb_execution_app *app = arg;
	const redisReply *rules;
	const redisReply *counts;

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2) {
		cdb_bus_drop(&app->service.bus, reply->type ==
		    REDIS_REPLY_ERROR ? reply->str : "HMGET gave no array");
		return;
	}
	rules = reply->element[0];
	counts = reply->element[1];
	memset(&app->desk.count, 0, sizeof(app->desk.count));
	if (rules->type == REDIS_REPLY_STRING &&
	    strcmp(rules->str, app->rules) != 0) {
		refuse_state(app, "the state in Redis belongs to other rules "
		    "of the exchange; start with an empty Redis");
		return;
	}
	if (counts->type == REDIS_REPLY_STRING &&
	    cdb_desk_read(&app->desk.count, counts->str) < 0) {
		refuse_state(app, "the state in Redis cannot be understood");
		return;
	}
	app->acked = app->desk.count;
	app->rules_told = rules->type == REDIS_REPLY_STRING;
	log_info(&app->service.log, "state loaded",
	    LOG_UINT("received", app->acked.received),
	    LOG_UINT("filled", app->acked.filled),
	    LOG_UINT("rejected", app->acked.rejected));
	cdb_bus_loaded(&app->service.bus);
}

void
cdb_execution_load(void *arg)
{
	struct cdb_execution_app *app = arg;

	app->desk.n = 0;
	app->n_spans = 0;
	cdb_outbox_clear(&app->box);
	cdb_groups_make(&app->service.bus, CDB_TOPIC_RESULTS,
	    app->opt.groups.name, app->opt.groups.n);
	cdb_keeper_load(&app->output);
	cdb_intake_load(&app->intake);
	cdb_bus_query(&app->service.bus, on_state, app,
	    "HMGET state:" CDB_EXECUTION_GROUP " exchange counts");
}
