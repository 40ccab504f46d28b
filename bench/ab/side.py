# SPDX-License-Identifier: Apache-2.0
"""One variant's pipeline of a round: it stands by, and goes on for a slice."""
import os
import resource
import select
import signal
import subprocess
import time

import procfs
from pipeline import MONITORS, SERVICES, Failed

LEAD_S = 0.05                   # of each slice, unmeasured
SETTLE_S = 0.5                  # for what fell due while monitors were stopped
GRACE_S = 0.2
SAMPLE_S = 0.25                 # of CPU and RSS over time, in a span
PATIENCE_S = 60                 # for the load generator, beyond its time


def send(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:      # it ended: the block will say so
            pass


class Side:
    """A pipeline that was started; all of it idles but for what it is told.

    Its services stay awake, so that connections and timers are as in life;
    what makes work by itself is stopped: the feed, and whoever scrapes.
    """

    def __init__(self, pipeline):
        self.pipeline = pipeline
        self.watched = {name: pid for name, pid in pipeline.pids.items()
                        if name in SERVICES + MONITORS + ("redis",)}
        self.monitors = [pid for name, pid in pipeline.pids.items()
                         if name in MONITORS]
        # it would kill what stands still on purpose
        send([pipeline.supervised("watchdog")], signal.SIGSTOP)
        self.stand_by()

    def feed(self):
        return self.pipeline.supervised("feed")

    def stand_by(self):
        send([self.feed()], signal.SIGSTOP)
        if self.monitors:       # a scrape that has begun comes to its end
            time.sleep(GRACE_S)
        send(self.monitors, signal.SIGSTOP)

    def go_on(self):
        send(self.monitors, signal.SIGCONT)
        if self.monitors:
            time.sleep(SETTLE_S)
        send([self.feed()], signal.SIGCONT)


class Record:
    """What is measured of one variant in a round, slice by slice."""

    def __init__(self, side, variant, command):
        self.side = side
        self.variant = variant
        self.slices = []                # [wall clock in ns, seconds]
        self.elapsed = 0.0
        self.used = {name: {} for name in side.watched}
        self.machine = {}
        self.samples = []
        self.load = subprocess.Popen(
            [str(word) for word in command], bufsize=0,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            start_new_session=True)

    def close(self):
        self.load.kill()
        self.load.wait()
        self.load.stdin.close()
        self.load.stdout.close()

    def usage(self):
        return {name: procfs.usage(pid)
                for name, pid in self.side.watched.items()}

    def everybody(self):
        """Of all processors, and of ourselves with the load generator."""
        own = resource.getrusage(resource.RUSAGE_SELF)
        return {**procfs.machine(), "harness_s": own.ru_utime + own.ru_stime
                + procfs.cpu_ns(self.load.pid) / 1e9}

    def slice(self, seconds):
        """Go on, load for so long, and stand by again."""
        self.side.go_on()
        try:
            machine, before = self.everybody(), self.usage()
            began = time.monotonic()
            self.load.stdin.write(b"%.3f\n" % seconds)
            start = self.wait(began, seconds, before)
            span = time.monotonic() - began
            after = self.usage()
            self.add(before, after, machine, self.everybody())
        finally:
            self.side.stand_by()
        self.elapsed += span
        self.slices.append([start, seconds])
        self.sample(0.0, after, after)

    def wait(self, began, seconds, before):
        """When the load began, once it is over; samples in a long one."""
        end = began + seconds + PATIENCE_S
        step = SAMPLE_S if seconds > 4 * SAMPLE_S else end
        if not self.samples:
            self.sample(0.0, before, before)
        while not select.select([self.load.stdout], [], [], step)[0]:
            now = time.monotonic()
            if now > end:
                raise Failed("ab-http: no end of a slice")
            self.sample(now - began, before, self.usage())
        line = self.load.stdout.readline()
        if not line:
            raise Failed(f"ab-http: exit status {self.load.wait()}")
        return int(line)

    def sample(self, ahead, before, now):
        """CPU so far, in slices alone, and RSS."""
        row = {"s": round(self.elapsed + ahead, 4)}
        for name, use in now.items():
            spent = use["cpu_ns"] - before[name]["cpu_ns"]
            row[name] = (self.used[name].get("cpu_ns", 0) + spent,
                         use["rss_bytes"])
        self.samples.append(row)

    def add(self, before, after, machine, machine_after):
        for name, total in self.used.items():
            for key, value in after[name].items():
                total[key] = (total.get(key, 0) + value - before[name][key])
            total["rss_bytes"] = after[name]["rss_bytes"]
        for key, value in machine_after.items():
            self.machine[key] = (self.machine.get(key, 0) + value
                                 - machine[key])

    def finish(self):
        """The JSON of the load generator, of all slices together."""
        text = self.load.communicate(timeout=PATIENCE_S)[0]
        if self.load.returncode != 0:
            raise Failed(f"ab-http: exit status {self.load.returncode}")
        return text

    def used_in_all(self):
        found = {}
        for name, total in self.used.items():
            found[name] = procfs.difference(dict.fromkeys(total, 0), total)
            found[name]["pss_bytes"] = procfs.pss_bytes(
                self.side.watched[name])
        return found
