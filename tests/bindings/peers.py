# SPDX-License-Identifier: Apache-2.0
"""Processes that write in Python, and both readers over what is there."""
import os
import subprocess
import sys

import smx
from smx.dump import document

TOOL = os.environ["SMX_TOOL"]

# Statements, a line each; `s` is the segment.
PEER = """
import os, signal, sys, threading
import smx
def child(work):
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    return pid
s = smx.attach(sys.argv[1], **eval(sys.argv[2]))
print("ok", flush=True)
for line in sys.stdin:
    try:
        exec(line)
        print("ok", flush=True)
    except Exception as e:
        print(f"{type(e).__name__}: {e}", flush=True)
"""


class Peer:
    """A Python writer that does one statement after the other."""

    def __init__(self, box, service, **options):
        self.proc = subprocess.Popen(
            [sys.executable, "-c", PEER, service, repr(options)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, "SMX_DIR": str(box.dir)})
        box.stack.callback(self.kill)
        line = self.proc.stdout.readline()
        assert line == "ok\n", line

    def say(self, statement):
        """What it answers: ok, or the exception."""
        self.proc.stdin.write(statement + "\n")
        self.proc.stdin.flush()
        return self.proc.stdout.readline().strip()

    def do(self, *statements):
        for statement in statements:
            answer = self.say(statement)
            assert answer == "ok", (statement, answer)
        return self

    def die(self, statement):
        """Kills itself in the middle of it."""
        assert self.say(statement) == ""
        self.proc.wait()  # only then are its locks gone

    def kill(self):
        self.proc.kill()
        self.proc.wait()
        self.proc.stdin.close()
        self.proc.stdout.close()


def tool(box, *words):
    return subprocess.run([TOOL, f"--dir={box.dir}", *words], text=True,
                          capture_output=True, check=False)


def look(box, service):
    """A snapshot that both readers agree on, letter for letter.  Nobody may
    write meanwhile."""
    first = tool(box, "dump", "--json", service)
    assert first.returncode == 0, first.stderr
    with smx.Segment(str(box.dir / f"smx.{service}")) as segment:
        shot = segment.read()
        second = document(service, segment, shot) + "\n"
    assert first.stdout == second, f"{first.stdout}\n{second}"
    return shot
