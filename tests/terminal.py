# SPDX-License-Identifier: Apache-2.0
"""A terminal for tests: a program runs in a tmux of its own, keys are typed,
and the screen is read."""
import os
import re
import shutil
import subprocess
import tempfile

import cases


class Terminal:
    """with Terminal(columns, lines) as t: t.start("top"); t.wait("Tasks")"""

    def __init__(self, columns=140, lines=30):
        self.dir = tempfile.mkdtemp(prefix="smx-top-", dir="/dev/shm")
        self.socket = os.path.join(self.dir, "tmux")
        self.size = (columns, lines)

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        if failure[0]:
            print("# " + self.text().replace("\n", "\n# "))
        self.tmux("kill-server", check=False)
        shutil.rmtree(self.dir)

    def tmux(self, *words, check=True, env=None):
        return subprocess.run(
            ["tmux", "-u", "-S", self.socket, "-f", "/dev/null", *words],
            capture_output=True, text=True, check=check,
            env={**(env or os.environ), "LC_ALL": "C.UTF-8"}).stdout

    def start(self, command, env=None):
        """Run it in a shell, which stays and says how it ended."""
        self.tmux("new-session", "-d", "-x", str(self.size[0]),
                  "-y", str(self.size[1]),
                  f"{command}; echo ended $?; sleep 600", env=env)

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def text(self):
        return self.tmux("capture-pane", "-p", check=False)

    def wait(self, pattern):
        """Until a line matches; the line."""
        def look():
            return re.search(f"^.*{pattern}.*$", self.text(), re.M)
        return cases.until(f"on the screen: {pattern}", look)[0]
