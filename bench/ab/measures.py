# SPDX-License-Identifier: Apache-2.0
"""The figures of a block that are compared, and what they are held against.

A ratio is judged against 5 % more; a difference against a limit in its own
unit: "one point more" says something about a processor, "10 % more of almost
nothing" does not.
"""
import os
from typing import Callable, NamedTuple

from pipeline import MONITORS, SERVICES

CRITERION = 1.05                # "less than 5 % extra"
CPU_POINTS = 1.0                # of the machine
MEMORY_MB = 64.0
SCRAPE_MS = 50.0
ERRORS_PER_H = 0.0


class Measure(NamedTuple):
    name: str
    title: str
    unit: str
    of: Callable                # (block) -> a number, or None
    kind: str = "ratio"         # or "difference"
    limit: float = CRITERION


def at(*path, scale=1.0):
    """The number at this place of a block, or None where there is none."""
    def of(block):
        for key in path:
            block = block.get(key) if block else None
        return None if block is None else block * scale
    return of


def used(key, names, scale):
    """Sum over processes, per second of the window."""
    def of(block):
        return scale / block["window_s"] * sum(
            use[key] for name, use in block["used"].items() if name in names)
    return of


def held(key, names):
    """Megabytes of these processes at the end of the round."""
    def of(block):
        return None if block["part"] else sum(use[key] for name, use in block["used"].items()
                   if name in names) / 1e6
    return of


def cpu(key, names):
    """Percent of the whole machine: all processors are 100."""
    return used(key, names, 100 / 1e9 / os.cpu_count())


def errors_per_hour(block):
    faults = sum(block["http"]["errors"].values())
    faults += len(block["log_errors"]) + sum(block["restarts"].values())
    return faults * 3600 / block["window_s"]


def of_ours(block):
    """The durations of the scrapes of our targets, in seconds."""
    return [row[2] for row in block.get("scrapes", {}).get("rows", ())
            if row[0] != "prometheus"]


def scrape_ms(block):
    took = of_ours(block)
    return max(took) * 1e3 if took else None


OURS = SERVICES + ("collector",)
QUANTILES = (("p50", "p50"), ("p90", "p90"), ("p99", "p99"),
             ("p999", "p99.9"), ("max", "max"))
HOPS = (("tick_to_signal", "tick to signal"),
        ("signal_to_order", "signal to order"),
        ("tick_to_trade", "tick to trade"))


def latencies():
    for key, title in QUANTILES:
        yield Measure(f"http_{key}", f"HTTP latency {title}", "µs",
                      at("http", "latency", key, scale=1e-3))
    for number, page in enumerate(("health", "status")):
        yield Measure(f"{page}_p50", f"GET /{page} p50", "µs",
                      lambda block, n=number: at(
                          "latency", "p50", scale=1e-3)(
                              block["http"]["targets"][n]))
    for page in ("health", "status"):
        for key in ("p50", "p99"):
            yield Measure(f"ab_{page}_{key}", f"ab, GET /{page} {key}", "µs",
                          at("ab", page, f"{key}_ns", scale=1e-3))
    for load, how in (("paced", ""), ("full", ", full speed")):
        for hop, title in HOPS:
            for key, named in QUANTILES:
                yield Measure(f"{load}_{hop}_{key}", f"{title} {named}{how}",
                              "µs", at("events", load, hop, key))


def costs():
    yield Measure("cpu", "CPU of services and collector", "points",
                  cpu("cpu_ns", OURS), "difference", CPU_POINTS)
    yield Measure("cpu_services", "CPU of the services", "%",
                  cpu("cpu_ns", SERVICES))
    yield Measure("cpu_user", "CPU of the services, user", "%",
                  cpu("user_ns", SERVICES))
    yield Measure("cpu_system", "CPU of the services, system", "%",
                  cpu("system_ns", SERVICES))
    for name in SERVICES:
        yield Measure(f"cpu_{name}", f"CPU of {name}", "%",
                      cpu("cpu_ns", (name,)))
    yield Measure("pss", "memory of services and collector", "MB",
                  held("pss_bytes", OURS), "difference", MEMORY_MB)
    yield Measure("rss", "RSS of services and collector", "MB",
                  held("rss_bytes", OURS), "difference", MEMORY_MB)
    for key, title in (("switches", "context switches"),
                       ("preemptions", "involuntary switches"),
                       ("minor_faults", "page faults")):
        yield Measure(key, f"{title} of the services", "/s",
                      used(key, SERVICES, 1))


def all_measures():
    yield from latencies()
    yield Measure("tick_time", "time per tick at full speed", "µs",
                  lambda block: block["full"] and
                  1e6 / block["full"]["ticks_per_s"])
    yield from costs()
    yield Measure("errors", "errors per hour", "/h", errors_per_hour,
                  "difference", ERRORS_PER_H)


# Not compared, since the baseline has none: what monitoring itself takes.
MONITORING = (
    [Measure(f"cpu_{name}", f"CPU of {name}", "points",
             cpu("cpu_ns", (name,))) for name in MONITORS] +
    [Measure(f"pss_{name}", f"memory of {name}", "MB",
             held("pss_bytes", (name,))) for name in MONITORS] +
    [Measure("scrape", "longest scrape", "ms", scrape_ms,
             "difference", SCRAPE_MS),
     Measure("scrapes", "scrapes of ours under load", "/s",
             lambda block: len(of_ours(block)) / block["http"]["seconds"]
             if "scrapes" in block else None),
     Measure("page", "page of /metrics", "kB",
             at("scrapes", "page_bytes", scale=1e-3))])

MEASURES = {measure.name: measure for measure in all_measures()}
# What the false-alarm rate and the controls are about.
HEADLINE = ("http_p50", "paced_tick_to_signal_p50", "cpu_services")
