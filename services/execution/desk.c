/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
cdb_desk_init(struct cdb_desk *desk)
{
	desk->held = calloc(CDB_DESK_CAP, sizeof(*desk->held));
	return desk->held ? 0 : -ENOMEM;
}

void
cdb_desk_free(struct cdb_desk *desk)
{
	free(desk->held);
	desk->held = NULL;
	desk->n = 0;
}

static int64_t
due_of(const struct cdb_desk *desk, const struct cdb_desk_order *o,
    int64_t now_us)
{
	int64_t ms = o->result.ts_ms - o->result.order_ts_ms;

	if (desk->speed <= 0)
		return 0;
	return (o->sent_us ? o->sent_us : now_us) +
	    (int64_t)((double)ms * 1000.0 / desk->speed);
}

static bool
sooner(const struct cdb_desk_order *a, const struct cdb_desk_order *b)
{
	if (a->due_us != b->due_us)
		return a->due_us < b->due_us;
	return a->result.meta.sequence_id < b->result.meta.sequence_id;
}

void
cdb_desk_hold(struct cdb_desk *desk, const struct cdb_desk_order *o,
    int64_t now_us)
{
	struct cdb_desk_order order = *o;
	uint64_t seq = o->result.meta.sequence_id;
	size_t i = desk->n++;

	order.due_us = due_of(desk, o, now_us);
	for (; i > 0 && sooner(&order, &desk->held[i - 1]); i--)
		desk->held[i] = desk->held[i - 1];
	desk->held[i] = order;
	/* one that an earlier life had received already is not new */
	if (seq > desk->count.received_seq) {
		desk->count.received_seq = seq;
		desk->count.received++;
	}
}

size_t
cdb_desk_due(const struct cdb_desk *desk, int64_t now_us)
{
	size_t n = 0;

	while (n < desk->n && desk->held[n].due_us <= now_us)
		n++;
	return n;
}

void
cdb_desk_answer(struct cdb_desk *desk, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct cdb_result *r = &desk->held[i].result;

		if (r->fate == CDB_FILLED)
			desk->count.filled++;
		else
			desk->count.rejected++;
		desk->count.retries += r->attempts - 1;
		desk->count.fees_e8 += r->fee_e8;
	}
	desk->n -= n;
	memmove(desk->held, desk->held + n, desk->n * sizeof(*desk->held));
}

void
cdb_desk_write(const struct cdb_desk_counts *n, char dst[CDB_DESK_TEXT])
{
	snprintf(dst, CDB_DESK_TEXT, "%" PRIu64 " %" PRIu64 " %" PRIu64
	    " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64, n->received,
	    n->received_seq, n->filled, n->rejected, n->retries, n->bad,
	    n->fees_e8);
}

int
cdb_desk_read(struct cdb_desk_counts *n, const char *text)
{
	return sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
	    " %" SCNu64 " %" SCNu64 " %" SCNd64, &n->received,
	    &n->received_seq, &n->filled, &n->rejected, &n->retries, &n->bad,
	    &n->fees_e8) == 7 ? 0 : -EINVAL;
}
