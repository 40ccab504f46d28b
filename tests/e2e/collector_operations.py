#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Running the collector: systemd, service discovery, old segments, manual.

usage: collector_operations.py SMX_COLLECTOR SEGMENT_WRITER SOURCE UNIT [NAME...]
"""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

from box import COLLECTOR, Box, Prometheus, Skip, Writer, main, test, until
from web_box import Web

SOURCE, UNIT = (pathlib.Path(p) for p in sys.argv[3:5])
del sys.argv[3:5]


class Manager:
    """What systemd is told."""

    def __init__(self, box, watchdog_s=0):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = str(box.base / "notify")
        self.socket.bind(path)
        self.socket.settimeout(20)
        box.stack.callback(self.socket.close)
        box.environment["NOTIFY_SOCKET"] = path
        if watchdog_s:
            box.environment["WATCHDOG_USEC"] = str(int(watchdog_s * 1e6))

    def next(self):
        return self.socket.recv(1000).decode()


@test
def the_service_manager_hears_ready_alive_and_ending():
    with Box(start=False) as box:
        manager = Manager(box, 0.2)
        box.start()
        assert manager.next() == "READY=1"
        for _ in range(5):
            assert manager.next() == "WATCHDOG=1"
        box.proc.send_signal(signal.SIGSTOP)
        manager.socket.settimeout(1.5)
        try:
            while True:     # what was on its way
                manager.next()
        except TimeoutError:
            pass
        box.proc.send_signal(signal.SIGCONT)
        manager.socket.settimeout(20)
        assert manager.next() == "WATCHDOG=1"
        box.stop()
        said = manager.next()
        while said == "WATCHDOG=1":
            said = manager.next()
        assert said == "STOPPING=1"


@test
def it_listens_on_the_sockets_it_is_given():
    with Box(start=False) as box, socket.create_server(
            ("127.0.0.1", 0)) as given:
        port = given.getsockname()[1]
        early = socket.create_connection(("127.0.0.1", port))
        early.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
        log = open(box.log, "wb")
        box.stack.callback(log.close)
        # as execve() does it: the pid in LISTEN_PID is the collector's
        box.proc = subprocess.Popen(
            ["sh", "-c", f'LISTEN_PID=$$ exec "$@" 3<&{given.fileno()}', "sh",
             COLLECTOR, "--web.systemd-socket", f"--dir={box.dir}"],
            stderr=log, env={**os.environ, "LISTEN_FDS": "1"},
            pass_fds=[given.fileno()])
        box.port = until("listening", lambda: box.lines("listening"))[0]["port"]
        assert box.port == port
        early.settimeout(20)
        assert early.recv(100).startswith(b"HTTP/1.1 200"), "it came before us"
        early.close()
        until("ready", box.is_ready)
        box.stop()


@test
def without_a_socket_given_it_says_so():
    with Box(start=False) as box:
        done = subprocess.run(
            [COLLECTOR, "--web.systemd-socket", f"--dir={box.dir}"],
            capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 1
        assert "no socket was given" in json.loads(done.stderr)["msg"]


@test
def the_units_are_right_and_leave_little_open():
    if not shutil.which("systemd-analyze"):
        raise Skip("no systemd-analyze")
    with Box(start=False) as box:
        text = UNIT.read_text()
        text = re.sub(r"^ExecStart=\S+", f"ExecStart={os.path.abspath(COLLECTOR)}", text,
                      flags=re.M)
        units = [box.base / "smx-collector.service",
                 box.base / "smx-collector.socket"]
        units[0].write_text(text)
        shutil.copy(SOURCE / "collector/systemd/smx-collector.socket", units[1])
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", *units],
            capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0 and done.stderr == "", done.stderr
        done = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--no-pager",
             "--threshold=10", units[0]], capture_output=True, text=True,
            timeout=60, check=False)
        print("  " + done.stdout.strip().splitlines()[-1])
        assert done.returncode == 0, done.stdout


def nice_of_threads(pid):
    """That of the loop, and of all others."""
    found = {}
    for task in (pathlib.Path("/proc") / str(pid) / "task").iterdir():
        fields = (task / "stat").read_text().rpartition(")")[2].split()
        found[int(task.name)] = int(fields[16])
    return found.pop(pid), list(found.values())


@test
def scrapes_give_way_to_the_loop():
    with Box() as box:
        assert box.get("/metrics").status == 200
        loop, others = nice_of_threads(box.proc.pid)
        assert loop == os.nice(0), (loop, others)
        assert min(loop + 5, 19) in others, (loop, others)


def discover(box, host=None):
    r = box.get("/sd", **({"Host": host} if host else {}))
    assert r.status == 200, r.text
    assert r.headers["Content-Type"] == "application/json"
    return json.loads(r.text)


@test
def discovery_names_a_target_for_each_service():
    with Box() as box:
        Writer(box, "feed")
        Writer(box, "risk", "a")
        (box.dir / "smx.bad").write_bytes(b"x" * 5000)
        (box.dir / "smx.Not A Name").write_bytes(b"x" * 5000)
        got = discover(box, "host-a.example:9464")
        assert {tuple(x["targets"]) for x in got} == {
            ("host-a.example:9464",)}
        labels = sorted((x["labels"].get("service", ""),
                         x["labels"].get("service_instance", ""),
                         x["labels"]["__metrics_path__"]) for x in got)
        assert labels == [("", "", "/metrics"), ("bad", "", "/metrics/bad"),
                          ("feed", "", "/metrics/feed"),
                          ("risk", "a", "/metrics/risk@a")], labels
        assert {x["labels"]["__scheme__"] for x in got} == {"http"}
        # its own target has its own series, and all of them
        own = [x for x in got if "service" not in x["labels"]][0]["labels"]
        r = box.get(own["__metrics_path__"] + "?service=" +
                    own["__param_service"])
        assert r.value("smx_service_live_processes", service="feed") == 1
        assert "smx_collector_build_info" in r.text
        for host in ("", "a b", 'a"b', "a/b", "x" * 300, "a\\b"):
            assert box.get("/sd", Host=host).status == 400, host
    with Web(tls_server_config=Web.TLS) as box:
        box.start()
        assert discover(box)[0]["labels"]["__scheme__"] == "https"


@test
def prometheus_discovers_services_as_they_come_and_go():
    if not shutil.which("prometheus"):
        raise Skip("no prometheus")
    with Box() as box:
        Writer(box, "feed").do("counter ticks_total 41")
        Writer(box, "risk", "a").do("counter ticks_total 2")
        p = Prometheus(box, [{
            "job_name": "smx", "honor_labels": True, "http_sd_configs": [{
                "url": f"http://localhost:{box.port}/sd",
                "refresh_interval": "1s"}]}])
        until("all up", lambda: p.one("sum(up)") == "3", 40)
        assert p.one('up{service="feed"}') == "1"
        assert p.one('up{service="risk",service_instance="a"}') == "1"
        until("series", lambda: p.one('ticks_total{service="feed"}') == "41",
              20)
        assert len(p.query("ticks_total")) == 2
        assert p.query("{exported_service!=''}") == []
        until("own", lambda: p.one("smx_collector_segments") == "2", 20)
        Writer(box, "late").do("counter ticks_total 3")
        until("found", lambda: p.one('up{service="late"}') == "1", 20)
        (box.dir / "smx.late").unlink()
        until("dropped", lambda: p.query('up{service="late"}') == [], 20)


@test
def a_stopped_service_is_shown_once_and_then_for_its_time():
    with Box("--segment-retention=400ms") as box:
        feed = Writer(box, "feed").do("counter ticks_total 7")
        risk = Writer(box, "risk").do("counter ticks_total 8")
        assert box.value("ticks_total", service="feed") == 7
        feed.kill()
        time.sleep(1)       # much longer than it is kept
        # nobody has seen its last values: they are shown, however late
        r = box.get("/metrics/risk")
        assert "feed" not in r.text
        r = box.get("/metrics?exclude=feed")
        assert r.value("ticks_total", service="risk") == 8
        assert box.value("ticks_total", service="feed") == 7

        def gone():
            return box.value("ticks_total", service="feed") is None

        until("gone", gone)
        assert len(box.lines("segment no longer shown")) == 1
        assert box.value("smx_service_live_processes", service="feed") is None
        assert box.get("/metrics/feed").status == 404
        assert [x for x in discover(box)
                if x["labels"].get("service") == "feed"] == []
        assert box.value("ticks_total", service="risk") == 8, "it lives"
        assert (box.dir / "smx.feed").exists()
        feed = Writer(box, "feed").do("counter ticks_total 1")
        assert box.value("ticks_total", service="feed") == 8, "it goes on"
        feed.kill()
        assert box.value("ticks_total", service="feed") == 8
        until("gone again", gone)
        assert len(box.lines("segment no longer shown")) == 2
        risk.kill()
    with Box() as box:
        Writer(box, "feed").do("counter ticks_total 7").kill()
        for _ in range(20):
            assert box.value("ticks_total", service="feed") == 7
            time.sleep(0.05)


@test
def only_who_takes_a_whole_answer_has_seen_the_last_values():
    with Box("--segment-retention=100ms") as box:
        big = Writer(box, "big", cells=200000).do("load n 150000")
        assert box.get("/metrics/big").text.count("\nn_") == 150000
        big.kill()
        for _ in range(3):
            assert box.get(method="HEAD").status == 200
            assert box.get("/metrics/big", method="HEAD").status == 200
            # too much for the buffers in between: it is never taken
            with socket.socket() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                s.connect(("127.0.0.1", box.port))
                s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
                assert s.recv(12) == b"HTTP/1.1 200"
            time.sleep(0.2)
        box.get("/metrics?exclude=big")
        time.sleep(0.2)
        assert not box.lines("segment no longer shown")
        assert box.get("/metrics/big").text.count("\nn_") == 150000
        # nor is it gone at once: there may be a second scraper
        until("gone", lambda: box.get("/metrics/big").status == 404)


@test
def a_second_scraper_has_as_long_as_the_first_may_have_taken():
    with Box("--segment-retention=4s") as box:
        Writer(box, "feed").do("counter ticks_total 7").kill()
        box.get("/")
        time.sleep(4.2)     # found dead then, and seen by nobody
        for path in ("/metrics", "/metrics/feed"):
            assert box.get(path).value("ticks_total", service="feed") == 7


@test
def with_hardly_any_descriptors_clients_still_have_some():
    with Box(start=False) as box:
        box.command = ["prlimit", "--nofile=32:32", *box.command]
        box.start()
        for i in range(40):
            Writer(box, f"s{i}").do("counter n_total 1")
        for _ in range(3):
            r = box.get()
            shown = r.value("smx_collector_segments")
            assert 0 < shown < 40
            assert shown + r.value("smx_collector_bad_segments") == 40
        assert "RLIMIT_NOFILE" in box.lines("segment left out")[0]["reason"]


@test
def without_standard_descriptors_it_serves_and_ends_as_ever():
    for closed in ("2>&-", "<&- >&- 2>&-", "2>/dev/full"):
        with Box(start=False) as box, socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            box.port = s.getsockname()[1]
            s.close()
            box.proc = subprocess.Popen(
                ["sh", "-c", f'exec "$@" {closed}', "sh", COLLECTOR,
                 f"--web.listen-address=127.0.0.1:{box.port}",
                 f"--dir={box.dir}"])

            def ready():
                try:
                    return box.is_ready()
                except OSError:
                    return False

            until("ready", ready)
            Writer(box, "feed").do("counter ticks_total 7")
            (box.dir / "smx.bad").write_bytes(b"x" * 5000)
            assert box.value("ticks_total", service="feed") == 7
            box.stop()


@test
def nobody_waits_for_who_does_not_read_its_log():
    with Box(start=False) as box, socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        box.port = s.getsockname()[1]
        s.close()
        read_end, write_end = os.pipe()
        box.stack.callback(os.close, read_end)
        box.proc = subprocess.Popen(
            [COLLECTOR, f"--web.listen-address=127.0.0.1:{box.port}",
             f"--dir={box.dir}"], stderr=write_end)
        os.close(write_end)
        until("listening", lambda: os.read(read_end, 1))
        Writer(box, "feed").do("counter ticks_total 7")
        for i in range(700):    # a line each: more than a pipe holds
            (box.dir / f"smx.{'x' * 60}{i}").write_bytes(b"x" * 5000)
        for _ in range(3):
            r = box.get()
            assert r.value("ticks_total", service="feed") == 7
            assert r.value("smx_collector_bad_segments") == 700
        box.stop()


@test
def with_hardly_any_memory_it_says_so_or_serves():
    ends = set()
    for mib in range(16, 96, 8):
        with Box(start=False) as box, open(box.log, "wb") as log:
            p = subprocess.Popen(
                ["prlimit", f"--as={mib << 20}", COLLECTOR,
                 "--web.listen-address=127.0.0.1:0", f"--dir={box.dir}"],
                stderr=log)
            box.stack.callback(p.kill)
            until("up or gone", lambda: p.poll() is not None or
                  b"listening" in box.log.read_bytes())
            try:
                p.wait(timeout=0.3)     # the first scan comes by then
            except subprocess.TimeoutExpired:
                p.terminate()
            # 127: not even the loader had enough
            status = p.wait(timeout=20)
            assert status in (0, 1, 127), (mib, status)
            assert status != 1 or box.log.read_text().splitlines()[-1].count(
                '"level":"error"'), mib
            ends.add(status)
    assert 0 in ends, ends


def flags_of_help():
    text = subprocess.run([COLLECTOR, "--help"], capture_output=True,
                          text=True, timeout=10, check=True).stdout
    return set(re.findall(r"^  --([a-z.-]+)", text, re.M))


@test
def the_manual_and_the_help_name_the_same_flags():
    page = (SOURCE / "docs/man/smx-collector.1").read_text()
    assert flags_of_help() == set(re.findall(
        r"^\.It Fl Fl ([a-z.-]+)", page, re.M))
    assert len(flags_of_help()) > 10
    # and each of them is one
    for flag in flags_of_help() - {"help", "version"}:
        done = subprocess.run([COLLECTOR, f"--{flag}=", "--help"],
                              capture_output=True, text=True, timeout=10,
                              check=False)
        assert "unknown" not in done.stderr, done.stderr


if __name__ == "__main__":
    sys.exit(main())
