/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app.h -- the writer as a process: what its parts share.
 *
 * Thread   the loop's; what the worker uses meanwhile is said to be.
 */
#ifndef CDB_WRITER_APP_H
#define CDB_WRITER_APP_H

#include "conninfo.h"
#include "metrics.h"
#include "sample.h"
#include "services/common/intake.h"
#include "services/common/service.h"
#include "store.h"

#define CDB_WRITER_RETRY_MS 100	/* the first; doubled from time to time */

struct cdb_writer_app {
	struct cdb_service service;
	struct cdb_intake intake;
	struct cdb_batch batch;
	struct cdb_store store;		/* the worker's while `busy` */
	struct cdb_writer_metrics metrics;
	struct cdb_keeper input;	/* watches only */
	struct cdb_keeper health;	/* the stream has no other keeper */
	uv_work_t work;
	uv_timer_t retry;
	uv_timer_t sampling;
	uv_timer_t pruning;
	const char *collector_url;
	int64_t sample_s;		/* 0: never */
	int64_t sample_next_s;		/* when the timer will be through */
	int64_t sample_due_s;		/* when it was */
	int64_t keep_days;		/* 0: for ever */
	char postgres[CDB_CONNINFO_SHOWN];
	bool busy;		/* the worker is at it */
	uint64_t busy_ms;	/* since when, on the loop's clock */
	bool stale;		/* the connection that read it is gone */
	bool committed;		/* acknowledge it */
	bool sample_due;
	bool prune_due;
	bool reading;
	bool up;
	int result;
	unsigned retry_ms;
	uint64_t written;
	uint64_t refused;
	uint64_t batches;
	uint64_t failures;
	char error[CDB_STORE_TEXT];
	bool prune;		/* the worker shall */
	long pruned;		/* rows; negative: it failed */
	/* a sample, made by the worker */
	bool sampled;
	int64_t sample_ts;
	char why[CDB_SAMPLE_WHY];
};

extern const struct cdb_option cdb_writer_options[];
extern const size_t cdb_writer_n_options;

/*
 * cdb_writer_work -- let the worker write the batch, and do the chores that
 * are due; not while it is `busy`.  The bus is kicked when it is through.
 */
void cdb_writer_work(struct cdb_writer_app *app);

/*
 * cdb_writer_look -- whether it takes too long: a server that is stopped keeps
 * the worker waiting and breaks nothing, and is not up all the same.
 */
void cdb_writer_look(struct cdb_writer_app *app);

/* cdb_writer_chores_init -- timers of what is due now and then. */
void cdb_writer_chores_init(struct cdb_writer_app *app);

void cdb_writer_chores_close(struct cdb_writer_app *app);

/*
 * cdb_writer_sample_moment -- the moment a sample was due; where the database
 * was away for longer than a window, the latest there has been.
 */
int64_t cdb_writer_sample_moment(const struct cdb_writer_app *app);

#endif
