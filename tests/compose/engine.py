# SPDX-License-Identifier: Apache-2.0
"""A Docker engine of its own, which leaves nothing behind.

It lives in namespaces of its own: its processes end with the first of them,
its mounts and firewall rules are nobody else's.  While it builds it has the
machine's network, to fetch packages; while it runs it has only a loopback, so
whatever works there works without a way out.
"""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from cases import until  # noqa: E402

DOCKER = "/usr/bin/docker"      # Debian's, as the engine is
SUITE = "bookworm"
PROGRAMS = ("dockerd", "docker-compose", "debootstrap", "tini", "unshare",
            "nsenter", "iptables")


def sources():
    """Where this machine has Debian's packages from, [(mirror, suite)]."""
    found = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)",
         "Created-By: Packages", "Origin: Debian", "Component: main"],
        check=True, capture_output=True, text=True).stdout.split("\n")
    rows = [tuple(line.split()) for line in sorted(set(found)) if line]
    rows = [row for row in rows if row[1].split("-")[0] == SUITE]
    if not any(suite == SUITE for _, suite in rows):
        raise AssertionError(f"apt knows no mirror of Debian's {SUITE}")
    return rows


def missing():
    """Why no engine can be started here; None if one can."""
    if os.geteuid() != 0:
        return "an engine needs root"
    lost = [p for p in PROGRAMS if not shutil.which(p)]
    if lost or not os.access(DOCKER, os.X_OK):
        return f"not installed: {' '.join(lost or [DOCKER])}"
    tried = subprocess.run(["unshare", "-n", "-m", "ip", "link", "add", "b0",
                            "type", "bridge"], capture_output=True, text=True,
                           check=False)
    if tried.returncode:
        return f"no bridge can be made: {tried.stderr.strip()}"
    return None


class Engine:
    """In `folder`, which close() removes: images, volumes, sockets."""

    def __init__(self, folder):
        self.folder = folder
        self.name = f"smx-compose-{os.getpid()}"
        self.run = folder / "run"
        self.proc = self.first = None
        self.env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                    "DOCKER_HOST": f"unix://{self.run}/docker.sock",
                    "HOME": str(folder), "LC_ALL": "C.UTF-8"}

    def command(self, network):
        flags = ["--bridge=none", "--iptables=false", "--ip6tables=false",
                 "--ip-forward=false"] if network else []
        return ["setpriv", "--pdeathsig", "KILL",
                "unshare", "-m", "-p", "--fork", "--mount-proc",
                "--kill-child", *([] if network else ["-n"]), "tini", "--",
                "sh", "-c", 'ip link set lo up; exec "$@"', "sh", "dockerd",
                "--data-root", self.folder / "data",
                "--exec-root", self.run / "exec",
                "--pidfile", self.run / "pid",
                "-H", self.env["DOCKER_HOST"], "--oom-score-adjust", "0",
                "--exec-opt", "native.cgroupdriver=cgroupfs",
                "--cgroup-parent", f"/{self.name}",
                "--containerd-namespace", self.name,
                "--containerd-plugins-namespace", f"{self.name}-plugins",
                *flags]

    def start(self, network):
        """network: True to build, False to run."""
        shutil.rmtree(self.run, ignore_errors=True)
        self.run.mkdir()
        with open(self.folder / "log", "ab") as log:
            self.proc = subprocess.Popen(
                self.command(network), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env=self.env)
        self.first = until("the engine's first process", self.find_first)
        until("the engine answers", self.answers, 180)

    def find_first(self):
        path = f"/proc/{self.proc.pid}/task/{self.proc.pid}/children"
        with open(path, encoding="ascii") as children:
            pids = children.read().split()
        return int(pids[0]) if pids else None

    def answers(self):
        if self.proc.poll() is not None:
            raise AssertionError("the engine ended:\n" +
                                 (self.folder / "log").read_text()[-2000:])
        return subprocess.run([DOCKER, "version"], env=self.env, check=False,
                              capture_output=True).returncode == 0

    def stop(self):
        """An orderly end; the kernel ends what does not obey."""
        if not self.proc:
            return
        os.kill(self.first, signal.SIGTERM)
        try:
            self.proc.wait(timeout=120)
        except subprocess.TimeoutExpired:
            os.kill(self.first, signal.SIGKILL)
            self.proc.wait(timeout=120)
        self.proc = None
        shutil.rmtree(self.run)
        for top in self.cgroups():
            for folder, _, _ in os.walk(top, topdown=False):
                os.rmdir(folder)

    def close(self):
        self.stop()
        shutil.rmtree(self.folder)

    def cgroups(self):
        found = pathlib.Path("/sys/fs/cgroup").glob(f"**/{self.name}")
        return [p for p in found if p.is_dir()]

    def inside(self, *words, check=True, timeout=180, env=None):
        """Run it in the engine's namespaces; its output."""
        done = subprocess.run(
            ["nsenter", "-t", str(self.first), "-n", "-m", "-p",
             *map(str, words)], stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            timeout=timeout, env={**self.env, **(env or {})})
        if check and done.returncode:
            raise AssertionError(f"{words}: exit status {done.returncode}:\n"
                                 f"{done.stdout[-4000:]}")
        return done.stdout

    def docker(self, *words, **how):
        return self.inside(DOCKER, *words, **how)

    def inspect(self, *names):
        return json.loads(self.docker("inspect", *names))

    @contextlib.contextmanager
    def outside(self, address):
        """A host beside the engine's that answers HTTP at `address`:80."""
        near = address.rsplit(".", 1)[0] + ".1/24"
        with subprocess.Popen(
                ["unshare", "-n", "/usr/bin/python3", "-m", "http.server",
                 "-d", self.run, "80"], stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL) as host:
            own = os.stat("/proc/self/ns/net").st_ino
            until("its namespace", lambda: os.stat(
                f"/proc/{host.pid}/ns/net").st_ino != own)
            for pid, script in (
                    (self.first, "ip link add near type veth peer name far "
                     f"netns {host.pid} && ip addr add {near} dev near && "
                     "ip link set near up"),
                    (host.pid, f"ip addr add {address}/24 dev far && "
                     "ip link set far up")):
                subprocess.run(["nsenter", "-t", str(pid), "-n", "sh", "-c",
                                script], check=True)
            yield
            host.kill()

    def make_base(self):
        """What all images begin with: (name, how it came)."""
        name = "debian:bookworm-slim"
        pulled = subprocess.run([DOCKER, "pull", "-q", name], env=self.env,
                                capture_output=True, timeout=300, check=False)
        if pulled.returncode == 0:
            return name, "from a registry"
        root = self.folder / "root"
        rows = sources()
        mirror = next(at for at, suite in rows if suite == SUITE)
        subprocess.run(
            ["debootstrap", "--variant=minbase", "--include=ca-certificates",
             SUITE, root, mirror], check=True, timeout=1800,
            stdout=subprocess.DEVNULL, env=self.env)
        (root / "etc/apt/sources.list").write_text(
            "".join(f"deb {at} {suite} main\n" for at, suite in rows),
            "ascii")
        name = f"smx-base:{SUITE}"
        with subprocess.Popen(["tar", "-C", root, "--exclude=*.deb", "-c",
                               "."], stdout=subprocess.PIPE) as tar:
            subprocess.run([DOCKER, "import", "-", name], check=True,
                           stdin=tar.stdout, stdout=subprocess.DEVNULL,
                           env=self.env, timeout=600)
        shutil.rmtree(root)
        return name, "by debootstrap"
