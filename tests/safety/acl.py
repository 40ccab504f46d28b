# SPDX-License-Identifier: Apache-2.0
"""Users of Redis: a service may do what it does, and nothing else.

The whole pipeline runs under compose/redis/users.sh; what it asks for that is
denied would be in ACL LOG.

usage: acl.py BUILD [test...]
"""
import os
import pathlib
import re
import subprocess
import sys


ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))
import market  # noqa: E402
from market import SERVICES, MarketTest  # noqa: E402
from trading_outages import SHORT  # noqa: E402
from pipeline import until  # noqa: E402

PASSWORDS = str(ROOT / "compose/redis/passwords.sh")
USERS = str(ROOT / "compose/redis/users.sh")
# Denied and lived with: the warning that Redis may forget what it answered.
TOLERATED = {"config|get"}
PUBLISHED = {"feed": ["market_data"], "signal": ["signals"],
             "risk": ["orders", "risk_events", "portfolio", "alerts"],
             "execution": ["order_results"], "writer": [],
             "notify": ["notifications"]}
READ = {"feed": [], "signal": ["market_data"],
        "risk": ["market_data", "signals", "order_results"],
        "execution": ["orders"],
        "writer": ["signals", "orders", "order_results", "risk_events",
                   "portfolio", "health"],
        "notify": ["alerts", "notifications"]}
STREAMS = ("market_data", "signals", "orders", "order_results",
           "risk_events", "portfolio", "alerts", "notifications")


class Locked(market.Market):
    """Its Redis lets nobody in without a password; the test is the
    operator."""

    def redis_start(self):
        acl = self.path("users.acl")
        if not os.path.exists(acl):
            os.mkdir(self.path("secrets"), 0o755)
            subprocess.run([PASSWORDS, self.path("secrets")], check=True)
            text = subprocess.run([USERS, self.path("secrets")], check=True,
                                  capture_output=True, text=True).stdout
            for name in (*SERVICES, "operator"):
                assert self.password(name) not in text
            with open(acl, "w", encoding="ascii") as out:
                out.write(text)
        self.redis = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1",
             "--dir", self.dir, "--save", "", "--appendonly", "yes",
             "--appendfsync", "always", "--aclfile", acl, "--logfile",
             self.path("redis.log")], stdout=subprocess.DEVNULL)
        until("redis answers", lambda: self.ask("PING") == "PONG")

    def arguments(self, name):
        return [*super().arguments(name), "--redis-password-file",
                self.path("secrets", name)]

    def password(self, name):
        with open(self.path("secrets", name), encoding="ascii") as text:
            return text.readline().strip()

    def client(self, name, *words):
        """The command line of redis-cli as that user."""
        return ["redis-cli", "-p", str(self.port), "--user", name, "--pass",
                self.password(name), "--no-auth-warning", *words]

    def as_user(self, name, *words):
        """What Redis answers to that service."""
        out = subprocess.run(self.client(name, *words),
                             capture_output=True, text=True, check=False)
        return (out.stdout + out.stderr).strip()

    def ask(self, *words):
        out = subprocess.run(self.client("operator", *words),
                             capture_output=True, text=True, check=False)
        return out.stdout.strip()

    def listen(self):
        """Keep what is asked of it, until it ends."""
        with open(self.path("monitor.txt"), "ab") as out:
            self.children.append(subprocess.Popen(
                self.client("operator", "MONITOR"), stdout=out))

    @property
    def login(self):
        return "--redis-password-file", self.path("secrets", "operator")

    def denied(self):
        """{(user, what)} of ACL LOG."""
        lines = self.ask("ACL", "LOG", "128").splitlines()
        found = {}
        for key, value in zip(lines, lines[1:]):
            if key == "object":
                found["object"] = value
            elif key == "username":
                yield value, found.get("object")


class Acl(MarketTest):
    @classmethod
    def setUpClass(cls):
        cls.m = m = Locked(**SHORT)
        cls.addClassCleanup(m.close)
        m.listen()
        m.up()
        until("all trade", lambda:
              int(m.ask("XLEN", "order_results") or 0) > 20)
        # what Redis does not know any more after that would be missing
        m.redis_kill()
        m.revive()
        m.listen()
        for child in m.services.values():
            child.kill()
            child.wait()
        m.revive()
        m.wait_end(60)
        until("every service was heard twice", lambda: int(m.ask(
            "XLEN", "health") or 0) >= 2 * len(SERVICES))
        cls.log = set(m.denied())
        cls.tables = m.tables()

    def test_the_books_are_those_without(self):
        self.assertEqual(self.tables, market.expected()[1])

    def test_nothing_that_is_needed_was_denied(self):
        self.assertEqual({(u, o) for u, o in self.log
                          if o not in TOLERATED}, set())

    def test_what_is_allowed_is_used(self):
        """A command that no service sends is not in the file."""
        with open(USERS, encoding="utf-8") as text:
            allowed = set(re.findall(r"\+([a-z|]+)", text.read()))
        with open(self.m.path("monitor.txt"), encoding="utf-8",
                  errors="replace") as text:
            lines = text.read().lower()
        seen = set(re.findall(r'\] "([a-z]+)"', lines)) | {
            a + "|" + b for a, b in re.findall(
                r'\] "([a-z]+)" "([a-z]+)"', lines)}
        # MONITOR leaves out what logs in; nobody asks what a group has
        # pending that has nothing
        self.assertEqual(allowed - seen - {"auth", "xpending"}, set())

    def test_a_service_adds_to_its_own_streams_only(self):
        for name in SERVICES:
            for stream in STREAMS:
                said = self.m.as_user(name, "XADD", stream, "NOMKSTREAM",
                                      "*", "data", "{")
                if stream in PUBLISHED[name]:
                    self.assertNotIn("NOPERM", said, (name, stream))
                else:
                    self.assertIn("NOPERM", said, (name, stream))

    def test_a_service_reads_its_own_streams_only(self):
        for name in SERVICES:
            for stream in STREAMS:
                if stream in READ[name]:
                    continue
                for words in (("XREADGROUP", "GROUP", name, name, "COUNT",
                               "1", "STREAMS", stream, ">"),
                              ("XACK", stream, name, "0-1"),
                              ("XREAD", "COUNT", "1", "STREAMS", stream,
                               "0")):
                    self.assertIn("NOPERM", self.m.as_user(name, *words),
                                  (name, words))

    def test_the_state_of_others_stays_theirs(self):
        for name in SERVICES:
            for other in SERVICES:
                if other == name:
                    continue
                for words in (("HSET", f"state:{other}", "a", "b"),
                              ("INCR", f"epoch:{other}")):
                    self.assertIn("NOPERM", self.m.as_user(name, *words),
                                  (name, words))

    def test_nobody_commands_the_server(self):
        for name in SERVICES:
            for words in (("FLUSHALL",), ("CONFIG", "SET", "appendonly", "no"),
                          ("CONFIG", "GET", "*"), ("SHUTDOWN",),
                          ("KEYS", "*"),
                          ("EVAL", "return 1", "0"), ("ACL", "LIST"),
                          ("MONITOR",), ("DEL", f"state:{name}"),
                          ("XGROUP", "DESTROY", "orders", "execution"),
                          ("XDEL", "orders", "0-1"), ("PUBLISH", "a", "b"),
                          ("REPLICAOF", "127.0.0.1", "1")):
                self.assertIn("NOPERM", self.m.as_user(name, *words),
                              (name, words))

    def test_monitoring_has_no_user(self):
        users = {line.split()[1] for line in
                 self.m.ask("ACL", "LIST").splitlines()}
        self.assertEqual(users, {"default", "operator", "probe", *SERVICES})

    def test_a_stranger_learns_that_redis_lives(self):
        def stranger(*words):
            out = subprocess.run(
                ["redis-cli", "-p", str(self.m.port), *words],
                capture_output=True, text=True, check=False)
            return out.stdout + out.stderr

        probe = ("--user", "probe", "--pass", "-", "--no-auth-warning")
        self.assertIn("PONG", stranger(*probe, "PING"))
        self.assertIn("WRONGPASS", stranger("--user", "default", "--pass", "",
                                            "PING"))
        for words in (("XLEN", "orders"), ("GET", "epoch:feed"),
                      ("PUBLISH", "worked:signal", "1-0"), ("INFO",),
                      ("XADD", "orders", "*", "data", "{"),
                      ("SUBSCRIBE", "worked:signal"), ("ACL", "WHOAMI")):
            self.assertIn("NOAUTH", stranger(*words), words)
            self.assertIn("NOPERM", stranger(*probe, *words), words)

    def test_tools_log_in_as_the_operator(self):
        m = self.m
        self.assertEqual(m.digest("orders").split()[0], m.ask("XLEN",
                                                              "orders"))
        for wrong in ("signal", "none"):
            done = subprocess.run(
                [os.path.join(market.pipeline.BIN, "cdb-digest"), "--redis",
                 f"127.0.0.1:{m.port}", "--redis-password-file",
                 m.path("secrets", wrong)], capture_output=True, text=True,
                check=False)
            self.assertNotEqual(done.returncode, 0, done.stdout)
            self.assertIn("WRONGPASS" if wrong == "signal" else "usage",
                          done.stderr)

    def test_a_wrong_password_is_told_and_not_cited(self):
        wrong = self.m.path("wrong")
        with open(wrong, "w", encoding="ascii") as out:
            out.write("mellon\n")
        child = self.m.start("signal",
                             "--redis-password-file", wrong, log="wrong.log")
        until("it is told", lambda: b"WRONGPASS" in
              pathlib.Path(self.m.path("wrong.log")).read_bytes())
        child.terminate()
        child.wait()
        self.assertNotIn("mellon", pathlib.Path(
            self.m.path("wrong.log")).read_text("utf-8"))

    def test_an_empty_password_file_is_refused(self):
        for text in ("", "\n", "x" * 200):
            path = self.m.path("empty")
            with open(path, "w", encoding="ascii") as out:
                out.write(text)
            done = subprocess.run(
                [os.path.join(market.pipeline.BIN, "cdb-signal"),
                 "--redis-password-file", path], capture_output=True,
                text=True, check=False, timeout=60)
            self.assertEqual(done.returncode, 2, done.stderr)


if __name__ == "__main__":
    market.main()
