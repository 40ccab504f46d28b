/* SPDX-License-Identifier: Apache-2.0 */
/*
 * desk.h -- the orders that are at the exchange, and totals.
 *
 * An order is held until its result is due; the entry of the stream stays
 * unacknowledged that long, so that a new life finds it again and, since the
 * exchange has no memory either, gives it the same fate.
 *
 * Thread   one; pure.
 */
#ifndef CDB_EXECUTION_DESK_H
#define CDB_EXECUTION_DESK_H

#include "exchange.h"
#include "services/common/stream_id.h"

#define CDB_DESK_CAP 4096

/* Totals since the beginning, across all lives. */
struct cdb_desk_counts {
	uint64_t received;
	uint64_t received_seq;	/* the highest sequence_id among them */
	uint64_t filled;
	uint64_t rejected;
	uint64_t retries;
	uint64_t bad;		/* messages that were no orders */
	int64_t fees_e8;
};

struct cdb_desk_order {
	char id[CDB_STREAM_ID_TEXT];	/* of the stream's entry */
	int64_t sent_us;
	int64_t origin_us;
	int64_t due_us;			/* wall clock */
	struct cdb_result result;
};

struct cdb_desk {
	double speed;		/* of the replay; 0 does not wait */
	size_t n;
	struct cdb_desk_order *held;	/* CDB_DESK_CAP, owned; in the order
					   of due_us, then sequence_id */
	struct cdb_desk_counts count;
};

/* cdb_desk_init -- -ENOMEM.  cdb_desk_free -- give it back. */
int cdb_desk_init(struct cdb_desk *desk);
void cdb_desk_free(struct cdb_desk *desk);

/*
 * cdb_desk_hold -- an order has come; there must be room.  now_us stands in
 * for a missing stamp.
 */
void cdb_desk_hold(struct cdb_desk *desk, const struct cdb_desk_order *o,
    int64_t now_us);

/* cdb_desk_due -- how many from the front are due at now_us. */
size_t cdb_desk_due(const struct cdb_desk *desk, int64_t now_us);

/* cdb_desk_answer -- count the first n and forget them. */
void cdb_desk_answer(struct cdb_desk *desk, size_t n);

/* cdb_desk_write, _read -- the totals as text; -EINVAL. */
#define CDB_DESK_TEXT 192
void cdb_desk_write(const struct cdb_desk_counts *n, char dst[CDB_DESK_TEXT]);
int cdb_desk_read(struct cdb_desk_counts *n, const char *text);

#endif
