# SPDX-License-Identifier: Apache-2.0
"""What watches may die, hang, fill its disk or lose its network, and what
trades may hang: the orders and the fills end as if nothing had been.

Everything runs in a network namespace without a route, so that nothing here
needs the outside.  A table says what was broken, what was seen, and how long
it took.

usage: drills.py [long]
"""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../e2e"))
import stack  # noqa: E402
from cases import fill  # noqa: E402
from stack import until  # noqa: E402

RESTART_S = 30          # a hung process is back by then
LIMIT_S = 90            # for everything else, on a busy machine
TABLES = ("signals", "orders", "trades", "positions", "risk_events",
          "portfolio_snapshots")
HOPS = ("cdb_tick_to_signal_seconds", "cdb_signal_to_order_seconds")
REPORT = []


def outcome(run):
    """Every row of what was decided and filled, in an order of its own."""
    sql = " UNION ALL ".join(
        f"SELECT '{t}', count(*), count(DISTINCT event_id), "
        f"md5(string_agg(x::text, ',' ORDER BY x::text)) FROM {t} x"
        for t in TABLES)
    _, text = run("sql", "-Atc", sql, check=0)
    return dict(line.split("|", 1) for line in text.splitlines())


def settled(run, recording):
    run.wait_end(recording.rows, 300)
    until("everything is worked off", lambda: all(
        run.backlog(s) == 0 for s in ("signals", "orders", "order_results",
                                      "risk_events", "portfolio")), 120)
    until("nothing is pending", lambda: "0" == run(
        "sql", "-Atc", "SELECT pending FROM conservation")[1].strip(), 120)
    return outcome(run)


def latency(run):
    """(sum, count) of the hops inside the services."""
    try:
        now = run.metrics()
    except OSError:
        return None
    return [(now.get(h + "_sum", 0), now.get(h + "_count", 0)) for h in HOPS]


def mean_ms(before, after):
    if not before or not after:
        return "-"
    parts = [f"{1000 * (s1 - s0) / (n1 - n0):.2f}" if n1 > n0 else "-"
             for (s0, n0), (s1, n1) in zip(before, after)]
    return " + ".join(parts)


class Drill:
    """One thing that is broken in mid-replay, and its row of the report."""

    def __init__(self, run, recording, what, *, trading=True):
        self.run, self.what, self.trading = run, what, trading
        self.rows = recording.rows

    def __enter__(self):
        self.at = self.run.added("market_data")
        assert self.at < self.rows, f"{self.what}: the replay is over"
        self.before = latency(self.run)
        self.began = time.monotonic()
        return self

    def goes_on(self):
        """Trading does not care: ticks come while it is broken."""
        at = self.run.added("market_data")
        until(f"{self.what}: ticks go on", lambda:
              self.run.added("market_data") > at or
              self.run.added("market_data") >= self.rows)

    def __exit__(self, *failure):
        if failure[0]:
            return
        self.seconds = time.monotonic() - self.began
        REPORT.append((self.what, self.seen, f"{self.seconds:.1f}",
                       mean_ms(self.before, latency(self.run))))


def back(run, name, pid, seconds=LIMIT_S):
    until(f"{name} is back", lambda: run.pid(name) not in (None, pid) and
          run.answers(name), seconds)


def killed(run, recording, *names):
    for name in names:
        with Drill(run, recording, f"{name} killed") as drill:
            pid = run.kill(name)
            drill.goes_on()
            back(run, name, pid)
            drill.seen = "started again"


def hung(run, recording, *names):
    """At once, so that the short form does not wait for each."""
    with Drill(run, recording, " and ".join(names) + " hung") as drill:
        pids = {name: run.kill(name, signal.SIGSTOP) for name in names}
        drill.goes_on()
        for name, pid in pids.items():
            back(run, name, pid)
        drill.seen = "killed by the watchdog, started again"
    assert drill.seconds < RESTART_S, f"{names}: {drill.seconds} s"
    for name, pid in pids.items():
        assert f'"part":"{name}","pid":{pid}' in run.log("watchdog"), name


def frozen_store(run, recording, name, service):
    """Stands still for a while; the watchdog leaves it alone."""
    with Drill(run, recording, f"{name} hung") as drill:
        stopped = family(run.pid(name))
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        until(f"{service} says so", lambda:
              run.get(service, "/health")[0] == 503)
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        until(f"{service} is well again", lambda:
              run.get(service, "/health")[0] == 200)
        drill.seen = f"{service} unhealthy, then well; waited for"
    assert run.part(name)["restarts"] == 0, run.now


def family(pid):
    done = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True,
                          text=True, check=False)
    return [pid, *map(int, done.stdout.split())]


def cut_off(run, recording, name):
    """Its port answers nobody, as behind a broken network."""
    if not shutil.which("iptables") or not os.environ.get("DRILLS_NETLESS"):
        REPORT.append((f"{name} cut off", "not tried: no iptables", "-", "-"))
        return
    port = run.now["parts"][name]["address"].rsplit(":", 1)[1]
    rule = ("INPUT", "-p", "tcp", "--dport", port, "-j", "DROP")
    with Drill(run, recording, f"{name} cut off") as drill:
        subprocess.run(["iptables", "-I", *rule], check=True)
        try:
            drill.goes_on()
            assert not reachable(run, name), "it was not cut off"
            drill.goes_on()
        finally:
            subprocess.run(["iptables", "-D", *rule], check=True)
        until(f"{name} answers", lambda: run.answers(name), LIMIT_S)
        drill.seen = "no answer; answers once the network is back"


def reachable(run, name):
    host, port = run.now["parts"][name]["address"].rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
        return True
    except OSError:
        return False


def supervise(run, name, order):
    path = os.path.join(run.now["home"], "sv", name, "supervise/control")
    with open(path, "w", encoding="ascii") as control:
        control.write(order)


def disk_full(run, recording):
    """Prometheus on a small disk that somebody else fills."""
    folder = os.path.join(run.now["home"], "data/prometheus")
    supervise(run, "prometheus", "d")
    until("Prometheus has ended", lambda: run.pid("prometheus") is None)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=0777",
                       "smx-drill", folder], check=False).returncode:
        REPORT.append(("prometheus out of disk",
                       "not tried: no right to mount", "-", "-"))
        supervise(run, "prometheus", "u")
        return
    try:
        supervise(run, "prometheus", "u")
        until("Prometheus is there", lambda: run.answers("prometheus"))
        with Drill(run, recording, "prometheus out of disk") as drill:
            filler = os.path.join(folder, "filler")
            fill(filler)
            until("it says so", lambda: "no space left" in
                  run.log("prometheus"), LIMIT_S)
            drill.goes_on()
            os.unlink(filler)
            until("samples are stored again", lambda: fresh(run), LIMIT_S)
            drill.seen = "samples refused, stored again with room"
    finally:
        supervise(run, "prometheus", "d")
        until("Prometheus has ended", lambda: run.pid("prometheus") is None)
        subprocess.run(["umount", folder], check=True)
        supervise(run, "prometheus", "u")


def fresh(run):
    """Does Prometheus hold a tick count of the last seconds?"""
    return run.answers("prometheus") and run.promql(
        "time() - timestamp(market_data_published_total) < 3")


def undisturbed(recording):
    with stack.Stack("calm", *recording.replay) as run:
        return settled(run, recording)


def check_equal(was, now):
    assert now == was, "\n".join(
        f"{t}: {was[t]} became {now.get(t)}" for t in was
        if was[t] != now.get(t))
    for table, row in now.items():
        rows, ids = row.split("|")[:2]
        assert table == "positions" or rows == ids, f"{table} has doubles"


def watchers_and_a_trader_fail_in_mid_replay(recording):
    """The short form."""
    was = undisturbed(recording)
    with stack.Stack("drill", *recording.options(speed=20),
                     "--scrape-interval", 1, prometheus=True) as run:
        no_way_out()
        killed(run, recording, "collector", "prometheus")
        hung(run, recording, "collector", "prometheus", "risk")
        check_equal(was, settled(run, recording))


def watchers_fail_in_every_way(recording):
    was = undisturbed(recording)
    with stack.Stack("watchers", *recording.options(speed=5.5),
                     "--scrape-interval", 1, prometheus=True) as run:
        no_way_out()
        killed(run, recording, "collector", "prometheus")
        cut_off(run, recording, "collector")
        cut_off(run, recording, "prometheus")
        disk_full(run, recording)
        hung(run, recording, "collector")
        hung(run, recording, "prometheus")
        check_equal(was, settled(run, recording))


def traders_and_stores_fail(recording):
    was = undisturbed(recording)
    with stack.Stack("stores", *recording.options(speed=8)) as run:
        frozen_store(run, recording, "redis", "signal")
        frozen_store(run, recording, "postgres", "writer")
        with Drill(run, recording, "redis killed") as drill:
            pid = run.kill("redis")
            back(run, "redis", pid)
            until("signal is well again", lambda: run.answers("signal"))
            drill.seen = "started again; services connected again"
        hung(run, recording, "risk", "execution")
        hung(run, recording, "signal", "writer", "feed")
        check_equal(was, settled(run, recording))


def segments_have_no_room(recording):
    """/dev/shm is full before anybody starts: no metrics, same orders."""
    was = undisturbed(recording)
    folder = "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"
    folder = os.path.join(folder, f"smx-drill-{os.getpid()}")
    os.mkdir(folder, 0o755)
    try:
        if subprocess.run(["mount", "-t", "tmpfs", "-o",
                           "size=64k,mode=0777", "smx-drill", folder],
                          check=False).returncode:
            raise stack.Skip("no right to mount a small /dev/shm")
        try:
            fill(os.path.join(folder, "filler"))
            began = time.monotonic()
            with stack.Stack("noroom", *recording.replay,
                             env={"SMX_DIR": folder}) as run:
                assert not re.search(r"\nsmx_segments [1-9]", run.get(
                    "collector", "/metrics")[2])
                check_equal(was, settled(run, recording))
            REPORT.append(("/dev/shm full", "no metrics, the same orders",
                           f"{time.monotonic() - began:.1f}", "-"))
        finally:
            subprocess.run(["umount", folder], check=True)
    finally:
        os.rmdir(folder)


def no_way_out():
    """Nothing here reaches the outside: there is no route."""
    if not os.environ.get("DRILLS_NETLESS"):
        return
    with open("/proc/net/route", encoding="ascii") as routes:
        assert len(routes.readlines()) == 1, "there is a route"
    try:
        socket.create_connection(("192.0.2.1", 80), timeout=2)
    except OSError:
        REPORT.append(("no route out", "all parts healthy", "-", "-"))
        return
    raise AssertionError("the outside can be reached")


def print_report():
    head = ("broken", "seen", "seconds", "hops in ms")
    rows = [head, *REPORT]
    width = [max(len(r[i]) for r in rows) for i in range(4)]
    print("\nLost 0, doubled 0 in all of them: the rows of " +
          ", ".join(TABLES) + " are those of an undisturbed run.\n"
          "Hops: tick to signal + signal to order, mean while broken.\n")
    for row in rows:
        print("  ".join(c.ljust(w) for c, w in zip(row, width)).rstrip())
    sys.stdout.flush()


def enter_namespace():
    """A network of our own, with a loopback and nothing else."""
    if os.environ.get("DRILLS_NETLESS") or os.geteuid() != 0:
        return
    inner = 'ip link set lo up && exec "$@"'
    if subprocess.run(["unshare", "--net", "sh", "-c", inner, "sh", "true"],
                      check=False).returncode == 0:
        os.execvpe("unshare", ["unshare", "--net", "sh", "-c", inner, "sh",
                               sys.executable, *sys.argv],
                   {**os.environ, "DRILLS_NETLESS": "1"})


def main():
    enter_namespace()
    tests = [watchers_fail_in_every_way, traders_and_stores_fail,
             segments_have_no_room] if "long" in sys.argv else \
        [watchers_and_a_trader_fail_in_mid_replay]
    failed = False
    try:
        stack.main(*tests)
    except SystemExit as status:
        failed = bool(status.code)
    if not failed:
        print_report()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
