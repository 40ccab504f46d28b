# SPDX-License-Identifier: Apache-2.0
"""The document that `smx dump --json` prints, letter for letter."""
import json
import math
from typing import List

from . import layout
from .layout import Family
from .reader import Segment, Snapshot, Value, exact


def _decimal(cell: int, exponent: int) -> str:
    text = format(exact(cell, exponent), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _double(value: float) -> str:
    if not math.isfinite(value):
        return '"NaN"' if value != value else \
            '"+Inf"' if value > 0 else '"-Inf"'
    texts = [f"{value:.{digits}g}" for digits in (15, 16, 17)]
    return next(t for t in texts if float(t) == value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _state(state: "dict[str, int]") -> str:
    out = []
    for name, n in state.items():
        out.append(f'"created":{_decimal(n, 9)}' if name == "created_ns"
                   else f'"{name}":{n}')
    return "{" + ",".join(out) + "}"


def _family(f: Family, retired: bool) -> str:
    return (f'{{"name":{_quoted(f.name)},"type":"{layout.TYPES[f.type]}",'
            f'"unit":"{f.unit}","exponent":{f.exponent},'
            f'"help":{_quoted(f.help)},'
            f'"labels":[{",".join(map(_quoted, f.labels))}],'
            f'"retired":{"true" if retired else "false"}}}')


def _number(v: Value) -> str:
    f = v.family
    if f.type == layout.COUNTER:
        return f'"value":{_decimal(v.cell, f.exponent)}'
    if f.type == layout.HISTOGRAM:
        uppers = ['"+Inf"' if b.upper == layout.TOP else
                  _decimal(b.upper, f.exponent) for b in f.buckets]
        pairs = ",".join(f"[{u},{n}]" for u, n in zip(uppers, v.buckets))
        return (f'"sum":{_decimal(v.cell, f.exponent)},"count":{v.count},'
                f'"buckets":[{pairs}]' + _exemplars(v))
    if f.gauge_mode == layout.EACH:
        each = ",".join(f'"{slot}":{_double(g)}'
                        for slot, g in v.gauges.items())
        return f'"values":{{{each}}}'
    value = v.value
    return f'"value":{"null" if value is None else _double(float(value))}'


def _labels(labels: "dict[str, str]") -> str:
    return "{" + ",".join(f"{_quoted(k)}:{_quoted(w)}"
                          for k, w in labels.items()) + "}"


def _exemplars(v: Value) -> str:
    each = ",".join(
        f'{{"value":{_decimal(e.value, v.family.exponent)},'
        f'"time":{_decimal(e.time_ns, 9)},"labels":{_labels(e.labels)}}}'
        for e in v.exemplars)
    return f',"exemplars":[{each}]' if each else ""


def _series(v: Value, number: int) -> str:
    return (f'{{"family":{number},"labels":{_labels(v.labels)},'
            f'"created":{_decimal(v.created_ns, 9)},{_number(v)}}}')


def document(service: str, segment: Segment, shot: Snapshot) -> str:
    d = segment.directory
    numbers = {at: i for i, at in enumerate(d.families)}
    live: List[str] = [
        f'{{"slot":{p.slot},"pid":{p.pid},"start":{_decimal(p.start_ns, 9)}}}'
        for p in shot.live]
    families = [_family(f, at in d.retired) for at, f in d.families.items()]
    series = [_series(v, numbers[s.family])
              for s, v in zip(d.series, shot.values)]
    return (f'{{"service":{_quoted(service)},"state":{_state(shot.state)},'
            f'"live":[{",".join(live)}],"families":[{",".join(families)}],'
            f'"series":[{",".join(series)}],'
            f'"approximate":{shot.approximate}}}')
