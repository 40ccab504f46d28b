/* SPDX-License-Identifier: Apache-2.0 */
#include "service.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "event_id.h"
#include "trade.h"

#define SLOW_S	    5		/* period of the slow figures */
#define ANSWER_MS   1000	/* patience for a last answer when stopping */
#define EXIT_MS	    1700	/* then the process ends in any case */

static void
close_all(struct cdb_service *s)
{
	if (s->closed)
		return;
	s->closed = true;
	s->ops->close(s->arg);
	cdb_bus_stop(&s->bus);
	cdb_web_close(&s->web);
	cdb_probe_stop(&s->probe);
	uv_close((uv_handle_t *)&s->on_term, NULL);
	uv_close((uv_handle_t *)&s->on_int, NULL);
	uv_close((uv_handle_t *)&s->second, NULL);
}

static void
on_exit_time(uv_timer_t *timer)
{
	struct cdb_service *s = timer->data;

	log_warn(&s->log, "stopped with work left undone");
	exit(s->exit_status);
}

static void
on_answer_time(uv_timer_t *timer)
{
	struct cdb_service *s = timer->data;

	log_warn(&s->log, "redis does not answer: stopping without it");
	close_all(s);
	uv_timer_start(&s->patience, on_exit_time, EXIT_MS - ANSWER_MS, 0);
}

static void
stop(struct cdb_service *s)
{
	if (s->stopping)
		return;
	s->stopping = true;
	/* the timers must not keep the loop alive, only end it in time */
	uv_unref((uv_handle_t *)&s->patience);
	if (s->bus.in_tx) {
		uv_timer_start(&s->patience, on_answer_time, ANSWER_MS, 0);
		return;
	}
	close_all(s);
	uv_timer_start(&s->patience, on_exit_time, EXIT_MS, 0);
}

static void
on_signal(uv_signal_t *handle, int signum)
{
	struct cdb_service *s = handle->data;

	log_info(&s->log, "stopping", LOG_INT("signal", signum));
	stop(s);
}

void
cdb_service_fail(struct cdb_service *s, const char *why)
{
	log_error(&s->log, "cannot go on", LOG_STR("error", why));
	s->exit_status = 1;
	stop(s);
}

static void
bus_load(void *arg)
{
	struct cdb_service *s = arg;

	s->ops->load(s->arg);
}

static void
bus_idle(void *arg)
{
	struct cdb_service *s = arg;

	if (s->bus.stats.transactions != s->transactions_seen) {
		s->transactions_seen = s->bus.stats.transactions;
		smx_observe(s->m.bus_publish, s->bus.tx_ns);
	}
	if (!s->stopping) {
		smx_set(s->m.redis_up, 1);
		s->ops->idle(s->arg);
	} else {
		close_all(s);
	}
}

static void
bus_down(void *arg)
{
	struct cdb_service *s = arg;

	cdb_metrics_error(&s->m, "redis");
	smx_set(s->m.redis_up, 0);
	smx_set(s->m.health, 0);
	s->ops->down(s->arg);
	if (s->stopping)
		close_all(s);
}

static void
bus_fatal(void *arg, const char *why)
{
	struct cdb_service *s = arg;

	cdb_metrics_error(&s->m, "transaction");
	s->bus.in_tx = false;	/* its answer is what we look at */
	cdb_service_fail(s, why);
}

static const struct cdb_bus_ops bus_ops = { bus_load, bus_idle, bus_down,
	bus_fatal };

static bool
healthy(void *arg, const char **why)
{
	struct cdb_service *s = arg;

	*why = s->stopping ? "stopping" : "redis is not connected";
	return s->bus.state == CDB_BUS_READY && !s->stopping &&
	    (!s->healthy || s->healthy(s->arg, why));
}

static void
time_put(json_t *out, const char *key, int64_t us)
{
	time_t t = (time_t)(us / 1000000);
	struct tm tm;
	char text[32];

	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	json_object_set_new(out, key, json_string(text));
}

static void
status(void *arg, json_t *out)
{
	struct cdb_service *s = arg;
	const char *why;
	char redis[300];

	addr_format(&s->opt.redis, redis, sizeof(redis));
	time_put(out, "started_at", s->started_us);
	json_object_set_new(out, "healthy", json_boolean(healthy(s, &why)));
	json_object_set_new(out, "profile",
	    json_string(cdb_profile_name(s->opt.profile)));
	json_object_set_new(out, "seed",
	    json_integer((json_int_t)s->opt.seed));
	json_object_set_new(out, "metrics", json_boolean(smx_attached()));
	json_object_set_new(out, "redis",
	    json_pack("{s:s, s:s, s:I, s:I, s:I}", "address", redis, "state",
		cdb_bus_state_name(&s->bus), "reconnects",
		(json_int_t)s->bus.stats.reconnects, "transactions",
		(json_int_t)s->bus.stats.transactions, "fenced",
		(json_int_t)s->bus.stats.fenced));
	s->ops->status(s->arg, out);
}

/* What the table health_checks keeps.  Beside the transactions: nothing is
 * decided by it, and one that is lost is followed by the next. */
static void
health_tell(struct cdb_service *s, const char *why, bool ok)
{
	int64_t now_us = cdb_wall_us();
	char cause[64];
	char id[CDB_EVENT_ID_TEXT];
	json_t *o;
	char *text;

	if (s->bus.state != CDB_BUS_READY)
		return;
	snprintf(cause, sizeof(cause), "%s:%lld", s->name,
	    (long long)now_us);
	cdb_event_id(s->opt.seed, "health", cause, id);
	o = json_pack("{s:s, s:s, s:s, s:I, s:f, s:s*}", "event_id", id,
	    "service", s->name, "status", ok ? "ok" : "unhealthy",
	    "timestamp_ms", (json_int_t)(now_us / 1000), "latency_ms",
	    (double)s->bus.tx_ns / 1e6, "detail", ok ? NULL : why);
	text = o ? json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(9))
		 : NULL;
	json_decref(o);
	if (text)
		cdb_bus_query(&s->bus, NULL, NULL, "XADD " CDB_TOPIC_HEALTH
		    " * " CDB_FIELD_DATA " %s", text);
	free(text);
}

static void
on_second(uv_timer_t *timer)
{
	struct cdb_service *s = timer->data;
	const char *why;
	uint64_t reconnects = s->bus.stats.reconnects;

	smx_set(s->m.heartbeat, (double)cdb_wall_us() / 1e6);
	smx_set(s->m.redis_up, s->bus.state == CDB_BUS_READY);
	smx_set(s->m.health, healthy(s, &why));
	smx_add(s->m.redis_reconnects, reconnects - s->reconnects_seen);
	s->reconnects_seen = reconnects;
	if (s->seconds++ % SLOW_S == 0) {
		bool ok = healthy(s, &why);

		health_tell(s, why, ok);
		cdb_probe_slow(&s->probe);
	}
	s->ops->second(s->arg);
}

int
cdb_service_init(struct cdb_service *s)
{
	/* a reader of ours that goes away is an error, not the end */
	signal(SIGPIPE, SIG_IGN);
	s->log = (struct log){ .fd = 2, .min = s->opt.log_level,
		.service = s->name };
	s->loop = uv_default_loop();
	if (!s->loop)
		return -ENOMEM;
	s->started_us = cdb_wall_us();
	return uv_loop_configure(s->loop, UV_METRICS_IDLE_TIME);
}

static void
handles_start(struct cdb_service *s)
{
	uv_signal_init(s->loop, &s->on_term);
	uv_signal_init(s->loop, &s->on_int);
	uv_timer_init(s->loop, &s->second);
	uv_timer_init(s->loop, &s->patience);
	s->on_term.data = s->on_int.data = s;
	s->second.data = s->patience.data = s;
	uv_signal_start(&s->on_term, on_signal, SIGTERM);
	uv_signal_start(&s->on_int, on_signal, SIGINT);
	uv_timer_start(&s->second, on_second, 0, 1000);
}

static int
listen_open(struct cdb_service *s)
{
	struct httpd_error error = { "" };
	int err;

	s->web.service = s->name;
	s->web.collector_url = s->opt.collector_url;
	s->web.metrics = &s->m;
	s->web.healthy = healthy;
	s->web.status = status;
	s->web.arg = s;
	err = cdb_web_open(&s->web, s->loop, s->opt.listen, &error);
	if (err < 0)
		log_error(&s->log, "cannot listen",
		    LOG_STR("reason", error.msg), LOG_ERR(err));
	return err;
}

int
cdb_service_run(struct cdb_service *s)
{
	if (listen_open(s) < 0)
		return 1;
	if (s->opt.metrics &&
	    cdb_metrics_open(&s->m, s->name, s->topic, &s->log) == 0)
		s->ops->metrics(s->arg);
	log_info(&s->log, "started", LOG_STR("listen", s->opt.listen),
	    LOG_STR("profile", cdb_profile_name(s->opt.profile)),
	    LOG_UINT("seed", s->opt.seed), LOG_BOOL("metrics",
		smx_attached()));
	handles_start(s);
	cdb_probe_start(&s->probe, s->loop, &s->m);
	cdb_bus_init(&s->bus, s->loop, s->name, &s->opt.redis,
	    s->opt.password, &s->log, &bus_ops, s);
	if (s->channel)
		cdb_bus_listen(&s->bus, s->channel, s->heard, s->arg);
	cdb_bus_start(&s->bus);
	uv_run(s->loop, UV_RUN_DEFAULT);
	log_info(&s->log, "stopped", LOG_INT("status", s->exit_status));
	return s->exit_status;
}
