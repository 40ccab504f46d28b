# SPDX-License-Identifier: Apache-2.0
"""The system in containers, through Compose as an operator would."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/cdb.d"))
from engine import Engine, until  # noqa: E402
from recording import make_recording  # noqa: E402

SERVICES = ("cdb_feed", "cdb_signal", "cdb_risk", "cdb_execution",
            "cdb_writer", "cdb_notify")
TRADING = ("redis", "cdb_postgres", *SERVICES)
PARTS = (*TRADING, "cdb_collector", "prometheus", "alertmanager")
FILE = "compose/docker-compose.yml"
REPLAY = "compose/replay.yml"
RECORDING = "BTCUSDT-spot-trades.csv"
BACK_S = 30             # a part that ended, or hangs, is back within
BUSY_S = 180            # what a machine may take that does other things, too


def busy():
    return os.getloadavg()[0] > 3 * os.cpu_count()


class System:
    """`seen` becomes the report: what was checked, and what was found."""

    def __init__(self, folder):
        self.folder = folder
        self.engine = Engine(folder / "engine")
        self.engine.folder.mkdir(exist_ok=True)
        self.env = {**self.engine.env, "COMPOSE_PROFILES": "",
                    "CDB_TAG": "test", "CDB_PROFILE": "replay",
                    "CDB_SPEED": "max",
                    "CDB_RECORDINGS": str(folder / "recordings"),
                    "CDB_RECORDING": RECORDING,
                    "CDB_SECRETS": str(folder / "secrets")}
        self.seen = []
        (folder / "recordings").mkdir()
        make_recording(folder / "recordings" / RECORDING)
        subprocess.run([ROOT / "compose/secrets.sh", folder / "secrets"],
                       check=True)
        self.operator = self.lend("operator")

    def password(self, user):
        return (self.folder / "secrets/redis" / user).read_text(
            "ascii").strip()

    def lend(self, user):
        """A copy of its password file, for the writer's user."""
        copy = shutil.copy(self.folder / "secrets/redis" / user, self.folder)
        os.chown(copy, 7004, 7000)
        os.chmod(copy, 0o400)
        return copy

    def note(self, what, found):
        self.seen.append((what, str(found)))

    def compose(self, *words, files=(), timeout=900):
        flags = [f for file in (FILE, *files) for f in ("-f", file)]
        done = subprocess.run(
            ["nice", "docker-compose", *flags, *words], cwd=ROOT, env=self.env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
            stderr=subprocess.STDOUT, timeout=timeout, check=False)
        if done.returncode:
            raise AssertionError(f"compose {words}: exit status "
                                 f"{done.returncode}:\n{done.stdout[-4000:]}")
        return done.stdout

    def up(self, profiles, **env):
        self.env.update(COMPOSE_PROFILES=profiles, **env)
        self.compose("up", "-d", files=[REPLAY])

    def down(self, *flags):
        self.compose("down", *flags, files=[REPLAY])

    @staticmethod
    def name(part):
        return f"cdb_{part}_1"

    def state(self, *parts):
        """What the engine knows of each."""
        return dict(zip(parts, self.engine.inspect(*map(self.name, parts))))

    def run(self, part, *words, **how):
        return self.engine.docker("exec", self.name(part), *words, **how)

    def answers(self, part):
        """Does its own probe find it healthy now?"""
        return subprocess.run(
            ["/usr/bin/docker", "exec", self.name(part), "probe"],
            env=self.env, capture_output=True, check=False,
            timeout=BUSY_S).returncode == 0

    def wait_answers(self, *parts):
        for part in parts:
            until(f"{part} answers", lambda p=part: self.answers(p),
                  BUSY_S)

    def back(self, part, before):
        """Started anew since `before`, and healthy?"""
        now = self.state(part)[part]["State"]
        return now["Running"] and now["StartedAt"] != before and \
            self.answers(part)

    def wait_back(self, began, before):
        """{part: seconds it was away}; before: {part: state}."""
        away, left = {}, dict(before)
        while left:
            for part in list(left):
                if self.back(part, left[part]["State"]["StartedAt"]):
                    away[part] = time.monotonic() - began
                    del left[part]
            assert time.monotonic() - began < BUSY_S or not left, \
                f"not back: {' '.join(left)}"
        return away

    def note_back(self, what, away):
        """The promise holds where processors are to be had."""
        longest = max(away.values())
        assert longest <= BACK_S or busy(), (what, away)
        self.note(what, f"{len(away)} parts, back within {longest:.1f} s "
                  f"(promised: {BACK_S}; load {os.getloadavg()[0]:.0f})")

    def address(self, part):
        found = self.state(part)[part]["NetworkSettings"]["Networks"]
        return found["cdb_cdb_network"]["IPAddress"]

    def get(self, where, path):
        """JSON of a GET, asked from the machine the engine runs on."""
        return json.loads(self.engine.inside(
            "curl", "-fsS", "-m", "10", f"http://{where}{path}"))

    def prometheus(self, path):
        return self.get("127.0.0.1:9090", f"/api/v1/{path}")["data"]

    def replay_is_done(self):
        said = self.get(f"{self.address('cdb_feed')}:8000", "/status")
        return said["replay"] == "done"

    def check_under_way(self):
        """What came after the end has disturbed nothing."""
        done = self.replay_is_done()
        assert not done or busy(), "the replay ended before the disturbance"
        if done:
            self.note("the machine was busy", "the replay ended before "
                      "all of the disturbance")

    def digest(self):
        return self.engine.docker(
            "run", "--rm", "--network", "none", "--user", "7004:7000",
            "-v", "cdb_redis_socket:/run/redis:ro",
            "-v", f"{self.operator}:/operator:ro", "cdb/services:test",
            "cdb-digest", "--redis", "unix:/run/redis/redis.sock",
            "--redis-password-file", "/operator", "--stream",
            "signals").strip()

    def ask_redis(self, user, *words):
        """What Redis answers to that user; None: who does not log in."""
        login = () if user is None else (
            "--user", user, "--pass", self.password(user),
            "--no-auth-warning")
        return self.run("redis", "redis-cli", "-s", "/run/redis/redis.sock",
                        *login, *words, check=False).strip()

    def reach(self):
        """Links to the stores' sockets for who may not look into volumes."""
        for part in ("redis", "postgres"):
            here = self.folder / "sockets" / part
            here.mkdir(parents=True, exist_ok=True)
            volume = self.engine.folder / "data/volumes" / \
                f"cdb_{part}_socket" / "_data"
            self.engine.inside("umount", here, check=False)
            self.engine.inside("mount", "--bind", volume, here)
        return self.folder / "sockets"

    def books(self, wait):
        """(counts, faults) of tools/cdb.d/books.py, as the writer's user."""
        sockets = self.reach()
        script = shutil.copy(ROOT / "tools/cdb.d/books.py", self.folder)
        status = {"data": [str(self.folder / "recordings" / RECORDING)],
                  "interval": 15, "parts": {
                      "redis": {"address": f"unix:{sockets}/redis/redis.sock",
                                "password_file": str(self.operator)},
                      "postgres": {"address": f"host={sockets}/postgres "
                                   "user=cdb dbname=cdb"},
                      "collector": {"address":
                                    f"{self.address('cdb_collector')}:9464"},
                      "feed": {"address": f"{self.address('cdb_feed')}:8000"},
                      "prometheus": {"address": "127.0.0.1:9090"}}}
        said = self.engine.inside(
            "setpriv", "--reuid=7004", "--regid=7000", "--clear-groups",
            "/usr/bin/python3", "-B", script, "--json", "--wait", wait,
            "--digest", "/bin/true", check=False, timeout=wait + 60,
            env={"CDB_STATUS": json.dumps(status)})
        found = json.loads(said.splitlines()[-1])
        return found["counted"], found["faults"]
