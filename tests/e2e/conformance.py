#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What scrapers of the world may expect of /metrics: negotiation, three
formats that say the same, real Prometheus processes; at rest and under load.

usage: conformance.py SMX_COLLECTOR SEGMENT_WRITER [NAME...]

$SCRAPES is how often the collector is scraped where growth is looked for.
"""
import json
import math
import os
import pathlib
import random
import socket
import subprocess
import sys
import urllib.parse
import http.client

from box import Box, Prometheus, Skip, Writer, main, test, until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from client_model import delimited, message_classes, native_counts  # noqa
from strict import exemplar_of, read_protobuf, read_text            # noqa

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PROTO = ("application/vnd.google.protobuf; "
         "proto=io.prometheus.client.MetricFamily; encoding=delimited")
TYPES = {"text": TEXT, "open": OPEN, "proto": PROTO}
# what Prometheus sends
V2_42 = ("application/openmetrics-text;version=1.0.0,"
         "application/openmetrics-text;version=0.0.1;q=0.75,"
         "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
V2_42_NATIVE = (
    "application/vnd.google.protobuf;"
    "proto=io.prometheus.client.MetricFamily;encoding=delimited,"
    "application/openmetrics-text;version=1.0.0;q=0.8,"
    "application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
V3 = ("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
      "application/openmetrics-text;version=0.0.1;q=0.5,"
      "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
      "text/plain;version=0.0.4;q=0.3,*/*;q=0.2")
V3_NATIVE = (
    "application/vnd.google.protobuf;"
    "proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,"
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1")


def classes():
    try:
        return message_classes()
    except ImportError as missing:
        raise Skip("no python3-protobuf") from missing


def page(box, form, path="/metrics"):
    """One scrape in one of the formats, read strictly."""
    r = box.get(path, Accept=TYPES[form], Accept_Encoding="gzip")
    assert r.status == 200 and r.headers["Content-Type"] == TYPES[form]
    if form == "proto":
        return read_protobuf(delimited(classes(), r.plain), native_counts)
    return read_text(r.text, form == "open")


def some_services(box):
    feed = Writer(box, "feed").do(
        "counter ticks_total 41", "gauge depth 2.5", "gauge low -1e-07",
        r'label by_total a"b\c 7', "label by_total été 1",
        "histogram wait_seconds 5000 30000 9000000000",
        "native work_seconds 1 1000 5000 30000 123456789 9000000000",
        "exemplar ack_seconds 20000 17", "exemplar ack_seconds 900000 é-18",
        "exemplar ack_seconds 99000000000 far")
    risk = Writer(box, "risk", "a").do(
        "counter ticks_total 1", "histogram wait_seconds 5000",
        "counter busy_total 12345678901234567")
    return feed, risk


@test
def each_scraper_gets_the_format_it_prefers():
    with Box() as box:
        Writer(box, "feed").do("counter ticks_total 41")
        for accept, want in ((V2_42, OPEN), (V2_42_NATIVE, PROTO), (V3, OPEN),
                             (V3_NATIVE, PROTO), ("*/*", TEXT), (None, TEXT),
                             ("text/html", TEXT), ("", TEXT),
                             ("text/plain", TEXT), (PROTO, PROTO)):
            headers = {} if accept is None else {"Accept": accept}
            r = box.get(**headers)
            assert r.status == 200, accept
            assert r.headers["Content-Type"] == want, (accept, r.headers)
            assert r.headers["Vary"] == "Accept, Accept-Encoding"
            head = box.get(method="HEAD", **headers)
            assert head.status == 200 and head.raw == b""
            assert head.headers["Content-Type"] == want
            assert int(head.headers["Content-Length"]) > 0


def raw(box, *lines):
    """Status, headers and body of each answer to bytes as they are."""
    with socket.create_connection(("127.0.0.1", box.port), 20) as s:
        s.sendall("\r\n".join((*lines, "", "")).encode())
        data = b""
        while part := s.recv(1 << 20):
            data += part
    answers = []
    while data:
        head, data = data.split(b"\r\n\r\n", 1)
        first, *rest = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in rest)
        n = int(headers["Content-Length"])
        answers.append((int(first.split()[1]), headers, data[:n]))
        data = data[n:]
    return answers


END = ("Host: x", "Connection: close")


@test
def a_list_in_several_lines_is_one_list():
    with Box() as box:
        Writer(box, "feed").do("counter ticks_total 41")
        for wanted in ((TEXT + ";q=0.1", OPEN), ("application/json", PROTO),
                       ("", OPEN), ("x/y," * 2000, OPEN)):
            (status, headers, _), = raw(
                box, "GET /metrics HTTP/1.1", *END,
                *(f"Accept: {w}" for w in wanted))
            assert (status, headers["Content-Type"]) == (200, wanted[1])
        for codings, want in ((("deflate", "gzip"), "gzip"),
                              (("*", "gzip;q=0"), None)):
            (status, headers, _), = raw(
                box, "GET /metrics HTTP/1.1", *END,
                *(f"Accept-Encoding: {c}" for c in codings))
            assert headers.get("Content-Encoding") == want, codings


@test
def a_whole_address_is_asked_for_as_its_path_is():
    with Box() as box:
        Writer(box, "feed").do("counter ticks_total 41")
        for target, want in (("http://proxied:1/metrics", 200),
                             ("HTTP://x/metrics?service=feed", 200),
                             ("https://x/metrics/feed", 200),
                             ("http://x", 200), ("http://x/", 200),
                             ("http://x/nothing", 404), ("http:/x", 404),
                             ("ftp://x/metrics", 404)):
            (status, _, body), = raw(box, f"GET {target} HTTP/1.1", *END)
            assert status == want, (target, status)
            assert (b'ticks_total{service="feed"}' in body) == (
                "metrics" in target and want == 200), target


@test
def a_request_with_two_meanings_is_refused_and_nothing_behind_it_answered():
    with Box() as box:
        smuggled = ("", "0", "", "GET /-/ready HTTP/1.1", *END)
        for lines in (("Host: a", "Host: b"),
                      ("Host: a", "Content-Length: 5", "Content-Length: 0"),
                      ("Host: a", "Content-Length: 5",
                       "Transfer-Encoding: chunked")):
            answers = raw(box, "GET /-/healthy HTTP/1.1", *lines, *smuggled)
            assert [a[0] for a in answers] == [400], (lines, answers)
            assert answers[0][1]["Connection"] == "close"
        assert box.get("/-/healthy").status == 200


@test
def a_body_whose_end_nobody_can_tell_is_refused_at_once():
    with Box() as box:
        for coding in ("gzip", "gzip, chunked", "chunked, gzip", "identity",
                       "chunked;q=1", "x"):
            answers = raw(box, "GET /-/healthy HTTP/1.1", "Host: a",
                          f"Transfer-Encoding: {coding}", "", "0", *END)
            assert [a[0] for a in answers] == [400], (coding, answers)
            assert answers[0][1]["Connection"] == "close"
        answers = raw(box, "GET /-/healthy HTTP/1.1", "Host: a",
                      "Transfer-Encoding: Chunked", "", "0", "",
                      "GET /-/healthy HTTP/1.1", *END)
        assert [a[0] for a in answers] == [200, 200], answers


@test
def every_format_is_strictly_what_it_says():
    with Box() as box:
        some_services(box)
        for form in TYPES:
            assert len(page(box, form).samples) > 60, form


@test
def created_times_come_when_asked_for():
    with Box("--openmetrics.created") as box:
        some_services(box)
        om, text = page(box, "open"), page(box, "text")
        began = {k: v for k, v in om.samples.items()
                 if k[0].endswith("_created")}
        assert ("ticks_created", frozenset({("service", "feed")})) in began
        assert all(1.6e9 < v < 1e10 for v in began.values())
        assert not [n for n, _ in text.samples if n.endswith("_created")]


def same_samples(a, b, native):
    """All of both, but for the buckets that a native histogram need not
    have beside its own."""
    for x, y in ((a, b), (b, a)):
        for key in x.samples.keys() - y.samples.keys():
            assert key[0].endswith("_bucket") and key[0][:-7] in native, key
    for key in a.samples.keys() & b.samples.keys():
        assert a.samples[key] == b.samples[key], key


@test
def the_three_formats_agree_on_every_value():
    with Box() as box:
        some_services(box)
        for path in ("/metrics/feed", "/metrics/risk"):
            text = page(box, "text", path)
            om = page(box, "open", path)
            proto = page(box, "proto", path)
            native = {name for name, _ in proto.native}
            assert text.samples == om.samples
            same_samples(text, proto, native)
            assert text.types == proto.types
            assert not text.exemplars
            # one series to Prometheus: the newest, and all in a list
            assert proto.exemplars.items() <= om.exemplars.items()
            if path == "/metrics/feed":
                assert len(om.exemplars) == 3 and len(proto.exemplars) == 1
                h = proto.native["ack_seconds",
                                 frozenset({("service", "feed")})]
                assert sorted(map(str, map(exemplar_of, h.exemplars))) == \
                    sorted(map(str, om.exemplars.values()))


def rises(before, after):
    """Counters, and all that a histogram consists of, only rise."""
    for key, value in before.samples.items():
        if before.types.get(key[0]) != "gauge" and key[0].split("_")[0] not in\
                ("smx", "process"):
            assert after.samples[key] >= value, key


@test
def every_page_under_load_is_whole():
    with Box() as box:
        w, _ = some_services(box)
        w.do("spin a_seconds", "spin b_seconds")
        last = {}
        for _ in range(60):
            for form in TYPES:
                now = page(box, form)
                if form in last:
                    rises(last[form], now)
                last[form] = now
        done = subprocess.run(["promtool", "check", "metrics"],
                              input=box.get().text, text=True,
                              capture_output=True, check=False)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")


def prometheus(box, *flags):
    here = [{"targets": [f"127.0.0.1:{box.port}"]}]
    p = Prometheus(box, [{"job_name": "smx", "static_configs": here}], *flags)
    until("up", lambda: p.one("up") == "1", 30)
    return p


def quiet(box):
    said = (box.base / "prometheus.log").read_text()
    assert "level=warn" not in said and "level=error" not in said, said


def api(p, path, **query):
    c = http.client.HTTPConnection("127.0.0.1", p.port, timeout=5)
    try:
        c.request("GET", path + "?" + urllib.parse.urlencode(query))
        return json.loads(c.getresponse().read())["data"]
    finally:
        c.close()


def exemplars(p, query):
    found = api(p, "/api/v1/query_exemplars", query=query,
                start="2020-01-01T00:00:00Z", end="2100-01-01T00:00:00Z")
    return {e["labels"]["order_id"]: float(e["value"])
            for series in found for e in series["exemplars"]}


WANTED = {"17": 2e-05, "é-18": 0.0009, "far": 99.0}


@test
def a_plain_prometheus_takes_all_of_it():
    with Box() as box:
        some_services(box)
        p = prometheus(box)
        until("scraped", lambda: p.one('ticks_total{service="feed"}') == "41")
        assert p.one('busy_total{service="risk"}') == "12345678901234568"
        assert float(p.one('low{service="feed"}')) == -1e-07
        assert p.one("work_seconds_count") == "6"
        assert p.one('wait_seconds_bucket{service="feed",le="+Inf"}') == "3"
        quiet(box)


@test
def exemplars_reach_prometheus():
    with Box() as box:
        feed, _ = some_services(box)
        p = prometheus(box, "--enable-feature=exemplar-storage")
        until("exemplars", lambda: exemplars(
            p, "ack_seconds_bucket") == WANTED)
        feed.do("exemplar ack_seconds 21000 19")
        until("the next one", lambda: exemplars(
            p, "ack_seconds_bucket") == {**WANTED, "19": 2.1e-05})
        quiet(box)


def exact_quantile(values, q):
    return values[min(len(values) - 1, math.ceil(q * len(values)) - 1)]


@test
def native_quantiles_are_right_within_one_bucket():
    rnd = random.Random(7)
    seconds = sorted(rnd.lognormvariate(-7, 1.5) for _ in range(4000))
    ns = [max(1, int(s * 1e9)) for s in seconds]
    with Box() as box:
        feed, _ = some_services(box)
        for i in range(0, len(ns), 200):
            chunk = " ".join(map(str, ns[i:i + 200]))
            feed.do("native lag_seconds " + chunk,
                    "histogram both_seconds " + chunk)
        p = prometheus(box, "--enable-feature=native-histograms,"
                       "exemplar-storage")
        until("native", lambda: p.one(
            "histogram_count(lag_seconds)") == str(len(ns)))
        for name in ("lag_seconds", "both_seconds"):
            assert p.one(f"histogram_count({name})") == str(len(ns))
            for q in (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999):
                got = float(p.one(f"histogram_quantile({q}, {name})"))
                want = exact_quantile(ns, q) / 1e9
                # schema 3: a bucket is 2^(1/8) wide
                assert want * 2 ** -0.125 <= got <= want * 2 ** 0.125, (
                    name, q, got, want)
        until("exemplars", lambda: exemplars(p, "ack_seconds"))
        assert exemplars(p, "ack_seconds").items() <= WANTED.items()
        quiet(box)


@test
def prometheus_takes_every_scrape_under_load():
    for flags in ((), ("--enable-feature=native-histograms,"
                       "exemplar-storage",)):
        with Box() as box:
            feed, _ = some_services(box)
            feed.do("spin a_seconds", "spin b_seconds",
                    "many load 2000")
            p = prometheus(box, *flags)
            until("scrapes", lambda: int(p.one(
                "count_over_time(up[1m])") or 0) >= 5, 60)
            assert p.one("min_over_time(up[1m])") == "1"
            quiet(box)


def resources(box):
    status = pathlib.Path(f"/proc/{box.proc.pid}/status").read_text()
    kb = int(status.split("VmRSS:")[1].split()[0])
    return kb, len(os.listdir(f"/proc/{box.proc.pid}/fd"))


@test
def many_scrapes_leave_nothing_behind():
    n = int(os.environ.get("SCRAPES", 4000))
    kinds = [(t, coding) for t in TYPES.values()
             for coding in ("identity", "gzip")]
    with Box() as box:
        some_services(box)
        c = box.connect(60)

        def scrape(i):
            accept, coding = kinds[i % len(kinds)]
            c.request("GET", "/metrics", headers={
                "Accept": accept, "Accept-Encoding": coding})
            r = c.getresponse()
            assert r.status == 200 and len(r.read()) > 1000

        for i in range(1000):
            scrape(i)
        kb, fds = resources(box)
        for i in range(n):
            scrape(i)
        after_kb, after_fds = resources(box)
        c.close()
        assert after_fds == fds, (fds, after_fds)
        # some pages of the allocator; a byte each would be more
        assert after_kb - kb <= max(512, n // 1024), (kb, after_kb, n)
        print(f"{n} scrapes: {kb} kB, then {after_kb} kB; {fds} descriptors")


if __name__ == "__main__":
    sys.exit(main())
