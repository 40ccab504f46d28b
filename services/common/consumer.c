/* SPDX-License-Identifier: Apache-2.0 */
#include "consumer.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

#define CONSUMER_MAGIC 0xc0e5u
#define BLOCK_MS       1000

static struct cdb_consumer *
consumer_from(void *p)
{
	struct cdb_consumer *c = p;

	assert(c->magic == CONSUMER_MAGIC);
	return c;
}

void
cdb_consumer_init(struct cdb_consumer *c, struct cdb_bus *bus,
    const char *stream, const char *group,
    const struct cdb_consumer_ops *ops, void *arg)
{
	memset(c, 0, sizeof(*c));
	c->magic = CONSUMER_MAGIC;
	c->bus = bus;
	c->stream = stream;
	c->group = group;
	c->ops = ops;
	c->arg = arg;
}

void
cdb_consumer_reset(struct cdb_consumer *c)
{
	c->waiting = false;
	c->n_ids = 0;
}

static void
on_groups(void *arg, const redisReply *reply)
{
	struct cdb_consumer *c = consumer_from(arg);
	struct cdb_group groups[CDB_GROUPS_MAX];
	int n = cdb_groups_read(reply, groups);

	for (int i = 0; i < n; i++) {
		if (strcmp(groups[i].name, c->group) == 0) {
			strcpy(c->last, groups[i].last);
			return;
		}
	}
	cdb_bus_drop(c->bus, "XINFO GROUPS does not show our group");
}

void
cdb_consumer_load(struct cdb_consumer *c, cdb_link_reply_fn *done)
{
	cdb_consumer_reset(c);
	c->replaying = true;
	cdb_groups_make(c->bus, c->stream, &c->group, 1);
	cdb_bus_query(c->bus, on_groups, c, "XINFO GROUPS %s", c->stream);
	cdb_bus_query(c->bus, done, c->arg, "HGETALL state:%s", c->group);
}

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

/* The entries of a reply [[stream, [entry, ...]]]; NULL for nil. */
static const redisReply *
entries_of(const redisReply *reply)
{
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 1 ||
	    reply->element[0]->type != REDIS_REPLY_ARRAY ||
	    reply->element[0]->elements != 2 ||
	    reply->element[0]->element[1]->type != REDIS_REPLY_ARRAY)
		return NULL;
	return reply->element[0]->element[1];
}

/* Hands the delivered entries over; false when they cannot be understood. */
static bool
deliver(struct cdb_consumer *c, const redisReply *list)
{
	struct cdb_entry entries[CDB_BATCH_MAX];
	size_t n = list ? list->elements : 0;

	if (n > CDB_BATCH_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!cdb_entry_read(list->element[i], &entries[i]))
			return false;
		strcpy(c->ids[i], entries[i].id);
	}
	c->n_ids = n;
	if (n == 0)
		return true;
	if (cdb_id_less(c->last, c->ids[n - 1]))
		strcpy(c->last, c->ids[n - 1]);
	c->ops->entries(c->arg, entries, n);
	return true;
}

static void
on_step(void *arg, const redisReply *reply)
{
	struct cdb_consumer *c = consumer_from(arg);
	const redisReply *list;

	if (c->n_ids > 0) {
		c->n_ids = 0;
		c->ops->committed(c->arg);
	}
	if (!c->asked)
		return;
	/* XREADGROUP was the last command */
	list = entries_of(reply->element[reply->elements - 1]);
	if (!deliver(c, list))
		cdb_bus_drop(c->bus, "XREADGROUP gave what it never gives");
	else if (c->n_ids == 0)
		c->replaying = false;
}

static void
ack_add(struct cdb_consumer *c)
{
	const char *argv[3 + CDB_BATCH_MAX] = { "XACK", c->stream, c->group };

	for (size_t i = 0; i < c->n_ids; i++)
		argv[3 + i] = c->ids[i];
	cdb_bus_add(c->bus, (int)(3 + c->n_ids), argv, NULL);
}

/* One transaction: the outcome of the last entries, and the next ones. */
static void
step(struct cdb_consumer *c)
{
	cdb_bus_begin(c->bus);
	if (c->n_ids > 0) {
		c->ops->outputs(c->arg);
		ack_add(c);
	}
	c->asked = !c->paused;
	if (c->asked)
		cdb_bus_addf(c->bus,
		    "XREADGROUP GROUP %s %s COUNT %d STREAMS %s %s",
		    c->group, c->group, CDB_BATCH_MAX, c->stream,
		    c->replaying ? "0" : ">");
	cdb_bus_commit(c->bus, on_step, c);
}

static void
on_wake(void *arg, const redisReply *reply)
{
	struct cdb_consumer *c = consumer_from(arg);

	if (reply->type == REDIS_REPLY_ERROR) {
		cdb_bus_drop(c->bus, reply->str);
		return;
	}
	c->waiting = false;
	if (entries_of(reply) && !c->paused && cdb_bus_can_begin(c->bus))
		step(c);
	else
		cdb_bus_kick(c->bus);
}

static void
wait_for_entry(struct cdb_consumer *c)
{
	c->waiting = true;
	cdb_link_sendf(&c->bus->wake, BLOCK_MS, on_wake, c,
	    "XREAD COUNT 1 BLOCK %d STREAMS %s %s", BLOCK_MS, c->stream,
	    c->last);
}

void
cdb_consumer_idle(struct cdb_consumer *c)
{
	if (c->n_ids > 0 || (c->replaying && !c->paused))
		step(c);
	else if (!c->waiting && !c->paused)
		wait_for_entry(c);
}
