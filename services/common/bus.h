/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus.h -- a service's place on the bus: connections, fence, transactions.
 *
 * Two links: `cmd` for everything that changes something, `wake` for reads
 * that block; and `ear` for a channel, if the service listens to one.  If one
 * fails all are closed, and after a pause all are opened again; the service
 * then forgets its memory and loads its state.
 *
 * I1  Fence.  A connection takes the service over by INCR epoch:<service>,
 *     before it loads anything.  Each transaction is sent only after WATCH on
 *     that key and a GET that still shows our number.  So a transaction that
 *     an earlier life left in a socket (a Redis that was stopped reads it
 *     hours later) finds the key changed and is not executed: what was loaded
 *     stays true until we change it.
 * I2  Output, place and state of one step go through one transaction, and
 *     only one is under way at a time.
 * I3  MULTI does not roll back, so an error inside EXEC is fatal.
 *
 * Thread   the loop's.
 */
#ifndef CDB_BUS_H
#define CDB_BUS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "link.h"
#include "runtime/log.h"

#define CDB_BUS_TIMEOUT_MS 5000	/* connecting, and the wait for a reply */

enum cdb_bus_state {
	CDB_BUS_DOWN,		/* waiting to connect again */
	CDB_BUS_CONNECTING,
	CDB_BUS_LOADING,	/* ours by epoch; the service loads */
	CDB_BUS_READY,
	CDB_BUS_STOPPED,
};

struct cdb_bus;

struct cdb_bus_ops {
	/* Load the state by cdb_bus_query(), then call cdb_bus_loaded(). */
	void (*load)(void *arg);
	/* A transaction may be sent now.  Called each time that is so. */
	void (*idle)(void *arg);
	/* The connection is gone: forget what was in flight. */
	void (*down)(void *arg);
	/* The service cannot go on; it should end with an error. */
	void (*fatal)(void *arg, const char *why);
};

struct cdb_bus_stats {
	uint64_t reconnects;	/* connections after the first */
	uint64_t transactions;	/* answered */
	uint64_t fenced;	/* taken over by another instance */
	uint64_t refused;	/* transactions that Redis would not queue */
};

struct cdb_bus {
	unsigned magic;
	uv_loop_t *loop;
	const char *service;	/* borrowed, like addr, log, ops, arg */
	const struct addr *addr;
	const char *password;	/* borrowed; empty: do not log in */
	const struct log *log;
	const struct cdb_bus_ops *ops;
	void *arg;
	enum cdb_bus_state state;
	struct cdb_link cmd;
	struct cdb_link wake;
	struct cdb_link ear;
	const char *channel;	/* borrowed; NULL: listens to none */
	cdb_link_heard_fn *heard;
	void *heard_arg;
	unsigned links_up;
	uv_timer_t retry;
	unsigned backoff_ms;
	struct log_rate failing;	/* lines about failed attempts */
	int64_t epoch;
	bool connected_once;
	bool in_tx;		/* between begin and the answer */
	bool fence_pending;	/* GET epoch not answered yet */
	uint64_t tx_start_ns;
	uint64_t tx_ns;		/* how long the last one took */
	cdb_link_reply_fn *tx_fn;
	void *tx_arg;
	struct cdb_bus_stats stats;
};

/* cdb_bus_init -- prepare; nothing is connected yet. */
void cdb_bus_init(struct cdb_bus *bus, uv_loop_t *loop, const char *service,
    const struct addr *addr, const char *password, const struct log *log,
    const struct cdb_bus_ops *ops, void *arg);

/*
 * cdb_bus_listen -- hear what is published on a channel (borrowed) while
 * connected.
 *
 * Call it before the start.  fn may be called in any state of the bus; what
 * was published while the connection was away is lost.
 */
void cdb_bus_listen(struct cdb_bus *bus, const char *channel,
    cdb_link_heard_fn *fn, void *arg);

/* cdb_bus_start -- connect, and again whenever the connection is lost. */
void cdb_bus_start(struct cdb_bus *bus);

/* cdb_bus_stop -- close everything; its handles close in the loop. */
void cdb_bus_stop(struct cdb_bus *bus);

/* cdb_bus_loaded -- the service has its state: `idle` follows. */
void cdb_bus_loaded(struct cdb_bus *bus);

/* cdb_bus_drop -- give this connection up, say why, connect again. */
void cdb_bus_drop(struct cdb_bus *bus, const char *why);

/* cdb_bus_query -- a command outside of transactions, on `cmd`. */
void cdb_bus_query(struct cdb_bus *bus, cdb_link_reply_fn *fn, void *arg,
    const char *format, ...);

/*
 * cdb_bus_begin, _add, _addf, _commit -- one transaction.
 *
 * Begin only when `idle` was called, or cdb_bus_can_begin() says so; begin to
 * commit without returning to the loop.  fn gets the array that EXEC
 * returned, with no error in it, and then `idle` comes.  If the connection is lost fn is never called: whether
 * Redis executed it shows when the state is loaded again.
 */
bool cdb_bus_can_begin(const struct cdb_bus *bus);
void cdb_bus_begin(struct cdb_bus *bus);
void cdb_bus_add(struct cdb_bus *bus, int argc, const char **argv,
    const size_t *lens);
void cdb_bus_addf(struct cdb_bus *bus, const char *format, ...);
void cdb_bus_commit(struct cdb_bus *bus, cdb_link_reply_fn *fn, void *arg);

/* cdb_bus_kick -- call `idle` if a transaction may be sent. */
void cdb_bus_kick(struct cdb_bus *bus);

/* cdb_bus_state_name -- "ready", "loading", ... */
const char *cdb_bus_state_name(const struct cdb_bus *bus);

#endif
