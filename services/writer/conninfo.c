/* SPDX-License-Identifier: Apache-2.0 */
#include "conninfo.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

static bool
is_shown(const char *keyword)
{
	static const char *const shown[] = { "host", "hostaddr", "port",
		"user", "dbname" };

	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		if (strcmp(shown[i], keyword) == 0)
			return true;
	return false;
}

bool
cdb_conninfo_show(const char *conninfo, char shown[CDB_CONNINFO_SHOWN])
{
	PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
	size_t at = 0;

	if (!options)
		return false;
	shown[0] = '\0';
	for (PQconninfoOption *o = options; o->keyword; o++) {
		if (!o->val || !is_shown(o->keyword))
			continue;
		if (at < CDB_CONNINFO_SHOWN)
			at += (size_t)snprintf(shown + at,
			    CDB_CONNINFO_SHOWN - at, "%s%s=%s", at ? " " : "",
			    o->keyword, o->val);
	}
	PQconninfoFree(options);
	return true;
}
