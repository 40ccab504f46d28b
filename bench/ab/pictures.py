# SPDX-License-Identifier: Apache-2.0
"""The pictures of the report, each a function of its structure."""
import math
import statistics

from measures import CRITERION, OURS
from svg import WIDTH, Axis, Picture, micros, short

FOREST = ("http_p50", "http_p90", "http_p99", "paced_tick_to_signal_p50",
          "paced_signal_to_order_p50", "paced_tick_to_trade_p50",
          "tick_time", "cpu_services")
WIDEST = 1.3                    # what lies beyond is an arrow at the edge


def colour_of(whole, key):
    keys = [variant["key"] for variant in whole["variants"]]
    return f"v{min(keys.index(key), 7)}"


def title_of(whole, key):
    return next(v["title"] for v in whole["variants"] if v["key"] == key)


def percent(ratio):
    return f"{round((ratio - 1) * 100, 1) + 0:+.1f} %"   # never -0.0


def forest_rows(whole):
    """[(heading or None, words, colour, effect, expected)] from above."""
    yield "Controls: what the harness must find", None, None, None, None
    for entry in whole["controls"]["entries"]:
        if "median" in entry:
            outcome = {"right": "within", "wrong": "beyond"}.get(
                entry["outcome"], "undecided")
            yield (None, f'{title_of(whole, entry["variant"])[9:]}: '
                   f'{entry["title"]}', outcome, entry, entry["expected"])
    for variant in whole["variants"][3:]:
        yield variant["title"], None, None, None, None
        for effect in whole["effects"]:
            if (effect["variant"] == variant["key"]
                    and effect["measure"] in FOREST):
                yield (None, effect["title"], effect["verdict"], effect, None)


def forest(whole):
    """Every ratio with its interval, beside 1 and the criterion."""
    rows = list(forest_rows(whole))
    height = 22 * len(rows) + 70
    picture = Picture(height, "Forest plot: median ratio and 95 % interval "
                      "of each figure, against no change and 5 % more")
    shown = [bound for _, _, _, e, _ in rows if e
             for bound in (e["low"], e["high"])]
    high = min(WIDEST, max([1.12, *(v * 1.02 for v in shown)]))
    x = Axis(max(1 / WIDEST, min([0.92, *(v * 0.98 for v in shown)])), high,
             330, WIDTH - 76, log=True)
    bottom = height - 44
    picture.rect(x(1 / CRITERION), 8, x(CRITERION) - x(1 / CRITERION),
                 bottom - 8, "band")
    picture.line(x(1), 8, x(1), bottom, "soft")
    picture.line(x(CRITERION), 8, x(CRITERION), bottom, "soft", 1, "4 3")
    for number, row in enumerate(rows):
        forest_row(picture, x, 22 * number + 22, row)
    step = 0.05 if x.high / x.low < 1.4 else 0.1
    ticks = [1 + n * step for n in range(-10, 11)
             if x.low <= 1 + n * step <= x.high]
    for value in ticks:
        picture.text(x(value), bottom + 16, percent(value).replace(".0", ""),
                     "middle", True)
    picture.text((x.begin + x.end) / 2, bottom + 34, "change against the "
                 "pipeline without metrics", "middle", True)
    return picture.svg()


def forest_row(picture, x, y, row):
    heading, words, colour, effect, expected = row
    if heading:
        picture.text(8, y, heading)
        picture.line(8, y + 5, WIDTH - 8, y + 5)
        return
    picture.text(20, y, words, soft=True)
    inside = [min(max(effect[k], x.low), x.high)
              for k in ("low", "median", "high")]
    picture.line(x(inside[0]), y - 4, x(inside[2]), y - 4, colour, 2.5)
    for bound, edge, sign in (("low", x.low, 1), ("high", x.high, -1)):
        if effect[bound] != min(max(effect[bound], x.low), x.high):
            tip = x(edge)
            picture.path([(tip + 7 * sign, y - 9), (tip, y - 4),
                          (tip + 7 * sign, y + 1)], colour)
    if expected and expected != 1:
        picture.line(x(expected), y - 12, x(expected), y + 4, "ink", 2)
    picture.dot(x(inside[1]), y - 4, colour, 4.5,
                f'{words}: {percent(effect["median"])} '
                f'[{percent(effect["low"])}, {percent(effect["high"])}]')
    picture.text(WIDTH - 8, y, percent(effect["median"]), "end")


def at_share(curve, left):
    """The latency that a part `left` of the requests exceeded."""
    for q, ns in curve:
        if 1 - q <= left + 1e-12:
            return ns
    return curve[-1][1]


def blocks_of(whole, key):
    return [b for b in whole["blocks"] if b["variant"] == key]


def quartiles(values):
    if len(values) < 2:
        return values[0], values[0], values[0]
    return statistics.quantiles(values, n=4, method="inclusive")


def percentiles(whole):
    """Latency against percentile: medians over blocks, quartiles for off."""
    # never further than every block can tell
    least = min(b["http"]["requests"] for b in whole["blocks"])
    deepest = int(math.log2(least / 3))
    lefts = [2 ** (-n / 4) for n in range(2, deepest * 4 + 1)]
    curves = {}
    for variant in whole["variants"]:
        blocks = blocks_of(whole, variant["key"])
        if blocks:
            curves[variant["key"]] = [quartiles([
                at_share(b["http"]["curve"], left) / 1e3
                for b in blocks]) for left in lefts]
    picture = Picture(400 + 17 * len(curves),
                      "HTTP latency by percentile for each variant")
    every = [v for curve in curves.values() for three in curve for v in three]
    x = Axis(1 / lefts[0], 1 / lefts[-1], 70, WIDTH - 16, log=True)
    y = Axis(min(every) * 0.9, max(every) * 1.1, 340, 26, log=True)
    marks = [p for p in (50, 90, 99, 99.9, 99.99)
             if x.low <= 100 / (100 - p) <= x.high]
    picture.axes(x, y, "percentile of the requests", "latency from the time "
                 "a request was due", lambda v: f"{100 - 100 / v:.6g} %",
                 micros, [100 / (100 - p) for p in marks])
    if "off" in curves:
        picture.area([(x(1 / left), y(c[2]))
                      for left, c in zip(lefts, curves["off"])],
                     [(x(1 / left), y(c[0]))
                      for left, c in zip(lefts, curves["off"])], "v0")
    for key, curve in curves.items():
        picture.path([(x(1 / left), y(c[1])) for left, c in zip(lefts, curve)],
                     colour_of(whole, key))
    picture.legend(86, 400, [(colour_of(whole, key), title_of(whole, key))
                             for key in curves])
    return picture.svg()


def rates(block):
    """[(second, CPU in percent of a processor, RSS in MB)] of a block."""
    found = []
    rows = [row for row in block["samples"] if None not in row.values()]
    names = [n for n in OURS if rows and n in rows[0]]
    for before, after in zip(rows, rows[1:]):
        span = after["s"] - before["s"]
        if span < 0.1:
            continue
        cpu = sum(after[n][0] - before[n][0] for n in names) / 1e7 / span
        found.append((after["s"], cpu, sum(after[n][1] for n in names) / 1e6))
    return found


def over_time(whole):
    """CPU above, RSS below: the medians over the blocks of a variant."""
    lines = {}
    for variant in whole["variants"]:
        series = [rates(b) for b in blocks_of(whole, variant["key"])]
        if series:
            lines[variant["key"]] = [
                tuple(statistics.median(part) for part in zip(*points))
                for points in zip(*series)]
    height = 456 + 17 * len(lines)
    picture = Picture(height, "CPU and memory of services and collector over "
                      "the time of a block")
    points = [p for line in lines.values() for p in line]
    if not points:
        return picture.svg()
    longest = max(p[0] for p in points)
    for part, top, name in ((1, 26, "CPU, percent of one processor"),
                            (2, 236, "resident memory, MB")):
        x = Axis(0, longest, 70, WIDTH - 16)
        y = Axis(0, max(p[part] for p in points) * 1.1, top + 150, top)
        picture.axes(x, y, "seconds" if part == 2 else "", name)
        for key, line in lines.items():
            picture.path([(x(p[0]), y(p[part])) for p in line],
                         colour_of(whole, key))
    picture.legend(86, 446, [(colour_of(whole, key), title_of(whole, key))
                             for key in lines])
    return picture.svg()


def scrape_timeline(whole):
    """A block with scrapes: what the requests around them met."""
    block = max((b for b in whole["blocks"] if b.get("scrapes")),
                key=lambda b: len(b["scrapes"]["rows"]), default=None)
    if not block:
        return None
    timeline = block["http"]["timeline"]
    picture = Picture(330, "Latency of the requests around scrapes")
    x = Axis(0, max(row[0] for row in timeline) + 0.1, 70, WIDTH - 16)
    y = Axis(min(row[2] for row in timeline) / 1e3 * 0.8,
             max(row[3] for row in timeline) / 1e3 * 1.2, 270, 40, log=True)
    picture.axes(x, y, "seconds of load", "latency: median (line) and "
                 "longest (dots) of every tenth of a second; bars: scrapes",
                 y_label=micros)
    for target, at, took in block["scrapes"]["rows"]:
        if x.low <= at <= x.high and target != "prometheus":
            picture.rect(x(at), 40, max(x(at + took) - x(at), 2.5), 230,
                         "v4", 0.55)
    picture.path([(x(row[0] + 0.05), y(row[2] / 1e3)) for row in timeline],
                 "v3")
    for row in timeline:
        picture.dot(x(row[0] + 0.05), y(row[3] / 1e3), "v3", 2.5,
                    f"{short(row[0])} s: {micros(row[3] / 1e3)}", 0.7)
    return picture.svg()


def draw(whole):
    """{file name: SVG} of all that there is something to show of."""
    found = {"forest": forest(whole), "percentiles": percentiles(whole),
             "over-time": over_time(whole),
             "scrapes": scrape_timeline(whole)}
    return {name: svg for name, svg in found.items() if svg}
