/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge.h -- ticks, signals and results in the order of their event time.
 *
 * The three come on streams of their own and at any speed; what is taken when
 * must not depend on it.
 *
 * M1  A tick is taken when it is known that no signal of an earlier tick is
 *     still to come: the signal service has worked up to it (`worked_seq`,
 *     told by a watermark, or read in the same transaction as the signals), or
 *     a later signal waits.
 * M2  A signal is taken right after the tick that caused it.  A signal
 *     without such a tick (it came from outside) is taken when it is the
 *     first in line.
 * M3  Before anything at time t all results due at or before t are taken, by
 *     (due, order_id).  When they are due is known from the orders: the
 *     exchange has told its rules.  So nothing waits for a result before its
 *     time, and nothing overtakes one.
 * M4  When the ticks have ended, and their signals with them, there is no
 *     later t: results are taken as they come to the head of that line.
 *
 * M3 cannot deadlock: execution needs nothing of us to answer an order that
 * has been sent, and what waits for a result is not sent before it.
 *
 * Thread   one; pure.
 */
#ifndef CDB_RISK_MERGE_H
#define CDB_RISK_MERGE_H

#include "risk.h"
#include "services/common/stream_id.h"

#define CDB_MERGE_CAP 1024	/* of each queue; a power of two */

/* What comes with a message: where to acknowledge it, and stamps. */
struct cdb_slip {
	char id[CDB_STREAM_ID_TEXT];
	int64_t sent_us;
	int64_t origin_us;
};

struct cdb_merge_tick {
	struct cdb_slip slip;
	struct cdb_tick tick;
};

struct cdb_merge_signal {
	struct cdb_slip slip;
	struct cdb_signal sig;
	uint64_t worked_seq;	/* when it was delivered */
};

struct cdb_merge_result {
	struct cdb_slip slip;
	struct cdb_result result;
};

enum cdb_next {
	CDB_NEXT_NOTHING,	/* nothing has come */
	CDB_NEXT_WAIT,		/* for signals or results that are to come */
	CDB_NEXT_TICK,
	CDB_NEXT_SIGNAL,
	CDB_NEXT_RESULT,
};

struct cdb_merge {
	struct cdb_merge_tick *ticks;	/* rings, owned */
	struct cdb_merge_signal *signals;
	struct cdb_merge_result *results;	/* in no order */
	size_t tick_head, n_ticks;
	size_t signal_head, n_signals;
	size_t n_results;
	uint64_t worked_seq;	/* the signal service has worked up to it */
	bool ended;		/* neither ticks nor signals of theirs will come */
};

/* cdb_merge_init -- -ENOMEM.  cdb_merge_free -- give it all back. */
int cdb_merge_init(struct cdb_merge *m);
void cdb_merge_free(struct cdb_merge *m);

/* cdb_merge_reset -- forget everything that waits. */
void cdb_merge_reset(struct cdb_merge *m);

/*
 * cdb_merge_tick, _signal, _result -- room for one more at the end of its
 * queue; there must be some.  Only a result that the book waits for
 * (cdb_risk_awaits) may be given.
 */
struct cdb_merge_tick *cdb_merge_tick(struct cdb_merge *m);
struct cdb_merge_signal *cdb_merge_signal(struct cdb_merge *m);
struct cdb_merge_result *cdb_merge_result(struct cdb_merge *m);

/* cdb_merge_undo_* -- the last one was not understood: take it back. */
void cdb_merge_undo_tick(struct cdb_merge *m);
void cdb_merge_undo_signal(struct cdb_merge *m);
void cdb_merge_undo_result(struct cdb_merge *m);

/*
 * cdb_merge_next -- what to take now; *at is its index.
 *
 * Take it from ticks, signals or results, then call cdb_merge_drop().
 */
enum cdb_next cdb_merge_next(const struct cdb_merge *m,
    const struct cdb_risk *risk, size_t *at);

/* cdb_merge_drop -- forget what cdb_merge_next() named. */
void cdb_merge_drop(struct cdb_merge *m, enum cdb_next what, size_t at);

#endif
