/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch.h -- messages on their way into the database, one list per topic.
 *
 * The messages of a topic are kept as one JSON array, which is what the
 * statements take, and one by one, should one of them be refused.
 *
 * Thread   one at a time; pure.
 */
#ifndef CDB_WRITER_BATCH_H
#define CDB_WRITER_BATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "services/common/stream_id.h"

/* In the order in which they are written. */
enum cdb_channel {
	CDB_CH_SIGNALS,
	CDB_CH_ORDERS,
	CDB_CH_RESULTS,
	CDB_CH_RISK,
	CDB_CH_PORTFOLIO,
	CDB_CH_HEALTH,
	CDB_CHANNELS
};

struct cdb_item {
	char id[CDB_STREAM_ID_TEXT];	/* of the stream's entry */
	size_t off;			/* of the message in json */
	size_t len;
	bool bad;		/* no JSON object: not in the array */
};

struct cdb_list {
	char *json;		/* owned: "[a,b" without its end */
	size_t len;
	size_t cap;
	struct cdb_item *items;	/* owned */
	size_t n;
	size_t n_bad;
	size_t cap_items;
	char *raw;		/* owned: the bad ones, as they came */
	size_t raw_len;
	size_t raw_cap;
};

struct cdb_batch {
	struct cdb_list lists[CDB_CHANNELS];
};

/* cdb_channel_topic -- the stream, which is also the label in metrics. */
const char *cdb_channel_topic(enum cdb_channel ch);

/*
 * cdb_batch_put -- one more message; data may be NULL.
 *
 * Without memory the process ends: Redis still has everything.
 */
void cdb_batch_put(struct cdb_batch *batch, enum cdb_channel ch,
    const char *id, const char *data, size_t len);

/* cdb_list_array -- the JSON array of the good ones, NUL behind it. */
const char *cdb_list_array(struct cdb_list *list);

/* cdb_item_data -- the i-th message as it came. */
const char *cdb_item_data(const struct cdb_list *list, size_t i);

size_t cdb_batch_size(const struct cdb_batch *batch);

/* cdb_batch_clear -- forget all; cdb_batch_free -- give the memory back. */
void cdb_batch_clear(struct cdb_batch *batch);
void cdb_batch_free(struct cdb_batch *batch);

#endif
