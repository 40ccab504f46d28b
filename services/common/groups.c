/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_MAX 1000	/* entries counted where Redis knows no lag */

bool
cdb_id_less(const char *a, const char *b)
{
	char *dash_a;
	char *dash_b;
	uint64_t ms_a = strtoull(a, &dash_a, 10);
	uint64_t ms_b = strtoull(b, &dash_b, 10);

	if (ms_a != ms_b)
		return ms_a < ms_b;
	return strtoull(*dash_a ? dash_a + 1 : "0", NULL, 10) <
	    strtoull(*dash_b ? dash_b + 1 : "0", NULL, 10);
}

/* The value behind `key` in a flat array of keys and values. */
static const redisReply *
value_of(const redisReply *row, const char *key)
{
	for (size_t i = 0; i + 1 < row->elements; i += 2)
		if (row->element[i]->type == REDIS_REPLY_STRING &&
		    strcmp(row->element[i]->str, key) == 0)
			return row->element[i + 1];
	return NULL;
}

int64_t
cdb_info_int(const redisReply *row, const char *key)
{
	const redisReply *v = value_of(row, key);

	return v && v->type == REDIS_REPLY_INTEGER ? v->integer : -1;
}

const char *
cdb_info_text(const redisReply *row, const char *key)
{
	const redisReply *v = value_of(row, key);

	return v && v->type == REDIS_REPLY_STRING ? v->str : NULL;
}

static int
group_read(const redisReply *row, struct cdb_group *group)
{
	const redisReply *name = value_of(row, "name");
	const redisReply *pending = value_of(row, "pending");
	const redisReply *last = value_of(row, "last-delivered-id");

	if (!name || name->type != REDIS_REPLY_STRING ||
	    !pending || pending->type != REDIS_REPLY_INTEGER ||
	    !last || last->type != REDIS_REPLY_STRING)
		return -EBADMSG;
	snprintf(group->name, sizeof(group->name), "%s", name->str);
	snprintf(group->last, sizeof(group->last), "%s", last->str);
	group->pending = (uint64_t)pending->integer;
	group->lag = cdb_info_int(row, "lag");
	group->read = cdb_info_int(row, "entries-read");
	return 0;
}

int
cdb_groups_read(const redisReply *reply,
    struct cdb_group groups[CDB_GROUPS_MAX])
{
	if (reply->type != REDIS_REPLY_ARRAY)
		return -EBADMSG;
	if (reply->elements > CDB_GROUPS_MAX)
		return -E2BIG;
	for (size_t i = 0; i < reply->elements; i++) {
		int err = group_read(reply->element[i], &groups[i]);

		if (err < 0)
			return err;
	}
	return (int)reply->elements;
}

bool
cdb_groups_find(const redisReply *reply, const char *name,
    struct cdb_group *group)
{
	struct cdb_group groups[CDB_GROUPS_MAX];
	int n = cdb_groups_read(reply, groups);

	for (int i = 0; i < n; i++) {
		if (strcmp(groups[i].name, name) == 0) {
			*group = groups[i];
			return true;
		}
	}
	return false;
}

static void
on_made(void *arg, const redisReply *reply)
{
	struct cdb_bus *bus = arg;

	if (reply->type == REDIS_REPLY_ERROR &&
	    strncmp(reply->str, "BUSYGROUP", 9) != 0)
		cdb_bus_drop(bus, reply->str);
}

void
cdb_groups_make(struct cdb_bus *bus, const char *stream,
    const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cdb_bus_query(bus, on_made, bus,
		    "XGROUP CREATE %s %s 0 MKSTREAM", stream, names[i]);
}

bool
cdb_keeper_full(const struct cdb_keeper *keeper, uint64_t n)
{
	return keeper->length + n >= keeper->limit;
}

void
cdb_keeper_reset(struct cdb_keeper *keeper)
{
	keeper->busy = false;
	keeper->length = 0;
}

void
cdb_keeper_added(struct cdb_keeper *keeper, uint64_t n)
{
	keeper->length += n;
}

static void
round_end(struct cdb_keeper *keeper)
{
	keeper->busy = false;
	if (keeper->done)
		keeper->done(keeper->arg);
}

static void
on_trimmed(void *arg, const redisReply *reply)
{
	struct cdb_keeper *keeper = arg;
	uint64_t gone = reply->type == REDIS_REPLY_INTEGER
	    ? (uint64_t)reply->integer : 0;

	/* another writer's entries may have come and gone since XLEN */
	keeper->length -= gone < keeper->length ? gone : keeper->length;
	round_end(keeper);
}

/* All groups have been asked: entries below `need` may go. */
static void
trim(struct cdb_keeper *keeper)
{
	if (keeper->n_groups == 0 || keeper->length <= keeper->limit / 2) {
		round_end(keeper);
		return;
	}
	cdb_bus_query(keeper->bus, on_trimmed, keeper, "XTRIM %s MINID %s",
	    keeper->stream, keeper->need);
}

static void ask_next(struct cdb_keeper *keeper);

static void
need_lower(struct cdb_keeper *keeper, const char *id)
{
	if (keeper->need[0] == '\0' || cdb_id_less(id, keeper->need))
		snprintf(keeper->need, sizeof(keeper->need), "%s", id);
}

/* XPENDING: count, smallest id, ...; nil when all was acknowledged since. */
static void
on_pending(void *arg, const redisReply *reply)
{
	struct cdb_keeper *keeper = arg;
	const struct cdb_group *group = &keeper->groups[keeper->at];
	bool some = reply->type == REDIS_REPLY_ARRAY &&
	    reply->elements >= 2 &&
	    reply->element[1]->type == REDIS_REPLY_STRING;

	need_lower(keeper, some ? reply->element[1]->str : group->last);
	keeper->at++;
	ask_next(keeper);
}

/* Where Redis knows no lag, entries after the last delivered are counted. */
static void
on_counted(void *arg, const redisReply *reply)
{
	struct cdb_keeper *keeper = arg;

	keeper->groups[keeper->at].lag =
	    reply->type == REDIS_REPLY_ARRAY ? (int64_t)reply->elements : 0;
	ask_next(keeper);
}

static void
ask_next(struct cdb_keeper *keeper)
{
	struct cdb_group *group;
	uint64_t backlog;

	if (keeper->at == keeper->n_groups) {
		trim(keeper);
		return;
	}
	group = &keeper->groups[keeper->at];
	if (group->lag < 0) {
		cdb_bus_query(keeper->bus, on_counted, keeper,
		    "XRANGE %s (%s + COUNT %d", keeper->stream, group->last,
		    COUNT_MAX);
		return;
	}
	backlog = (uint64_t)group->lag + group->pending;
	if (backlog > keeper->backlog)
		keeper->backlog = backlog;
	if (group->pending > 0) {
		cdb_bus_query(keeper->bus, on_pending, keeper,
		    "XPENDING %s %s", keeper->stream, group->name);
		return;
	}
	need_lower(keeper, group->last);
	keeper->at++;
	ask_next(keeper);
}

static void
on_groups(void *arg, const redisReply *reply)
{
	struct cdb_keeper *keeper = arg;
	int n = cdb_groups_read(reply, keeper->groups);

	keeper->backlog = 0;
	/* no stream yet, or groups we cannot read: nothing is trimmed */
	keeper->n_groups = n > 0 ? (size_t)n : 0;
	keeper->at = 0;
	keeper->need[0] = '\0';
	ask_next(keeper);
}

static void
on_length(void *arg, const redisReply *reply)
{
	struct cdb_keeper *keeper = arg;

	if (reply->type == REDIS_REPLY_INTEGER)
		keeper->length = (uint64_t)reply->integer;
}

static void
ask_length(struct cdb_keeper *keeper)
{
	cdb_bus_query(keeper->bus, on_length, keeper, "XLEN %s",
	    keeper->stream);
}

void
cdb_keeper_load(struct cdb_keeper *keeper)
{
	cdb_keeper_reset(keeper);
	ask_length(keeper);
}

void
cdb_keeper_round(struct cdb_keeper *keeper)
{
	if (keeper->busy || keeper->bus->state != CDB_BUS_READY)
		return;
	keeper->busy = true;
	ask_length(keeper);
	cdb_bus_query(keeper->bus, on_groups, keeper, "XINFO GROUPS %s",
	    keeper->stream);
}
