/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service.h -- what all services share: loop, bus, HTTP, metrics, signals.
 *
 * A service fills in the fields that are its own and calls
 * cdb_service_run(), which returns the exit status of the process.
 *
 * SIGTERM and SIGINT end it with 0 within two seconds, whatever Redis does:
 * a transaction under way is given one second for its answer.
 *
 * Thread   one loop, one thread.
 */
#ifndef CDB_SERVICE_H
#define CDB_SERVICE_H

#include <jansson.h>
#include <stdbool.h>
#include <uv.h>

#include "bus.h"
#include "metrics.h"
#include "options.h"
#include "probe.h"
#include "web.h"

struct cdb_service_ops {
	/* Register the service's own metrics; called once, when attached. */
	void (*metrics)(void *arg);
	/* As in bus.h.  `idle` is not called any more when stopping. */
	void (*load)(void *arg);
	void (*idle)(void *arg);
	void (*down)(void *arg);
	/* Once a second. */
	void (*second)(void *arg);
	/* Add to /status. */
	void (*status)(void *arg, json_t *out);
	/* Close own handles: the loop is about to end. */
	void (*close)(void *arg);
};

struct cdb_service {
	/* set by the service */
	const char *name;		/* "feed" */
	const char *topic;		/* stream whose backlog is watched */
	struct cdb_options opt;
	const struct cdb_service_ops *ops;
	void *arg;
	/* The channel it listens to (cdb_bus_listen()); may be NULL. */
	const char *channel;
	void (*heard)(void *arg, const char *text);
	/* Whether it is well beyond the bus; *why is a literal when it is
	 * not.  May be NULL. */
	bool (*healthy)(void *arg, const char **why);
	/* for the service's use; `loop` is set by cdb_service_init() */
	uv_loop_t *loop;
	struct log log;
	struct cdb_bus bus;
	struct cdb_metrics m;
	/* its own */
	struct cdb_probe probe;
	struct cdb_web web;
	uv_signal_t on_term;
	uv_signal_t on_int;
	uv_timer_t second;
	uv_timer_t patience;
	unsigned seconds;
	uint64_t reconnects_seen;
	uint64_t transactions_seen;
	int64_t started_us;
	int exit_status;
	bool stopping;
	bool closed;
};

/*
 * cdb_service_init -- the log and the loop, so that parts can be made.
 *
 * name, opt are set.  Errors  -errno of the loop.
 */
int cdb_service_init(struct cdb_service *service);

/* cdb_service_run -- until a signal or a fatal error; the exit status. */
int cdb_service_run(struct cdb_service *service);

/* cdb_service_fail -- end with status 1, and say why. */
void cdb_service_fail(struct cdb_service *service, const char *why);

#endif
