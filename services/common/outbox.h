/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox.h -- messages that wait for the next transaction.
 *
 * They are kept as bytes from the moment they are made until Redis has
 * answered, since making one changes the state it came from.
 *
 * Thread   the loop's.
 */
#ifndef CDB_OUTBOX_H
#define CDB_OUTBOX_H

#include <stddef.h>
#include <stdint.h>

#include "bus.h"

struct cdb_outbox_item {
	const char *topic;
	size_t off;
	size_t len;
	int64_t origin_us;
};

struct cdb_outbox {
	char *bytes;		/* owned, like items */
	size_t len;
	size_t cap;
	struct cdb_outbox_item *items;
	size_t n;
	size_t cap_items;
};

/* Writes a message as cdb_tick_write() does. */
typedef size_t cdb_write_fn(const void *message, char *dst, size_t cap);

/*
 * cdb_outbox_put -- one more message for `topic` (borrowed).
 *
 * origin_us goes with it (message.h); 0 is left out.  Without memory the
 * process ends: Redis still has everything.
 */
void cdb_outbox_put(struct cdb_outbox *box, const char *topic,
    int64_t origin_us, cdb_write_fn *write, const void *message);

/* cdb_outbox_add -- an XADD for each, into the transaction under way. */
void cdb_outbox_add(const struct cdb_outbox *box, struct cdb_bus *bus);

/* cdb_outbox_count -- how many of them are for `topic`. */
size_t cdb_outbox_count(const struct cdb_outbox *box, const char *topic);

/* cdb_outbox_clear -- they have been sent, or are not wanted any more. */
void cdb_outbox_clear(struct cdb_outbox *box);

void cdb_outbox_free(struct cdb_outbox *box);

#endif
