/* SPDX-License-Identifier: Apache-2.0 */
#include "entry.h"

#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "stream_id.h"

/* The value of `field` among the fields of an entry; NULL for none. */
static const redisReply *
field_of(const redisReply *fields, const char *field)
{
	if (fields->type != REDIS_REPLY_ARRAY)
		return NULL;	/* the entry was deleted while pending */
	for (size_t i = 0; i + 1 < fields->elements; i += 2)
		if (fields->element[i]->type == REDIS_REPLY_STRING &&
		    fields->element[i + 1]->type == REDIS_REPLY_STRING &&
		    strcmp(fields->element[i]->str, field) == 0)
			return fields->element[i + 1];
	return NULL;
}

static int64_t
stamp_of(const redisReply *fields, const char *field)
{
	const redisReply *v = field_of(fields, field);

	return v ? strtoll(v->str, NULL, 10) : 0;
}

bool
cdb_entry_read(const redisReply *reply, struct cdb_entry *e)
{
	const redisReply *data;

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
	    reply->element[0]->type != REDIS_REPLY_STRING ||
	    reply->element[0]->len >= CDB_STREAM_ID_TEXT)
		return false;
	data = field_of(reply->element[1], CDB_FIELD_DATA);
	e->id = reply->element[0]->str;
	e->data = data ? data->str : NULL;
	e->len = data ? (size_t)data->len : 0;
	e->sent_us = stamp_of(reply->element[1], CDB_FIELD_SENT);
	e->origin_us = stamp_of(reply->element[1], CDB_FIELD_ORIGIN);
	return true;
}

const redisReply *
cdb_entries_of(const redisReply *reply, const char *name)
{
	for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY &&
	     i < reply->elements; i++) {
		const redisReply *row = reply->element[i];

		if (row->type == REDIS_REPLY_ARRAY && row->elements == 2 &&
		    row->element[0]->type == REDIS_REPLY_STRING &&
		    row->element[1]->type == REDIS_REPLY_ARRAY &&
		    strcmp(row->element[0]->str, name) == 0)
			return row->element[1];
	}
	return NULL;
}
