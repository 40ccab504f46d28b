/* SPDX-License-Identifier: Apache-2.0 */
#include "intake.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define INTAKE_MAGIC 0x1247u
#define BLOCK_MS     1000

static struct cdb_intake *
intake_from(void *p)
{
	struct cdb_intake *in = p;

	assert(in->magic == INTAKE_MAGIC);
	return in;
}

void
cdb_intake_init(struct cdb_intake *in, struct cdb_bus *bus,
    const char *group,
    void (*entry)(void *arg, size_t which, const struct cdb_entry *e),
    void *arg)
{
	memset(in, 0, sizeof(*in));
	in->magic = INTAKE_MAGIC;
	in->bus = bus;
	in->group = group;
	in->entry = entry;
	in->arg = arg;
	in->bad_rate = (struct log_rate){ .burst = 10, .period_ms = 1000 };
}

size_t
cdb_intake_stream(struct cdb_intake *in, const char *name)
{
	assert(in->n_streams < CDB_INTAKE_STREAMS);
	in->streams[in->n_streams].name = name;
	in->streams[in->n_streams].wanted = true;
	return in->n_streams++;
}

void
cdb_intake_free(struct cdb_intake *in)
{
	for (size_t i = 0; i < in->n_streams; i++)
		cdb_ledger_free(&in->streams[i].ledger);
	in->n_streams = 0;
}

void
cdb_intake_reset(struct cdb_intake *in)
{
	in->waiting = in->ready = in->reading = false;
	for (size_t i = 0; i < in->n_streams; i++)
		cdb_ledger_reset(&in->streams[i].ledger, "0-0", -1);
}

static void
on_group_made(void *arg, const redisReply *reply)
{
	struct cdb_intake *in = intake_from(arg);

	if (reply->type == REDIS_REPLY_ERROR &&
	    strncmp(reply->str, "BUSYGROUP", 9) != 0)
		cdb_bus_drop(in->bus, reply->str);
}

/* XINFO STREAM: how many entries lie before the first that is left. */
static void
on_stream(void *arg, const redisReply *reply)
{
	struct cdb_intake *in = intake_from(arg);
	int64_t added = cdb_info_int(reply, "entries-added");
	int64_t length = cdb_info_int(reply, "length");

	in->streams[in->n_loaded].ledger.read = added < 0 || length < 0
	    ? -1 : added - length;
}

/* Where it goes on; a group that has read nothing does not say how much. */
static void
place_take(struct cdb_intake_stream *s, const struct cdb_group *group)
{
	int64_t read = group->read;

	if (read < 0 && strcmp(group->last, "0-0") == 0)
		read = s->ledger.read;
	cdb_ledger_reset(&s->ledger, group->last, read);
	strcpy(s->last, group->last);
}

/* XINFO GROUPS of the same stream. */
static void
on_groups(void *arg, const redisReply *reply)
{
	struct cdb_intake *in = intake_from(arg);
	struct cdb_group group;

	if (cdb_groups_find(reply, in->group, &group))
		place_take(&in->streams[in->n_loaded++], &group);
	else
		cdb_bus_drop(in->bus, "XINFO GROUPS does not show our group");
}

void
cdb_intake_load(struct cdb_intake *in)
{
	cdb_intake_reset(in);
	in->ready = true;
	in->n_loaded = 0;
	for (size_t i = 0; i < in->n_streams; i++) {
		struct cdb_intake_stream *s = &in->streams[i];

		s->replaying = s->wanted = true;
		s->complete = false;
		strcpy(s->pending, "0");
		cdb_bus_query(in->bus, on_group_made, in,
		    "XGROUP CREATE %s %s 0 MKSTREAM", s->name, in->group);
		cdb_bus_query(in->bus, on_stream, in, "XINFO STREAM %s",
		    s->name);
		cdb_bus_query(in->bus, on_groups, in, "XINFO GROUPS %s",
		    s->name);
	}
}

bool
cdb_intake_has(const struct cdb_intake *in, size_t which, const char *id)
{
	const struct cdb_intake_stream *s = &in->streams[which];

	return !s->replaying && !cdb_id_less(s->last, id);
}

bool
cdb_intake_can_read(const struct cdb_intake *in)
{
	for (size_t i = 0; i < in->n_streams; i++)
		if (in->streams[i].wanted &&
		    (in->ready || in->streams[i].replaying))
			return true;
	return false;
}

/* Streams asked for, behind the words of a command, and where from. */
static int
streams_put(const struct cdb_intake *in, const char **argv, size_t at,
    size_t n)
{
	for (size_t i = 0; i < in->n_streams; i++) {
		const struct cdb_intake_stream *s = &in->streams[i];

		if (!s->asked)
			continue;
		argv[at] = s->name;
		argv[at + n] = s->replaying ? s->pending : s->last;
		at++;
	}
	return (int)(at + n);
}

static void
read_add(struct cdb_intake *in, size_t n, bool replay)
{
	const char *argv[7 + 2 * CDB_INTAKE_STREAMS] = { "XREADGROUP",
		"GROUP", in->group, in->group, "COUNT", NULL, "STREAMS" };
	char count[16];
	int argc = streams_put(in, argv, 7, n);

	snprintf(count, sizeof(count), "%d", CDB_INTAKE_COUNT);
	argv[5] = count;
	if (!replay)
		argv[3] = "XREAD";	/* and no group */
	cdb_bus_add(in->bus, replay ? argc : argc - 3,
	    replay ? argv : argv + 3, NULL);
}

bool
cdb_intake_add_read(struct cdb_intake *in, bool read)
{
	bool replay = false;
	size_t n = 0;

	for (size_t i = 0; i < in->n_streams; i++)
		replay |= in->streams[i].wanted && in->streams[i].replaying;
	for (size_t i = 0; i < in->n_streams; i++) {
		struct cdb_intake_stream *s = &in->streams[i];

		s->asked = read && s->wanted && s->replaying == replay;
		n += s->asked;
	}
	if (n > 0)
		read_add(in, n, replay);
	in->reading = n > 0;
	return in->reading;
}

/* What two reads have both brought is taken once. */
static bool
is_new(const struct cdb_intake_stream *s, const char *id)
{
	return s->replaying || cdb_id_less(s->last, id);
}

/* Hands them over; how many came, or -1 when they cannot be understood. */
static int
deliver(struct cdb_intake *in, size_t which, const redisReply *list)
{
	struct cdb_intake_stream *s = &in->streams[which];
	size_t n = list ? list->elements : 0;

	for (size_t i = 0; i < n; i++) {
		struct cdb_entry e;

		if (!cdb_entry_read(list->element[i], &e))
			return -1;
		if (!is_new(s, e.id))
			continue;
		strcpy(s->replaying ? s->pending : s->last, e.id);
		cdb_ledger_add(&s->ledger, e.id, s->replaying);
		in->entry(in->arg, which, &e);
	}
	return (int)n;
}

void
cdb_intake_take(struct cdb_intake *in, bool read, const redisReply *reply)
{
	bool more = false;

	in->reading = false;
	for (size_t i = 0; read && i < in->n_streams; i++) {
		struct cdb_intake_stream *s = &in->streams[i];
		int n;

		if (!s->asked)
			continue;
		n = deliver(in, i, cdb_entries_of(
		    reply->element[reply->elements - 1], s->name));
		if (n < 0) {
			cdb_bus_drop(in->bus, "XREAD gave what it never gives");
			return;
		}
		s->complete = n < CDB_INTAKE_COUNT && !s->replaying;
		more |= n == CDB_INTAKE_COUNT;
		s->replaying = s->replaying && n > 0;
	}
	if (read)
		in->ready = more;
}

/* Whether entries may come now.  There is room for those of one read. */
static bool
is_open(const struct cdb_intake *in)
{
	return in->eager && !in->reading &&
	    (in->queues || cdb_bus_can_begin(in->bus));
}

/* All that came, or nothing: then it is read again. */
static bool
wake_take(struct cdb_intake *in, const redisReply *reply)
{
	if (reply->type != REDIS_REPLY_ARRAY || !is_open(in))
		return false;
	for (size_t i = 0; i < in->n_streams; i++) {
		struct cdb_intake_stream *s = &in->streams[i];

		/* `wanted` may have changed since it was asked for */
		if (s->wanted && !s->replaying && deliver(in, i,
			cdb_entries_of(reply, s->name)) < 0)
			return false;
	}
	return true;
}

static void
on_wake(void *arg, const redisReply *reply)
{
	struct cdb_intake *in = intake_from(arg);

	if (reply->type == REDIS_REPLY_ERROR) {
		cdb_bus_drop(in->bus, reply->str);
		return;
	}
	in->waiting = false;
	/* ready also when nothing came: see for yourself */
	in->ready = !wake_take(in, reply) || in->ready;
	cdb_bus_kick(in->bus);
}

void
cdb_intake_wait(struct cdb_intake *in)
{
	const char *argv[6 + 2 * CDB_INTAKE_STREAMS] = { "XREAD", "COUNT",
		NULL, "BLOCK", NULL, "STREAMS" };
	char count[16];
	char block[16];
	size_t n = 0;

	if (in->waiting)
		return;
	for (size_t i = 0; i < in->n_streams; i++) {
		struct cdb_intake_stream *s = &in->streams[i];

		s->asked = s->wanted && !s->replaying;
		n += s->asked;
	}
	if (n == 0)
		return;
	snprintf(count, sizeof(count), "%d", in->eager ? CDB_INTAKE_COUNT
						       : 1);
	snprintf(block, sizeof(block), "%d", BLOCK_MS);
	argv[2] = count;
	argv[4] = block;
	in->waiting = true;
	cdb_link_send(&in->bus->wake, streams_put(in, argv, 6, n), argv, NULL,
	    BLOCK_MS, on_wake, in);
}
