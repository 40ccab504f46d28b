#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Two languages, one segment: the same numbers whoever wrote and reads.

usage: agree.py SMX_COLLECTOR SEGMENT_WRITER [NAME...]
"""
import os
import random
import sys
from decimal import Decimal

import smx
from smx import layout
from box import OM, Box, Writer, main, test
from peers import Peer, look, tool


@test
def what_c_writes_python_reads():
    with Box(start=False) as box:
        one, two = Writer(box, "t"), Writer(box, "t")
        for w, n in (one, 3), (two, 4):
            w.do(f"counter hits_total {n}", f"label by_total b\u00fcy {n}",
                 f"gauge depth {n}.25",
                 f"histogram both_seconds 1 400000 {n}000000000",
                 f"native lag_seconds 1 5000 {n}000000",
                 f"explicit wait_seconds 1000000 1000001 {n}000000")
        shot = look(box, "t")
        assert shot.get("hits_total").value == 7
        assert shot.get("by_total", name="b\u00fcy").value == 7
        assert shot.get("depth").value == 7.5
        assert shot.get("both_seconds").value == Decimal("7.000800002")
        assert shot.get("wait_seconds").buckets == (2, 2, 2)
        two.kill()
        assert look(box, "t").get("depth").value == 3.25
        one.kill()
        assert look(box, "t").get("depth").value is None
        assert look(box, "t").get("hits_total").value == 7


@test
def what_python_writes_c_reads():
    with Box() as box:
        one, two = Peer(box, "t"), Peer(box, "t")
        for w, n in (one, 1), (two, 2):
            w.do(f"s.counter('hits_total', 'H.').add({n})",
                 f"s.counter('cpu_seconds_total', 'C.', unit='seconds', "
                 f"exponent=9).add({n}500000000)",
                 f"s.gauge('depth', 'D.').set({n}.5)",
                 f"s.gauge('low', 'L.', mode='min').set(-{n})",
                 f"s.gauge('high', 'H.', mode='max').set({n})",
                 f"s.gauge('mine', 'M.', mode='each').set({n})",
                 f"f = s.counter_family('by_total', 'B.', ('a', 'b'))",
                 f"f.labels('x\\n', '\u00e4').add({n})",
                 f"f.labels('y', '').inc()",
                 f"h = s.histogram('wait_seconds', 'W.', unit='seconds', "
                 f"exponent=9, bounds=[0.001, 0.0025])",
                 f"h.observe(1000000); h.observe({n}000001)",
                 f"s.histogram('lag_seconds', 'L.', unit='seconds', "
                 f"exponent=9, native=smx.Native(4)).observe({n}000)",
                 f"s.histogram('both_seconds', 'B.', unit='seconds', "
                 f"exponent=9).observe({n}000)",
                 f"s.gauge('unset', 'U.')")
        shot = look(box, "t")
        assert shot.get("hits_total").value == 3
        assert shot.get("cpu_seconds_total").value == 4
        assert shot.get("depth").value == 4
        assert shot.get("low").value == -2
        assert shot.get("high").value == 2
        assert shot.get("mine").gauges == {0: 1.0, 1: 2.0}
        assert shot.get("by_total", a="x\n", b="\u00e4").value == 3
        assert shot.get("by_total", a="y", b="").value == 2
        assert shot.get("wait_seconds").buckets == (2, 2, 0)
        assert shot.get("wait_seconds").value == Decimal("0.005000002")
        r = box.get()
        assert r.value("hits_total", service="t") == 3
        assert r.value("cpu_seconds_total", service="t") == 4
        assert r.value("depth", service="t") == 4
        assert r.value("mine", service="t", process="1") == 2
        assert r.value("by_total", service="t", a="x\n", b="\u00e4") == 3
        assert r.value("wait_seconds_bucket", service="t", le="0.001") == 2
        assert r.value("wait_seconds_count", service="t") == 4
        assert r.value("lag_seconds_count", service="t") == 2
        assert r.value("both_seconds_sum", service="t") == 3e-6


@test
def exemplars_are_read_as_they_were_written():
    with Box() as box:
        peer = Peer(box, "t").do(
            "h = s.histogram('wait_seconds', 'W.', unit='seconds', "
            "exponent=9, bounds=[0.001, 0.0025], exemplars=True)",
            "h.observe(5, {'order_id': '16'}); h.observe(7)",
            "h.observe(6, {'order_id': '17', 'venue': 'ä'})",
            "h.observe(9000000, {'order_id': '18'})",
            # none of these can be
            "h.observe(2000000, {'le': '1'})",
            "h.observe(2000000, {'x': 'y' * 128})",
            "h.observe(2000000, {})", "h.observe(2000000, {'x': '\1'})",
            "s.histogram('plain', 'P.', bounds=[1]).observe(1, {'x': 'y'})",
            "f = s.histogram_family('lag_seconds', 'L.', ('k',), "
            "unit='seconds', exponent=9, native=smx.Native(), "
            "exemplars=True)", "f.labels('a').observe(5000, {'x': 'y'})")
        shot = look(box, "t")
        assert [(e.value, e.labels) for e in
                shot.get("wait_seconds").exemplars] == [
            (6, {"order_id": "17", "venue": "ä"}),
            (9000000, {"order_id": "18"})]
        assert shot.get("plain").exemplars == ()
        assert shot.get("lag_seconds", k="a").exemplars[0].value == 5000
        text = box.get(Accept=OM).text
        assert '# {order_id="17",venue="ä"} 6e-09' in text, text
        # killed in the middle of one: it is none, and the next one goes on
        peer.do("at = s.exemplars + h._exemplars",
                "s.atomic.swap8(at, 0, s.owner)",
                "s.atomic.store8(at + 8, 5, 0)")
        assert len(look(box, "t").get("wait_seconds").exemplars) == 1
        peer.kill()
        Peer(box, "t").do(
            "h = s.histogram('wait_seconds', 'W.', unit='seconds', "
            "exponent=9, bounds=[0.001, 0.0025], exemplars=True)",
            "h.observe(8, {'order_id': '19'})")
        assert look(box, "t").get("wait_seconds").exemplars[0].labels == {
            "order_id": "19"}


@test
def both_find_what_the_other_made():
    """The same keys, first from C, then from Python, and again: no record
    comes twice, and nothing is redefined."""
    c_does = ("counter hits_total 1", "label by_total x 1", "gauge depth 1",
              "histogram both_seconds 1000", "native lag_seconds 1000",
              "explicit wait_seconds 1000")
    py_does = (
        "s.counter('hits_total', 'H.').inc()",
        "s.counter('by_total', 'H.', labels={'name': 'x'}).inc()",
        "s.gauge('depth', 'D.').set(1)",
        "s.histogram('both_seconds', 'B.', unit='seconds', exponent=9)"
        ".observe(1000)",
        "s.histogram('lag_seconds', 'L.', unit='seconds', exponent=9, "
        "native=smx.Native()).observe(1000)",
        "s.histogram('wait_seconds', 'W.', unit='seconds', exponent=9, "
        "bounds=['0.001', 0.0025]).observe(1000)")
    for first, second in ((Writer, c_does), (Peer, py_does)), \
            ((Peer, py_does), (Writer, c_does)):
        with Box() as box:
            made, does = first
            made(box, "t").do(*does)
            tail = look(box, "t").state["dir_bytes_used"]
            finds, does = second
            finds(box, "t").do(*does)
            shot = look(box, "t")
            assert shot.state["dir_bytes_used"] == tail
            assert shot.state["redefined"] == 0
            assert [v.retired for v in shot.values] == [False] * 6
            assert shot.get("depth").value == 2
            for name in "hits_total", "depth":
                assert box.value(name, service="t") == 2, name
            for name in "both", "lag", "wait":
                assert shot.get(f"{name}_seconds").count == 2
                assert box.value(f"{name}_seconds_count", service="t") == 2


@test
def buckets_are_the_same_to_the_last_unit():
    """Exponents, schemas, ranges and bounds at random."""
    rng = random.Random(20261125)
    with Box(start=False) as box:
        c, py = Writer(box, "t"), Peer(box, "t")
        for i in range(60):
            exponent = rng.randint(-3, 12)
            native = rng.random() < 0.7
            schema = rng.randint(0, 8)
            low = 2.0**rng.randint(-8, 8) * rng.choice((1, 1.5))
            high = low * rng.choice((2, 3, 16, 1000))
            unit = 10.0**-exponent
            bounds = sorted({round(rng.random() * 10**rng.randint(1, 4))
                             for _ in range(rng.randint(0, 12))})
            bounds = [b * 10**-exponent if exponent < 0 else
                      float(f"{b}e-{exponent}") for b in bounds]
            if not native and not bounds:
                continue
            wide = high >= unit and low < 2**63 * unit
            answer = py.say(
                f"s.histogram('h{i}', 'H.', exponent={exponent}, bounds="
                f"{bounds}, native=" +
                (f"smx.Native({schema}, {low}, {high}))" if native else
                 "None)"))
            assert (answer == "ok") == (wide or not native), answer
            if answer == "ok":
                c.do(f"buckets h{i} {exponent} {schema if native else '-'} "
                     f"{low!r} {high!r} {' '.join(map(repr, bounds))}")
        shot = look(box, "t")
        assert shot.state["redefined"] == 0 and len(shot.values) > 30


@test
def the_last_definition_wins_across_languages():
    with Box() as box:
        old = Writer(box, "t").do("explicit wait_seconds 1",
                                  "counter x_total 5")
        new = Peer(box, "t").do(
            "h = s.histogram('wait_seconds', 'W.', unit='seconds', "
            "exponent=9, bounds=[5])", "h.observe(1); h.observe(2)",
            "g = s.gauge('x', 'X.')", "g.set(7)")
        old.do("explicit wait_seconds 1", "counter x_total 1")
        shot = look(box, "t")
        assert shot.get("wait_seconds").buckets == (2, 0)
        assert shot.get("x").value == 7
        assert shot.state["redefined"] == 2
        assert box.value("wait_seconds_count", service="t") == 2
        assert box.value("x", service="t") == 7
        assert box.value("x_total", service="t") is None
        answer = new.say("s.counter('x_total', 'X.')")
        assert answer.startswith("Error: x_total and x would share"), answer
        old.kill()
        new.kill()
        # and back: C's definition is the last one now
        Writer(box, "t").do("explicit wait_seconds 1")
        assert look(box, "t").get("wait_seconds").buckets == (1, 0, 0)


@test
def past_the_limit_there_is_one_other():
    with Box(start=False) as box:
        Peer(box, "t").do(
            "f = s.counter_family('by_total', 'B.', ('k',), series_max=3)",
            "for i in range(9): f.labels(str(i)).inc()",
            "f.labels('\\1').inc()")
        shot = look(box, "t")
        assert shot.get("by_total", k="2").value == 1
        assert shot.get("by_total", k="other").value == 7
        assert len(shot.values) == 4
        assert shot.state["overflowed"] == 1


@test
def bounds_are_refused_with_the_option_to_raise():
    with Box(start=False) as box:
        peer = Peer(box, "t", slots=2, lanes=2, cells=512, gauges=1,
                    dir_bytes=65536)
        for statement, option in (
                ("s.histogram('h', 'H.', native=smx.Native(8, 1, 1e9))",
                 "raise dir_bytes"),
                ("s.histogram('h', 'H.', bounds=[1])\n", "ok"),
                ("[s.gauge(f'g{i}', 'G.') for i in range(600)]",
                 "raise")):
            answer = peer.say(statement.strip())
            assert option in answer, answer
        assert look(box, "t").state["refused"] == 2
        # what was refused left nothing behind
        peer.do("s.counter('x_total', 'X.').inc()")


@test
def nonsense_is_refused_as_in_c():
    with Box(start=False) as box:
        peer = Peer(box, "t")
        for statement in (
                "s.counter('x', 'X.')", "s.counter('_total', 'X.')",
                "s.counter('x_total', '')", "s.gauge('1x', 'X.')",
                "s.gauge('x', 'X\\1')", "s.gauge('x', 'X', unit='seconds')",
                "s.gauge('x', 'X', labels={'le': '1'})",
                "s.gauge('x', 'X', labels={'__a': '1'})",
                "s.gauge('x', 'X', mode='each', labels={'process': '1'})",
                "s.counter('x_total', 'X', labels={'a': 'x' * 1024})",
                "s.counter('x_total', 'X', exponent=19)",
                "s.histogram('x', 'X', bounds=[2, 1])",
                "s.histogram('x', 'X', bounds=[0.5])",
                "s.histogram('x', 'X', bounds=[float('inf')])",
                "s.histogram('x', 'X', native=smx.Native(9))",
                "s.histogram('x', 'X', native=smx.Native(3, 2, 1))",
                "smx.attach('UPPER')", "smx.attach('')"):
            answer = peer.say(statement)
            assert answer.startswith("Error: "), (statement, answer)
        assert look(box, "t").values == []


@test
def both_readers_refuse_the_same_damage():
    """Bytes of header and directory bent at random, with right CRCs in half
    of the cases: the same verdict each time."""
    rng = random.Random(7)
    with Box(start=False) as box:
        Peer(box, "t", slots=2, lanes=2, cells=512, gauges=8,
             dir_bytes=4096).do(
            "s.counter('hits_total', 'H.').inc()",
            "s.counter('by_total', 'B.', labels={'name': 'x'}).inc()",
            "s.gauge('depth', 'D.', mode='max').set(1)",
            "h = s.histogram('wait_seconds', 'W.', bounds=[1, 2], "
            "native=smx.Native(0, 1, 8))",
            "h.observe(2)").kill()
        Peer(box, "t").do("s.gauge('wait_seconds', 'W.')").kill()
        whole = (box.dir / "smx.t").read_bytes()
        refused = 0
        for i in range(400):
            data = bent(whole, rng)
            (box.dir / "smx.bad").write_bytes(data)
            theirs = tool(box, "check", "bad")
            try:
                with smx.Segment(str(box.dir / "smx.bad")) as segment:
                    segment.read()
                mine = 0
            except smx.Error as e:
                mine, why = 1, e
            assert mine == theirs.returncode, (i, theirs.stdout, mine and why)
            refused += mine
        assert 100 < refused < 400, refused


def bent(data, rng):
    """A few bits of the header or the directory are others."""
    data = bytearray(data)
    h = layout.header_decode(bytes(data[:512]), len(data))
    tail = int.from_bytes(data[192:200], "little")
    for _ in range(rng.choice((1, 1, 1, 3))):
        if rng.random() < 0.3:
            at = rng.randrange(200)
        else:
            at = h.dir_off + rng.randrange(tail)
        data[at] ^= 1 << rng.randrange(8)
    if rng.random() < 0.8:
        seal(data, h.dir_off, tail)
    return data


def seal(data, at, tail):
    from zlib import crc32
    data[148:152] = crc32(data[8:148]).to_bytes(4, "little")
    end = at + tail
    while at + 16 <= end:
        size = int.from_bytes(data[at:at + 4], "little")
        if size < 16 or size % 8 or at + size > end:
            break
        data[at + 4:at + 8] = crc32(data[at + 8:at + size]).to_bytes(
            4, "little")
        at += size


if __name__ == "__main__":
    sys.exit(main())
