/* SPDX-License-Identifier: Apache-2.0 */
#include "bus.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUS_MAGIC	0xb05u
#define BACKOFF_MIN_MS	50
#define BACKOFF_MAX_MS	1000

static void on_retry(uv_timer_t *timer);

static struct cdb_bus *
bus_from(void *p)
{
	struct cdb_bus *bus = p;

	assert(bus->magic == BUS_MAGIC);
	return bus;
}

const char *
cdb_bus_state_name(const struct cdb_bus *bus)
{
	static const char *const names[] = { "down", "connecting", "loading",
		"ready", "stopped" };

	return names[bus->state];
}

static void
lose_log(struct cdb_bus *bus, enum cdb_bus_state was, const char *why)
{
	bool lost = was != CDB_BUS_CONNECTING;
	uint64_t held_back = 0;

	if (!lost && !log_rate_pass(&bus->failing, uv_now(bus->loop),
		&held_back))
		return;
	log_warn(bus->log, lost ? "redis connection lost"
				: "redis cannot be reached",
	    LOG_STR("error", why), LOG_UINT("retry_ms", bus->backoff_ms),
	    LOG_UINT("held_back", held_back));
}

/* Close all links and try again after a pause that grows. */
static void
lose(struct cdb_bus *bus, const char *why)
{
	enum cdb_bus_state was = bus->state;
	char text[160];

	if (was == CDB_BUS_DOWN || was == CDB_BUS_STOPPED)
		return;
	/* `why` may lie in a reply that closing frees */
	snprintf(text, sizeof(text), "%s", why);
	bus->state = CDB_BUS_DOWN;
	bus->in_tx = bus->fence_pending = false;
	cdb_link_close(&bus->cmd);
	cdb_link_close(&bus->wake);
	cdb_link_close(&bus->ear);
	lose_log(bus, was, text);
	if (was == CDB_BUS_READY || was == CDB_BUS_LOADING)
		bus->ops->down(bus->arg);
	uv_timer_start(&bus->retry, on_retry, bus->backoff_ms, 0);
	bus->backoff_ms *= 2;
	if (bus->backoff_ms > BACKOFF_MAX_MS)
		bus->backoff_ms = BACKOFF_MAX_MS;
}

void
cdb_bus_drop(struct cdb_bus *bus, const char *why)
{
	lose(bus, why);
}

/* Whether `reply` is no error; else the connection has been dropped. */
static bool
usable(struct cdb_bus *bus, const redisReply *reply)
{
	if (reply->type != REDIS_REPLY_ERROR)
		return true;
	lose(bus, reply->str);
	return false;
}

/* [name, value]; an error when we may not ask. */
static void
on_appendfsync(void *arg, const redisReply *reply)
{
	struct cdb_bus *bus = bus_from(arg);

	if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
	    strcmp(reply->element[1]->str, "always") != 0)
		log_warn(bus->log, "redis may forget what it has answered: "
		    "set appendonly yes and appendfsync always",
		    LOG_STR("appendfsync", reply->element[1]->str));
}

/* I1: the number this connection has from now on. */
static void
on_epoch(void *arg, const redisReply *reply)
{
	struct cdb_bus *bus = bus_from(arg);

	if (!usable(bus, reply))
		return;
	bus->epoch = reply->integer;
	bus->state = CDB_BUS_LOADING;
	if (bus->connected_once)
		bus->stats.reconnects++;
	else
		cdb_link_sendf(&bus->cmd, 0, on_appendfsync, bus,
		    "CONFIG GET appendfsync");
	log_info(bus->log, bus->connected_once ? "redis connected again"
					       : "redis connected",
	    LOG_INT("epoch", bus->epoch));
	bus->connected_once = true;
	bus->ops->load(bus->arg);
}

static void
on_auth(void *arg, const redisReply *reply)
{
	usable(bus_from(arg), reply);
}

/* "signal-cmd", as CLIENT LIST shows it. */
static const char *
link_name(const struct cdb_bus *bus, const struct cdb_link *link)
{
	return link == &bus->cmd ? "cmd" : link == &bus->wake ? "wake" : "ear";
}

static void
link_up(struct cdb_link *link, void *arg)
{
	struct cdb_bus *bus = bus_from(arg);

	if (bus->password[0])
		cdb_link_sendf(link, 0, on_auth, bus, "AUTH %s %s",
		    bus->service, bus->password);
	cdb_link_sendf(link, 0, NULL, NULL, "CLIENT SETNAME %s-%s",
	    bus->service, link_name(bus, link));
	if (link == &bus->ear)
		cdb_link_listen(link, bus->channel, bus->heard,
		    bus->heard_arg);
	if (++bus->links_up < (bus->channel ? 3 : 2))
		return;
	cdb_link_sendf(&bus->cmd, 0, on_epoch, bus, "INCR epoch:%s",
	    bus->service);
}

static void
link_down(struct cdb_link *link, const char *why, void *arg)
{
	(void)link;
	lose(bus_from(arg), why);
}

static const struct cdb_link_ops link_ops = { link_up, link_down };

static void
connect_all(struct cdb_bus *bus)
{
	char why[128];

	bus->state = CDB_BUS_CONNECTING;
	bus->links_up = 0;
	if (cdb_link_open(&bus->cmd, bus->addr, why) < 0 ||
	    cdb_link_open(&bus->wake, bus->addr, why) < 0 ||
	    (bus->channel && cdb_link_open(&bus->ear, bus->addr, why) < 0))
		lose(bus, why);
}

static void
on_retry(uv_timer_t *timer)
{
	connect_all(bus_from(timer->data));
}

void
cdb_bus_init(struct cdb_bus *bus, uv_loop_t *loop, const char *service,
    const struct addr *addr, const char *password, const struct log *log,
    const struct cdb_bus_ops *ops, void *arg)
{
	memset(bus, 0, sizeof(*bus));
	bus->magic = BUS_MAGIC;
	bus->loop = loop;
	bus->service = service;
	bus->addr = addr;
	bus->password = password;
	bus->log = log;
	bus->ops = ops;
	bus->arg = arg;
	bus->backoff_ms = BACKOFF_MIN_MS;
	bus->failing = (struct log_rate){ .burst = 2, .period_ms = 10000 };
	cdb_link_init(&bus->cmd, loop, CDB_BUS_TIMEOUT_MS, &link_ops, bus);
	cdb_link_init(&bus->wake, loop, CDB_BUS_TIMEOUT_MS, &link_ops, bus);
	cdb_link_init(&bus->ear, loop, CDB_BUS_TIMEOUT_MS, &link_ops, bus);
	uv_timer_init(loop, &bus->retry);
	bus->retry.data = bus;
}

void
cdb_bus_listen(struct cdb_bus *bus, const char *channel,
    cdb_link_heard_fn *fn, void *arg)
{
	bus->channel = channel;
	bus->heard = fn;
	bus->heard_arg = arg;
}

void
cdb_bus_start(struct cdb_bus *bus)
{
	char text[300];

	addr_format(bus->addr, text, sizeof(text));
	log_info(bus->log, "connecting to redis", LOG_STR("address", text));
	connect_all(bus);
}

void
cdb_bus_stop(struct cdb_bus *bus)
{
	if (bus->state == CDB_BUS_STOPPED)
		return;
	bus->state = CDB_BUS_STOPPED;
	cdb_link_destroy(&bus->cmd);
	cdb_link_destroy(&bus->wake);
	cdb_link_destroy(&bus->ear);
	uv_close((uv_handle_t *)&bus->retry, NULL);
}

bool
cdb_bus_can_begin(const struct cdb_bus *bus)
{
	return bus->state == CDB_BUS_READY && !bus->in_tx &&
	    !bus->fence_pending;
}

void
cdb_bus_kick(struct cdb_bus *bus)
{
	if (cdb_bus_can_begin(bus))
		bus->ops->idle(bus->arg);
}

/* I1: what we watch is still ours, so the next transaction may go. */
static void
on_fence(void *arg, const redisReply *reply)
{
	struct cdb_bus *bus = bus_from(arg);

	if (!usable(bus, reply))
		return;
	if (reply->type != REDIS_REPLY_STRING ||
	    strtoll(reply->str, NULL, 10) != bus->epoch) {
		bus->stats.fenced++;
		lose(bus, "another instance of this service has taken over");
		return;
	}
	bus->fence_pending = false;
	bus->state = CDB_BUS_READY;
	cdb_bus_kick(bus);
}

static void
fence(struct cdb_bus *bus)
{
	bus->fence_pending = true;
	cdb_link_sendf(&bus->cmd, 0, NULL, NULL, "WATCH epoch:%s",
	    bus->service);
	cdb_link_sendf(&bus->cmd, 0, on_fence, bus, "GET epoch:%s",
	    bus->service);
}

void
cdb_bus_loaded(struct cdb_bus *bus)
{
	if (bus->state == CDB_BUS_LOADING)
		fence(bus);
}

void
cdb_bus_query(struct cdb_bus *bus, cdb_link_reply_fn *fn, void *arg,
    const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	cdb_link_vsendf(&bus->cmd, 0, fn, arg, format, ap);
	va_end(ap);
}

void
cdb_bus_begin(struct cdb_bus *bus)
{
	assert(cdb_bus_can_begin(bus));
	bus->in_tx = true;
	bus->tx_start_ns = uv_hrtime();
	cdb_link_sendf(&bus->cmd, 0, NULL, NULL, "MULTI");
}

void
cdb_bus_add(struct cdb_bus *bus, int argc, const char **argv,
    const size_t *lens)
{
	cdb_link_send(&bus->cmd, argc, argv, lens, 0, NULL, NULL);
}

void
cdb_bus_addf(struct cdb_bus *bus, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	cdb_link_vsendf(&bus->cmd, 0, NULL, NULL, format, ap);
	va_end(ap);
}

/* The first error among the replies of a transaction, NULL for none. */
static const redisReply *
error_in(const redisReply *reply)
{
	for (size_t i = 0; i < reply->elements; i++)
		if (reply->element[i]->type == REDIS_REPLY_ERROR)
			return reply->element[i];
	return NULL;
}

static void
on_exec(void *arg, const redisReply *reply)
{
	struct cdb_bus *bus = bus_from(arg);
	const redisReply *error;

	if (reply->type == REDIS_REPLY_ERROR) {
		bus->stats.refused++;	/* nothing of it was executed */
		lose(bus, reply->str);
		return;
	}
	if (reply->type != REDIS_REPLY_ARRAY) {
		bus->stats.fenced++;
		lose(bus, "another instance of this service has taken over");
		return;
	}
	error = error_in(reply);
	if (error) {
		bus->ops->fatal(bus->arg, error->str);	/* I3 */
		return;
	}
	bus->in_tx = false;
	/* not when connected: a Redis that takes connections and refuses
	 * every transaction is not to be asked twenty times a second */
	bus->backoff_ms = BACKOFF_MIN_MS;
	bus->stats.transactions++;
	bus->tx_ns = uv_hrtime() - bus->tx_start_ns;
	bus->tx_fn(bus->tx_arg, reply);
}

void
cdb_bus_commit(struct cdb_bus *bus, cdb_link_reply_fn *fn, void *arg)
{
	bus->tx_fn = fn;
	bus->tx_arg = arg;
	cdb_link_sendf(&bus->cmd, 0, on_exec, bus, "EXEC");
	/* the fence for the next one travels behind, at no wait of its own */
	fence(bus);
}
