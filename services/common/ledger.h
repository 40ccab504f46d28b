/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger.h -- what was read of one stream, and what of it is finished.
 *
 * A consumer group keeps a place in its stream, one id: what lies behind it
 * is read again after a death.  Where entries are finished in the order of
 * the stream, the place is all there is to keep.  Otherwise it moves past the
 * last one finished, and the open ones it passes are held: they are put into
 * the group's pending list, which is read first after a death.
 *
 * L1  An entry is finished, or held, or lies behind the place; never two of
 *     them.  What settling says goes into one transaction, so this holds in
 *     Redis at any time.
 *
 * Thread   any; pure.
 */
#ifndef CDB_LEDGER_H
#define CDB_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stream_id.h"

struct cdb_ledger_row;

/* Ids; owned by the ledger, valid until it settles again. */
struct cdb_ids {
	size_t n;
	size_t cap;
	char (*at)[CDB_STREAM_ID_TEXT];
};

struct cdb_ledger {
	struct cdb_ledger_row *rows;	/* not finished, or not settled */
	size_t n;
	size_t cap;
	size_t first_open;	/* all rows before it are finished */
	size_t n_finished;
	/* the group, as of the last settlement */
	char place[CDB_STREAM_ID_TEXT];
	int64_t read;		/* entries up to the place; -1 unknown */
	/* what has to be said to Redis for it */
	bool moved;
	struct cdb_ids holds;	/* to be put into the pending list */
	struct cdb_ids acks;	/* held ones that are finished */
};

/* cdb_ledger_reset -- nothing read yet behind this place. */
void cdb_ledger_reset(struct cdb_ledger *l, const char *place, int64_t read);

/* cdb_ledger_free -- what is owned. */
void cdb_ledger_free(struct cdb_ledger *l);

/* cdb_ledger_add -- one was read; `held`: it came from the pending list. */
void cdb_ledger_add(struct cdb_ledger *l, const char *id, bool held);

/* cdb_ledger_finish -- this one is finished; it must be open. */
void cdb_ledger_finish(struct cdb_ledger *l, const char *id);

/*
 * cdb_ledger_settle -- take the finished ones off; moved, place, read, holds
 * and acks say what Redis must be told.
 */
void cdb_ledger_settle(struct cdb_ledger *l);

#endif
