/* SPDX-License-Identifier: Apache-2.0 */
/* What is finished, and its way into a transaction. */
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "intake.h"

void
cdb_intake_ack(struct cdb_intake *in, size_t which, const char *id)
{
	cdb_ledger_finish(&in->streams[which].ledger, id);
}

void
cdb_intake_refuse(struct cdb_intake *in, size_t which, const char *id,
    const char *why)
{
	uint64_t held_back;

	cdb_intake_ack(in, which, id);
	if (log_rate_pass(&in->bad_rate, uv_hrtime() / 1000000, &held_back))
		log_warn(in->bus->log, "bad message skipped",
		    LOG_STR("stream", in->streams[which].name),
		    LOG_STR("id", id), LOG_STR("reason", why),
		    LOG_UINT("held_back", held_back));
}

size_t
cdb_intake_acks(const struct cdb_intake *in)
{
	size_t n = 0;

	for (size_t i = 0; i < in->n_streams; i++)
		n += in->streams[i].ledger.n_finished;
	return n;
}

static void
place_add(struct cdb_intake *in, const struct cdb_intake_stream *s)
{
	if (s->ledger.read < 0)
		cdb_bus_addf(in->bus, "XGROUP SETID %s %s %s", s->name,
		    in->group, s->ledger.place);
	else
		cdb_bus_addf(in->bus, "XGROUP SETID %s %s %s ENTRIESREAD %lld",
		    s->name, in->group, s->ledger.place,
		    (long long)s->ledger.read);
}

/* A command about ids: head[0, n), ids, and what stands behind them. */
static void
ids_add(struct cdb_intake *in, const char *const *head, size_t n,
    const struct cdb_ids *ids, bool hold)
{
	const char **argv = malloc((n + ids->n + 2) * sizeof(*argv));

	if (!argv)
		abort();
	memcpy(argv, head, n * sizeof(*argv));
	for (size_t i = 0; i < ids->n; i++)
		argv[n++] = ids->at[i];
	if (hold) {
		argv[n++] = "FORCE";
		argv[n++] = "JUSTID";
	}
	cdb_bus_add(in->bus, (int)n, argv, NULL);
	free(argv);
}

static void
settle_add(struct cdb_intake *in, struct cdb_intake_stream *s)
{
	struct cdb_ledger *l = &s->ledger;
	const char *const hold[] = { "XCLAIM", s->name, in->group, in->group,
		"0" };
	const char *const ack[] = { "XACK", s->name, in->group };

	cdb_ledger_settle(l);
	if (l->moved)
		place_add(in, s);
	if (l->holds.n > 0)
		ids_add(in, hold, 5, &l->holds, true);
	if (l->acks.n > 0)
		ids_add(in, ack, 3, &l->acks, false);
}

void
cdb_intake_add_acks(struct cdb_intake *in)
{
	for (size_t i = 0; i < in->n_streams; i++)
		if (in->streams[i].ledger.n_finished > 0)
			settle_add(in, &in->streams[i]);
}
