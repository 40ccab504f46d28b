# SPDX-License-Identifier: Apache-2.0
"""Parts whose data are on a small disk that somebody else fills."""
import contextlib
import json
import os
import subprocess
import tempfile
import time
import urllib.request

import report
from cases import fill
from report import LIMIT_S, Drill
from stack import DIRECT, until

NO_ROOM = "no space left on device"
# Redis ends rather than answer for what it could not append ("always").
SAYS = {"redis": "can't recover from aof write error"}
# Who cannot do without it.
CLIENTS = {"redis": ("feed", "signal", "risk", "execution", "writer",
                     "notify"), "postgres": ("writer",)}


def tell(run, name, letter):
    """A word to its runit: d down, u up, t TERM."""
    path = os.path.join(run.now["home"], "sv", name, "supervise/control")
    with open(path, "w", encoding="ascii") as control:
        control.write(letter)


def away(run, name):
    tell(run, name, "d")
    until(f"{name} has ended", lambda: run.pid(name) is None, LIMIT_S)


def there(run, name):
    tell(run, name, "u")
    until("all are well", lambda: run.status()["healthy"], LIMIT_S)


def copy(source, target):
    subprocess.run(["cp", "-a", f"{source}/.", target], check=True)


@contextlib.contextmanager
def small_disk(run, name, mib):
    """The folder of a part, on a disk of its own and back again; None where
    nothing may be mounted."""
    folder = os.path.join(run.now["home"], "data", name)
    owner = os.stat(folder)
    with tempfile.TemporaryDirectory(prefix="cdb-drill-") as kept:
        away(run, name)
        copy(folder, kept)
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode="
             f"{owner.st_mode & 0o777:o},uid={owner.st_uid},"
             f"gid={owner.st_gid}", "cdb-drill", folder],
            check=False).returncode == 0
        try:
            if mounted:
                copy(kept, folder)
            there(run, name)
            yield folder if mounted else None
        finally:
            if mounted:
                move_back(run, name, folder)


def move_back(run, name, folder):
    away(run, name)
    with tempfile.TemporaryDirectory(prefix="cdb-drill-") as kept:
        copy(folder, kept)
        subprocess.run(["umount", folder], check=True)
        copy(kept, folder)
    there(run, name)


@contextlib.contextmanager
def full(folder):
    """There is no room, until the end."""
    filler = os.path.join(folder, "filler")
    fill(filler)
    try:
        yield
    finally:
        os.unlink(filler)


def complains(run, name, since):
    return SAYS.get(name, NO_ROOM) in run.log(name)[since:].lower()


def prometheus_out_of_disk(run, recording):
    what = "prometheus out of disk"
    with small_disk(run, "prometheus", 24) as folder:
        if not folder:
            return report.not_tried(what, "no right to mount")
        since = len(run.log("prometheus"))
        with Drill(run, recording, what) as drill:
            with full(folder):
                until("it says so", lambda: complains(
                    run, "prometheus", since), LIMIT_S)
                drill.noticed()
                drill.goes_on()
            until("samples are stored again", lambda: fresh(run), LIMIT_S)
            drill.seen = "samples refused, stored again with room"
        return drill


def fresh(run):
    """Does Prometheus hold a tick count of the last seconds?"""
    return run.answers("prometheus") and run.promql(
        "time() - timestamp(market_data_published_total) < 3")


def silence(run, comment):
    """Something that Alertmanager has to remember."""
    def at(seconds):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ",
                             time.gmtime(time.time() + seconds))

    text = json.dumps({"comment": comment, "createdBy": "drill", "matchers": [
        {"name": "drill", "value": comment, "isRegex": False}],
        "startsAt": at(0), "endsAt": at(3600)})
    DIRECT.open(urllib.request.Request(
        f"http://{run.now['parts']['alertmanager']['address']}"
        "/api/v2/silences", text.encode(),
        {"Content-Type": "application/json"}), timeout=10).close()


def remembers(run, comment):
    _, _, text = run.get("alertmanager", "/api/v2/silences")
    return comment in [s["comment"] for s in json.loads(text)]


def once_more(run, name):
    """It ends and begins again, as for a new version."""
    pid = run.pid(name)
    tell(run, name, "t")
    until(f"{name} is back", lambda: run.pid(name) not in (None, pid) and
          run.answers(name), LIMIT_S)


def alertmanager_out_of_disk(run, recording):
    """It writes when it ends, and tells of a failure only at level info."""
    what = "alertmanager out of disk"
    with small_disk(run, "alertmanager", 4) as folder:
        if not folder:
            return report.not_tried(what, "no right to mount")
        with Drill(run, recording, what) as drill:
            with full(folder):
                silence(run, "lost")
                once_more(run, "alertmanager")
                assert not remembers(run, "lost"), "there was room"
                drill.noticed()
                drill.goes_on()
            silence(run, "kept")
            once_more(run, "alertmanager")
            assert remembers(run, "kept"), "nothing is stored with room"
            drill.seen = "silences forgotten, stored again with room"
        return drill


def shown(run, name, service):
    """cdb_redis_up or cdb_postgres_up of a service, as scraped."""
    _, _, text = run.get("collector", f"/metrics/{service}")
    found = [line.split()[-1] for line in text.splitlines()
             if line.startswith(f"cdb_{name}_up")]
    assert len(found) == 1, text
    return float(found[0])


def lag(run, service):
    """What waits before a service, as scraped."""
    _, _, text = run.get("collector", f"/metrics/{service}")
    return sum(float(line.split()[-1]) for line in text.splitlines()
               if line.startswith("cdb_bus_consumer_lag{"))


def held_up(run, name, restarts):
    """Redis has tried again and again, or rows wait for PostgreSQL."""
    if name == "redis":
        return run.part(name)["restarts"] >= restarts + 3
    return lag(run, "writer") >= 20


def store_out_of_disk(run, recording, name, mib):
    """Who needs it pauses, says so, and goes on by itself."""
    what = f"{name} out of disk"
    with small_disk(run, name, mib) as folder:
        if not folder:
            report.not_tried(what, "no right to mount")
            return
        since, restarts = len(run.log(name)), run.part(name)["restarts"]
        with Drill(run, recording, what) as drill:
            with full(folder):
                for service in CLIENTS[name]:
                    until(f"{service} says so", lambda s=service:
                          run.get(s, "/health")[0] == 503 and
                          shown(run, name, s) == 0, LIMIT_S)
                until(f"{name} says so", lambda: complains(
                    run, name, since), LIMIT_S)
                drill.noticed()
                until(f"{name} holds them up", lambda: held_up(
                    run, name, restarts), LIMIT_S)
            until("all are well again", lambda: run.status()["healthy"] and
                  all(shown(run, name, s) == 1 for s in CLIENTS[name]),
                  LIMIT_S)
            drill.goes_on()
            drill.seen = ("ends four times; " if name == "redis" else
                          "rows refused, 20 wait; ") + "then well"
