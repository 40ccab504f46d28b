/* SPDX-License-Identifier: Apache-2.0 */
/* From the streams into the merge, and in its order to the book. */
#include <stdlib.h>
#include <string.h>

#include "app.h"

static void
message_refuse(struct cdb_risk_app *app, size_t which, const char *id,
    const char *why)
{
	app->bad++;
	cdb_intake_refuse(&app->intake, which, id, why);
}

static void
slip_fill(struct cdb_slip *slip, const struct cdb_entry *e)
{
	strcpy(slip->id, e->id);
	slip->sent_us = e->sent_us;
	slip->origin_us = e->origin_us;
}

static void
tick_enter(struct cdb_risk_app *app, const struct cdb_entry *e)
{
	struct cdb_merge_tick *t = cdb_merge_tick(&app->merge);
	char why[CDB_WHY_TEXT];

	slip_fill(&t->slip, e);
	if (cdb_tick_read(e->data, e->len, &t->tick, why) < 0) {
		cdb_merge_undo_tick(&app->merge);
		message_refuse(app, CDB_IN_TICKS, e->id, why);
	}
}

static void
signal_enter(struct cdb_risk_app *app, const struct cdb_entry *e)
{
	struct cdb_merge_signal *s = cdb_merge_signal(&app->merge);
	char why[CDB_WHY_TEXT];

	slip_fill(&s->slip, e);
	s->worked_seq = UINT64_MAX;	/* until the step has been read */
	if (cdb_signal_read(e->data, e->len, &s->sig, why) < 0) {
		cdb_merge_undo_signal(&app->merge);
		message_refuse(app, CDB_IN_SIGNALS, e->id, why);
	}
}

static void
result_enter(struct cdb_risk_app *app, const struct cdb_entry *e)
{
	struct cdb_merge_result *r = cdb_merge_result(&app->merge);
	char why[CDB_WHY_TEXT];

	slip_fill(&r->slip, e);
	if (cdb_result_read(e->data, e->len, &r->result, why) < 0) {
		cdb_merge_undo_result(&app->merge);
		message_refuse(app, CDB_IN_RESULTS, e->id, why);
	} else if (!cdb_risk_awaits(&app->risk, r->result.order_id)) {
		cdb_merge_undo_result(&app->merge);
		cdb_intake_ack(&app->intake, CDB_IN_RESULTS, e->id);
		app->strays++;
	}
}

void
cdb_risk_entry(void *arg, size_t which, const struct cdb_entry *e)
{
	struct cdb_risk_app *app = arg;

	if (!e->data)
		message_refuse(app, which, e->id, "it has no data");
	else if (which == CDB_IN_TICKS)
		tick_enter(app, e);
	else if (which == CDB_IN_SIGNALS)
		signal_enter(app, e);
	else
		result_enter(app, e);
}

static void
trouble(struct cdb_risk_app *app, const char *what, int err)
{
	cdb_metrics_error(&app->service.m, "book");
	log_warn(&app->service.log, what, LOG_ERR(err));
}

static void
take_one(struct cdb_risk_app *app, enum cdb_next what, size_t at)
{
	struct cdb_merge *m = &app->merge;
	size_t which = CDB_IN_RESULTS;
	int err = 0;

	if (what == CDB_NEXT_TICK) {
		which = CDB_IN_TICKS;
		app->slip = &m->ticks[at].slip;
		/* one that was taken before its acknowledgement was lost */
		if (m->ticks[at].tick.meta.sequence_id > app->risk.tick_seq)
			err = cdb_risk_tick(&app->risk, &m->ticks[at].tick);
	} else if (what == CDB_NEXT_SIGNAL) {
		which = CDB_IN_SIGNALS;
		app->slip = &m->signals[at].slip;
		cdb_risk_signal(&app->risk, &m->signals[at].sig);
	} else {
		app->slip = &m->results[at].slip;
		err = cdb_risk_result(&app->risk, &m->results[at].result);
	}
	if (err < 0)
		trouble(app, "an event does not fit into the book", err);
	cdb_intake_ack(&app->intake, which, app->slip->id);
	cdb_merge_drop(m, what, at);
}

/* W4. */
static void
told_apply(struct cdb_risk_app *app)
{
	if (app->told.seq > app->merge.worked_seq &&
	    cdb_intake_has(&app->intake, CDB_IN_SIGNALS, app->told.id))
		app->merge.worked_seq = app->told.seq;
}

void
cdb_risk_heard(void *arg, const char *text)
{
	struct cdb_risk_app *app = arg;

	if (cdb_watermark_read(&app->told, text) < 0) {
		cdb_metrics_error(&app->service.m, "watermark");
		return;
	}
	cdb_bus_kick(&app->service.bus);
}

bool
cdb_risk_drain(struct cdb_risk_app *app)
{
	enum cdb_next what;
	size_t at;

	told_apply(app);
	do {
		what = cdb_merge_next(&app->merge, &app->risk, &at);
		if (what == CDB_NEXT_NOTHING || what == CDB_NEXT_WAIT)
			break;
		take_one(app, what, at);
	} while (cdb_intake_acks(&app->intake) < CDB_RISK_STEP);
	return what == CDB_NEXT_WAIT;
}

void
cdb_risk_room(struct cdb_risk_app *app)
{
	const struct cdb_merge *m = &app->merge;
	struct cdb_intake_stream *s = app->intake.streams;

	s[CDB_IN_TICKS].wanted = m->n_ticks + CDB_INTAKE_COUNT <= CDB_MERGE_CAP;
	s[CDB_IN_SIGNALS].wanted =
	    m->n_signals + CDB_INTAKE_COUNT <= CDB_MERGE_CAP;
	s[CDB_IN_RESULTS].wanted =
	    m->n_results + CDB_INTAKE_COUNT <= CDB_MERGE_CAP;
}

static uint64_t
uint_of(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_STRING
	    ? strtoull(reply->str, NULL, 10) : 0;
}

void
cdb_risk_progress(struct cdb_risk_app *app, const redisReply *worked,
    const redisReply *feed)
{
	struct cdb_merge *m = &app->merge;
	uint64_t seq = uint_of(worked);
	uint64_t fed;

	for (size_t i = m->n_signals; i > 0; i--) {
		struct cdb_merge_signal *s = &m->signals[(m->signal_head +
		    i - 1) & (CDB_MERGE_CAP - 1)];

		if (s->worked_seq != UINT64_MAX)
			break;
		s->worked_seq = seq;
	}
	if (app->intake.streams[CDB_IN_SIGNALS].asked &&
	    app->intake.streams[CDB_IN_SIGNALS].complete &&
	    seq > m->worked_seq)
		m->worked_seq = seq;	/* what was told may be ahead of it */
	m->ended = false;
	if (feed->type != REDIS_REPLY_ARRAY || feed->elements != 2)
		return;
	fed = uint_of(feed->element[1]);
	m->ended = (fed == 0 || uint_of(feed->element[0]) == 1) &&
	    app->risk.tick_seq >= fed && m->worked_seq >= fed;
}
