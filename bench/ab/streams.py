# SPDX-License-Identifier: Apache-2.0
"""Latencies of the trading events, from the stamps that travel with them.

Every entry of a stream says when it was sent, and when the first tick of its
chain was (services/common/message.h).  So the baseline, which has no metrics
at all, is measured in the same way as what it is compared with.
"""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]
                       / "tools/cdb.d"))
from books import Redis, digest_words  # noqa: E402

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999, "max": 1.0}


def entries(redis, stream, first="-"):
    """The messages of a stream with their stamps in microseconds."""
    while True:
        page = redis("XRANGE", stream, first, "+", "COUNT", 1000)
        for _, flat in page:
            fields = dict(zip(flat[::2], flat[1::2]))
            yield (json.loads(fields["data"]), int(fields["sent_us"]),
                   int(fields.get("origin_us", 0)))
        if len(page) < 1000:
            return
        first = "(" + page[-1][0]


def quantiles(values):
    """Nearest rank; an empty dict where there are none."""
    ordered = sorted(values)
    found = {}
    for name, q in QUANTILES.items() if ordered else ():
        rank = -int(-q * len(ordered) // 1)     # the ceiling
        found[name] = ordered[max(rank, 1) - 1]
    return found


def hops(redis):
    """[(hop, time of the tick in us, latency in us)] of every event."""
    found, sent_signals = [], {}
    for message, sent, origin in entries(redis, "signals"):
        sent_signals[message["event_id"]] = sent
        found.append(("tick_to_signal", origin, sent - origin))
    for message, sent, origin in entries(redis, "orders"):
        signal = sent_signals.get(message.get("signal_id"))
        if signal:
            found.append(("signal_to_order", origin, sent - signal))
    for message, sent, origin in entries(redis, "order_results"):
        if message.get("attempts", 1) == 1:     # not one that was retried
            found.append(("tick_to_trade", origin, sent - origin))
    return found


def within(found, times_us):
    """{hop: its quantiles in us} of the ticks sent in any of these times."""
    values = {}
    for hop, at, latency in found:
        if any(begin <= at < end for begin, end in times_us):
            values.setdefault(hop, []).append(latency)
    return {hop: {"events": len(v), **quantiles(v)}
            for hop, v in values.items()}


def last_tick_but(redis, count):
    """When the first of the last `count` ticks was sent; 0: so many are not."""
    page = redis("XREVRANGE", "market_data", "+", "-", "COUNT", count)
    if len(page) < count:
        return 0
    flat = page[-1][1]
    return int(dict(zip(flat[::2], flat[1::2]))["sent_us"])


def last_sent_us(redis):
    """When the pipeline was through: its last tick, signal, order, result."""
    last = 0
    for stream in ("market_data", "signals", "orders", "order_results"):
        for _, flat in redis("XREVRANGE", stream, "+", "-", "COUNT", 1):
            fields = dict(zip(flat[::2], flat[1::2]))
            last = max(last, int(fields["sent_us"]))
    return last


def backlog(redis):
    """Entries that some group of consumers has not finished."""
    left = 0
    for stream in ("market_data", "signals", "orders", "order_results"):
        for flat in redis("XINFO", "GROUPS", stream):
            group = dict(zip(flat[::2], flat[1::2]))
            left += (group["lag"] or 0) + group["pending"]
    return left
