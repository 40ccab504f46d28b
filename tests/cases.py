# SPDX-License-Identifier: Apache-2.0
"""What test programs in Python share: waiting, and a line for each case."""
import socket
import sys
import time
import traceback


def until(what, condition, seconds=60.0):
    """Wait for a true value of condition() and return it."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def fill(path):
    """Take all the room there is on its disk."""
    with open(path, "wb", buffering=0) as out:
        try:
            while out.write(bytes(65536)) == 65536:
                pass
        except OSError:
            pass


def run(*cases):
    """Call each; the exit status is 1 if one failed."""
    failed = 0
    for case in cases:
        try:
            case()
            print(f"ok - {case.__name__}", flush=True)
        except Exception:               # pylint: disable=broad-except
            failed += 1
            print("# " + traceback.format_exc().replace("\n", "\n# "))
            print(f"not ok - {case.__name__}", flush=True)
    sys.exit(1 if failed else 0)
