/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app.h -- the feed as a process: what its parts share.
 *
 * Thread   the loop's.
 */
#ifndef CDB_FEED_APP_H
#define CDB_FEED_APP_H

#include "feed.h"
#include "metrics.h"
#include "pace.h"
#include "services/common/groups.h"
#include "services/common/service.h"

#define CDB_FEED_BATCH 512	/* ticks of one transaction */

struct cdb_feed_app {
	struct cdb_service service;
	struct cdb_feed feed;
	struct cdb_pace pace;
	struct cdb_feed_metrics metrics;
	struct cdb_keeper keeper;
	struct log_rate bad_rate;
	uv_timer_t due;		/* the next tick's time has come */
	uv_timer_t keeping;	/* the next round of the keeper */
	/* options */
	const char *paths[CDB_SOURCES_MAX];
	size_t n_paths;
	const char *symbol;
	int64_t rate;
	int64_t ticks;
	int64_t stream_limit;
	struct cdb_names groups;	/* of market_data, to be made */
	/* the transaction under way */
	size_t n_batch;
	uint64_t due_ns[CDB_FEED_BATCH];
	struct cdb_feed_counts sent;	/* totals with it */
	struct cdb_feed_counts acked;	/* totals without it */
	bool done_sent;
	bool done;		/* Redis knows that the replay is done */
	uint64_t published_ns;	/* uv_hrtime() of the last answer */
};

/*
 * cdb_feed_arguments -- read the command line.
 *
 * Returns -1 to go on, else the exit status of the process.
 */
int cdb_feed_arguments(struct cdb_feed_app *app, int argc, char **argv);

/*
 * cdb_feed_data -- open what is to be published.
 *
 * Everything that can be wrong with the files is found here, before anything
 * is published.  Returns as cdb_feed_arguments().
 */
int cdb_feed_data(struct cdb_feed_app *app);

/* cdb_feed_publish_init -- the timers and the keeper of the stream. */
void cdb_feed_publish_init(struct cdb_feed_app *app);

/* cdb_feed_publish_idle -- publish what is due; for the bus's `idle`. */
void cdb_feed_publish_idle(struct cdb_feed_app *app);

/* cdb_feed_publish_reset -- for the bus's `down`. */
void cdb_feed_publish_reset(struct cdb_feed_app *app);

/* cdb_feed_publish_close -- the handles close in the loop. */
void cdb_feed_publish_close(struct cdb_feed_app *app);

#endif
