/* SPDX-License-Identifier: Apache-2.0 */
#include "operator.h"

#include <stdio.h>

static void
log_in(redisContext *c, const char *password)
{
	redisReply *reply = redisCommand(c, "AUTH %s %s", CDB_OPERATOR,
	    password);

	if (!reply)
		return;
	if (reply->type == REDIS_REPLY_ERROR) {
		c->err = REDIS_ERR_OTHER;
		snprintf(c->errstr, sizeof(c->errstr), "%s", reply->str);
	}
	freeReplyObject(reply);
}

redisContext *
cdb_operator_connect(const struct addr *addr, const char *password)
{
	struct timeval patience = { .tv_sec = 5 };
	redisContext *c = addr->is_unix
	    ? redisConnectUnixWithTimeout(addr->path, patience)
	    : redisConnectWithTimeout(addr->host, addr->port, patience);

	if (!c || c->err)
		return c;
	redisSetTimeout(c, patience);
	if (password[0])
		log_in(c, password);
	return c;
}
