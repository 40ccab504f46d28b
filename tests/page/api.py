#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the page at / asks the collector for: /api/v1/state, /api/v1/series."""
import http.client
import json
import sys
import threading
import time

from box import Box, Writer, main, test, until
from web_box import Web, bcrypt


def ask(box, path, **headers):
    r = box.get("/api/v1/" + path, **headers)
    assert r.status == 200, (path, r.status, r.text)
    assert r.headers["Content-Type"] == "application/json"
    return json.loads(r.text)


def flat(answer):
    """{(service, instance, family, labels): value}"""
    return {(source.get("service"), source.get("instance"), family["name"],
             frozenset(one["labels"].items())): one["value"]
            for family in answer["families"] for source in family["sources"]
            for one in source["series"]}


def of(box, family):
    found = flat(ask(box, f"series?family={family}"))
    assert len(found) == 1, found
    return next(iter(found.values()))


@test
def it_says_what_metrics_say():
    with Box() as box:
        Writer(box, "feed", "a").do("counter ticks_total 3", "gauge depth 1.5",
                                    "label orders_total buy 7",
                                    "explicit ack_seconds 1000 2000000 5")
        text = box.get().samples()
        series = flat(ask(box, "series?limit=10000"))
        for (service, instance, name, labels), value in series.items():
            own = {("service", service)} if service else set()
            own |= {("service_instance", instance)} if instance else set()
            key = frozenset(labels | own)
            if value is None:
                assert key not in text.get(name, {}), name
            elif isinstance(value, dict):
                assert name + "_bucket" in text, name
                assert int(value["count"]) == sum(
                    map(int, value["buckets"].values())), name
            else:
                assert key in text[name], (name, key)
        assert series["feed", "a", "ticks_total", frozenset()] == "3"
        assert series["feed", "a", "depth", frozenset()] == "1.5"
        assert series["feed", "a", "orders_total",
                      frozenset({("name", "buy")})] == "7"
        assert of(box, "ack_seconds") == {
            "count": "3", "sum": "0.002001005",
            "buckets": {"0": "2", "1": "1"}}
        # and nothing of the text is missing
        names = {n for _, _, n, _ in series}
        for name in text:
            base = name
            for suffix in ("_bucket", "_sum", "_count"):
                base = base.removesuffix(suffix)
            assert name in names or base in names, name


@test
def every_digit_arrives():
    with Box() as box:
        Writer(box, "feed").do("counter big_total 18446744073709551615",
                               "histogram t_seconds 9007199254740993")
        assert of(box, "big_total") == "18446744073709551615"
        assert of(box, "t_seconds")["sum"] == "9007199.254740993"


@test
def the_state_is_that_of_the_services():
    with Box("--service", "gone") as box:
        w = Writer(box, "feed")
        (box.dir / "smx.junk").write_bytes(b"x" * 8192)
        box.get()
        state = ask(box, "state")
        services = {s["file"] if "file" in s else s["service"]: s
                    for s in state["services"]}
        feed = services["smx.feed"]
        assert feed["state"] == "alive" and feed["live"] == 1
        assert feed["processes"][0]["pid"] == w.proc.pid
        assert feed["capacity"]["lanes"]["of"] > 0
        assert all(v == "0" for v in feed["troubles"].values())
        assert services["smx.junk"]["state"] == "bad"
        assert services["smx.junk"]["reason"]
        assert services["gone"]["state"] == "missing"
        w.kill()
        until("seen as not running", lambda: [
            s for s in ask(box, "state")["services"]
            if s.get("file") == "smx.feed" and s["state"] == "idle"])


@test
def what_is_hidden_is_named():
    with Box() as box:
        Writer(box, "a").do("counter x_total 1")
        Writer(box, "b").do("gauge x_total 1")
        hidden = ask(box, "state")["hidden"]
        assert [(h["service"], h["family"]) for h in hidden] == \
            [("b", "x_total")], hidden


@test
def a_plan_saves_the_names_while_it_holds():
    with Box() as box:
        w = Writer(box, "feed").do("counter ticks_total 3")
        whole = ask(box, "series?limit=10000")
        known = ask(box, f"series?limit=10000&plan={whole['plan']}")
        assert "families" not in known
        assert len(known["values"]) == whole["total"] == known["total"]
        w.do("counter more_total 1")
        changed = until("a new plan", lambda: [x for x in [ask(
            box, f"series?limit=10000&plan={whole['plan']}")]
            if x["plan"] != whole["plan"]])[0]
        assert changed["total"] == whole["total"] + 1
        assert ("feed", "", "more_total", frozenset()) in flat(changed)


@test
def answers_are_bounded_and_go_on():
    with Box() as box:
        for i in range(5):
            Writer(box, f"feed{i}").do("help " + "x" * 500,
                                       f"many c{i} 1900")
        whole, first, parts = {}, 0, 0
        while first is not None:
            r = box.get(f"/api/v1/series?limit=10000&first={first}")
            assert len(r.plain) <= 4 << 20
            part = json.loads(r.text)
            assert part["total"] > 9000
            found = flat(part)
            assert found and not set(found) & set(whole)
            whole.update(found)
            first, parts = part["next"], parts + 1
        assert parts > 1 and len(whole) == part["total"]
        some = ask(box, "series?first=5&limit=7")
        assert len(flat(some)) == 7 and some["next"] == 12
        assert len(flat(ask(box, "series"))) == 1000


@test
def services_are_chosen_as_for_metrics():
    with Box() as box:
        for name in ("feed", "risk"):
            Writer(box, name).do("counter ticks_total 1")
        of_feed = flat(ask(box, "series?service=feed"))
        assert {s for s, _, n, _ in of_feed if n == "ticks_total"} == {"feed"}
        rest = flat(ask(box, "series?exclude=feed"))
        assert {s for s, _, n, _ in rest if n == "ticks_total"} == {"risk"}


@test
def what_is_wrong_is_refused():
    with Box() as box:
        for query in ("limit=0", "limit=10001", "limit=", "limit=+1",
                      "limit=1e3", "limit=99999999999", "first=-1", "first=x",
                      "first= 1", "limit=1&limit=1", "plan=", "plan=xyz",
                      "plan=" + "1" * 40, "family=", "family=a-b",
                      "family=" + "a" * 256, "nothing=1", "Limit=1", "limit",
                      "service=" + "a," * 1500 + "b" * 2048):
            r = box.get("/api/v1/series?" + query.replace(" ", "%20"))
            assert r.status == 400, (query, r.status)
            assert r.headers["Content-Type"].startswith("text/plain")
        assert box.get("/api/v1/state?x=1").status == 400
        for path in ("/api", "/api/", "/api/v1/", "/api/v1/nothing",
                     "/api/v2/state", "/page/", "/page/../engine.c"):
            assert box.get(path).status == 404, path
        assert box.get("/metrics?format=nothing").status == 400


@test
def methods_and_headers_are_as_elsewhere():
    with Box() as box:
        for path in ("/", "/page/main.js", "/api/v1/state", "/api/v1/series"):
            assert box.get(path, method="POST").status == 405, path
            head = box.get(path, method="HEAD")
            assert head.status == 200 and head.raw == b"", path
            plain = box.get(path)
            packed = box.get(path, Accept_Encoding="gzip")
            if path != "/api/v1/state":     # too short for it to pay
                assert packed.headers["Content-Encoding"] == "gzip", path
                assert len(packed.raw) < len(plain.raw), path
            if not path.startswith("/api"):
                assert packed.plain == plain.plain, path
        for kind in ("text/plain", "application/openmetrics-text",
                     "application/vnd.google.protobuf"):
            name = {"text/plain": "text", "application/openmetrics-text":
                    "openmetrics"}.get(kind, "protobuf")
            r = box.get(f"/metrics?format={name}")
            assert r.headers["Content-Type"].startswith(kind), name


@test
def files_of_the_page_are_fetched_once():
    with Box() as box:
        for path in ("/", "/page/style.css", "/page/main.js"):
            r = box.get(path)
            policy = r.headers["Content-Security-Policy"]
            assert "default-src 'self'" in policy and "unsafe" not in policy
            assert r.headers["X-Content-Type-Options"] == "nosniff"
            tag = r.headers["ETag"]
            again = box.get(path, If_None_Match=tag)
            assert again.status == 304 and again.raw == b"", path
            assert box.get(path, If_None_Match='"x"').status == 200
        for attribute in (" style=", "<style", "onclick", "javascript:"):
            assert attribute not in box.get("/").text


@test
def many_pages_cost_one_look_a_second():
    """Whoever asks within a second gets the same look."""
    with Box() as box:
        Writer(box, "feed").do("counter ticks_total 3")
        looks, ends, lock = set(), [], threading.Lock()
        began = time.monotonic()

        def one(paths):
            c = http.client.HTTPConnection("127.0.0.1", box.port, timeout=20)
            while time.monotonic() - began < 3:
                for path in paths:
                    c.request("GET", "/api/v1/" + path)
                    uptime = json.loads(c.getresponse().read())["uptime"]
                    with lock:
                        looks.add(uptime)
                        ends.append(path)
            c.close()
        threads = [threading.Thread(target=one, args=(
            ["state", f"series?limit={i + 1}"],)) for i in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        took = time.monotonic() - began
        assert len(ends) > 4 * len(looks), (len(ends), len(looks))
        assert len(looks) <= took + 1, (took, sorted(looks))


@test
def a_page_does_not_count_as_a_scrape():
    """The last values of the dead wait for a scrape, not for a page."""
    with Box("--segment-retention=1s") as box:
        Writer(box, "feed").do("counter ticks_total 3").kill()
        began = time.monotonic()
        while time.monotonic() - began < 2.5:
            assert ("feed", "", "ticks_total", frozenset()) in \
                flat(ask(box, "series?limit=10000"))
            time.sleep(0.2)
        assert box.value("ticks_total", service="feed") == 3
        until("gone", lambda: box.value(
            "ticks_total", service="feed") is None)


@test
def tls_and_login_hold_here_too():
    with Web(tls_server_config=Web.TLS,
             basic_auth_users={"alice": bcrypt("right")}) as box:
        box.login = "alice:right"
        box.start()
        for path in ("/", "/page/main.js", "/api/v1/state", "/api/v1/series"):
            assert box.get(path).status == 200, path
        box.login = None
        for path in ("/", "/page/main.js", "/api/v1/state", "/api/v1/series"):
            assert box.get(path).status == 401, path


sys.exit(main())
