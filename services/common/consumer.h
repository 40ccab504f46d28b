/* SPDX-License-Identifier: Apache-2.0 */
/*
 * consumer.h -- reads a stream in a consumer group, exactly once.
 *
 * One step is one transaction: what the service says about the entries it was
 * given (outputs and state), their XACK, and the XREADGROUP that delivers the
 * next ones.  So delivery stands under the fence of bus.h as well: no read of
 * an earlier life can take entries behind our back.  When nothing was
 * delivered, a plain blocking XREAD on the `wake` link waits for the next
 * entry; it only wakes, it delivers nothing.
 *
 * After a (re)connect what was delivered and not acknowledged comes first.
 *
 * Thread   the loop's.
 */
#ifndef CDB_CONSUMER_H
#define CDB_CONSUMER_H

#include "bus.h"
#include "groups.h"

#define CDB_BATCH_MAX 512	/* entries of one step */

/* One entry.  Everything is borrowed during the call. */
struct cdb_entry {
	const char *id;
	const char *data;	/* NULL: the entry lost its content, or has
				   no such field */
	size_t len;
	int64_t sent_us;	/* 0 unknown */
	int64_t origin_us;	/* 0 unknown */
};

/*
 * cdb_entry_read -- an entry [id, [field, value, ...]] of a reply.
 *
 * Borrows from the reply.  False: it is none.
 */
bool cdb_entry_read(const redisReply *reply, struct cdb_entry *e);

struct cdb_consumer_ops {
	/* Decide about these entries and keep the outcome; n > 0. */
	void (*entries)(void *arg, const struct cdb_entry *e, size_t n);
	/* Add the outcome to the transaction (cdb_bus_add). */
	void (*outputs)(void *arg);
	/* The transaction with that outcome has been answered. */
	void (*committed)(void *arg);
};

struct cdb_consumer {
	unsigned magic;
	struct cdb_bus *bus;
	const char *stream;	/* borrowed */
	const char *group;	/* borrowed; also the consumer's name */
	const struct cdb_consumer_ops *ops;
	void *arg;
	bool replaying;		/* still taking what was pending */
	bool waiting;		/* an XREAD is under way */
	bool paused;		/* set by the owner: take no more entries */
	bool asked;		/* the step under way asks for entries */
	char last[CDB_STREAM_ID_TEXT];	/* the last entry delivered */
	size_t n_ids;		/* entries decided about, not committed */
	char ids[CDB_BATCH_MAX][CDB_STREAM_ID_TEXT];
};

void cdb_consumer_init(struct cdb_consumer *c, struct cdb_bus *bus,
    const char *stream, const char *group,
    const struct cdb_consumer_ops *ops, void *arg);

/*
 * cdb_consumer_load -- make the group if need be and find its place.
 *
 * Call it in the bus's `load`; `done` follows, unless the connection is lost.
 */
void cdb_consumer_load(struct cdb_consumer *c, cdb_link_reply_fn *done);

/* cdb_consumer_idle -- the next step; for the bus's `idle`. */
void cdb_consumer_idle(struct cdb_consumer *c);

/* cdb_consumer_reset -- for the bus's `down`. */
void cdb_consumer_reset(struct cdb_consumer *c);

#endif
