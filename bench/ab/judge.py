# SPDX-License-Identifier: Apache-2.0
"""From blocks to verdicts.  The arithmetic is ab-stats; here it is asked."""
import collections
import math
import os
import statistics

import plan
from measures import CRITERION, HEADLINE, MEASURES, MONITORING

JOINT = 0.999                   # all controls together
SIMULATED = 10000


def rounds_of(blocks):
    """[{variant: block}] of the parts of rounds in which both baselines were
    run; those of a round one after the other."""
    found = {}
    for block in blocks:
        part = block["round"], block["part"]
        found.setdefault(part, {})[block["variant"]] = block
    return [found[part] for part in sorted(found)
            if {plan.OFF.key, plan.AGAIN.key} <= found[part].keys()]


def groups_of(rounds, pairs):
    """How many pairs of a round there are, which has its own processes; 1
    where it differs, because one of them is missing."""
    sizes = collections.Counter(
        round_[plan.OFF.key]["round"]
        for round_, p in zip(rounds, pairs) if p is not None)
    return sizes.popitem()[1] if len(set(sizes.values())) == 1 else 1


def geometric(values):
    return math.prod(values) ** (1 / len(values))


def baseline(measure, values):
    """Those that are off, as one: the mean that suits the comparison."""
    if measure.kind == "difference":
        return statistics.fmean(values)
    return geometric(values)


def pair(measure, variant, round_):
    """The ratio or difference of one round, or None."""
    values = [measure.of(round_[key]) if key in round_ else None
              for key in (variant, *plan.baselines(variant))]
    if None in values:
        return None
    mine, without = values[0], baseline(measure, values[1:])
    if measure.kind == "difference":
        return mine - without
    if not mine or not without:
        return None
    return mine / without


def values_of(measure, blocks, variants):
    return [v for block in blocks if block["variant"] in variants
            for v in [measure.of(block)] if v is not None]


def effect(ask, measure, variant, blocks):
    """What this variant does to this figure; None without pairs."""
    rounds = rounds_of(blocks)
    all_of_them = [pair(measure, variant, r) for r in rounds]
    group = groups_of(rounds, all_of_them)
    pairs = [p for p in all_of_them if p is not None]
    if not pairs:
        return None
    without = plan.baselines(variant)
    found = {"variant": variant, "measure": measure.name,
             "title": measure.title, "unit": measure.unit,
             "kind": measure.kind, "limit": measure.limit, "pairs": pairs,
             "group": group,
             "without": statistics.median(values_of(measure, blocks, without)),
             "with": statistics.median(values_of(measure, blocks,
                                                 (variant,)))}
    found.update(ask.interval(pairs, measure.limit))
    if measure.name == "errors":    # a count: there are more, or not
        found["verdict"] = "within" if found["with"] <= found["without"] \
            else "beyond"
    return found


def effects(ask, blocks, variants):
    found = []
    for variant in variants:
        if variant == plan.OFF.key:
            continue
        for measure in MEASURES.values():
            one = effect(ask, measure, variant, blocks)
            if one:
                found.append(one)
    return found


def monitoring(blocks, variants):
    """What the baseline has none of: medians over the blocks of a variant."""
    found = []
    for variant in variants:
        for measure in MONITORING:
            values = values_of(measure, blocks, (variant,))
            if values and any(values):
                found.append({"variant": variant, "measure": measure.name,
                              "title": measure.title, "unit": measure.unit,
                              "median": statistics.median(values),
                              "max": max(values)})
    return found


def grouped(one):
    """A ratio for each round."""
    pairs, group = one["pairs"], one["group"]
    return [geometric(pairs[i:i + group])
            for i in range(0, len(pairs), group)]


def likeness(one):
    """How much more pairs of different rounds differ than those of one, which
    share processes: about 1 if that makes no difference; None: unknown."""
    logs = [math.log(p) for p in one["pairs"]]
    if one["group"] != 2 or len(logs) < 6:
        return None
    means = [(a + b) / 2 for a, b in zip(logs[::2], logs[1::2])]
    halves = [(a - b) / 2 for a, b in zip(logs[::2], logs[1::2])]
    within = math.sqrt(statistics.fmean(h * h for h in halves))
    return statistics.stdev(means) / within if within else None


def level_of_one():
    """The level of each control at which all together hold at JOINT."""
    return 1 - (1 - JOINT) / (len(HEADLINE) + 1)


def nothing_control(joint, usual):
    """Off against off: seen where nothing is, equal, or neither shown."""
    if joint and not joint[0] <= 1 <= joint[1]:
        return "wrong"
    inside = 1 / CRITERION < usual["low"] and usual["high"] < CRITERION
    return "right" if inside and usual["verdict"] == "within" else "not shown"


def delay_control(joint, expected):
    """A delay of known size: missed in size, found, or lost in the noise."""
    if joint and not joint[0] <= expected <= joint[1]:
        return "wrong"
    return "right" if joint and joint[0] > 1 else "not shown"


def controls(ask, blocks, delay_ns):
    """Each at the level at which all of them together hold at JOINT."""
    asked = [(plan.AGAIN.key, name) for name in HEADLINE]
    asked.append((plan.DELAYED.key, "http_p50"))
    found = []
    for variant, name in asked:
        one = effect(ask, MEASURES[name], variant, blocks)
        if not one:
            found.append({"variant": variant, "measure": name,
                          "outcome": "not shown"})
            continue
        joint = ask.ratio(grouped(one), level_of_one())
        entry = {"variant": variant, "measure": name, "title": one["title"],
                 "median": one["median"], "low": one["low"],
                 "high": one["high"], "joint": joint}
        if variant == plan.DELAYED.key:
            entry["expected"] = 1 + delay_ns / 1e3 / one["without"]
            entry["outcome"] = delay_control(joint, entry["expected"])
        else:
            entry["expected"] = 1.0
            entry["outcome"] = nothing_control(joint, one)
        found.append(entry)
    return found


def spread(values):
    """Relative: 1.4826 times the median distance from the median."""
    middle = statistics.median(values)
    away = statistics.median(abs(v - middle) for v in values)
    return 1.4826 * away / middle if middle else 0.0


def noise(blocks):
    """How much the machine does by itself."""
    off = [b for b in blocks if b["variant"] in (plan.OFF.key,
                                                 plan.AGAIN.key)]
    if not off:
        return {}
    processors = os.cpu_count()
    room = sum(b["window_s"] for b in blocks) * processors
    ours = sum(use["cpu_ns"] for b in blocks
               for use in b["used"].values()) / 1e9
    ours += sum(b["machine"]["harness_s"] for b in blocks)
    return {
        "spread": {name: spread(values) for name in (
            "http_p50", "http_p99", "paced_tick_to_signal_p50",
            "cpu_services")
            for values in [values_of(MEASURES[name], off,
                                     (plan.OFF.key, plan.AGAIN.key))]
            if values},
        "foreign_share": max(0.0, sum(b["machine"]["busy_s"] for b in blocks)
                             - ours) / room,
        "steal_share": sum(b["machine"]["steal_s"] for b in blocks) / room,
        "lateness_p99_us": statistics.median(
            b["http"]["lateness"]["p99"] / 1e3 for b in blocks)}


def simulation(ask, found):
    """The false-alarm rate at the scatter and pairs of this very run."""
    headline = next((e for e in found if e["variant"] == plan.AGAIN.key
                     and e["measure"] == "http_p50"), None)
    if not headline or len(headline["pairs"]) < 2:
        return None
    logs = [math.log(p) for p in headline["pairs"]]
    middle = statistics.median(logs)
    scatter = max(1.4826 * statistics.median(abs(v - middle) for v in logs),
                  0.001)
    pairs = len(logs)
    rows = [{"noise": kind, "effect": size, "runs": SIMULATED,
             **ask.simulate(SIMULATED, pairs, size, scatter, kind,
                            (CRITERION, level_of_one()))}
            for kind in ("normal", "tailed") for size in (1.0, 1.05, 1.1)]
    return {"pairs": pairs, "scatter": scatter, "rows": rows}


def hashes(blocks):
    """{hash of the trading results: blocks}; one entry when all is well."""
    found = {}
    for block in blocks:
        found[block["hash"]] = found.get(block["hash"], 0) + 1
    return found
