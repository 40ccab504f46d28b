# SPDX-License-Identifier: Apache-2.0
"""What the kernel knows about the processes of a block."""
import os
import time

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGESIZE")


def text_of(*path):
    with open(os.path.join("/proc", *map(str, path)), encoding="ascii",
              errors="replace") as text:
        return text.read()


def fields(text):
    """{name: first number} of lines like `VmRSS:  1234 kB`."""
    found = {}
    for line in text.splitlines():
        words = line.replace(":", " ").split()
        if len(words) > 1 and words[1].isdigit():
            found[words[0]] = int(words[1])
    return found


def cpu_ns(pid):
    """Time on a processor of all threads there are, to the nanosecond."""
    return sum(int(text_of(pid, "task", task, "schedstat").split()[0])
               for task in os.listdir(f"/proc/{pid}/task"))


def rss_bytes(pid):
    return int(text_of(pid, "statm").split()[1]) * PAGE


def usage(pid):
    """Totals since the process began, and its memory now."""
    stat = text_of(pid, "stat").rsplit(")", 1)[1].split()
    switches = {"voluntary_ctxt_switches": 0, "nonvoluntary_ctxt_switches": 0}
    for task in os.listdir(f"/proc/{pid}/task"):
        status = fields(text_of(pid, "task", task, "status"))
        for name in switches:
            switches[name] += status.get(name, 0)
    return {"cpu_ns": cpu_ns(pid),
            "user_ticks": int(stat[11]), "system_ticks": int(stat[12]),
            "minor_faults": int(stat[7]), "major_faults": int(stat[9]),
            "switches": switches["voluntary_ctxt_switches"],
            "preemptions": switches["nonvoluntary_ctxt_switches"],
            "rss_bytes": rss_bytes(pid)}


def pss_bytes(pid):
    """Shared pages divided among those who share them; walks all of them."""
    return fields(text_of(pid, "smaps_rollup")).get("Pss", 0) * 1024


def difference(before, after):
    """What happened between two usages of one process."""
    used = {key: after[key] - before[key] for key in after}
    used["rss_bytes"] = after["rss_bytes"]
    ticks = used.pop("user_ticks"), used.pop("system_ticks")
    share = ticks[0] / sum(ticks) if sum(ticks) else 0.5
    used["user_ns"] = round(used["cpu_ns"] * share)
    used["system_ns"] = used["cpu_ns"] - used["user_ns"]
    return used


def machine():
    """Seconds of all processors: busy, and stolen by the hypervisor."""
    words = [int(w) / TICK for w in text_of("stat").split("\n", 1)[0]
             .split()[1:9]]
    idle = words[3] + words[4]
    return {"busy_s": sum(words) - idle - words[7], "steal_s": words[7]}


class Sampler:
    """CPU and RSS of some processes, at even steps while something runs."""

    def __init__(self, pids):
        self.pids = pids                # {name: pid}
        self.rows = []
        self.began = time.monotonic()

    def sample(self):
        row = {"s": round(time.monotonic() - self.began, 4)}
        for name, pid in self.pids.items():
            try:
                row[name] = (cpu_ns(pid), rss_bytes(pid))
            except OSError:             # it ended: the block will say so
                row[name] = None
        self.rows.append(row)

    def until(self, finished, step):
        while not finished():
            self.sample()
            ahead = self.began + len(self.rows) * step - time.monotonic()
            time.sleep(max(ahead, 0.001))
        self.sample()
