/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h -- the database: connect, migrate, write batches.
 *
 * Calls block, for a bounded time; they belong in a worker thread.
 *
 * Thread   one at a time.
 */
#ifndef CDB_WRITER_STORE_H
#define CDB_WRITER_STORE_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "batch.h"
#include "runtime/log.h"

#define CDB_STORE_TEXT 256

struct cdb_store {
	/* given, borrowed */
	const char *conninfo;
	const char *schema;	/* folder of the migrations, NNN_name.sql */
	const struct log *log;	/* for what the server says unasked */
	/* its own */
	PGconn *conn;		/* NULL: not connected */
	char error[CDB_STORE_TEXT];	/* of the last failure */
	uint64_t written[CDB_CHANNELS];	/* by the last cdb_store_write() */
	uint64_t refused[CDB_CHANNELS];	/* went to rejected_messages */
	uint64_t ns;			/* how long it took */
};

/*
 * cdb_store_open -- connect if not connected, and migrate.
 *
 * Errors   -ENOTCONN the server cannot be reached or used now; -EINVAL a
 *          migration fails, or one that was applied has changed; error says
 *          more.  Nothing is connected then.
 */
int cdb_store_open(struct cdb_store *store);

/*
 * cdb_store_write -- the whole batch in one transaction.
 *
 * A message that the database refuses for what is in it goes to the table
 * rejected_messages.
 * Errors   -EAGAIN nothing has been written: try again later (error says
 *          why); the connection may be gone.
 */
int cdb_store_write(struct cdb_store *store, struct cdb_batch *batch);

/*
 * cdb_store_samples -- rows of the table metrics, as a JSON array of
 * {ts, service, name, labels, window_s, value}.
 *
 * Errors   as cdb_store_write().
 */
int cdb_store_samples(struct cdb_store *store, const char *array);

/*
 * cdb_store_prune -- delete what is older in metrics, health_checks and
 * rejected_messages, some thousand rows of each at most.
 *
 * Returns  how many; ask again until it is 0.
 * Errors   -EAGAIN, as cdb_store_write().
 */
long cdb_store_prune(struct cdb_store *store, int days);

void cdb_store_close(struct cdb_store *store);

/* For migrate.c: run SQL; false: error is set. */
bool cdb_store_run(struct cdb_store *store, const char *sql);

/* cdb_store_migrate -- 0 or -EINVAL; connected. */
int cdb_store_migrate(struct cdb_store *store);

#endif
