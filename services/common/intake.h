/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intake.h -- reads streams in one consumer group, exactly once.
 *
 * Reading changes nothing: entries come by XREAD from the place that the
 * intake has got to.  What is finished goes with one transaction that carries
 * what came of it, outputs and state, and moves the group's place
 * (XGROUP SETID), so place and state are never apart.  The transaction stands
 * under the fence of bus.h; whoever reads in vain, because another has taken
 * over, finds it refused and forgets what it has read.
 *
 * When nothing is left to read, a blocking XREAD on the `wake` link waits.
 * An eager intake takes the entries it brings; another one is only woken, and
 * reads all its streams under the fence.  One that queues takes them also
 * while a transaction is under way, and may wait as soon as it is sent.
 *
 * Entries may be finished in any order (ledger.h); those held come first
 * after a (re)connect.
 *
 * Thread   the loop's.
 */
#ifndef CDB_INTAKE_H
#define CDB_INTAKE_H

#include "bus.h"
#include "entry.h"
#include "groups.h"
#include "ledger.h"

#define CDB_INTAKE_STREAMS 8
#define CDB_INTAKE_COUNT   256	/* entries of one stream in one read */

struct cdb_intake_stream {
	const char *name;	/* borrowed */
	bool wanted;		/* set by the owner: there is room for
				   CDB_INTAKE_COUNT entries */
	bool asked;		/* the read under way asks for it */
	bool replaying;		/* still taking what was pending */
	bool complete;		/* the last read gave all there was */
	char pending[CDB_STREAM_ID_TEXT];	/* the last one replayed */
	char last[CDB_STREAM_ID_TEXT];		/* the last one read */
	struct cdb_ledger ledger;
};

struct cdb_intake {
	unsigned magic;
	struct cdb_bus *bus;
	const char *group;	/* borrowed; also the consumer's name */
	/* An entry of streams[which]. */
	void (*entry)(void *arg, size_t which, const struct cdb_entry *e);
	void *arg;
	bool eager;		/* set by the owner: takes entries that no
				   fence stands behind; nothing may leave but
				   through transactions */
	bool queues;		/* set by the owner, when eager: an entry
				   changes nothing that a transaction under
				   way has a part in */
	bool reading;		/* the transaction under way reads */
	bool ready;		/* there may be something to read */
	bool waiting;		/* an XREAD is under way */
	struct log_rate bad_rate;
	size_t n_loaded;	/* streams whose place is known */
	size_t n_streams;
	struct cdb_intake_stream streams[CDB_INTAKE_STREAMS];
};

/* cdb_intake_init -- no streams yet; strings and arg are borrowed. */
void cdb_intake_init(struct cdb_intake *in, struct cdb_bus *bus,
    const char *group,
    void (*entry)(void *arg, size_t which, const struct cdb_entry *e),
    void *arg);

/* cdb_intake_stream -- one more; returns its index. */
size_t cdb_intake_stream(struct cdb_intake *in, const char *name);

/* cdb_intake_free -- what is owned. */
void cdb_intake_free(struct cdb_intake *in);

/*
 * cdb_intake_load -- make the groups if need be and find their places.
 *
 * Call it in the bus's `load`, before queries of your own: answers come in
 * order, so when yours have come, this is done.
 */
void cdb_intake_load(struct cdb_intake *in);

/* cdb_intake_reset -- for the bus's `down`. */
void cdb_intake_reset(struct cdb_intake *in);

/* cdb_intake_ack -- this entry is finished: it goes with the next settling. */
void cdb_intake_ack(struct cdb_intake *in, size_t which, const char *id);

/*
 * cdb_intake_refuse -- an entry that cannot be understood: it is finished, and
 * the log says why, ten times a second at most.
 */
void cdb_intake_refuse(struct cdb_intake *in, size_t which, const char *id,
    const char *why);

/*
 * cdb_intake_has -- whether the entries of a stream up to this id have been
 * handed over: those of an earlier life, too.
 */
bool cdb_intake_has(const struct cdb_intake *in, size_t which,
    const char *id);

/* cdb_intake_acks -- how many wait for it. */
size_t cdb_intake_acks(const struct cdb_intake *in);

/* cdb_intake_can_read -- whether reading now may bring something. */
bool cdb_intake_can_read(const struct cdb_intake *in);

/* cdb_intake_add_acks -- settle them, in the transaction under way. */
void cdb_intake_add_acks(struct cdb_intake *in);

/*
 * cdb_intake_add_read -- when `read` is set and a stream is wanted, the
 * reading, which must be the last command of the transaction; returns whether
 * it is there.  A transaction that only reads changes nothing.
 */
bool cdb_intake_add_read(struct cdb_intake *in, bool read);

/*
 * cdb_intake_take -- the transaction has been answered: hands the entries
 * over.  `read` is what cdb_intake_add_read() returned, reply the array of EXEC.
 */
void cdb_intake_take(struct cdb_intake *in, bool read,
    const redisReply *reply);

/*
 * cdb_intake_wait -- wait for entries of the wanted streams, at most a
 * second; then the bus's `idle` is called.
 */
void cdb_intake_wait(struct cdb_intake *in);

#endif
