/* SPDX-License-Identifier: Apache-2.0 */
/*
 * groups.h -- what the consumer groups of a stream still need, and trimming.
 *
 * Nothing is trimmed unread: never MAXLEN, only MINID, at or below the oldest
 * entry that any group has not acknowledged.  A stream without groups is not
 * trimmed at all.
 *
 * Thread   the loop's.
 */
#ifndef CDB_GROUPS_H
#define CDB_GROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus.h"
#include "stream_id.h"

#define CDB_GROUPS_MAX 16

/* One row of XINFO GROUPS. */
struct cdb_group {
	char name[32];
	uint64_t pending;
	int64_t lag;		/* -1: Redis does not know */
	int64_t read;		/* entries up to `last`; -1: likewise */
	char last[CDB_STREAM_ID_TEXT];
};

/*
 * cdb_info_int -- the number behind `key` in a row of XINFO; -1 for none.
 */
int64_t cdb_info_int(const redisReply *row, const char *key);

/* cdb_info_text -- the text there, borrowed; NULL for none. */
const char *cdb_info_text(const redisReply *row, const char *key);

/*
 * cdb_groups_read -- the rows of a reply of XINFO GROUPS.
 *
 * Returns their number, at most CDB_GROUPS_MAX.
 * Errors   -EBADMSG no such reply; -E2BIG more groups than that.
 */
int cdb_groups_read(const redisReply *reply,
    struct cdb_group groups[CDB_GROUPS_MAX]);

/*
 * cdb_groups_find -- the row of one group in such a reply; false if there is
 * none, or if it cannot be read.
 */
bool cdb_groups_find(const redisReply *reply, const char *name,
    struct cdb_group *group);

/*
 * cdb_groups_make -- make these consumer groups of a stream, from its
 * beginning, unless they are there; and the stream.
 *
 * A writer does it before it writes and trims: what a group must see is then
 * kept, even when its consumer starts later.  For the bus's `load`.
 */
void cdb_groups_make(struct cdb_bus *bus, const char *stream,
    const char *const *names, size_t n);

/* cdb_id_less -- whether stream id a is below b ("ms-seq"). */
bool cdb_id_less(const char *a, const char *b);

/*
 * Keeps an eye on one stream.
 *
 * Answers come in the order of the questions, so the length asked for holds
 * whatever was committed before its answer; the owner tells what it commits
 * later.  Between two rounds the length is therefore right up to trimming and
 * other writers, and a stream is over its limit by one transaction at most.
 */
struct cdb_keeper {
	struct cdb_bus *bus;
	const char *stream;	/* borrowed */
	uint64_t limit;		/* entries; a full stream pauses its writer */
	uint64_t length;	/* entries: as asked, and those told since */
	uint64_t backlog;	/* lag + pending of the slowest group */
	bool busy;		/* a round of questions is under way */
	struct cdb_group groups[CDB_GROUPS_MAX];
	size_t n_groups;
	size_t at;		/* the group being asked about */
	char need[CDB_STREAM_ID_TEXT];	/* the oldest entry needed */
	void (*done)(void *arg);	/* after each round; may be NULL */
	void *arg;
};

/*
 * cdb_keeper_load -- ask for the length, before anything is written.
 *
 * For the bus's `load`: it is known when `idle` comes.
 */
void cdb_keeper_load(struct cdb_keeper *keeper);

/* cdb_keeper_added -- a transaction with n entries has been answered. */
void cdb_keeper_added(struct cdb_keeper *keeper, uint64_t n);

/*
 * cdb_keeper_round -- ask for length and groups, trim what nobody needs.
 *
 * Trims only when the stream is over half its limit, so that a stream keeps
 * some past for people to look at.  Does nothing while a round is under way.
 */
void cdb_keeper_round(struct cdb_keeper *keeper);

/* cdb_keeper_reset -- the connection is gone: what was asked is void. */
void cdb_keeper_reset(struct cdb_keeper *keeper);

/* cdb_keeper_full -- whether the writer has to pause, once n more are in. */
bool cdb_keeper_full(const struct cdb_keeper *keeper, uint64_t n);

#endif
