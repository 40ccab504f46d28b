/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry.h -- one entry of a Redis Stream.
 *
 * Thread   any; pure.
 */
#ifndef CDB_ENTRY_H
#define CDB_ENTRY_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Everything is borrowed from the reply it was read from. */
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
 * False: it is none.
 */
bool cdb_entry_read(const redisReply *reply, struct cdb_entry *e);

/*
 * cdb_entries_of -- the entries of the stream `name` in a reply of XREAD or
 * XREADGROUP; NULL for none.
 */
const redisReply *cdb_entries_of(const redisReply *reply, const char *name);

#endif
