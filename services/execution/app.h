/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app.h -- the paper exchange as a process: what its parts share.
 *
 * Thread   the loop's.
 */
#ifndef CDB_EXECUTION_APP_H
#define CDB_EXECUTION_APP_H

#include "desk.h"
#include "metrics.h"
#include "options.h"
#include "services/common/intake.h"
#include "services/common/outbox.h"
#include "services/common/service.h"

#define CDB_EXECUTION_GROUP "execution"

/* What a result in the transaction under way is measured by. */
struct cdb_span {
	int64_t sent_us;
	int64_t origin_us;
	int64_t slippage_bps_e4;	/* -1: not filled */
	char order_id[CDB_ID_TEXT];
};

struct cdb_execution_app {
	struct cdb_service service;
	struct cdb_execution_options opt;
	struct cdb_intake intake;
	struct cdb_desk desk;
	struct cdb_outbox box;
	struct cdb_execution_metrics metrics;
	struct cdb_keeper input;	/* watches only */
	struct cdb_keeper output;
	uv_timer_t due;
	char rules[CDB_EXCHANGE_TEXT];
	/* the transaction under way */
	bool reading;
	size_t n_spans;
	struct cdb_span spans[CDB_DESK_CAP];
	struct cdb_desk_counts acked;
	bool rules_told;	/* Redis has them */
	/* the look at the books, once a second */
	bool audit_due;
	int64_t difference;
};

/* cdb_execution_entry -- an order of the intake, executed and held. */
void cdb_execution_entry(void *arg, size_t which, const struct cdb_entry *e);

/* cdb_execution_answer -- results whose time has come go to the outbox. */
void cdb_execution_answer(struct cdb_execution_app *app);

/* cdb_execution_count -- the transaction with them has been answered. */
void cdb_execution_count(struct cdb_execution_app *app);

/*
 * cdb_execution_audit -- a transaction of its own: orders in the stream
 * against orders answered, all from Redis.
 */
void cdb_execution_audit(struct cdb_execution_app *app);

/* cdb_execution_load -- the state; for the bus's `load`. */
void cdb_execution_load(void *arg);

#endif
