/* SPDX-License-Identifier: Apache-2.0 */
/* The look at the books, once a second. */
#include <string.h>

#include "app.h"

static const redisReply *
group_of(const redisReply *groups, const char *name)
{
	for (size_t i = 0; i < groups->elements; i++) {
		const redisReply *row = groups->element[i];

		if (row->type == REDIS_REPLY_ARRAY && row->elements >= 2 &&
		    row->element[1]->type == REDIS_REPLY_STRING &&
		    strcmp(row->element[1]->str, name) == 0)
			return row;
	}
	return NULL;
}

static void
on_audit(void *arg, const redisReply *reply)
{
	struct cdb_execution_app *app = arg;
	struct cdb_desk_counts n = { .received = 0 };
	const redisReply *group;
	const redisReply *counts;
	int64_t added;
	int64_t lag;

	group = group_of(reply->element[1], CDB_EXECUTION_GROUP);
	counts = reply->element[2];
	added = cdb_info_int(reply->element[0], "entries-added");
	lag = group ? cdb_info_int(group, "lag") : -1;
	if (lag < 0 || added < 0 || counts->type != REDIS_REPLY_STRING ||
	    cdb_desk_read(&n, counts->str) < 0)
		return;		/* Redis does not know: no statement */
	app->difference = added - lag - cdb_info_int(group, "pending") -
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
