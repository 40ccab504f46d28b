/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app.h -- the risk manager as a process: what its parts share.
 *
 * Thread   the loop's.
 */
#ifndef CDB_RISK_APP_H
#define CDB_RISK_APP_H

#include "merge.h"
#include "metrics.h"
#include "services/common/intake.h"
#include "services/common/outbox.h"
#include "services/common/quiet.h"
#include "services/common/service.h"
#include "services/common/watermark.h"
#include "state.h"

#define CDB_RISK_GROUP	 "risk"
#define CDB_RISK_STEP	 4096	/* events of one transaction */
#define CDB_RISK_OUTPUTS 4

/* Streams of the intake. */
enum { CDB_IN_TICKS, CDB_IN_SIGNALS, CDB_IN_RESULTS };

struct cdb_risk_app {
	struct cdb_service service;
	struct cdb_intake intake;
	struct cdb_merge merge;
	struct cdb_risk risk;
	struct cdb_outbox box;
	struct cdb_quiet quiet;
	struct cdb_risk_metrics metrics;
	struct cdb_keeper input;	/* watches only */
	struct cdb_keeper keepers[CDB_RISK_OUTPUTS];
	struct cdb_watermark told;	/* by signal */
	uv_timer_t poll;
	int64_t stream_limit;
	int64_t orders_minute;	/* -1: as the profile has it */
	struct cdb_names groups;	/* of the outputs, to be made */
	struct cdb_names alert_groups;
	/* the event being taken */
	const struct cdb_slip *slip;
	/* the transaction under way */
	bool committing;
	bool reading;
	uint64_t bad;		/* messages, not committed */
	uint64_t bad_sent;
	uint64_t strays;	/* results nobody waits for */
	size_t n_spans;
	int64_t spans_us[CDB_RISK_STEP];	/* signals of orders: sent */
	struct cdb_risk_counts acked;
};

extern const struct cdb_option cdb_risk_options[];
extern const size_t cdb_risk_n_options;

/* Streams of the outputs, in the order of the keepers. */
extern const char *const cdb_risk_outputs[CDB_RISK_OUTPUTS];

/* cdb_risk_speak -- what the book says goes to the outbox from now on. */
void cdb_risk_speak(struct cdb_risk_app *app);

/* cdb_risk_entry -- an entry of the intake into the merge. */
void cdb_risk_entry(void *arg, size_t which, const struct cdb_entry *e);

/*
 * cdb_risk_drain -- take what can be taken; whether something is still to
 * come.
 */
bool cdb_risk_drain(struct cdb_risk_app *app);

/* cdb_risk_room -- no stream is asked for more than the merge has room for. */
void cdb_risk_room(struct cdb_risk_app *app);

/*
 * cdb_risk_progress -- how far signal and feed were when our entries were
 * read: replies of HGET state:signal seq and HMGET state:feed done seq of the
 * same transaction (M1 and M4 in merge.h).
 */
void cdb_risk_progress(struct cdb_risk_app *app, const redisReply *worked,
    const redisReply *feed);

/* cdb_risk_heard -- the same from a watermark (watermark.h). */
void cdb_risk_heard(void *arg, const char *text);

/* cdb_risk_load -- the exchange's rules, then the state; the bus's `load`. */
void cdb_risk_load(void *arg);

#endif
