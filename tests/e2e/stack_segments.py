# SPDX-License-Identifier: Apache-2.0
"""A /dev/shm that is full, closed or squatted: the services trade on."""
import contextlib
import os
import subprocess
import tempfile

import stack


@contextlib.contextmanager
def small_tmpfs(size, mode):
    """A tmpfs of our own; the processes of the run may write (nobody)."""
    if os.geteuid() != 0:
        raise stack.Skip("mounting a tmpfs needs root")
    folder = tempfile.mkdtemp(prefix="cdb-shm-")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode={mode}",
             "tmpfs", folder]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        os.rmdir(folder)
        raise stack.Skip("a tmpfs cannot be mounted: " + done.stderr.strip())
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
        os.rmdir(folder)


def trades_without_metrics(recording, name, folder, reason):
    """The services are healthy, say why, and decide as ever."""
    with stack.Stack(name, *recording.replay, env={"SMX_DIR": folder}) as run:
        run.wait_end(recording.rows)
        assert all(run.part(s)["restarts"] == 0 for s in ("feed", "signal"))
        for service in ("feed", "signal"):
            assert run.get(service, "/health")[0] == 200
            said = [line for line in run.log(service).splitlines()
                    if "goes on without metrics" in line]
            assert len(said) == 1 and reason in said[0], run.log(service)
        return run.digest()


def full_closed_or_squatted_folder_changes_no_decision(recording):
    with stack.Stack("calm", *recording.replay) as run:
        run.wait_end(recording.rows)
        digest = run.digest()
    with small_tmpfs("8k", "1777") as folder:
        assert trades_without_metrics(
            recording, "full", folder, "No space left") == digest
    with small_tmpfs("16m", "0555") as folder:
        assert trades_without_metrics(
            recording, "closed", folder, "Permission denied") == digest
    with small_tmpfs("16m", "1777") as folder:
        for service in ("feed", "signal"):
            path = os.path.join(folder, "smx." + service)
            with open(path, "wb") as squatter:
                squatter.write(b"not yours" * 1000)
            os.chmod(path, 0o666)
            os.chown(path, 12345, 12345)
        assert trades_without_metrics(
            recording, "squatted", folder, "smx.") == digest
        for service in ("feed", "signal"):
            path = os.path.join(folder, "smx." + service)
            assert os.stat(path).st_uid == 12345, "it is not ours to remove"


def sixty_four_mebibytes_are_enough(recording):
    with small_tmpfs("64m", "1777") as folder:
        with stack.Stack("docker", *recording.replay,
                         env={"SMX_DIR": folder}) as run:
            run.wait_end(recording.rows)
            assert not run.books()["faults"]
        assert os.listdir(folder) == [], os.listdir(folder)


if __name__ == "__main__":
    stack.main(full_closed_or_squatted_folder_changes_no_decision,
               sixty_four_mebibytes_are_enough)
