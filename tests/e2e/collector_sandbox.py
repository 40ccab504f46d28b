#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the collector gives up, tried from inside of it.

usage: collector_sandbox.py SMX_COLLECTOR SEGMENT_WRITER INTRUDER [NAME...]
"""
import errno
import os
import shutil
import signal
import socket
import subprocess
import sys

from box import COLLECTOR, Box, Skip, Writer, main, test, until
from web_box import Web, bcrypt

INTRUDER = sys.argv.pop(3)
ROOT = os.geteuid() == 0
NOBODY = 65534


class Taken(Box):
    """A collector that somebody has taken over."""

    def __init__(self, *flags, old_kernel=False, **how):
        super().__init__(*flags, start=False, **how)
        self.seen = self.base / "intruder"
        self.seen.touch()
        os.chmod(self.seen, 0o666)
        self.secret = self.base.parent / (self.base.name + ".secret")
        self.stack.callback(self.secret.unlink, missing_ok=True)
        self.secret.write_text("text")
        os.chmod(self.secret, 0o644)
        self.environment.update(
            LD_PRELOAD=INTRUDER, INTRUDER_LOG=str(self.seen),
            INTRUDER_SECRET=str(self.secret),
            INTRUDER_SEGMENT=str(self.dir / "smx.feed"))
        if old_kernel:
            self.environment["INTRUDER_OLD_KERNEL"] = "1"
        self.start()
        Writer(self, "feed").do("counter ticks_total 1")

    def intrude(self):
        """{what: errno} of each attempt; 0 where it worked."""
        self.proc.send_signal(signal.SIGUSR2)
        until("done", lambda: "end 0" in self.seen.read_text())
        pairs = (x.split() for x in self.seen.read_text().splitlines())
        return {what: int(number) for what, number in pairs}


def status(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return dict(x.rstrip("\n").split(":\t", 1) for x in f if ":\t" in x)


def has_landlock(box):
    return not [x for x in box.lines("this kernel has no Landlock: all files "
                                     "stay in reach")]


@test
def whoever_takes_it_over_has_nothing():
    with Taken() as box:
        assert box.value("ticks_total", service="feed") == 1
        got = box.intrude()
        assert box.value("ticks_total", service="feed") == 1
        assert box.secret.exists()
        secret = got.pop("secret")
        remove = got.pop("remove")
        assert all(n == errno.EPERM for what, n in got.items()
                   if what != "end"), got
        if has_landlock(box):
            assert (secret, remove) == (errno.EACCES, errno.EACCES)
        said = status(box.proc.pid)
        assert said["NoNewPrivs"] == "1" and said["Seccomp"] == "2"
        assert box.lines("started") and not [
            x for x in box.log.read_text().splitlines() if '"warn"' in x]


@test
def each_of_the_two_can_be_switched_off():
    with Taken("--no-sandbox.seccomp") as box:
        got = box.intrude()
        assert got["program"] == got["internet"] == 0, got
        assert status(box.proc.pid)["Seccomp"] == "0"
        if has_landlock(box):
            assert got["secret"] == got["segment"] == errno.EACCES, got
    with Taken("--no-sandbox.landlock") as box:
        got = box.intrude()
        assert got["secret"] == 0 and got["program"] == errno.EPERM, got
    with Taken("--no-sandbox.landlock", "--no-sandbox.seccomp") as box:
        got = box.intrude()
        assert got["secret"] == got["program"] == got["segment"] == 0, got


@test
def a_kernel_without_them_is_said_and_it_serves():
    with Taken(old_kernel=True) as box:
        assert len(box.lines("this kernel has no Landlock: all files stay in "
                             "reach")) == 1
        assert len(box.lines("no seccomp in this kernel or build: all system "
                             "calls stay allowed")) == 1
        assert box.value("ticks_total", service="feed") == 1
        assert box.intrude()["program"] == 0


@test
def root_becomes_the_user_named_and_goes_on():
    if not ROOT:
        raise Skip("only root can become somebody")
    with Web(basic_auth_users={"alice": bcrypt("one")}) as box:
        with socket.socket() as s:      # a port that only root can bind
            for port in range(600, 1024):
                try:
                    s.bind(("127.0.0.1", port))
                    break
                except OSError:
                    continue
        box.flags += ("--user=nobody", f"--web.listen-address=127.0.0.1:{port}")
        box.login = "alice:one"
        os.chown(box.dir, NOBODY, NOBODY)
        box.start()
        said = status(box.proc.pid)
        assert set(said["Uid"].split() + said["Gid"].split()) == {str(NOBODY)}
        assert "0" not in said["Groups"].split(), said["Groups"]
        for which in ("Inh", "Prm", "Eff", "Bnd", "Amb"):
            assert int(said[f"Cap{which}"], 16) == 0, which
        socket.create_connection(("127.0.0.1", port)).close()
        r = box.get()
        assert r.value("process_open_fds") > 5
        # what is new: a segment, the configuration, the directory
        Writer(box, "feed", user=NOBODY).do("counter ticks_total 1")
        assert box.value("ticks_total", service="feed") == 1
        box.write(basic_auth_users={"alice": bcrypt("two")})
        box.login = "alice:two"
        assert box.value("ticks_total", service="feed") == 1
        shutil.rmtree(box.dir)
        assert box.value("ticks_total", service="feed") is None
        box.dir.mkdir()
        os.chown(box.dir, NOBODY, NOBODY)
        Writer(box, "risk", user=NOBODY).do("counter ticks_total 2")
        assert box.value("ticks_total", service="risk") == 2
        assert not box.lines("web configuration refused, the old one stays")


@test
def the_directory_may_be_somewhere_that_is_not_there_yet():
    with Box(start=False) as box:
        box.dir.rmdir()
        box.dir = box.base / "a" / "b" / "c"
        box.start()
        assert box.value("smx_collector_directory_up") == 0
        box.dir.mkdir(parents=True)
        Writer(box, "feed").do("counter ticks_total 1")
        assert box.value("ticks_total", service="feed") == 1


@test
def a_unix_socket_is_removed_at_the_end():
    with Box(start=False) as box:
        path = box.base / "socket"
        box.flags = (f"--web.listen-address=unix:{path}",)
        box.start()
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(path))
            s.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
            assert s.recv(100).startswith(b"HTTP/1.1 200")
        box.stop()
        assert not path.exists()


@test
def only_root_becomes_somebody_and_only_who_exists():
    for user, words in (("nobody-knows", "no user"), ("root", "only root")):
        drop = dict(user=NOBODY, group=NOBODY, extra_groups=[]) \
            if ROOT and user == "root" else {}
        done = subprocess.run(
            [COLLECTOR, "--web.listen-address=127.0.0.1:0", f"--user={user}"],
            capture_output=True, text=True, timeout=20, check=False, **drop)
        assert done.returncode == 1, done
        assert words in done.stderr, done.stderr


if __name__ == "__main__":
    sys.exit(main())
