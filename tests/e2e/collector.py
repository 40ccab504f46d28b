#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The collector beside real segments of real writers, over HTTP.

usage: collector.py SMX_COLLECTOR SEGMENT_WRITER [NAME...]
"""
import concurrent.futures
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

from box import (COLLECTOR, OM, Box, Prometheus, Skip, Writer, main, test,
                 until)

NOBODY = 65534
ROOT = os.geteuid() == 0


@test
def both_text_formats_say_what_the_writers_did():
    with Box() as box:
        Writer(box, "feed").do("counter ticks_total 41", "gauge depth 2.5",
                               "histogram wait_seconds 5000 30000 9000000000",
                               'label by_total BTC"\\ 7')
        Writer(box, "risk", "a").do("counter ticks_total 1")
        for accept, om in (("text/plain", False), (OM, True)):
            r = box.get(Accept=accept)
            assert r.status == 200
            assert r.headers["Content-Type"] == (
                "application/openmetrics-text; version=1.0.0; charset=utf-8"
                if om else "text/plain; version=0.0.4; charset=utf-8")
            assert r.headers["Vary"] == "Accept, Accept-Encoding"
            assert r.value("ticks_total", service="feed") == 41
            assert r.value("ticks_total", service="risk",
                           service_instance="a") == 1
            assert r.value("depth", service="feed") == 2.5
            assert r.value("by_total", service="feed", name='BTC"\\') == 7
            assert r.value("wait_seconds_count", service="feed") == 3
            assert r.value("wait_seconds_sum", service="feed") == 9.000035
            assert r.value("wait_seconds_bucket", service="feed",
                           le="2.5e-05") == 1
            assert r.value("wait_seconds_bucket", service="feed",
                           le="+Inf") == 3
            assert r.text.endswith("# EOF\n") == om


@test
def promtool_has_nothing_to_say():
    with Box("--service=missing") as box:
        Writer(box, "feed").do("counter ticks_total 41",
                               "histogram wait_seconds 5000")
        (box.dir / "smx.bad").write_bytes(b"garbage")
        box.get()
        for path in ("/metrics", "/metrics/feed"):
            done = subprocess.run(["promtool", "check", "metrics"],
                                  input=box.get(path).text, text=True,
                                  capture_output=True, check=False)
            assert done.returncode == 0, done.stderr
            assert done.stdout + done.stderr == "", done.stdout + done.stderr


@test
def gzip_only_where_wanted_and_worth_it():
    with Box("--web.disable-exporter-metrics") as box:
        Writer(box, "feed").do("counter ticks_total 41")
        small = box.get("/metrics/feed", Accept_Encoding="gzip")
        assert "Content-Encoding" not in small.headers
        big = box.get(Accept_Encoding="gzip")
        assert big.headers["Content-Encoding"] == "gzip"
        assert len(big.raw) < len(big.text) / 2
        assert big.value("ticks_total", service="feed") == 41
        for no in ("gzip;q=0", "identity", "deflate", "*;q=0"):
            plain = box.get(Accept_Encoding=no)
            assert "Content-Encoding" not in plain.headers, no
        assert big.text == box.get().text


@test
def requests_choose_services():
    with Box("--service=risk", "--service=later") as box:
        for service, instance in (("feed", None), ("risk", "a"),
                                  ("risk", "b"), ("notify", None)):
            Writer(box, service, instance).do("counter x_total 1")

        def shown(path):
            r = box.get(path)
            assert r.status == 200, (path, r.status, r.text)
            return sorted("@".join(filter(None, (
                dict(k)["service"], dict(k).get("service_instance"))))
                for k in r.samples().get("x_total", {}))

        every = ["feed", "notify", "risk@a", "risk@b"]
        assert shown("/metrics") == every
        assert shown("/metrics?service=feed") == ["feed"]
        assert shown("/metrics?service=feed,risk@b") == ["feed", "risk@b"]
        assert shown("/metrics?service=feed&service=risk") == [
            "feed", "risk@a", "risk@b"]
        assert shown("/metrics?exclude=feed&exclude=notify,risk@a") == [
            "risk@b"]
        assert shown("/metrics?service=risk&exclude=risk@a") == ["risk@b"]
        assert shown("/metrics?service=&exclude=,") == every
        assert shown("/metrics?service=nobody") == []
        assert shown("/metrics?other=1") == every
        assert shown("/metrics/feed") == ["feed"]
        assert shown("/metrics/risk") == ["risk@a", "risk@b"]
        assert shown("/metrics/risk@b") == ["risk@b"]
        # ours are on /metrics alone, and never filtered
        for path in ("/metrics?service=feed", "/metrics?exclude=feed"):
            r = box.get(path)
            assert r.value("smx_service_live_processes", service="feed") == 1
            assert r.value("smx_collector_segments") == 4
        assert "smx_" not in box.get("/metrics/feed").text
        # nobody knows it; somebody waits for it
        r = box.get("/metrics/nobody")
        assert r.status == 404 and "nobody" in r.text, r.text
        assert box.get("/metrics/feed@x").status == 404
        assert box.get("/metrics/").status == 404
        assert box.get("/metrics/feed,risk").status == 404
        r = box.get("/metrics/later")
        assert r.status == 200 and r.text == ""
        assert box.get("/metrics/later", Accept=OM).text == "# EOF\n"
        assert box.value("smx_service_live_processes", service="later") == 0
        assert box.get("/metrics?service=" + "a" * 3000).status == 400


@test
def segments_come_and_go_while_it_runs():
    with Box() as box:
        w = Writer(box, "feed").do("counter ticks_total 1")
        # noticed by itself, long before the rescan
        until("found", lambda: box.lines("segment found"), 2)
        assert box.value("ticks_total", service="feed") == 1
        w.do("counter ticks_total 1", "counter more_total 5")
        assert box.value("ticks_total", service="feed") == 2
        assert box.value("more_total", service="feed") == 5
        (box.dir / "smx.feed").unlink()
        until("gone", lambda: box.lines("segment gone"), 2)
        r = box.get()
        assert r.value("ticks_total", service="feed") is None
        assert r.value("smx_collector_segments") == 0
        Writer(box, "feed").do("counter ticks_total 7")
        assert box.value("ticks_total", service="feed") == 7
        # another file under the name, at once
        other = box.base / "other"
        other.mkdir()
        keep = box.dir
        box.dir = other
        Writer(box, "feed").do("counter ticks_total 9")
        box.dir = keep
        os.rename(other / "smx.feed", keep / "smx.feed")
        assert box.value("ticks_total", service="feed") == 9
        maps = pathlib.Path(f"/proc/{box.proc.pid}/maps").read_text()
        assert "smx.feed (deleted)" not in maps, "still mapped: a segment gone"


@test
def it_holds_no_writable_mapping():
    with Box() as box:
        Writer(box, "feed").do("counter ticks_total 1")
        box.get()
        maps = pathlib.Path(f"/proc/{box.proc.pid}/maps").read_text()
        ours = [m.split()[1] for m in maps.splitlines() if "smx.feed" in m]
        assert ours and set(ours) == {"r--s"}, ours


def bad_files(box):
    """Names under which something lies that is no segment."""
    good = (box.dir / "smx.feed").read_bytes()
    (box.dir / "smx.empty").write_bytes(b"")
    (box.dir / "smx.garbage").write_bytes(b"\xa5" * 100000)
    (box.dir / "smx.zeros").write_bytes(bytes(8192))
    (box.dir / "smx.short").write_bytes(good[:2000])
    (box.dir / "smx.cutoff").write_bytes(good[:9000])
    (box.dir / "smx.version").write_bytes(good[:8] + b"\x63" + good[9:])
    (box.dir / "smx.header").write_bytes(good[:40] + b"\xff" * 8 + good[48:])
    (box.dir / "smx.folder").mkdir()
    os.mkfifo(box.dir / "smx.fifo")
    (box.dir / "smx.link").symlink_to(box.dir / "smx.feed")
    (box.dir / "smx.BadName").write_bytes(good)
    (box.dir / "smx.").write_bytes(good)
    (box.dir / "smx.feed@").write_bytes(good)
    (box.dir / "smx.\udcff\n\"x").write_bytes(good)
    return ["empty", "garbage", "zeros", "short", "cutoff", "version",
            "header", "folder", "fifo", "link", "BadName", "", "feed@"]


@test
def whatever_is_wrong_with_one_segment_concerns_it_alone():
    with Box() as box:
        Writer(box, "feed").do("counter ticks_total 3")
        names = bad_files(box)
        # an unfinished one gets some seconds
        until("all named", lambda: box.get() and all(
            box.named("smx." + n) for n in names))
        r = box.get()
        assert r.value("ticks_total", service="feed") == 3
        assert r.value("smx_collector_segments") == 1
        assert r.value("smx_collector_bad_segments") == len(names) + 1
        assert sum(v for k, v in r.samples()[
            "smx_collector_segment_errors_total"].items()) == len(names) + 1
        for _ in range(5):
            box.get()
        for n in names:     # once each, with a reason
            said = box.named("smx." + n)
            assert len(said) == 1 and said[0]["reason"], said
        r = box.get("/metrics/garbage")
        assert r.status == 503 and "smx.garbage" in r.text, r.text
        # one that becomes good is good
        (box.dir / "smx.garbage").unlink()
        Writer(box, "garbage").do("counter ticks_total 4")
        assert box.value("ticks_total", service="garbage") == 4


@test
def a_segment_cut_short_while_mapped_ends_alone():
    with Box() as box:
        Writer(box, "feed").do("counter ticks_total 3")
        w = Writer(box, "risk").do("many x 500")
        assert box.value("x_499_total", service="risk") == 1
        w.signal(signal.SIGSTOP)        # it would die of it
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            hits = [pool.submit(box.get) for _ in range(200)]
            os.truncate(box.dir / "smx.risk", 4096)
            assert all(h.result().status == 200 for h in hits)
        r = box.get()
        assert r.value("ticks_total", service="feed") == 3
        assert r.value("x_499_total", service="risk") is None
        assert r.value("smx_collector_bad_segments") == 1
        assert box.named("smx.risk")


@test
def a_strangers_file_in_a_public_directory_is_refused():
    if not ROOT:
        raise Skip("only root can make a stranger's file")
    with Box(mode=0o1777, user=NOBODY) as box:
        Writer(box, "feed").do("counter ticks_total 3")     # root's
        os.chmod(box.dir / "smx.feed", 0o644)
        assert box.value("ticks_total", service="feed") == 3
        os.chown(box.dir / "smx.feed", 12345, 12345)
        Writer(box, "risk").do("counter ticks_total 4")
        os.chmod(box.dir / "smx.risk", 0o644)
        os.chown(box.dir / "smx.risk", NOBODY, NOBODY)      # its own
        box.stop()
        box.start()
        r = box.get()
        assert r.value("ticks_total", service="feed") is None
        assert r.value("ticks_total", service="risk") == 4
        assert box.named("smx.feed")[-1]["cause"] == "owner"
        box.stop()
        box.flags = ("--owner=12345",)
        box.start()
        assert box.value("ticks_total", service="feed") == 3
        box.stop()
        # where only its owner can make files, owners say nothing
        box.flags = ()
        os.chmod(box.dir, 0o755)
        box.start()
        assert box.value("ticks_total", service="feed") == 3


@test
def an_unreadable_segment_is_read_once_it_may_be():
    if not ROOT:
        raise Skip("needs a user who may not read")
    with Box(user=NOBODY) as box:
        Writer(box, "feed").do("counter ticks_total 3")
        os.chmod(box.dir / "smx.feed", 0)
        until("named", lambda: box.get() and box.named("smx.feed"))
        assert box.named("smx.feed")[0]["cause"] == "io"
        os.chmod(box.dir / "smx.feed", 0o644)
        assert box.value("ticks_total", service="feed") == 3


@test
def stopped_and_killed_writers_stay_readable():
    with Box() as box:
        w = Writer(box, "feed").do("counter ticks_total 3", "gauge depth 4")
        w.signal(signal.SIGSTOP)
        r = box.get()
        assert r.value("ticks_total", service="feed") == 3
        assert r.value("depth", service="feed") == 4
        assert r.value("smx_service_live_processes", service="feed") == 1
        w.kill()
        r = box.get()
        assert r.value("ticks_total", service="feed") == 3
        assert r.value("depth", service="feed") is None
        assert r.value("smx_service_live_processes", service="feed") == 0
        Writer(box, "feed").do("counter ticks_total 2")
        r = box.get()
        assert r.value("ticks_total", service="feed") == 5
        assert r.value("smx_service_live_processes", service="feed") == 1


@test
def fifty_clients_at_once_while_writers_write():
    with Box() as box:
        for service in ("feed", "risk"):
            Writer(box, service).do("spin wait_seconds", "many x 300")

        def ask(i):
            last = 0
            for k in range(8):
                r = box.get(("/metrics", "/metrics/feed", "/")[(i + k) % 3],
                            Accept=OM if i % 2 else "text/plain",
                            Accept_Encoding="gzip" if i % 4 else "identity")
                assert r.status == 200, r.status
                if (i + k) % 3 == 2:
                    continue
                s = r.samples()
                feed = frozenset({("service", "feed")})
                inf = frozenset({("service", "feed"), ("le", "+Inf")})
                count = s["wait_seconds_count"][feed]
                assert count == s["wait_seconds_bucket"][inf]
                assert count >= last
                last = count
            return last

        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            assert all(pool.map(ask, range(50)))


@test
def more_requests_than_allowed_are_503():
    with Box("--web.max-requests=1") as box:
        Writer(box, "feed").do("many x 3000")
        # all of them lie there when it wakes up
        box.proc.send_signal(signal.SIGSTOP)
        asked = []
        for _ in range(10):
            s = socket.create_connection(("127.0.0.1", box.port))
            s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n"
                      b"Connection: close\r\n\r\n")
            asked.append(s.makefile("rb"))
            s.close()
        box.proc.send_signal(signal.SIGCONT)
        got = {f.read().split(b"\r\n")[0] for f in asked}
        assert got == {b"HTTP/1.1 200 OK",
                       b"HTTP/1.1 503 Service Unavailable"}, got
        assert box.value("smx_collector_errors_total", cause="busy") > 0


@test
def families_of_two_types_are_decided_by_name():
    with Box() as box:
        beta = Writer(box, "beta").do("gauge depth_seconds 1",
                                      "counter n_total 1")
        Writer(box, "alpha").do("histogram depth_seconds 5000")
        for i in range(3):
            beta.do(f"counter other{i}_total 1")    # planned anew each time
            r = box.get()
            assert r.value("depth_seconds_count", service="alpha") == 1
            assert r.value("depth_seconds", service="beta") is None
            assert r.value("n_total", service="beta") == 1
            assert r.value("smx_collector_hidden_families") == 1
        assert box.get("/metrics/beta").value(
            "depth_seconds", service="beta") == 1
        assert box.get("/metrics?service=beta").value(
            "depth_seconds", service="beta") == 1
        said = box.lines("family left out")
        assert [(x["of"], x["family"]) for x in said] == [
            ("beta", "depth_seconds")], said


@test
def a_service_cannot_speak_for_the_collector():
    with Box() as box:
        Writer(box, "aaa").do("gauge smx_service_live_processes 99",
                              "counter smx_collector_segments_total 5",
                              "histogram smx_service_lanes_seconds 1",
                              "counter smx_service_lanes_total 1")
        Writer(box, "feed").do("counter x_total 1")
        r = box.get()       # a sample that comes twice is an error here
        assert r.value("smx_service_live_processes", service="aaa") == 1
        assert r.value("smx_service_live_processes", service="feed") == 1
        assert r.value("smx_service_lanes", service="feed") > 0


@test
def the_directory_may_come_late_and_come_anew():
    with Box(start=False) as box:
        box.dir.rmdir()
        box.start()
        assert box.value("smx_collector_directory_up") == 0
        assert len(box.lines("cannot read the directory of the segments")) == 1
        state = json.loads(box.get("/api/v1/state").text)
        assert "No such file" in state["directory"]["error"]
        box.dir.mkdir()
        Writer(box, "feed").do("counter ticks_total 3")
        r = box.get()
        assert r.value("ticks_total", service="feed") == 3
        assert r.value("smx_collector_directory_up") == 1
        shutil.rmtree(box.dir)
        assert box.value("ticks_total", service="feed") is None
        box.dir.mkdir()
        Writer(box, "risk").do("counter ticks_total 4")
        # by itself, without being asked: at the latest at the rescan
        until("found", lambda: [x for x in box.lines("segment found")
                                if x["file"] == "smx.risk"])
        # and the watch is on the new one: much sooner than the next rescan
        for name in ("a", "b", "c"):
            Writer(box, name)
            until("noticed", lambda: [x for x in box.lines("segment found")
                                      if x["file"] == "smx." + name], 2)
        assert box.value("ticks_total", service="risk") == 4


@test
def http_as_it_should_be():
    with Box() as box:
        Writer(box, "feed").do("counter ticks_total 3")
        head = box.get(method="HEAD")
        assert head.status == 200 and head.raw == b""
        assert int(head.headers["Content-Length"]) > 1000
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            r = box.get(method=method)
            assert r.status == 405 and r.headers["Allow"] == "GET, HEAD"
        assert box.get("/nothing").status == 404
        assert box.get("/metricsx").status == 404
        assert box.get("/-/healthy").status == 200
        assert box.get("/-/ready").status == 200
        page = box.get("/")
        assert page.headers["Content-Type"].startswith("text/html")
        assert 'href="metrics"' in page.text
        assert box.value("smx_collector_requests_total", code="405") == 4
        assert box.value("smx_collector_requests_total", code="404") == 2


@test
def the_path_and_the_own_series_are_options():
    with Box("--web.telemetry-path", "/m/x",
             "--web.disable-exporter-metrics") as box:
        Writer(box, "feed").do("counter ticks_total 3")
        r = box.get("/m/x")
        assert r.value("ticks_total", service="feed") == 3
        assert r.value("smx_service_live_processes", service="feed") == 1
        assert "smx_collector_" not in r.text and "\nprocess_" not in r.text
        assert box.get("/m/x/feed").status == 200
        assert box.get("/metrics").status == 404
        state = json.loads(box.get("/api/v1/state").text)
        assert state["metrics_path"] == "/m/x"


@test
def it_ends_when_asked_and_answers_before():
    for number in (signal.SIGTERM, signal.SIGINT):
        with Box() as box:
            Writer(box, "feed").do("many x 3000")
            idle = socket.create_connection(("127.0.0.1", box.port))
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                asked = []
                for _ in range(8):
                    s = socket.create_connection(("127.0.0.1", box.port))
                    s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
                    asked.append(s)
                until("in flight", lambda: box.get().value(
                    "smx_collector_requests_in_flight"))
                box.proc.send_signal(number)

                def rest(s):
                    s.settimeout(20)
                    data = b""
                    while part := s.recv(1 << 20):
                        data += part
                    return data

                for data in pool.map(rest, asked):
                    head, body = data.split(b"\r\n\r\n", 1)
                    assert head.startswith(b"HTTP/1.1 200")
                    assert f"Content-Length: {len(body)}".encode() in head
            assert box.proc.wait(timeout=10) == 0
            box.proc = None
            idle.close()
            assert box.lines("stopped")


@test
def a_port_in_use_is_said_and_ends_it():
    with Box() as box:
        done = subprocess.run(
            [COLLECTOR, f"--web.listen-address=127.0.0.1:{box.port}",
             f"--dir={box.dir}"], capture_output=True, text=True,
            timeout=10, check=False)
        assert done.returncode == 1
        line = json.loads(done.stderr.splitlines()[-1])
        assert line["level"] == "error"
        assert f"127.0.0.1:{box.port}" == line["address"]
        assert "in use" in line["error"]


@test
def a_wrong_command_line_is_exit_status_2():
    for flags in (["--nonsense"], ["--web.listen"], ["extra"],
                  ["--web.listen-address=here"], ["--web.telemetry-path=x"],
                  ["--web.telemetry-path=/"], ["--web.max-requests=-1"],
                  ["--service=No"], ["--service=a@b"], ["--dir="],
                  ["--dir"], ["--version=1"], ["--owner=nobody-knows"],
                  ["--log.level=loud"]):
        done = subprocess.run([COLLECTOR, *flags], capture_output=True,
                              text=True, timeout=10, check=False)
        assert done.returncode == 2, flags
        assert done.stderr.count("\n") == 1, done.stderr
        assert flags[0].split("=")[0] in done.stderr, done.stderr
    for flag in ("--help", "--version"):
        done = subprocess.run([COLLECTOR, flag], capture_output=True,
                              text=True, timeout=10, check=False)
        assert done.returncode == 0 and done.stdout and not done.stderr


@test
def prometheus_takes_every_format():
    if not shutil.which("prometheus"):
        raise Skip("no prometheus")
    for flags, native in (((), False),
                          (("--enable-feature=native-histograms",), True)):
        with Box() as box:
            Writer(box, "feed").do("counter ticks_total 41",
                                   "native wait_seconds 5000 70000")
            Writer(box, "risk", "a").do("counter ticks_total 2",
                                        "histogram wait_seconds 5000")
            here = [{"targets": [f"127.0.0.1:{box.port}"]}]
            p = Prometheus(box, [
                {"job_name": "rest", "params": {"exclude": ["feed"]},
                 "static_configs": here},
                {"job_name": "feed", "metrics_path": "/metrics/feed",
                 "static_configs": here}], *flags)
            until("both up", lambda: p.one("sum(up)") == "2", 30)
            until("scraped twice", lambda: int(p.one(
                "smx_collector_scrape_duration_seconds_count") or 0) > 1, 20)
            assert p.one('ticks_total{service="feed"}') == "41"
            assert p.one('ticks_total{service="risk",'
                         'service_instance="a"}') == "2"
            assert p.one('smx_service_live_processes{service="feed"}') == "1"
            count, total = (
                ("histogram_count(wait_seconds%s)",
                 "histogram_sum(wait_seconds%s)") if native else
                ("wait_seconds_count%s", "wait_seconds_sum%s"))
            for service, n, seconds in (("feed", 2, 75e-6), ("risk", 1, 5e-6)):
                chosen = '{service="%s"}' % service
                assert float(p.one(count % chosen)) == n
                assert float(p.one(total % chosen)) == seconds
            assert p.one("sum(scrape_samples_scraped) - "
                         "sum(scrape_samples_post_metric_relabeling)") == "0"
            said = (box.base / "prometheus.log").read_text()
            assert "level=warn" not in said, said
            assert "level=error" not in said, said


@test
def nothing_is_left_open_after_many_changes():
    with Box() as box:
        def fds():
            return len(os.listdir(f"/proc/{box.proc.pid}/fd"))

        box.get()
        before = fds()
        for i in range(30):
            Writer(box, f"s{i}").do("counter ticks_total 1").kill()
            assert box.value("ticks_total", service=f"s{i}") == 1
            (box.dir / f"smx.s{i}").unlink()
            (box.dir / f"smx.bad{i}").write_bytes(b"x" * 5000)
            box.get()
            (box.dir / f"smx.bad{i}").unlink()
        box.get()
        until("closed", lambda: fds() <= before)


if __name__ == "__main__":
    sys.exit(main())
