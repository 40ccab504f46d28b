# SPDX-License-Identifier: Apache-2.0
"""What watches may die, hang, fill its disk or lose its network, and what
trades may hang: the orders and the fills end as if nothing had been.

Everything runs in a network namespace without a route, so that nothing here
needs the outside.  A table says what was broken, what was seen, and how long
it took.

usage: drills.py [long | TEST...]
"""
import functools
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
import disks  # noqa: E402
import report  # noqa: E402
from cases import fill  # noqa: E402
from report import LIMIT_S, Drill  # noqa: E402
from stack import until  # noqa: E402

RESTART_S = 30          # a hung process is back by then
WATCHERS = ("collector", "prometheus", "alertmanager")
TABLES = ("signals", "orders", "trades", "positions", "risk_events",
          "portfolio_snapshots")


def outcome(run):
    """Every row of what was decided and filled, in an order of its own."""
    sql = " UNION ALL ".join(
        f"SELECT '{t}', count(*), count(DISTINCT event_id), "
        f"md5(string_agg(x::text, ',' ORDER BY x::text)) FROM {t} x"
        for t in TABLES)
    _, text = run("sql", "-Atc", sql, check=0)
    return dict(line.split("|", 1) for line in text.splitlines())


def hurry(run):
    """What is left of the recording without pauses.  The replay is so slow
    that no drill comes after its end, on any machine."""
    path = os.path.join(run.now["home"], "sv/feed/run")
    with open(path, encoding="utf-8") as script:
        text = script.read()
    fast, found = re.subn(r"('--speed') '[^']*'", r"\1 'max'", text)
    assert found == 1, text
    with open(path, "w", encoding="utf-8") as script:
        script.write(fast)
    disks.tell(run, "feed", "t")


def settled(run, recording):
    run.wait_end(recording.rows, 300)
    until("everything is worked off", lambda: all(
        run.backlog(s) == 0 for s in ("signals", "orders", "order_results",
                                      "risk_events", "portfolio")), 120)
    until("nothing is pending", lambda: "0" == run(
        "sql", "-Atc", "SELECT pending FROM conservation")[1].strip(), 120)
    return outcome(run)


def back(run, name, pid):
    until(f"{name} is back", lambda: run.pid(name) not in (None, pid) and
          run.answers(name), LIMIT_S)


def killed(run, recording, *names):
    drills = []
    for name in names:
        with Drill(run, recording, f"{name} killed") as drill:
            pid = run.kill(name)
            drill.goes_on()
            back(run, name, pid)
            drill.seen = "started again"
        drills.append(drill)
    return drills


def hung(run, recording, *names):
    """At once, so that the short form does not wait for each."""
    with Drill(run, recording, ", ".join(names) + " hung") as drill:
        pids = {name: run.kill(name, signal.SIGSTOP) for name in names}
        drill.goes_on()
        until("the watchdog has seen it", lambda: all(
            f'"part":"{name}","pid":{pid}' in run.log("watchdog")
            for name, pid in pids.items()), LIMIT_S)
        drill.noticed()
        for name, pid in pids.items():
            back(run, name, pid)
        drill.seen = "killed by the watchdog, started again"
    assert drill.seconds < RESTART_S, f"{names}: {drill.seconds} s"
    return drill


def store_killed(run, recording, name, service):
    with Drill(run, recording, f"{name} killed") as drill:
        pid = run.kill(name)
        until(f"{name} is back", lambda: run.pid(name) not in (None, pid),
              LIMIT_S)
        until(f"{service} is well again", lambda: run.answers(service) and
              run.status()["healthy"], LIMIT_S)
        drill.seen = "started again; services connected again"


def frozen_store(run, recording, name, service):
    """Stands still for a while; the watchdog leaves it alone."""
    restarts = run.part(name)["restarts"]
    with Drill(run, recording, f"{name} hung") as drill:
        stopped = family(run.pid(name))
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        until(f"{service} says so", lambda:
              run.get(service, "/health")[0] == 503)
        drill.noticed()
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        until(f"{service} is well again", lambda:
              run.get(service, "/health")[0] == 200)
        drill.seen = f"{service} unhealthy, then well; waited for"
    assert run.part(name)["restarts"] == restarts, run.now


def family(pid):
    done = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True,
                          text=True, check=False)
    return [pid, *map(int, done.stdout.split())]


def cut_off(run, recording, name):
    """Its port answers nobody, as behind a broken network."""
    what = f"{name} cut off"
    if not shutil.which("iptables") or not os.environ.get("DRILLS_NETLESS"):
        return report.not_tried(what, "no iptables or no network of its own")
    port = run.now["parts"][name]["address"].rsplit(":", 1)[1]
    rule = ("INPUT", "-p", "tcp", "--dport", port, "-j", "DROP")
    with Drill(run, recording, what) as drill:
        subprocess.run(["iptables", "-I", *rule], check=True)
        try:
            drill.goes_on()
            assert not reachable(run, name), "it was not cut off"
            drill.noticed()
            drill.goes_on()
        finally:
            subprocess.run(["iptables", "-D", *rule], check=True)
        until(f"{name} answers", lambda: run.answers(name), LIMIT_S)
        drill.seen = "no answer; answers once the network is back"
    return drill


def reachable(run, name):
    host, port = run.now["parts"][name]["address"].rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
        return True
    except OSError:
        return False


@functools.cache
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


def check_end(run, recording):
    hurry(run)
    check_equal(undisturbed(recording), settled(run, recording))


def watchers_and_a_trader_fail_in_mid_replay(recording):
    """The short form."""
    undisturbed(recording)
    with stack.Stack("drill", *recording.options(speed=5), "--alertmanager",
                     "--scrape-interval", 1, prometheus=True) as run:
        no_way_out()
        killed(run, recording, *WATCHERS)
        hung(run, recording, *WATCHERS, "risk")
        check_end(run, recording)


def watchers_fail_in_every_way(recording):
    undisturbed(recording)
    with stack.Stack("watchers", *recording.options(speed=2),
                     "--alertmanager", "--scrape-interval", 1,
                     prometheus=True) as run:
        no_way_out()
        calm = report.Calm(run, recording)
        calm.look()
        drills = killed(run, recording, *WATCHERS)
        drills += [cut_off(run, recording, name) for name in WATCHERS]
        calm.look()
        drills += [hung(run, recording, name) for name in WATCHERS]
        drills += [disks.prometheus_out_of_disk(run, recording),
                   disks.alertmanager_out_of_disk(run, recording)]
        calm.look()
        calm.check(filter(None, drills))
        check_end(run, recording)


def traders_and_stores_fail(recording):
    undisturbed(recording)
    with stack.Stack("stores", *recording.options(speed=2)) as run:
        frozen_store(run, recording, "redis", "signal")
        frozen_store(run, recording, "postgres", "writer")
        store_killed(run, recording, "redis", "signal")
        store_killed(run, recording, "postgres", "writer")
        hung(run, recording, "risk", "execution")
        hung(run, recording, "signal", "writer", "feed")
        check_end(run, recording)


def stores_have_no_room(recording):
    undisturbed(recording)
    with stack.Stack("room", *recording.options(speed=4)) as run:
        disks.store_out_of_disk(run, recording, "redis", 64)
        disks.store_out_of_disk(run, recording, "postgres", 128)
        check_end(run, recording)


def segments_have_no_room(recording):
    """/dev/shm is full before anybody starts: no metrics, same orders."""
    undisturbed(recording)
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
                check_equal(undisturbed(recording), settled(run, recording))
            report.ROWS.append(("/dev/shm full", "no metrics, the same orders",
                                "-", f"{time.monotonic() - began:.1f}", "-"))
        finally:
            subprocess.run(["umount", folder], check=True)
    finally:
        os.rmdir(folder)


def no_way_out():
    """Nothing here reaches the outside: there is no route."""
    if not os.environ.get("DRILLS_NETLESS"):
        return report.not_tried("no route out", "no right to a namespace")
    with open("/proc/net/route", encoding="ascii") as routes:
        assert len(routes.readlines()) == 1, "there is a route"
    try:
        socket.create_connection(("192.0.2.1", 80), timeout=2)
    except OSError:
        report.ROWS.append(("no route out", "all parts healthy", "-", "-",
                            "-"))
        return None
    raise AssertionError("the outside can be reached")


def enter_namespace():
    """A network of our own, with a loopback and nothing else, and mounts
    that end with us."""
    if os.environ.get("DRILLS_NETLESS") or os.geteuid() != 0:
        return
    inner = 'ip link set lo up && exec "$@"'
    words = ["unshare", "--net", "--mount", "sh", "-c", inner, "sh"]
    if subprocess.run([*words, "true"], check=False).returncode == 0:
        os.execvpe("unshare", [*words, sys.executable, *sys.argv],
                   {**os.environ, "DRILLS_NETLESS": "1"})


SHORT = (watchers_and_a_trader_fail_in_mid_replay,)
LONG = (watchers_fail_in_every_way, traders_and_stores_fail,
        stores_have_no_room, segments_have_no_room)


def chosen(words):
    if words == ["long"]:
        return LONG
    return [t for t in SHORT + LONG if t.__name__ in words] or SHORT


def main():
    enter_namespace()
    failed = False
    try:
        stack.main(*chosen(sys.argv[1:]))
    except SystemExit as status:
        failed = bool(status.code)
    report.table(None if failed else TABLES)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
