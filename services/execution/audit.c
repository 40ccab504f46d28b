/* SPDX-License-Identifier: Apache-2.0 */
/* The look at the books, once a second. */
#include "app.h"

static void
on_audit(void *arg, const redisReply *reply)
{
	struct cdb_execution_app *app = arg;
	struct cdb_desk_counts n = { .received = 0 };
	const redisReply *counts = reply->element[2];
	struct cdb_group group;
	int64_t added = cdb_info_int(reply->element[0], "entries-added");

	if (!cdb_groups_find(reply->element[1], CDB_EXECUTION_GROUP, &group) ||
	    group.lag < 0 || added < 0 || counts->type != REDIS_REPLY_STRING ||
	    cdb_desk_read(&n, counts->str) < 0)
		return;		/* Redis does not know: no statement */
	app->difference = added - group.lag - (int64_t)group.pending -
	    (int64_t)(n.filled + n.rejected + n.bad);
	smx_set(app->metrics.difference, (double)app->difference);
}

void
cdb_execution_audit(struct cdb_execution_app *app)
{
	struct cdb_bus *bus = &app->service.bus;

	app->audit_due = false;
	cdb_bus_begin(bus);
	cdb_bus_addf(bus, "XINFO STREAM " CDB_TOPIC_ORDERS);
	cdb_bus_addf(bus, "XINFO GROUPS " CDB_TOPIC_ORDERS);
	cdb_bus_addf(bus, "HGET state:" CDB_EXECUTION_GROUP " counts");
	cdb_bus_commit(bus, on_audit, app);
}
