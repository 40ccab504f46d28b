#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Two hosts, one Prometheus, one store: examples/many/prometheus.yml as it is
but for its intervals, on a network of its own.

usage: many.py SMX_COLLECTOR SEGMENT_WRITER SOURCE
Exit status 77: it cannot run here.
"""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request

SOURCE = pathlib.Path(sys.argv.pop(3))
sys.path.insert(0, str(SOURCE / "tests/e2e"))
# pylint: disable=wrong-import-position
from box import COLLECTOR, Writer, until    # noqa: E402

INSIDE = "SMX_TEST_MANY"
STORE, PROMETHEUS = "http://store:8428", "http://localhost:9090"


def run(*words):
    subprocess.run([str(w) for w in words], check=True, timeout=60)


def ask(base, query):
    """[(labels, value)...] of an instant query."""
    url = base + "/api/v1/query?query=" + urllib.parse.quote(query)
    try:
        with urllib.request.urlopen(url, timeout=5) as r:
            found = json.load(r)["data"]["result"]
    except (urllib.error.URLError, OSError, ValueError):
        return []
    return [(x["metric"], float(x["value"][1])) for x in found]


def number(base, query):
    found = ask(base, query)
    return found[0][1] if len(found) == 1 else None


class Host:
    """A network namespace with a collector in it."""

    def __init__(self, base, stack, name, net):
        self.stack, self.name = stack, name
        self.dir = base / name
        self.dir.mkdir()
        ours, theirs = f"{net}.1", f"{net}.2"
        run("ip", "netns", "add", name)
        run("ip", "link", "add", f"to-{name}", "type", "veth", "peer", "name",
            "eth0", "netns", name)
        run("ip", "addr", "add", f"{ours}/24", "dev", f"to-{name}")
        run("ip", "link", "set", f"to-{name}", "up")
        run("ip", "-n", name, "addr", "add", f"{theirs}/24", "dev", "eth0")
        run("ip", "-n", name, "link", "set", "eth0", "up")
        run("ip", "-n", name, "link", "set", "lo", "up")
        self.address = theirs
        self.log = open(base / f"{name}.log", "wb")
        self.start()

    def start(self):
        self.proc = spawn(self.stack, self.log, "ip", "netns", "exec",
                          self.name, COLLECTOR, "--web.listen-address=:9464",
                          f"--dir={self.dir}")


def spawn(stack, log, *words):
    proc = subprocess.Popen([str(w) for w in words], stdout=log, stderr=log)

    def end():
        proc.kill()
        proc.wait()

    stack.callback(end)
    return proc


def start_store(base, stack):
    log = open(base / "store.log", "ab")
    return spawn(stack, log, "victoria-metrics",
                 f"-storageDataPath={base}/store", "-httpListenAddr=:8428",
                 "-search.latencyOffset=1s")


def start_central(base, stack):
    config = (SOURCE / "examples/many/prometheus.yml").read_text()
    for long, short in (("scrape_interval: 15s", "scrape_interval: 1s"),
                        ("refresh_interval: 30s", "refresh_interval: 1s")):
        assert long in config, long
        config = config.replace(long, short)
    (base / "prometheus.yml").write_text(config)
    log = open(base / "central.log", "wb")
    spawn(stack, log, "prometheus", f"--config.file={base}/prometheus.yml",
          f"--storage.tsdb.path={base}/tsdb",
          "--web.listen-address=127.0.0.1:9090")


def check(base, stack):
    a = Host(base, stack, "host-a", "10.99.1")
    b = Host(base, stack, "host-b", "10.99.2")
    (base / "hosts").write_text(
        f"127.0.0.1 localhost store\n{a.address} host-a\n{b.address} host-b\n")
    run("mount", "--bind", base / "hosts", "/etc/hosts")
    first = Writer(a, "feed").do("counter ticks_total 41")
    second = Writer(b, "feed").do("counter ticks_total 1000")
    Writer(b, "risk").do("counter orders_total 7")
    store = start_store(base, stack)
    start_central(base, stack)

    until("all targets", lambda: number(PROMETHEUS, "sum(up)") == 5, 60)
    until("the sum in the store", lambda: number(
        STORE, "sum(ticks_total)") == 1041, 60)
    by_host = {m["host"]: v for m, v in
               ask(STORE, "sum by (host) (ticks_total)")}
    assert by_host == {"host-a": 41, "host-b": 1000}, by_host
    assert number(STORE, 'orders_total{service="risk"}') == 7
    assert ask(STORE, "ticks_total")[0][0]["prometheus"] == "main"
    assert not ask(STORE, '{exported_service!=""}')

    # what happens on either host adds up
    first.do("counter ticks_total 9")
    second.do("counter ticks_total 950")
    until("2000 in the store", lambda: number(
        STORE, "sum(ticks_total)") == 2000, 60)
    # a service that dies keeps its count, one that comes is found
    second.kill()
    until("the dead one is seen", lambda: number(
        STORE, 'smx_service_live_processes{host="host-b",service="feed"}')
        == 0, 60)
    assert number(STORE, "sum(ticks_total)") == 2000
    Writer(a, "late").do("counter ticks_total 500")
    until("2500 in the store", lambda: number(
        STORE, "sum(ticks_total)") == 2500, 60)
    # a collector that is gone takes nothing away for good
    b.proc.send_signal(signal.SIGTERM)
    until("it is missed", lambda: number(
        PROMETHEUS, 'sum(up{host="host-b"})') == 0, 60)
    b.start()
    until("2500 again", lambda: number(STORE, "sum(ticks_total)") == 2500, 60)
    # the store may be away
    store.terminate()
    store.wait()
    first.do("counter ticks_total 500")
    until("seen meanwhile", lambda: number(
        PROMETHEUS, "sum(ticks_total)") == 3000, 60)
    start_store(base, stack)
    until("3000 in the store", lambda: number(
        STORE, "sum(ticks_total)") == 3000, 120)


def main():
    for tool in ("ip", "unshare", "prometheus", "victoria-metrics"):
        if not shutil.which(tool):
            print(f"skipped: no {tool}")
            return 77
    if os.geteuid() != 0:
        print("skipped: only root can make networks")
        return 77
    if not os.environ.get(INSIDE):
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "--net", "--mount", sys.executable,
                              *sys.orig_argv[1:]])
    run("ip", "link", "set", "lo", "up")
    # names of networks are files there: nobody else sees ours
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    with contextlib.ExitStack() as stack:
        base = pathlib.Path(tempfile.mkdtemp(prefix="smxtest-"))
        stack.callback(shutil.rmtree, base, ignore_errors=True)
        try:
            check(base, stack)
        except BaseException:
            for log in sorted(base.glob("*.log")):
                print(f"--- {log.name}\n" + log.read_text()[-4000:])
            raise
    print("ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
