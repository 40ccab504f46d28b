/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.h -- the metrics that every service has.
 *
 * Without a segment (--no-metrics, or attaching failed) all handles write
 * into a sink, and the service goes on.
 *
 * Thread   registering: the loop's, at start.
 */
#ifndef CDB_METRICS_H
#define CDB_METRICS_H

#include <stdint.h>

#include "runtime/log.h"
#include "smx/hot.h"
#include "smx/writer.h"

struct cdb_metrics {
	struct smx_counter redis_reconnects;
	struct smx_counter parse_errors;
	struct smx_counter clock_skew;
	struct smx_counter loop_idle;		/* nanoseconds */
	struct smx_gauge heartbeat;
	struct smx_gauge health;
	struct smx_gauge redis_up;
	struct smx_gauge loop_handles;
	struct smx_gauge malloc_arena;
	struct smx_gauge malloc_in_use;
	struct smx_gauge malloc_mmap;
	struct smx_gauge consumer_lag;		/* {topic}, one per service */
	struct smx_histogram bus_publish;
	struct smx_histogram loop_stall;
	struct smx_histogram hiccup;
	struct smx_histogram_family http;	/* {route, code} */
	struct smx_counter_family errors;	/* {kind} */
};

/*
 * cdb_metrics_open -- attach as `service` and register the common metrics.
 *
 * `topic` is the stream whose backlog the service watches.
 * Returns 0 or what smx_attach() said, which has been logged.
 */
int cdb_metrics_open(struct cdb_metrics *m, const char *service,
    const char *topic, const struct log *log);

/* cdb_metrics_error -- one more error of this kind (a word of ours). */
void cdb_metrics_error(struct cdb_metrics *m, const char *kind);

/* cdb_metrics_http -- one answered request. */
void cdb_metrics_http(struct cdb_metrics *m, const char *route, unsigned code,
    uint64_t ns);

/*
 * cdb_metrics_span -- observe to_us - from_us of the wall clock.
 *
 * Both stamps may come from different processes: a negative difference is
 * counted as clock skew and reaches no histogram.  from_us 0 is no stamp.
 */
void cdb_metrics_span(struct cdb_metrics *m, struct smx_histogram h,
    int64_t from_us, int64_t to_us);

/* cdb_metrics_order_span -- the same of one order, which may become the
 * exemplar of its bucket. */
void cdb_metrics_order_span(struct cdb_metrics *m, struct smx_histogram h,
    int64_t from_us, int64_t to_us, const char *order_id);

/*
 * cdb_counter_labelled -- a counter with one fixed label; refusals are left
 * to the library's own count.
 */
struct smx_counter cdb_counter_labelled(const char *name, const char *help,
    const char *label, const char *value);

#endif
