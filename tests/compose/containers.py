# SPDX-License-Identifier: Apache-2.0
"""compose/ for real: built, started step by step, looked at from all sides,
killed and frozen, restarted, and taken down.

usage: containers.py
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import yaml

import engine
import system
from system import BUSY_S, PARTS, ROOT, SERVICES, TRADING, System, until

sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/docs")]
import cases  # noqa: E402
import commands  # noqa: E402

SYSTEM = None
ASKED = yaml.safe_load((ROOT / system.FILE).read_text())
DIGEST = {}             # of the signals: undisturbed, disturbed
COUNTS = {}             # of all places, likewise
# What one transaction may hold.  A kill between its answer and the counting
# loses that count; a kill of Redis loses the answer.
IN_FLIGHT = 1024


USERS = ("feed", "signal", "risk", "execution", "writer", "notify", "operator")


def the_images_are_built():
    s = SYSTEM
    began = time.monotonic()
    s.engine.start(network=True)
    s.env["CDB_BASE"], how = s.engine.make_base()
    s.note("base image", f"{how}, {time.monotonic() - began:.0f} s")
    began = time.monotonic()
    network = s.folder / "network.yml"
    network.write_text(json.dumps({"services": {
        p: {"build": {"network": "host"}} for p in PARTS}}), "ascii")
    s.env["COMPOSE_PROFILES"] = "metrics,alerts"
    s.compose("build", *PARTS, files=[str(network)], timeout=3600)
    sizes = s.engine.docker("images", "--format",
                            "{{.Repository}} {{.Size}}", "cdb/*")
    s.note("images built", f"{time.monotonic() - began:.0f} s; " +
           ", ".join(sorted(set(sizes.strip().splitlines()))))
    s.engine.stop()
    s.engine.start(network=False)


def trading_starts_without_monitoring():
    s = SYSTEM
    s.up("")
    s.wait_answers(*TRADING)
    running = s.engine.docker("ps", "--format", "{{.Names}}").split()
    assert sorted(running) == sorted(map(s.name, TRADING)), running
    until("the recording is replayed", s.replay_is_done, BUSY_S)
    s.note("step 1, trading alone", f"{len(running)} containers, no way out "
           "of the machine")


def monitoring_is_added_and_nobody_restarts():
    s = SYSTEM
    before = {p: v["State"]["StartedAt"] for p, v in
              s.state(*TRADING).items()}
    for profiles, parts in (("metrics", ("cdb_collector", "prometheus")),
                            ("metrics,alerts", ("alertmanager",))):
        s.up(profiles)
        s.wait_answers(*parts)
    after = {p: v["State"]["StartedAt"] for p, v in s.state(*TRADING).items()}
    assert after == before, (before, after)
    s.note("steps 2 and 3 added", "no trading container was touched")


def everybody_is_healthy_says_the_engine():
    s = SYSTEM

    def healthy():
        return all(v["State"]["Health"]["Status"] == "healthy"
                   for v in s.state(*PARTS).values())
    until("all are healthy", healthy, BUSY_S)
    s.note("health checks", f"{len(PARTS)} healthy")


def each_user_is_its_own_and_none_is_root():
    s = SYSTEM
    users = {}
    for part in PARTS:
        lines = s.run(part, "bash", "-c", "cat /proc/[0-9]*/status")
        ids = {i for line in re.findall(r"^Uid:\s+(.*)$", lines, re.M)
               for i in line.split()}
        assert len(ids) == 1 and ids != {"0"}, (part, ids)
        users[part] = ids.pop()
        assert ASKED["services"][part]["user"].split(":")[0] == users[part]
    assert len(set(users.values())) == len(users), users
    s.note("users", f"{len(users)} parts, {len(set(users.values()))} users, "
           "none of them root")


def nobody_has_a_capability():
    s = SYSTEM
    for part in PARTS:
        lines = s.run(part, "bash", "-c", "cat /proc/[0-9]*/status")
        caps = re.findall(r"^Cap(?:Inh|Prm|Eff|Bnd|Amb):\s+(\w+)$", lines,
                          re.M)
        assert caps and not any(int(c, 16) for c in caps), part
        assert set(re.findall(r"^NoNewPrivs:\s+(\d)$", lines, re.M)) == {"1"}
        assert set(re.findall(r"^Seccomp:\s+(\d)$", lines, re.M)) == {"2"}
    s.note("capabilities", "none in any set of any process; no-new-privs, "
           "seccomp")


def roots_cannot_be_written_to():
    s = SYSTEM
    paths = "/x /usr/bin/x /etc/x /root/x /var/tmp/x"
    for part in PARTS:
        said = s.run(part, "bash", "-c",
                     f"for p in {paths}; do : >$p; done", check=False)
        assert said.count("Read-only file system") + \
            said.count("Permission denied") == 5, (part, said)
        assert s.state(part)[part]["HostConfig"]["ReadonlyRootfs"], part
    s.note("roots", "read-only")


def only_the_services_write_segments():
    s = SYSTEM
    having = {}
    for part, found in s.state(*PARTS).items():
        for mount in found["Mounts"]:
            if mount["Destination"] == "/run/smx":
                having[part] = mount["RW"]
    assert having == {**dict.fromkeys(SERVICES, True),
                      "cdb_collector": False}, having
    said = s.run("cdb_collector", "bash", "-c", ": >>/run/smx/smx.feed",
                 check=False)
    assert "Read-only" in said or "denied" in said, said
    said = s.run("cdb_risk", "bash", "-c",
                 ": >>/run/smx/smx.feed; rm -f /run/smx/smx.feed",
                 check=False)
    assert said.count("denied") + said.count("not permitted") == 2, said
    s.note("segments", "written by their own service only; the collector's "
           "mount is read-only")


def only_who_trades_reaches_the_stores():
    s = SYSTEM
    reach = {"/run/redis": set(), "/run/postgresql": set()}
    for part, found in s.state(*PARTS).items():
        for mount in found["Mounts"]:
            if mount["Destination"] in reach:
                reach[mount["Destination"]].add(part)
    assert reach == {"/run/redis": {"redis", *SERVICES}, "/run/postgresql":
                     {"cdb_postgres", "cdb_writer"}}, reach
    for part in ("redis", "cdb_postgres"):
        said = s.run(part, "bash", "-c", "cat /proc/net/tcp /proc/net/tcp6")
        listening = [line.split()[1] for line in said.splitlines()
                     if line.split()[3] == "0A"]
        # the engine's resolver, 127.0.0.11, is in every network
        assert all(a.startswith("0B00007F:") for a in listening), listening
    s.note("Redis, PostgreSQL", "no port; sockets only where needed")


def memory_is_limited():
    s = SYSTEM
    for part, found in s.state(*PARTS).items():
        asked = ASKED["services"][part]["mem_limit"]
        size = int(asked[:-1]) << {"m": 20, "g": 30}[asked[-1]]
        assert found["HostConfig"]["Memory"] == size, part
        assert found["HostConfig"]["PidsLimit"] > 0, part
    s.note("limits", "memory and processes, for all")


def only_prometheus_is_published():
    s = SYSTEM
    table = s.engine.inside("ss", "-Hltn").splitlines()
    listening = sorted(line.split()[3] for line in table)
    assert listening == ["127.0.0.1:9090"], listening
    for port in (3000, 5432, 6379, 8000, 8001, 8002, 8003, 8004, 8005, 9093,
                 9464):
        said = s.engine.inside(
            "curl", "-sS", "-m", "5", f"http://127.0.0.1:{port}/",
            check=False)
        assert "connect" in said, (port, said)
    s.note("ports", "127.0.0.1:9090 and no other (3000 with Grafana)")


def nothing_leads_out():
    """The machine reaches a host beside it; no container does."""
    s = SYSTEM
    address = "198.51.100.2"
    ask = f"exec 3<>/dev/tcp/{address}/80"
    with s.engine.outside(address):
        until("the machine gets there", lambda: s.engine.inside(
            "bash", "-c", ask, check=False) == "")
        for part in PARTS:
            said = s.run(part, "timeout", "3", "bash", "-c",
                         f"{ask} && echo out", check=False)
            assert "out\n" not in said, part
    s.note("ways out", "none, for any of them")


def no_secret_is_in_an_environment():
    s = SYSTEM
    for part, found in s.state(*PARTS).items():
        text = json.dumps([found["Config"]["Env"], found["Config"]["Cmd"],
                           found["Config"]["Labels"]])
        for user in USERS:
            assert s.password(user) not in text, (part, text)
        text = text.replace("--redis-password-file", "").replace(
            "/run/secrets/", "").lower()
        assert not re.search(r"passw|secret|token", text), (part, text)
    s.note("secrets", "in no environment, command or label")


def each_service_is_its_own_user_of_redis():
    s = SYSTEM
    for part in PARTS:
        seen = s.run(part, "sh", "-c",
                     "ls /run/secrets 2>/dev/null || true").split()
        assert sorted(seen) == sorted(
            ASKED["services"][part].get("secrets", [])), (part, seen)
    said = s.ask_redis("operator", "ACL", "LOG", "128").splitlines()
    denied = {value for key, value in zip(said, said[1:]) if key == "object"}
    assert denied <= {"config|get"}, said
    assert "NOAUTH" in s.ask_redis(None, "PING")
    assert "NOPERM" in s.ask_redis("feed", "XADD", "orders", "*", "data", "{")
    assert "NOPERM" in s.ask_redis("writer", "HSET", "state:risk", "a", "b")
    assert s.ask_redis("operator", "PING") == "PONG"
    s.note("users of Redis", "one for each service; no part has the password "
           "of another, and nothing that a replay asks for is denied")


def all_targets_are_up():
    s = SYSTEM

    def targets():
        found = s.prometheus("targets?state=active")["activeTargets"]
        return {t["labels"]["instance"]: t for t in found}
    until("all targets are up", lambda: all(
        t["health"] == "up" for t in targets().values()), BUSY_S)
    found = targets()
    wanted = {"cdb_signal:8001", "cdb_risk:8002", "cdb_execution:8003",
              "cdb_collector:9464", "prometheus:9090", "alertmanager:9093"}
    assert set(found) == wanted, found
    assert {t["scrapeInterval"] for t in found.values()} == {"15s"}
    s.note("targets", f"{len(found)} of {len(found)} up, every 15 s")


def the_rules_are_loaded():
    s = SYSTEM
    files = list((ROOT / "compose/prometheus").glob("rules/*.y*ml"))
    groups = s.prometheus("rules")["groups"]
    named = {pathlib.PurePath(g["file"]).name for g in groups}
    assert named == {f.name for f in files}, (named, files)
    bad = [r for g in groups for r in g["rules"] if r["health"] == "err"]
    assert not bad, bad
    s.note("rules", f"{sum(len(g['rules']) for g in groups)} loaded from "
           f"{len(files)} files")


def alerts_reach_people():
    """The one that always fires, from a rule to notify's file."""
    s = SYSTEM
    until("Watchdog is told", lambda: "Watchdog" in s.run(
        "cdb_notify", "cat", "/data/notifications.jsonl", check=False), BUSY_S)
    s.note("alerts", "Prometheus, Alertmanager, notify: Watchdog arrived")


def leases_are_seen_across_containers():
    """Every process is told apart from the dead, though pids are alike."""
    s = SYSTEM
    pids = {p: s.run(p, "cat", "/proc/1/task/1/children").split()[0]
            for p in SERVICES}

    def live():
        text = s.run("cdb_collector", "bash", "-c",
                     "exec 3<>/dev/tcp/127.0.0.1/9464; printf "
                     "'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3")
        return dict(re.findall(
            r'^smx_service_live_processes\{service="(\w+)"\} (\d+)', text,
            re.M))
    names = [p.removeprefix("cdb_") for p in SERVICES]
    assert live() == dict.fromkeys(names, "1"), live()
    s.engine.docker("stop", s.name("cdb_notify"))
    until("the stopped one is seen dead",
          lambda: live() == {**dict.fromkeys(names, "1"), "notify": "0"},
          BUSY_S)
    s.engine.docker("start", s.name("cdb_notify"))
    until("and alive again", lambda: live()["notify"] == "1", BUSY_S)
    s.note("leases", "right in every container; pids there: " +
           " ".join(pids.values()))


def the_books_balance():
    s = SYSTEM
    counted, faults = s.books(BUSY_S)
    assert not faults, faults
    DIGEST["undisturbed"] = s.digest()
    COUNTS["undisturbed"] = counted
    table = counted["postgres"]
    s.note("books, undisturbed", f"{counted['redis']['published']} ticks, "
           f"{table['received']} signals, {table['orders']} orders, "
           f"{table['filled']} filled: the same in 5 places")


def the_dead_come_back():
    """Every part, one after the other, in the middle of a replay."""
    s = SYSTEM
    s.down("-v")
    s.up("metrics,alerts", CDB_SPEED="5")
    s.wait_answers(*PARTS)
    away = {}
    for part in PARTS:
        before = s.state(part)
        began = time.monotonic()
        s.engine.inside("kill", "-KILL", before[part]["State"]["Pid"])
        away.update(s.wait_back(began, before))
    s.check_under_way()
    s.note_back("killed, one by one", away)


def freeze(part):
    """The process that is watched, not tini and not the watchdog."""
    s = SYSTEM
    pid = min(map(int, s.run(part, "cat", "/proc/1/task/1/children").split()))
    s.run(part, "bash", "-c", f"kill -STOP {pid}")


def the_hung_come_back():
    s = SYSTEM
    stores = ("redis", "cdb_postgres")
    away = {}
    for group in (stores, [p for p in PARTS if p not in stores]):
        before = s.state(*group)
        began = time.monotonic()
        for part in group:
            freeze(part)
        away.update(s.wait_back(began, before))
    for part in away:
        said = s.engine.docker("logs", s.name(part))
        assert '"msg":"no answer to ' in said, part
    s.note_back("frozen, all at once", away)


def the_paused_go_on():
    s = SYSTEM
    parts = ("cdb_signal", "cdb_risk", "redis")
    names = [s.name(p) for p in parts]
    before = s.state(*parts)
    s.engine.docker("pause", *names)
    time.sleep(12)      # longer than anybody's patience with one answer
    s.engine.docker("unpause", *names)
    s.wait_answers(*parts)
    after = s.state(*parts)
    for part in parts:
        assert before[part]["State"]["StartedAt"] == \
            after[part]["State"]["StartedAt"], f"{part} was restarted"
    s.check_under_way()
    s.note("paused for 12 s", f"{', '.join(parts)}: went on, not restarted")


def scraped(counted):
    COUNTS["disturbed"] = counted
    return counted["prometheus"] == counted["collector"]


def nothing_was_lost_or_doubled():
    s = SYSTEM
    until("the recording is replayed", s.replay_is_done, 600)
    calm = COUNTS["undisturbed"]
    until("everything is written", lambda:
          s.books(0)[0]["postgres"] == calm["postgres"], BUSY_S)
    until("the last scrape", lambda: scraped(s.books(0)[0]), BUSY_S)
    now = COUNTS["disturbed"]
    for place in ("redis", "postgres"):
        assert now[place] == calm[place], (now, calm)
    for place in ("collector", "prometheus"):
        for row, whole in calm[place].items():
            assert whole - IN_FLIGHT <= now[place][row] <= whole, (place, row)
    DIGEST["disturbed"] = s.digest()
    assert DIGEST["disturbed"] == DIGEST["undisturbed"], DIGEST
    s.note("streams and tables", "as without kills and freezes; the signals "
           "byte for byte")


def a_restart_keeps_the_data():
    s = SYSTEM
    query = "query?query=sum(orders_total)&time=" + str(time.time())
    value = s.prometheus(query)["result"][0]["value"]
    assert int(value[1]) == COUNTS["disturbed"]["prometheus"]["orders"]
    s.down()
    s.up("metrics,alerts")
    s.wait_answers(*PARTS)
    until("the feed knows that it is done", s.replay_is_done, BUSY_S)
    assert s.digest() == DIGEST["undisturbed"]
    assert s.prometheus(query)["result"][0]["value"] == value
    counted, _ = s.books(0)
    assert counted["postgres"] == COUNTS["disturbed"]["postgres"]
    s.note("all taken down and up", "Redis, PostgreSQL and Prometheus have "
           "what they had")


def the_page_is_true():
    """Every command of docs/DEPLOY.md, in a copy of compose/."""
    s = SYSTEM
    s.down("-v")
    checkout = s.folder / "checkout"
    for part in ("compose", "dashboards"):
        shutil.copytree(ROOT / part, checkout / part)
    ran = 0
    for line, block in commands.blocks(ROOT / "docs/DEPLOY.md"):
        if block["why"]:
            continue
        said = s.engine.inside(
            "bash", "-ec", f"cd {checkout}/compose\n{block['script']}",
            timeout=900, env={"CDB_TAG": "test"})
        lost = commands.missing(block["output"] or "", said)
        assert not lost, f"line {line}: never came: {lost}\n{said}"
        ran += 1
        if "up -d" in block["script"]:
            running = s.engine.docker(
                "ps", "--format", "{{.Names}}").split()
            s.wait_answers(*(n[4:-2] for n in running))
    s.note("docs/DEPLOY.md", f"{ran} blocks of commands ran as printed")


def nothing_is_left():
    s = SYSTEM
    s.down("-v")
    for what in (("ps", "-aq"), ("volume", "ls", "-q"),
                 ("network", "ls", "-q", "--filter", "type=custom")):
        left = s.engine.docker(*what).split()
        assert not left, (what, left)
    space = os.readlink(f"/proc/{s.engine.first}/ns/pid")
    s.engine.close()
    inside = [p for p in pathlib.Path("/proc").glob("[0-9]*/ns/pid")
              if link(p) == space]
    assert not inside, inside
    assert not s.engine.cgroups()
    assert not s.engine.folder.exists()
    mounts = pathlib.Path("/proc/mounts").read_text("ascii")
    assert str(s.folder) not in mounts, mounts
    s.note("taken down", "no container, volume, network, process, mount, "
           "cgroup or file is left")


def link(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""


CASES = [v for v in list(globals().values())
         if callable(v) and getattr(v, "__module__", "") == __name__ and
         v not in (freeze, link, scraped)]


def report(began):
    width = max(len(what) for what, _ in SYSTEM.seen)
    for what, found in SYSTEM.seen:
        print(f"report: {what:{width}}  {found}")
    print(f"report: all of it took {time.monotonic() - began:.0f} s", flush=True)


def logs():
    for part in PARTS:
        said = subprocess.run(
            [engine.DOCKER, "logs", "--tail", "8", SYSTEM.name(part)],
            env=SYSTEM.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False).stdout
        print(f"# {part}:\n# " + said.replace("\n", "\n# "))


def main():
    global SYSTEM               # pylint: disable=global-statement
    why = engine.missing()
    if why:
        print(f"skipped - compose/containers: {why}")
        return 0
    began = time.monotonic()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="smx-compose-",
                                           dir="/var/tmp"))
    folder.chmod(0o755)
    status = 1
    try:
        SYSTEM = System(folder)
        try:
            cases.run(*CASES)
        except SystemExit as ended:
            status = ended.code
        if status and SYSTEM.engine.proc:
            logs()
        report(began)
    finally:
        if SYSTEM and SYSTEM.engine.folder.exists():
            SYSTEM.engine.close()
        shutil.rmtree(folder)
    return status


if __name__ == "__main__":
    sys.exit(main())
