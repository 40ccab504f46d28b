/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conninfo.h -- a libpq connection string, without its secrets.
 *
 * What libpq says of a string that it cannot read cites it, and with it
 * perhaps a password: so it is read once, and nothing it says is passed on.
 */
#ifndef CDB_WRITER_CONNINFO_H
#define CDB_WRITER_CONNINFO_H

#include <stdbool.h>

#define CDB_CONNINFO_SHOWN 256

/* cdb_conninfo_show -- host, port, user and database, as far as they are
 * given; false: not a connection string, and nothing is written. */
bool cdb_conninfo_show(const char *conninfo, char shown[CDB_CONNINFO_SHOWN]);

#endif
