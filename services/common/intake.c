/* SPDX-License-Identifier: Apache-2.0 */
#include "intake.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
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
		free(in->streams[i].acks);
	in->n_streams = 0;
}

void
cdb_intake_reset(struct cdb_intake *in)
{
	in->waiting = in->ready = false;
	for (size_t i = 0; i < in->n_streams; i++)
		in->streams[i].n_acks = 0;
}

static void
on_group_made(void *arg, const redisReply *reply)
{
	struct cdb_intake *in = intake_from(arg);

	if (reply->type == REDIS_REPLY_ERROR &&
	    strncmp(reply->str, "BUSYGROUP", 9) != 0)
		cdb_bus_drop(in->bus, reply->str);
}

/* XINFO GROUPS of the next stream whose place is not known yet. */
static void
on_groups(void *arg, const redisReply *reply)
{
	struct cdb_intake *in = intake_from(arg);
	struct cdb_group groups[CDB_GROUPS_MAX];
	int n = cdb_groups_read(reply, groups);
	size_t which = 0;

	while (in->streams[which].last[0])
		which++;
	for (int i = 0; i < n; i++) {
		if (strcmp(groups[i].name, in->group) == 0) {
			strcpy(in->streams[which].last, groups[i].last);
			return;
		}
	}
	cdb_bus_drop(in->bus, "XINFO GROUPS does not show our group");
}

void
cdb_intake_load(struct cdb_intake *in)
{
	cdb_intake_reset(in);
	in->ready = true;
	for (size_t i = 0; i < in->n_streams; i++) {
		struct cdb_intake_stream *s = &in->streams[i];

		s->replaying = s->wanted = true;
		s->complete = false;
		s->last[0] = '\0';
		strcpy(s->pending, "0");
		cdb_bus_query(in->bus, on_group_made, in,
		    "XGROUP CREATE %s %s 0 MKSTREAM", s->name, in->group);
		cdb_bus_query(in->bus, on_groups, in, "XINFO GROUPS %s",
		    s->name);
	}
}

void
cdb_intake_ack(struct cdb_intake *in, size_t which, const char *id)
{
	struct cdb_intake_stream *s = &in->streams[which];

	if (s->n_acks == s->cap_acks) {
		s->cap_acks = s->cap_acks ? s->cap_acks * 2
					  : CDB_INTAKE_COUNT;
		s->acks = realloc(s->acks, s->cap_acks * sizeof(*s->acks));
		if (!s->acks)
			abort();	/* Redis still has everything */
	}
	snprintf(s->acks[s->n_acks++], CDB_STREAM_ID_TEXT, "%s", id);
}

size_t
cdb_intake_acks(const struct cdb_intake *in)
{
	size_t n = 0;

	for (size_t i = 0; i < in->n_streams; i++)
		n += in->streams[i].n_acks;
	return n;
}

bool
cdb_intake_can_read(const struct cdb_intake *in)
{
	for (size_t i = 0; in->ready && i < in->n_streams; i++)
		if (in->streams[i].wanted)
			return true;
	return false;
}

static void
acks_add(struct cdb_intake *in, struct cdb_intake_stream *s)
{
	size_t n = 3 + s->n_acks;
	const char **argv = malloc(n * sizeof(*argv));

	if (!argv)
		abort();
	argv[0] = "XACK";
	argv[1] = s->name;
	argv[2] = in->group;
	for (size_t i = 0; i < s->n_acks; i++)
		argv[3 + i] = s->acks[i];
	cdb_bus_add(in->bus, (int)n, argv, NULL);
	free(argv);
}

static void
read_add(struct cdb_intake *in, size_t n)
{
	const char *argv[7 + 2 * CDB_INTAKE_STREAMS] = { "XREADGROUP",
		"GROUP", in->group, in->group, "COUNT", NULL, "STREAMS" };
	char count[16];
	size_t at = 7;

	snprintf(count, sizeof(count), "%d", CDB_INTAKE_COUNT);
	argv[5] = count;
	for (size_t i = 0; i < in->n_streams; i++) {
		struct cdb_intake_stream *s = &in->streams[i];

		if (!s->asked)
			continue;
		argv[at] = s->name;
		argv[at + n] = s->replaying ? s->pending : ">";
		at++;
	}
	cdb_bus_add(in->bus, (int)(7 + 2 * n), argv, NULL);
}

void
cdb_intake_add_acks(struct cdb_intake *in)
{
	for (size_t i = 0; i < in->n_streams; i++)
		if (in->streams[i].n_acks > 0)
			acks_add(in, &in->streams[i]);
}

bool
cdb_intake_add_read(struct cdb_intake *in, bool read)
{
	size_t n = 0;

	for (size_t i = 0; i < in->n_streams; i++) {
		struct cdb_intake_stream *s = &in->streams[i];

		s->asked = read && s->wanted;
		n += s->asked;
	}
	if (n > 0)
		read_add(in, n);
	return n > 0;
}

/* The entries of streams[which] in a reply of XREADGROUP; NULL for none. */
static const redisReply *
entries_of(const redisReply *reply, const char *name)
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

/* Hands them over; how many, or -1 when they cannot be understood. */
static int
deliver(struct cdb_intake *in, size_t which, const redisReply *list)
{
	struct cdb_intake_stream *s = &in->streams[which];
	size_t n = list ? list->elements : 0;

	for (size_t i = 0; i < n; i++) {
		struct cdb_entry e;

		if (!cdb_entry_read(list->element[i], &e))
			return -1;
		strcpy(s->replaying ? s->pending : s->last, e.id);
		in->entry(in->arg, which, &e);
	}
	s->complete = n < CDB_INTAKE_COUNT && !s->replaying;
	if (s->replaying && n == 0)
		s->replaying = false;
	return (int)n;
}

void
cdb_intake_take(struct cdb_intake *in, bool read, const redisReply *reply)
{
	bool more = false;

	for (size_t i = 0; i < in->n_streams; i++)
		in->streams[i].n_acks = 0;
	if (!read)
		return;
	for (size_t i = 0; i < in->n_streams; i++) {
		struct cdb_intake_stream *s = &in->streams[i];
		bool was_replaying = s->replaying;
		int n;

		if (!s->asked)
			continue;
		n = deliver(in, i, entries_of(
		    reply->element[reply->elements - 1], s->name));
		if (n < 0) {
			cdb_bus_drop(in->bus,
			    "XREADGROUP gave what it never gives");
			return;
		}
		more |= n > 0 || was_replaying;
	}
	in->ready = more;
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
	in->ready = true;	/* also when nothing came: see for yourself */
	cdb_bus_kick(in->bus);
}

void
cdb_intake_wait(struct cdb_intake *in)
{
	const char *argv[6 + 2 * CDB_INTAKE_STREAMS] = { "XREAD", "COUNT",
		"1", "BLOCK", NULL, "STREAMS" };
	char block[16];
	size_t n = 0;
	size_t at = 6;

	for (size_t i = 0; i < in->n_streams; i++)
		n += in->streams[i].wanted;
	if (in->waiting || n == 0)
		return;
	snprintf(block, sizeof(block), "%d", BLOCK_MS);
	argv[4] = block;
	for (size_t i = 0; i < in->n_streams; i++) {
		if (!in->streams[i].wanted)
			continue;
		argv[at] = in->streams[i].name;
		argv[at + n] = in->streams[i].last;
		at++;
	}
	in->waiting = true;
	cdb_link_send(&in->bus->wake, (int)(6 + 2 * n), argv, NULL, BLOCK_MS,
	    on_wake, in);
}
