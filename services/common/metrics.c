/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include <stdio.h>
#include <string.h>

static void
counters_register(struct cdb_metrics *m)
{
	struct smx_desc idle = { .name = "cdb_loop_idle_seconds_total",
		.help = "Time the event loop waited for something to do.",
		.unit = "seconds", .exponent = 9 };
	static const char *const kind[] = { "kind", NULL };
	struct smx_desc errors = { .name = "cdb_errors_total",
		.help = "Errors met and survived, by kind.",
		.label_names = kind };

	m->redis_reconnects = smx_counter("cdb_redis_reconnects_total",
	    "Connections to Redis after the first one.");
	m->parse_errors = smx_counter("cdb_parse_errors_total",
	    "Rows and messages that could not be understood.");
	m->clock_skew = smx_counter("cdb_clock_skew_total",
	    "Latencies dropped because two clocks made them negative.");
	smx_counter_register(&m->loop_idle, &idle, NULL);
	smx_counter_family(&m->errors, &errors, NULL);
}

static void
lag_register(struct cdb_metrics *m, const char *topic)
{
	struct smx_label labels[] = { { "topic", topic }, { NULL, NULL } };
	struct smx_desc lag = { .name = "cdb_bus_consumer_lag",
		.help = "Entries of the stream that its slowest consumer "
			"group has not finished: lag and pending.",
		.gauge_mode = SMX_MAX, .labels = labels };

	smx_gauge_register(&m->consumer_lag, &lag, NULL);
}

static struct smx_gauge
worst_gauge(const char *name, const char *help, int mode)
{
	struct smx_desc desc = { .name = name, .help = help,
		.gauge_mode = mode };
	struct smx_gauge g = { 0 };

	smx_gauge_register(&g, &desc, NULL);
	return g;
}

static void
gauges_register(struct cdb_metrics *m)
{
	m->heartbeat = worst_gauge("cdb_heartbeat_timestamp_seconds",
	    "When the service last said it is alive, once a second.",
	    SMX_MAX);
	m->health = worst_gauge("cdb_health_status",
	    "1 when /health answers 200, else 0.", SMX_MIN);
	m->redis_up = worst_gauge("cdb_redis_up",
	    "1 when Redis is connected and answers, else 0.", SMX_MIN);
	m->loop_handles = smx_gauge("cdb_loop_active_handles",
	    "Active handles of the event loop.");
	m->malloc_arena = smx_gauge("cdb_malloc_arena_bytes",
	    "Heap memory the allocator has from the kernel.");
	m->malloc_in_use = smx_gauge("cdb_malloc_in_use_bytes",
	    "Heap memory handed out to the program.");
	m->malloc_mmap = smx_gauge("cdb_malloc_mmap_bytes",
	    "Memory of large blocks that were mapped on their own.");
}

static void
histograms_register(struct cdb_metrics *m)
{
	static const char *const labels[] = { "route", "code", NULL };
	struct smx_desc http = { .name = "cdb_http_request_duration_seconds",
		.help = "Time to answer an HTTP request.",
		.unit = "seconds", .exponent = 9, .label_names = labels };

	m->bus_publish = smx_histogram_latency(
	    "cdb_bus_publish_duration_seconds",
	    "Time from sending a transaction to Redis to its answer.");
	m->loop_stall = smx_histogram_latency("cdb_event_loop_stall_seconds",
	    "Time the event loop was busy with callbacks in one turn.");
	m->hiccup = smx_histogram_latency("cdb_scheduler_hiccup_seconds",
	    "How much later than asked an idle thread was woken up.");
	smx_histogram_family(&m->http, &http, NULL);
}

/* A series that is there from the start shows its first increase. */
static void
errors_begin(struct cdb_metrics *m)
{
	static const char *const kinds[] = { "redis", "transaction",
		"sequence" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const char *values[] = { kinds[i] };

		if (m->errors.family)
			smx_add(smx_counter_with(m->errors, values), 0);
	}
}

int
cdb_metrics_open(struct cdb_metrics *m, const char *service,
    const char *topic, const struct log *log)
{
	struct smx_error error = { 0 };
	int err = smx_attach_error(service, NULL, &error);

	memset(m, 0, sizeof(*m));
	if (err < 0) {
		log_warn(log, "no segment: the service goes on without "
		    "metrics", LOG_STR("reason", error.msg), LOG_ERR(err));
		return err;
	}
	counters_register(m);
	gauges_register(m);
	lag_register(m, topic);
	histograms_register(m);
	errors_begin(m);
	return 0;
}

void
cdb_metrics_error(struct cdb_metrics *m, const char *kind)
{
	const char *values[] = { kind };

	if (m->errors.family)
		smx_inc(smx_counter_with(m->errors, values));
}

void
cdb_metrics_http(struct cdb_metrics *m, const char *route, unsigned code,
    uint64_t ns)
{
	char text[8];
	const char *values[] = { route, text };

	snprintf(text, sizeof(text), "%u", code % 1000);
	if (m->http.family)
		smx_observe(smx_histogram_with(m->http, values), ns);
}

/* Whether it is one; else it is counted, or was no stamp. */
static bool
is_span(struct cdb_metrics *m, int64_t from_us, int64_t to_us)
{
	if (from_us != 0 && to_us < from_us)
		smx_inc(m->clock_skew);
	return from_us != 0 && to_us >= from_us;
}

void
cdb_metrics_span(struct cdb_metrics *m, struct smx_histogram h,
    int64_t from_us, int64_t to_us)
{
	if (is_span(m, from_us, to_us))
		smx_observe(h, (uint64_t)(to_us - from_us) * 1000);
}

void
cdb_metrics_order_span(struct cdb_metrics *m, struct smx_histogram h,
    int64_t from_us, int64_t to_us, const char *order_id)
{
	if (is_span(m, from_us, to_us))
		smx_observe_exemplar(h, (uint64_t)(to_us - from_us) * 1000,
		    "order_id", order_id);
}

struct smx_counter
cdb_counter_labelled(const char *name, const char *help, const char *label,
    const char *value)
{
	struct smx_label labels[] = { { label, value }, { NULL, NULL } };
	struct smx_desc desc = { .name = name, .help = help,
		.labels = labels };
	struct smx_counter c = { 0 };

	smx_counter_register(&c, &desc, NULL);
	return c;
}
