# SPDX-License-Identifier: Apache-2.0
"""report.html: one file, nothing loaded from anywhere, light and dark."""
from html import escape

import report
import svg
import words
from measures import MEASURES

STYLE = """
:root{color-scheme:light dark;%(light)s}
@media (prefers-color-scheme:dark){:root{%(dark)s}}
%(rules)s
body{background:var(--page);color:var(--ink);max-width:47rem;margin:0 auto;
 padding:2rem 1rem 4rem;font:16px/1.5 system-ui,sans-serif}
h1{line-height:1.2;font-size:1.7rem;margin:0 0 .4rem}
h2{margin:2.4rem 0 .4rem;font-size:1.2rem}
p.soft,figcaption,td.soft{color:var(--soft)}
figure{margin:1rem 0;overflow-x:auto}svg{max-width:100%%;height:auto}
table{border-collapse:collapse;width:100%%;font-size:.86rem}
.wide{overflow-x:auto;margin:0 0 1.4rem}
th,td{text-align:left;padding:.3rem .7rem .3rem 0;vertical-align:top;
 border-bottom:1px solid var(--line);font-variant-numeric:tabular-nums}
th{font-weight:600}.within{color:var(--within)}.beyond{color:var(--beyond)}
.undecided{color:var(--undecided)}
.says{border-left:4px solid;padding:.5rem 1rem;margin:1rem 0}
.says span{color:var(--ink)}
details{margin:.8rem 0}summary{cursor:pointer}
code{font-size:.9em}
""" % {"light": svg.palette(0), "dark": svg.palette(1), "rules": svg.RULES}

CAPTIONS = {
    "forest": "Each line is the 95 % interval of the median ratio over all "
    "pairs, the dot the median. The green band is 5 % to either side of no "
    "change. Green: all of the interval is below 5 % more. Red: all of it is "
    "above. Amber: more pairs would be needed to tell. The black mark is the "
    "size of the delay that was injected.",
    "percentiles": "For each percentile the median over the rounds of a "
    "variant; the grey area holds the middle half of the rounds without "
    "metrics, so it shows how much the machine varies by itself.",
    "over-time": "Medians over the rounds, of the time under load alone.",
    "scrapes": "The round with the most scrapes. A scrape that held up the "
    "service would lift the dots beside its bar.",
}
TITLES = {"forest": "All ratios at a glance",
          "percentiles": "HTTP latency, from the median to the tail",
          "over-time": "CPU and memory while it runs",
          "scrapes": "Do scrapes disturb requests?"}
COLOUR = {"right": "within", "not shown": "undecided", "wrong": "beyond"}


def cells(row, tag="td"):
    found = []
    for cell in row:
        kind = str(cell).split(":", 1)[0]
        kind = COLOUR.get(kind, kind)
        colour = (f' class="{kind}"'
                  if kind in ("within", "beyond", "undecided") else "")
        found.append(f"<{tag}{colour}>{escape(str(cell))}</{tag}>")
    return "<tr>" + "".join(found) + "</tr>"


def table(head, rows):
    return ('<div class="wide"><table><thead>' + cells(head, "th")
            + "</thead><tbody>" + "".join(map(cells, rows))
            + "</tbody></table></div>")


def says(kind, text):
    return f'<p class="says {kind}"><span>{escape(text)}</span></p>'


def summary(whole):
    """One sentence for each variant with monitoring."""
    lines = []
    for variant in report.shown(whole):
        rows = report.rows_of(whole, variant["key"])
        count = {"within": [], "beyond": [], "undecided": []}
        for title, _, _, _, verdict in rows:
            count[verdict.split(":", 1)[0]].append(title)
        parts = [f"{len(count['within'])} of {len(rows)} figures are within "
                 "their limits"]
        for kind in ("beyond", "undecided"):
            if count[kind]:
                parts.append(f"{kind}: {', '.join(count[kind])}")
        lines.append(f"<li><b>{escape(variant['title'])}</b>: "
                     f"{escape('; '.join(parts))}.</li>")
    return "<ul>" + "".join(lines) + "</ul>"


def headline(whole):
    parts = []
    for variant in report.shown(whole):
        parts.append(table(
            (variant["title"], "without", "with", "change [95 % interval]",
             "verdict"), report.rows_of(whole, variant["key"])))
    limits = whole["criteria"]
    return "".join(parts) + (
        '<p class="soft">Latency and time per tick are held against 5 % '
        f"more, CPU against {limits['cpu_points']:g} point of the whole "
        f"machine, memory against {limits['memory_mb']:g} MB, a scrape "
        f"against {limits['scrape_ms']:g} ms, errors against none more.</p>")


def controls(whole):
    rows = [report.control_line(e) for e in whole["controls"]["entries"]
            if "median" in e]
    return says(COLOUR[whole["controls"]["outcome"]],
                report.CONTROL_WORDS[whole["controls"]["outcome"]]) + table(
        ("control", "median", "95 % interval",
         f"{whole['controls']['joint_level'] * 100:.1f} % for all of them",
         "outcome"), rows)


def noise(whole):
    found = whole["noise"]
    if not found:
        return "<p>No block without metrics was run.</p>"
    rows = [(MEASURES[name].title, f"{value * 100:.1f} %")
            for name, value in found["spread"].items()]
    rows += [("processors busy with other work",
              f"{found['foreign_share'] * 100:.1f} %"),
             ("processors taken by the hypervisor",
              f"{found['steal_share'] * 100:.1f} %"),
             ("the load generator's own lateness, p99",
              svg.micros(found["lateness_p99_us"]))]
    return table(("the same program, round to round", "spread"), rows)


def simulation(whole):
    found = whole["simulation"]
    if not found:
        return "<p>There were too few pairs to simulate.</p>"
    rows = [(f"{(row['effect'] - 1) * 100:.0f} %",
             "heavy tails" if row["noise"] == "tailed" else "log-normal",
             *(f"{row[key] / row['runs'] * 100:.2f} %"
               for key in ("within", "undecided", "beyond", "covered",
                           "refused")))
            for row in found["rows"]]
    return (f"<p>{found['rows'][0]['runs']:,} simulated runs of "
            f"{found['pairs']} pairs whose ratios scatter by "
            f"{found['scatter'] * 100:.1f} %, as here. A false alarm is "
            "“beyond” where the true effect is none.</p>" + table(
                ("true effect", "noise", "said within", "said undecided",
                 "said beyond", "interval held it", "control refused"), rows))


def everything(whole):
    parts = []
    for variant in whole["variants"]:
        rows = [(e["title"], words.amount(e["without"], e["unit"]),
                 words.amount(e["with"], e["unit"]), words.change(e),
                 words.verdict(e)) for e in whole["effects"]
                if e["variant"] == variant["key"]]
        if rows:
            parts.append(
                f"<details><summary>{escape(variant['title'])}: all "
                f"{len(rows)} figures</summary>" + table(
                    ("figure", "without", "with", "change [95 % interval]",
                     "verdict"), rows) + "</details>")
    return "".join(parts)


def monitoring(whole):
    titles = {v["key"]: v["title"] for v in whole["variants"]}
    rows = [(titles[m["variant"]], m["title"],
             words.amount(m["median"], m["unit"]),
             words.amount(m["max"], m["unit"])) for m in whole["monitoring"]]
    return table(("variant", "figure", "median", "most"), rows) if rows else ""


def hot(whole):
    rows = [(row["op"], f"{row['ns']:.2f}",
             f"{row['ns_low']:.2f} to {row['ns_high']:.2f}",
             "" if row["instructions"] is None
             else f"{row['instructions']:.0f}")
            for row in whole["hot"] if row["threads"] == 1]
    if not rows:
        return ""
    return ("<h2>The update alone</h2><p>Nanoseconds of one update on one "
            "thread, beside a bare <code>volatile++</code>; instructions "
            "with the loop around them, counted by callgrind.</p>" + table(
                ("operation", "ns", "over the rounds", "instructions"), rows))


def facts(whole):
    machine, asked = whole["machine"], whole["asked"]
    return (f"{whole['made']}, {whole['took_s'] / 60:.0f} minutes, "
            f"{whole['pairs']} pairs in {whole['rounds']} rounds, "
            f"{whole['ended']}. "
            f"{machine['processors']} × {machine['processor']}, "
            f"{machine['memory_mb'] // 1000} GB, Linux {machine['kernel']}. "
            f"{asked['rate']} requests and {asked['ticks']} ticks a second "
            f"for {asked['seconds']:g} s on each variant in each round, seed "
            f"{asked['seed']}. Trades: {whole['recording']}.")


INTRODUCTION = """<p>A trading pipeline of six services counts and times what
it does into shared memory; a collector reads that memory, and Prometheus asks
the collector. This report compares the same pipeline compiled without any
metrics, with them, and with somebody reading them. In each round all of them
were started anew, and took turns under load, a quarter of a second each, in a
random order, so that whatever disturbs the machine meets all alike; a figure
is the ratio of two of them in one round. Two controls check the method itself:
the same pipeline without metrics, twice, must come out equal, and a delay of
known size must be found.</p>"""


def render(whole, drawn):
    figures = "".join(
        f"<h2>{TITLES[name]}</h2><figure>{picture}<figcaption>"
        f"{CAPTIONS[name]}</figcaption></figure>"
        for name, picture in drawn.items())
    same = "within" if len(whole["hashes"]) == 1 else "beyond"
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>What monitoring costs</title><style>{STYLE}</style></head><body>
<h1>What monitoring costs</h1>
<p class="soft">{escape(facts(whole))}</p>
{INTRODUCTION}
{summary(whole)}
<h2>Can this run be believed?</h2>{controls(whole)}
{says(same, report.results_words(whole))}
<h2>Without and with</h2>{headline(whole)}
{figures}
<h2>What monitoring itself takes</h2>{monitoring(whole)}
{hot(whole)}
<h2>How noisy the machine was</h2>{noise(whole)}
<h2>How often such a run is wrong</h2>{simulation(whole)}
<h2>Everything that was compared</h2>{everything(whole)}
<p class="soft">All raw figures: <code>report.json</code>. Method and limits:
<code>docs/AB.md</code>.</p>
</body></html>
"""
