/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statements.h -- the SQL of each channel.
 *
 * Each takes $1, a JSON array of messages, and is idempotent: the same
 * messages again change nothing.
 */
#ifndef CDB_WRITER_STATEMENTS_H
#define CDB_WRITER_STATEMENTS_H

#include "batch.h"

#define CDB_STATEMENTS 2	/* at most, for one channel; NULL: no more */

extern const char *const cdb_statements[CDB_CHANNELS][CDB_STATEMENTS];

#endif
