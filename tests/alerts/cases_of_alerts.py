# SPDX-License-Identifier: Apache-2.0
"""What each alert is shown, and when it must fire: a scrape every 15 s from
0 on, in promtool's notation.

A case is (kind, series, {time: fires}); time is in seconds.  Kinds: `fires`,
`threshold` (just there, and silent), `reset` (a counter starts anew), `scrape`
(what scrapes of 15 s and more look like), `other` (silent for a reason).
"""
H = 240                         # scrapes in an hour


def flat(value, scrapes=5 * H):
    return f"{value}x{scrapes}"


def step(before, n, after, scrapes=5 * H):
    """`before` for n scrapes, then `after`."""
    return f"{before}x{n - 1} {after}x{scrapes}"


def gauge(metric, at, over, hold=0, labels='service="risk"', calm=0):
    """A gauge at its threshold for long is silent, over it fires after hold
    seconds; when it comes back too early, not."""
    series = f"{metric}{{{labels}}}"
    fires = {30 + hold: True}
    if hold:
        fires[15 + hold] = False
    return [
        ("fires", {series: step(calm, 2, over)}, {15: False, **fires}),
        ("threshold", {series: flat(at)}, {0: False, 1200: False}),
        ("other", {series: flat(calm)}, {0: False, 1200: False}),
    ]


def counter(metric, labels):
    """A counter that must not move: in five minutes, and after a restart."""
    series = f"{metric}{{{labels}}}"
    return [
        ("fires", {series: step("3", 4, "4")},
         {45: False, 60: True, 330: True, 375: False}),
        ("threshold", {series: flat(7)}, {0: False, 3600: False}),
        ("reset", {series: step("9", 20, "0")}, {300: False, 3600: False}),
        ("reset", {series: "0x20 5x20 0x5 2x200"},
         {315: True, 690: False, 720: True, 1500: False}),
    ]


def hop(fast, slow, hold, limit):
    """Of 100 orders each scrape, `fast` are below the limit in the bucket
    that ends there, the others just above it."""
    below = {"0.3": "0.2", "1.0": "0.5"}[limit]
    above = {"0.3": "0.5", "1.0": "2.5"}[limit]

    def buckets(quick, start=0):
        name = 'cdb_tick_to_trade_seconds_bucket{service="execution",le="%s"}'
        return {name % below: flat("0"),
                name % limit: f"{start}+{quick}x600",
                name % above: f"{start}+100x600",
                name % "+Inf": f"{start}+100x600"}

    return [
        ("fires", buckets(slow), {hold: False, 15 + hold: True}),
        ("threshold", buckets(fast), {15 + hold: False, 3600: False}),
        ("reset", {k: v if v.startswith("0x") else
                   v.replace("x600", "x50 ") + v.replace("x600", "x300")
                   for k, v in buckets(96).items()},
         {600: False, 750: False, 780: False, 3000: False}),
        ("other", {k: v if v.startswith("0x") else flat("100")
                   for k, v in buckets(96).items()}, {3600: False}),
    ]


def ratio(bad, good, over, at, hold, extra=None):
    """Counters that grow by (bad, good) each scrape; None: is not there."""
    def grow(pair, start=0):
        found = dict(extra or {})
        for series, n in zip((bad, good), pair):
            if n is not None:
                found[series] = f"{start}+{n}x600"
        return found

    def again(pair):
        return {k: v if v.startswith("0x") else
                v.replace("x600", "x50 ") + v.replace("x600", "x300")
                for k, v in grow(pair, 100).items()}

    return [
        ("fires", grow(over), {hold: False, 15 + hold: True}),
        ("threshold", grow(at), {15 + hold: False, 3600: False}),
        ("reset", again(at), {750: False, 780: False, 1500: False}),
        ("reset", again(over), {750: True, 780: True}),
        ("other", grow((0, 0)), {3600: False}),
        ("other", grow((0, at[1])), {3600: False}),
    ]


UP = 'up{job="%s",instance="a:1"}'
LIVE = 'smx_service_live_processes{job="smx_collector",service="feed"}'
BEAT = 'cdb_heartbeat_timestamp_seconds{job="smx_collector",service="feed"}'
TICKS = 'cdb_ticks_total{service="signal"}'
SIGNALS = 'signals_generated_total{service="signal",symbol="BTCUSDT"}'
ORDERS = 'execution_orders_received_total{service="execution"}'
START = 'process_start_time_seconds{job="smx_collector",service="feed"}'
CPU = 'process_cpu_seconds_total{service="risk"}'
RSS = 'process_resident_memory_bytes{service="risk"}'
LIMIT = 'process_memory_limit_bytes{service="risk"}'
STALL = 'cdb_event_loop_stall_seconds_bucket{service="risk",le="%s"}'
SLOW = 'scrape_duration_seconds{job="cdb_risk",instance="a:1"}'


def stalls(quick, all_of_them):
    return {STALL % "0.005": flat(0), STALL % "0.01": f"0+{quick}x600",
            STALL % "0.025": f"0+{all_of_them}x600",
            STALL % "+Inf": f"0+{all_of_them}x600"}


# (alert, severity): (labels beside them, cases)
CASES = {
    ("ServiceDown", "critical"): ({"service": "feed"}, [
        ("fires", {LIVE: "1 0x40"}, {60: False, 75: True}),
        ("fires", {UP % "cdb_feed": "1 0x40"}, {60: False, 75: True}),
        ("fires", {UP % "cdb_feed": "1 0x40", LIVE: "1x41"},
         {60: False, 75: True}),
        ("fires", {LIVE: "2x3 0x9"}, {105: False, 120: True}),
        ("threshold", {LIVE: "1x240", UP % "cdb_feed": "1x240"},
         {3600: False}),
        ("other", {LIVE: "1 0x3 1x40"}, {60: False, 75: False, 600: False}),
        ("other", {LIVE: "2x100"}, {600: False}),
        ("scrape", {LIVE: "1 _ _ 1 _ _ 1x40"}, {90: False, 600: False}),
    ]),
    ("HeartbeatStale", "critical"): ({"service": "feed"}, [
        ("fires", {BEAT: "0 9.5x9"}, {0: False, 15: True, 60: True}),
        ("threshold", {BEAT: "0 10 25 40 55 70"},
         {15: False, 30: False, 75: False}),
        ("scrape", {BEAT: "0+15x40"}, {600: False}),
        # once a minute: 45 s old when the rule looks, and yet alive
        ("scrape", {BEAT: "0 _ _ _ 60 _ _ _ 120 _ _ _"},
         {45: False, 105: False, 165: False}),
        ("other", {BEAT: "0 stale _ _ _"}, {60: False}),
    ]),
    ("CircuitBreakerActive", "critical"): ({"service": "risk"},
        gauge("circuit_breaker_active", 0, 1)),
    ("DrawdownOver5pct", "critical"): ({"service": "risk"},
        gauge("cdb_daily_drawdown_ratio", 0.05, 0.051)),
    ("RedisDown", "critical"): ({"service": "risk"},
        gauge("cdb_redis_up", 1, 0, 30, calm=1)),
    ("PostgresDown", "critical"): ({"service": "writer"},
        gauge("cdb_postgres_up", 1, 0, 30, 'service="writer"', calm=1)),
    ("OrderConservationBroken", "critical"): ({"service": "execution"},
        gauge("cdb_order_conservation_difference", 0, -1, 120,
              'service="execution"') +
        gauge("cdb_order_conservation_difference", 0, 1, 120,
              'service="execution"')),
    ("StaleMarketData", "high"): ({"service": "feed"},
        gauge("cdb_data_staleness_seconds", 30, 30.5, 0, 'service="feed"')),
    ("TickToTradeSlow", "high"): ({"service": "execution"},
        hop(95, 94, 60, "0.3")),
    ("TickToTradeSlow", "critical"): ({"service": "execution"},
        hop(95, 94, 60, "1.0")),
    ("RejectRate", "high"): ({"service": "execution"}, ratio(
        'execution_orders_rejected_total{service="execution"}',
        'execution_orders_filled_total{service="execution"}',
        (11, 89), (1.5, 13.5), 300)),
    ("ErrorRate", "high"): ({"service": "risk"}, ratio(
        'cdb_errors_total{service="risk",kind="redis"}',
        'cdb_bus_publish_duration_seconds_count{service="risk"}',
        (11, 200), (10, 200), 300,
        {'cdb_parse_errors_total{service="risk"}': "0x600"}) + ratio(
        'cdb_parse_errors_total{service="risk"}',
        'cdb_bus_publish_duration_seconds_count{service="risk"}',
        (1, 0), (0, 0), 300,
        {'cdb_errors_total{service="risk",kind="redis"}': "0x600"})),
    ("QueueBacklog", "high"): ({"service": "risk", "topic": "signals"},
        gauge("cdb_bus_consumer_lag", 100, 101, 300,
              'service="risk",topic="signals"') + [
        ("other", {'cdb_bus_consumer_lag{service="risk",topic="signals"}':
                   "0x4 500x19 100 500x19 0x40"},
         {375: False, 660: False, 900: False})]),
    ("QueueBacklog", "critical"): ({"service": "risk", "topic": "signals"},
        gauge("cdb_bus_consumer_lag", 1000, 1001, 600,
              'service="risk",topic="signals"')),
    ("FeedGaps", "high"): ({"service": "feed"},
        counter("cdb_feed_gaps_total", 'service="feed"')),
    ("DbWriteFailures", "high"): ({"service": "writer", "channel": "orders"},
        counter("db_writer_events_failed_total",
                'service="writer",channel="orders"')),
    ("ExposureOver45pct", "warning"): ({"service": "risk"},
        gauge("cdb_total_exposure_ratio", 0.45, 0.46, 60)),
    ("CpuHigh", "warning"): ({"service": "risk"}, [
        ("fires", {CPU: "0+12.1x600"}, {645: False, 660: True}),
        ("threshold", {CPU: "0+12x600"}, {660: False, 7200: False}),
        ("reset", {CPU: "900+12x40 0+12x600"}, {615: False, 1230: False}),
        ("other", {CPU: "0+15x30 450+0x10 450+15x30"},
         {600: False, 900: False}),
    ]),
    ("MemoryHigh", "warning"): ({"service": "risk"}, [
        ("fires", {RSS: flat(860), LIMIT: flat(1000)},
         {285: False, 300: True}),
        ("threshold", {RSS: flat(850), LIMIT: flat(1000)}, {3600: False}),
        ("other", {RSS: flat(860)}, {3600: False}),
    ]),
    ("LoopStall", "warning"): ({"service": "risk"}, [
        ("fires", stalls(989, 1000), {300: False, 315: True}),
        ("threshold", stalls(990, 1000), {315: False, 3600: False}),
        ("reset", {k: v if v.startswith("0x") else
                   v.replace("x600", "x50 ") + v
                   for k, v in stalls(990, 1000).items()}, {1200: False}),
        ("other", stalls(0, 0), {3600: False}),
    ]),
    ("NoSignalsWithTicks", "warning"): ({"service": "signal"}, [
        ("fires", {TICKS: "0+15x600"}, {1800: False, 1815: True}),
        ("fires", {TICKS: "0+15x600", SIGNALS: flat(4)},
         {1800: False, 1815: True}),
        ("threshold", {TICKS: "0+15x600", SIGNALS:
                       "4x100 5x100 6x100 7x100 8x100"},
         {3600: False, 7200: False}),
        ("reset", {TICKS: "0+15x100 0+15x500", SIGNALS: "90x50 0x30 1x100"},
         {1815: False}),
        ("other", {TICKS: flat(9000)}, {3600: False, 7200: False}),
    ]),
    ("ThroughputDrop", "warning"): ({"service": "signal"}, [
        # under the half from 7500 on; after 40 steps the mean of the hour
        # has come down to twice 200
        ("fires", {TICKS: "0+440x480 211399+199x60"},
         {7200: False, 7785: False, 7800: True}),
        ("threshold", {TICKS: "0+440x480 211400+200x60"},
         {7785: False, 7800: False}),
        ("threshold", {TICKS: "0+1000x240"}, {3600: False}),
        ("reset", {TICKS: "0+1000x200 0+1000x300"}, {3300: False, 7200: False}),
        ("other", {ORDERS: "0+0.5x480 240+0x60"}, {7800: False}),
    ]),
    ("ScrapeSlow", "warning"): ({"job": "cdb_risk"}, [
        ("fires", {SLOW: step(0.01, 2, 0.11)}, {315: False, 330: True}),
        ("threshold", {SLOW: flat(0.1)}, {3600: False}),
        ("other", {SLOW.replace("cdb_risk", "prometheus"): flat(3)},
         {3600: False}),
    ]),
    ("SeriesOverLimit", "warning"): ({"service": "risk"},
        gauge("smx_service_overflowed_families_total", 0, 1)),
    ("RestartLoop", "warning"): (
        {"service": "feed", "job": "smx_collector"}, [
        ("fires", {START: "1x20 2x20 3x20 4x20 5x400"},
         {1245: False, 1260: True, 3600: True, 4800: False}),
        ("fires", {START: "1x9 stale 2x9 stale 3x9 stale 4x9 stale 5x400"},
         {660: True}),
        ("threshold", {START: "1x20 2x20 3x20 4x400"}, {1500: False}),
    ]),
    ("PrometheusRuleFailures", "warning"): ({"job": "prometheus"}, counter(
        "prometheus_rule_evaluation_failures_total",
        'job="prometheus",rule_group="a"')),
    ("Watchdog", "info"): ({}, [
        ("fires", {}, {0: True, 3600: True})]),
}

# Orders of execution, where the alert has another label.
MORE = [("ThroughputDrop", "warning", {"service": "execution"}, [
    ("fires", {ORDERS: "0+440x480 211399+199x60"}, {7785: False, 7800: True}),
    ("threshold", {ORDERS: "0+440x480 211400+200x60"}, {7800: False}),
    # the mean of its hour is 0.108 a second at the end, and here 0.093
    ("fires", {ORDERS: "0+1.875x480 900+0x45"}, {7695: True}),
    ("other", {ORDERS: "0+1.625x480 780+0x45"}, {7695: False}),
])]

# (expression, series, time, (labels, value))
RECORDED = [
    ('cpu_usage_pct', {CPU: "0+3x20"}, 300, ('service="risk"', 20)),
    ('cpu_usage_pct', {CPU: "90+3x18 3+3x20"}, 300, ('service="risk"', 20)),
    ('memory_usage_mb', {RSS: flat(6500000)}, 60, ('service="risk"', 6.5)),
    ('http_req_duration{quantile="0.5"}', {
        'cdb_http_request_duration_seconds_bucket{service="risk",le="0.01"}':
            "0+1x40",
        'cdb_http_request_duration_seconds_bucket{service="risk",le="0.02"}':
            "0+4x40",
        'cdb_http_request_duration_seconds_bucket{service="risk",le="+Inf"}':
            "0+4x40"}, 600,
     ('service="risk",quantile="0.5"', 1000 * (0.01 + 0.01 / 3))),
    ('trade_latency_ms{quantile="0.99"}', {
        'cdb_order_ack_seconds_bucket{service="execution",le="0.1"}': "0+0x40",
        'cdb_order_ack_seconds_bucket{service="execution",le="0.2"}': "0+9x40",
        'cdb_order_ack_seconds_bucket{service="execution",le="+Inf"}':
            "0+9x40"}, 600, ('quantile="0.99"', 199)),
    ('service:signals_generated:rate1m', {
        SIGNALS: "0+15x20", SIGNALS.replace("BTC", "ETH"): "0+30x20"}, 300,
     ('service="signal"', 3)),
    ('service:http_errors:ratio_rate5m', {
        'cdb_http_request_duration_seconds_count{service="risk",code="200"}':
            "0+3x40",
        'cdb_http_request_duration_seconds_count{service="risk",code="503"}':
            "0+1x40"}, 600, ('service="risk"', 0.25)),
]
