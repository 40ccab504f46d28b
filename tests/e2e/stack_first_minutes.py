# SPDX-License-Identifier: Apache-2.0
"""The way from a clone to a live graph: what is in the way is named, and what
to do about it said."""
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import urllib.parse

import stack

NOBODY = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
IN_VAIN = {"CDB_BUILD": "/usr/smx-build"}
if "CDB_NO_BUILD" in os.environ:
    IN_VAIN["CDB_NO_BUILD"] = ""


def stranger():
    """What runs a command as somebody who may do nothing."""
    return NOBODY if os.geteuid() == 0 else []


def refused(words, *messages, env=None, before=(), script=stack.ROOT / "cdb"):
    """./cdb ends with 1 and says this."""
    done = subprocess.run(
        [*before, script, *words], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=120, check=False,
        env={**os.environ, "CDB_RUN": "test-refused", **(env or {})})
    assert done.returncode == 1, (done.returncode, done.stdout)
    for message in messages:
        assert message in done.stdout, f"not {message}: {done.stdout}"


@contextlib.contextmanager
def folder(options=None):
    """A folder open to all; with options, a tmpfs of its own."""
    with tempfile.TemporaryDirectory(prefix="cdb-first-") as name:
        os.chmod(name, 0o1777)
        if options is None:
            yield name
            return
        mount = ["mount", "-t", "tmpfs", "-o", f"mode=1777,{options}",
                 "tmpfs", name]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            raise stack.Skip("a tmpfs cannot be mounted")
        try:
            yield name
        finally:
            subprocess.run(["umount", "-l", name], check=True)


@contextlib.contextmanager
def path_without(*names):
    """PATH with every program of this machine but these."""
    with folder() as name:
        for where in ("/usr/local/bin", "/usr/sbin", "/usr/bin", "/bin"):
            with contextlib.suppress(OSError):
                for program in os.scandir(where):
                    with contextlib.suppress(FileExistsError):
                        if program.name not in names:
                            os.symlink(program.path,
                                       os.path.join(name, program.name))
        yield name


def a_folder_that_will_not_do_is_named(_):
    refused(["up"], "there is no folder /no/such", "set CDB_TMP",
            env={"CDB_TMP": "/no/such"})
    refused(["up"], "/usr is not writable", "set CDB_TMP", before=stranger(),
            env={"CDB_TMP": "/usr"})
    with folder() as name:
        deep = os.path.join(name, "a" * 60)
        os.mkdir(deep, 0o755)
        refused(["up"], "too long", "set CDB_TMP", env={"CDB_TMP": deep})


def a_folder_without_room_or_programs_is_named(_):
    with folder("size=20m") as name:
        refused(["up"], "has 20 MiB free", "set CDB_TMP",
                env={"CDB_TMP": name})
    with folder("noexec,size=400m") as name:
        refused(["up"], "no program can be started in", "set CDB_TMP",
                env={"CDB_TMP": name})
        refused(["test", "unit"], "no program can be started in",
                "set TMPDIR", env={"TMPDIR": name})


def a_user_without_a_name_is_told(_):
    if os.geteuid() != 0:
        raise stack.Skip("becoming another user needs root")
    refused(["up"], "has no name", "set CDB_USER", before=[
        "setpriv", "--reuid=64321", "--regid=64321", "--clear-groups"])


def a_script_without_its_checkout_says_so(_):
    with folder() as name:
        copy = shutil.copy(stack.ROOT / "cdb", name)
        refused(["up"], "not a checkout", "clone it", script=copy)


def a_place_to_build_that_is_closed_is_named(_):
    refused(["up"], "is not writable", "set CDB_BUILD", before=stranger(),
            env=IN_VAIN)


def missing_packages_are_told_to_who_cannot_install_them(_):
    with path_without("sudo", "dpkg-query") as path:
        fake = pathlib.Path(path, "dpkg-query")
        fake.write_text("#!/bin/sh\nexec /usr/bin/dpkg-query \"$@\" |"
                        "grep -v '^spin '\n", "ascii")
        fake.chmod(0o755)
        refused(["up"], "somebody who may", before=stranger(), env={
            "PATH": path, **IN_VAIN})
        refused(["up"], "apt-get install --no-install-recommends spin",
                before=stranger(), env={"PATH": path, **IN_VAIN})


def without_debian_a_container_is_advised(_):
    with path_without("dpkg-query") as path:
        refused(["up"], "needs Debian 12", "docker run", env={"PATH": path})


def a_live_graph_without_git_and_all_in_memory(_):
    with path_without("git") as path, stack.Stack(
            "graph", "--scrape-interval", "1", prometheus=True,
            env={"PATH": path, "CDB_TMP": "/dev/shm/"}) as run:
        assert run.now["home"].startswith("/dev/shm/"), run.now
        assert run.now["smx_dir"].startswith(run.now["home"]), run.now
        _, again = run("up", check=0)
        assert "already running" in again, again
        page = re.search(r"^page +http://\S+?(/\S*)$", run.said, re.M)[1]
        assert run.get("collector", page)[0] == 200
        graph = re.search(r"^graph +http://\S+?(/\S+)$", run.said, re.M)[1]
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(graph).query)

        def drawn():
            return {s["metric"]["service"]: float(s["value"][1])
                    for s in run.promql(asked["g0.expr"][0])}
        stack.until("ticks and risk are drawn", lambda:
                    drawn().get("feed", 0) > 0 and "risk" in drawn())


def a_tiny_dev_shm_is_left_alone(_):
    script = "mount -t tmpfs -o size=2m tmpfs /dev/shm || exit 77; " \
        "./cdb up --no-prometheus; status=$?; ./cdb down; exit $status"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script], cwd=stack.ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        timeout=200, env={**os.environ,
                          "CDB_RUN": f"test-tiny-{os.getpid()}"})
    if "Operation not permitted" in done.stdout or done.returncode == 77:
        raise stack.Skip("a tmpfs cannot be mounted")
    assert done.returncode == 0, done.stdout
    assert "/dev/shm has 2 MiB free" in done.stdout, done.stdout
    assert "docker run --shm-size" in done.stdout, done.stdout
    assert re.search(r"^segments \S*/data/shm,", done.stdout, re.M), \
        done.stdout


if __name__ == "__main__":
    stack.main(a_folder_that_will_not_do_is_named,
               a_folder_without_room_or_programs_is_named,
               a_user_without_a_name_is_told,
               a_script_without_its_checkout_says_so,
               a_place_to_build_that_is_closed_is_named,
               missing_packages_are_told_to_who_cannot_install_them,
               without_debian_a_container_is_advised,
               a_live_graph_without_git_and_all_in_memory,
               a_tiny_dev_shm_is_left_alone)
