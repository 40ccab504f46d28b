/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is only worth something for a while.  The books and the audit (signals,
 * orders, trades, positions, portfolio_snapshots, risk_events) are kept: their
 * times are those of the market, and an event that were forgotten and came
 * again would be written again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "store.h"

/* Few enough that nobody waits for their locks, nor a batch for the disk. */
#define LIMIT "5000"
#define PRUNE(table, column) \
	"DELETE FROM " table " WHERE ctid = ANY (ARRAY(SELECT ctid FROM " \
	table " WHERE " column " < now() - make_interval(days => $1::int) " \
	"LIMIT " LIMIT "))"

static const char *const statements[] = {
	PRUNE("metrics", "ts"),
	PRUNE("health_checks", "ts"),
	PRUNE("rejected_messages", "rejected_at"),
};

/* Rows deleted; -EAGAIN. */
static long
prune_one(struct cdb_store *store, const char *sql, const char *days)
{
	PGresult *result = PQexecParams(store->conn, sql, 1, NULL, &days,
	    NULL, NULL, 0);
	long n = -EAGAIN;

	if (PQresultStatus(result) == PGRES_COMMAND_OK)
		n = strtol(PQcmdTuples(result), NULL, 10);
	else
		snprintf(store->error, sizeof(store->error),
		    "cannot prune: %.200s", PQresultErrorMessage(result));
	PQclear(result);
	return n;
}

long
cdb_store_prune(struct cdb_store *store, int days)
{
	char text[16];
	long sum = 0;

	if (cdb_store_open(store) < 0)
		return -EAGAIN;
	snprintf(text, sizeof(text), "%d", days);
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]);
	     i++) {
		long n = prune_one(store, statements[i], text);

		if (n < 0)
			return n;
		sum += n;
	}
	return sum;
}
