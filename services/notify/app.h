/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app.h -- the notifier as a process: what its parts share.
 *
 * Thread   the loop's.
 */
#ifndef CDB_NOTIFY_APP_H
#define CDB_NOTIFY_APP_H

#include "services/common/intake.h"
#include "services/common/service.h"
#include "services/common/trade.h"
#include "sink.h"
#include "smx/hot.h"

#define CDB_NOTIFY_POSTED "notifications"	/* what Alertmanager posted */
#define CDB_NOTIFY_QUEUE  (4 * CDB_INTAKE_COUNT)
#define CDB_NOTIFY_LINE	  2048	/* bytes */
#define CDB_NOTIFY_POSTS  16	/* waiting for Redis */

struct cdb_notify_item {
	size_t which;		/* stream of the intake */
	char id[CDB_STREAM_ID_TEXT];
	struct cdb_alert alert;
};

struct cdb_notify_app;

struct cdb_notify_post {
	struct cdb_notify_app *app;
	struct httpd_request *req;	/* NULL: free */
	unsigned left;			/* answers of Redis to come */
};

struct cdb_notify_app {
	struct cdb_service service;
	struct cdb_intake intake;
	struct cdb_sink sink;
	struct cdb_keeper input;	/* watches only */
	struct cdb_keeper posted;
	struct smx_counter sent;
	struct smx_counter failed;
	uv_timer_t pause;
	struct cdb_notify_item *queue;		/* ring of CDB_NOTIFY_QUEUE */
	size_t head;
	size_t n;
	bool sending;
	bool stale;		/* what is being sent is not ours any more */
	bool reading;
	unsigned tries;
	char line[CDB_NOTIFY_LINE];
	size_t line_len;
	uint64_t n_sent;
	uint64_t n_failed;
	uint64_t n_posted;
	struct cdb_notify_post posts[CDB_NOTIFY_POSTS];
};

/* cdb_notify_entry -- an entry of the intake into the queue. */
void cdb_notify_entry(void *arg, size_t which, const struct cdb_entry *e);

/*
 * cdb_notify_deliver -- begin to send the first of the queue, unless one is
 * on its way, or waits for its next try.
 */
void cdb_notify_deliver(struct cdb_notify_app *app);

/* cdb_notify_deliver_init -- sink and timer; the sink's options are set. */
void cdb_notify_deliver_init(struct cdb_notify_app *app);

/* cdb_notify_web -- POST /webhook; for struct cdb_web. */
bool cdb_notify_web(void *arg, struct httpd_request *req);

/* cdb_notify_posts_end -- no answer comes any more: say so with 503. */
void cdb_notify_posts_end(struct cdb_notify_app *app, const char *text);

#endif
