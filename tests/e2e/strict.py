# SPDX-License-Identifier: Apache-2.0
"""Expositions read more strictly than any scraper does, and what all of them
must have in common."""
import math
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
LABELS = r"(?:\{(%s(?:,%s)*)\})?" % (LABEL, LABEL)
NUMBER = r"[+-]Inf|NaN|-?[0-9]+(?:\.[0-9]+)?(?:e[+-][0-9]{2,3})?"
EXEMPLAR = r" # \{(%s(?:,%s)*)?\} (%s) ([0-9]+\.[0-9]{3})" % (
    LABEL, LABEL, NUMBER)
SAMPLE = re.compile("(%s)%s (%s)(?:%s)?" % (NAME, LABELS, NUMBER, EXEMPLAR))
HEADER = re.compile("# (HELP|TYPE|UNIT) (%s) (.*)" % NAME)
PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
SUFFIXES = {
    ("counter", True): {"_total", "_created"},
    ("gauge", True): {""},
    ("info", True): {"_info"},
    ("histogram", True): {"_bucket", "_sum", "_count", "_created"},
    ("counter", False): {""},
    ("gauge", False): {""},
    ("histogram", False): {"_bucket", "_sum", "_count"},
}


def labels_of(text):
    """A frozenset of pairs; `le` as a number, for all write it their way."""
    def plain(value):
        return re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m[1], m[1]), value)

    pairs = [(n, plain(v)) for n, v in PAIR.findall(text or "")]
    assert len({n for n, _ in pairs}) == len(pairs), text
    return frozenset((n, float(v) if n == "le" else v) for n, v in pairs)


class Page:
    def __init__(self):
        self.types, self.units, self.help = {}, {}, {}
        self.samples = {}       # (name, labels): value
        self.exemplars = {}     # likewise: (labels, value, time)


def read_text(body, om):
    """Every line is one that the format allows at its place."""
    page = Page()
    assert body.endswith("# EOF\n" if om else "\n")
    lines = body.split("\n")[:-1]
    if om:
        assert lines.pop() == "# EOF"
    family, seen = None, []
    for line in lines:
        header = HEADER.fullmatch(line)
        if header:
            kind, name, rest = header.groups()
            if name != family:
                assert name not in seen, f"{name}: not in one block"
                seen.append(name)
                family, samples = name, 0
            assert samples == 0, f"{line!r} comes after its samples"
            where = {"HELP": page.help, "TYPE": page.types,
                     "UNIT": page.units}[kind]
            assert name not in where, f"{line!r} comes twice"
            where[name] = rest
            assert kind != "UNIT" or (om and name.endswith("_" + rest))
            bad = r'[^\\]|\\[\\n"]' if om else r"[^\\]|\\[\\n]"
            assert kind != "HELP" or re.fullmatch("(?:%s)*" % bad, rest)
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample, f"no sample: {line!r}"
        samples += 1
        name, labels, value = sample.group(1, 2, 3)
        kind = page.types[family]
        suffix = name[len(family):]
        assert name.startswith(family) and suffix in SUFFIXES[kind, om], line
        key = name, labels_of(labels)
        assert key not in page.samples, f"twice: {line!r}"
        page.samples[key] = float(value)
        if om and (suffix in ("_bucket", "_count")):
            assert re.fullmatch("[0-9]+", value), line
        if sample.group(5):
            assert om and suffix == "_bucket", line
            page.exemplars[key] = (labels_of(sample.group(4)),
                                   float(sample.group(5)),
                                   float(sample.group(6)))
    check(page)
    return page


def read_protobuf(families, native_counts):
    """The same from messages; native buckets are checked on the way."""
    page = Page()
    page.native = {}
    for f in families:
        assert f.name not in page.types and f.metric
        page.types[f.name] = {0: "counter", 1: "gauge", 4: "histogram"}[f.type]
        page.help[f.name], page.units[f.name] = f.help, f.unit
        for m in f.metric:
            labels = frozenset((p.name, p.value) for p in m.label)
            assert len(labels) == len(m.label)
            if f.type == 0:
                page.samples[f.name, labels] = m.counter.value
            elif f.type == 1:
                page.samples[f.name, labels] = m.gauge.value
            else:
                add_histogram(page, f.name, labels, m.histogram,
                              native_counts)
    check(page)
    return page


def exemplar_of(e):
    return (frozenset((p.name, p.value) for p in e.label), e.value,
            e.timestamp.seconds + e.timestamp.nanos // 1000000 / 1000)


def add_histogram(page, name, labels, h, native_counts):
    if h.HasField("schema"):
        counts = native_counts(h)
        assert h.zero_count + sum(counts.values()) == h.sample_count
        assert h.zero_threshold > 0 and -4 <= h.schema <= 8
        page.native[name, labels] = h
    bounds = [b.upper_bound for b in h.bucket]
    assert bounds == sorted(set(bounds))
    for b in h.bucket:
        key = name + "_bucket", labels | {("le", b.upper_bound)}
        page.samples[key] = b.cumulative_count
        if b.HasField("exemplar"):
            page.exemplars[key] = exemplar_of(b.exemplar)
    if bounds:
        page.samples[name + "_bucket",
                     labels | {("le", math.inf)}] = h.sample_count
    page.samples[name + "_sum", labels] = h.sample_sum
    page.samples[name + "_count", labels] = h.sample_count


def check(page):
    """What histograms and exemplars are in every format."""
    buckets = {}
    for (name, labels), value in page.samples.items():
        le = dict(labels).get("le")
        if name.endswith("_bucket") and le is not None:
            buckets.setdefault((name[:-7], labels - {("le", le)}),
                               []).append((le, value))
        assert math.isfinite(value) or page.types.get(name) == "gauge"
    for (name, labels), found in buckets.items():
        found.sort()
        counts = [n for _, n in found]
        assert counts == sorted(counts), (name, labels, found)
        assert found[-1][0] == math.inf, (name, labels)
        assert counts[-1] == page.samples[name + "_count", labels]
        below = -math.inf
        for le, _ in found:
            e = page.exemplars.get((name + "_bucket", labels | {("le", le)}))
            assert e is None or below < e[1] <= le, (name, le, e)
            assert e is None or sum(len(n + v) for n, v in e[0]) <= 128
            below = le
