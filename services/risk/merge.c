/* SPDX-License-Identifier: Apache-2.0 */
#include "merge.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MASK (CDB_MERGE_CAP - 1)

int
cdb_merge_init(struct cdb_merge *m)
{
	memset(m, 0, sizeof(*m));
	m->ticks = calloc(CDB_MERGE_CAP, sizeof(*m->ticks));
	m->signals = calloc(CDB_MERGE_CAP, sizeof(*m->signals));
	m->results = calloc(CDB_MERGE_CAP, sizeof(*m->results));
	if (m->ticks && m->signals && m->results)
		return 0;
	cdb_merge_free(m);
	return -ENOMEM;
}

void
cdb_merge_free(struct cdb_merge *m)
{
	free(m->ticks);
	free(m->signals);
	free(m->results);
	memset(m, 0, sizeof(*m));
}

void
cdb_merge_reset(struct cdb_merge *m)
{
	m->n_ticks = m->n_signals = m->n_results = 0;
	m->worked_seq = 0;
	m->ended = false;
}

struct cdb_merge_tick *
cdb_merge_tick(struct cdb_merge *m)
{
	assert(m->n_ticks < CDB_MERGE_CAP);
	return &m->ticks[(m->tick_head + m->n_ticks++) & MASK];
}

struct cdb_merge_signal *
cdb_merge_signal(struct cdb_merge *m)
{
	assert(m->n_signals < CDB_MERGE_CAP);
	return &m->signals[(m->signal_head + m->n_signals++) & MASK];
}

struct cdb_merge_result *
cdb_merge_result(struct cdb_merge *m)
{
	assert(m->n_results < CDB_MERGE_CAP);
	return &m->results[m->n_results++];
}

void
cdb_merge_undo_tick(struct cdb_merge *m)
{
	m->n_ticks--;
}

void
cdb_merge_undo_signal(struct cdb_merge *m)
{
	m->n_signals--;
}

void
cdb_merge_undo_result(struct cdb_merge *m)
{
	m->n_results--;
}

/* M2: whether the first signal's turn has come. */
static bool
signal_due(const struct cdb_merge *m, const struct cdb_risk *risk)
{
	const struct cdb_merge_signal *s = &m->signals[m->signal_head];
	const char *cause = s->sig.meta.causation_id;

	if (cause[0] == '\0' || strcmp(cause, risk->tick_id) == 0)
		return true;
	/* its tick should have been taken by now: it never was one */
	return m->n_ticks > 0
	    ? m->ticks[m->tick_head].tick.meta.sequence_id > s->worked_seq
	    : m->ended && risk->tick_seq >= s->worked_seq;
}

/* M1. */
static bool
tick_due(const struct cdb_merge *m)
{
	return m->n_signals > 0 ||
	    m->ticks[m->tick_head].tick.meta.sequence_id <= m->worked_seq;
}

/* M3: the first result in line, when it is due at t. */
static enum cdb_next
result_due(const struct cdb_merge *m, const struct cdb_risk *risk,
    bool always, int64_t t, size_t *at)
{
	const struct cdb_pending *p = &risk->pending[0];

	if (risk->n_pending == 0 || (!always && p->due_ms > t))
		return CDB_NEXT_NOTHING;
	for (*at = 0; *at < m->n_results; ++*at)
		if (strcmp(m->results[*at].result.order_id,
			p->order_id) == 0)
			return CDB_NEXT_RESULT;
	return CDB_NEXT_WAIT;
}

enum cdb_next
cdb_merge_next(const struct cdb_merge *m, const struct cdb_risk *risk,
    size_t *at)
{
	enum cdb_next what = CDB_NEXT_NOTHING;
	enum cdb_next first;
	int64_t t = 0;

	if (m->n_signals > 0 && signal_due(m, risk)) {
		what = CDB_NEXT_SIGNAL;
		t = m->signals[m->signal_head].sig.ts_ms;
	} else if (m->n_ticks > 0 && tick_due(m)) {
		what = CDB_NEXT_TICK;
		t = m->ticks[m->tick_head].tick.ts_ms;
	}
	if (what == CDB_NEXT_NOTHING && !m->ended)
		return m->n_ticks + m->n_signals + risk->n_pending > 0
		    ? CDB_NEXT_WAIT : CDB_NEXT_NOTHING;
	if (t < risk->now_ms)
		t = risk->now_ms;
	first = result_due(m, risk, what == CDB_NEXT_NOTHING, t, at);
	if (first != CDB_NEXT_NOTHING)
		return first;
	*at = what == CDB_NEXT_TICK ? m->tick_head : m->signal_head;
	return what;
}

void
cdb_merge_drop(struct cdb_merge *m, enum cdb_next what, size_t at)
{
	if (what == CDB_NEXT_TICK) {
		m->tick_head = (m->tick_head + 1) & MASK;
		m->n_ticks--;
	} else if (what == CDB_NEXT_SIGNAL) {
		m->signal_head = (m->signal_head + 1) & MASK;
		m->n_signals--;
	} else if (at != --m->n_results) {
		m->results[at] = m->results[m->n_results];
	}
}
