# SPDX-License-Identifier: Apache-2.0
"""One thing that is broken in mid-replay, and its row of the table."""
import time

from stack import until

LIMIT_S = 90            # for what has no limit of its own, on a busy machine
HOPS = ("cdb_tick_to_signal_seconds", "cdb_signal_to_order_seconds")
STALL_MS = 100          # beside the noise: a hop that waited for somebody
HEAD = ("broken", "seen", "noticed s", "over s", "hops ms")
ROWS = []


def not_tried(what, why):
    ROWS.append((what, f"not tried: {why}", "-", "-", "-"))


def latency(run):
    """(sum, count) of the hops inside the services."""
    try:
        now = run.metrics()
    except OSError:
        return None
    return [(now.get(h + "_sum", 0), now.get(h + "_count", 0)) for h in HOPS]


def means_ms(before, after):
    """Of each hop; None where nothing went through or nobody could tell."""
    if not before or not after:
        return [None] * len(HOPS)
    return [1000 * (s1 - s0) / (n1 - n0) if n1 > n0 else None
            for (s0, n0), (s1, n1) in zip(before, after)]


class Drill:
    """`noticed` is when it showed, `over` when all was well again."""

    def __init__(self, run, recording, what):
        self.run, self.what, self.rows = run, what, recording.rows
        self.seen, self.shown, self.seconds = "", "-", 0.0
        self.means = []

    def __enter__(self):
        at = self.run.added("market_data")
        assert at < self.rows, f"{self.what}: the replay is over"
        self.before = latency(self.run)
        self.began = time.monotonic()
        return self

    def noticed(self):
        self.shown = f"{time.monotonic() - self.began:.1f}"

    def goes_on(self):
        """Ticks come while it is broken."""
        at = self.run.added("market_data")
        until(f"{self.what}: ticks go on", lambda:
              self.run.added("market_data") > at, LIMIT_S)

    def __exit__(self, *failure):
        if failure[0]:
            return
        self.seconds = time.monotonic() - self.began
        self.means = means_ms(self.before, latency(self.run))
        ROWS.append((self.what, self.seen, self.shown, f"{self.seconds:.1f}",
                     " + ".join("-" if m is None else f"{m:.2f}"
                                for m in self.means)))


class Calm:
    """What the hops take while nothing is broken, in the same replay."""

    def __init__(self, run, recording, ticks=300):
        self.run, self.recording, self.ticks = run, recording, ticks
        self.worst = [0.0] * len(HOPS)

    def look(self):
        with Drill(self.run, self.recording, "nothing") as drill:
            end = self.run.added("market_data") + self.ticks
            until("ticks go on", lambda:
                  self.run.added("market_data") >= end, LIMIT_S)
            drill.seen = "for comparison"
        self.worst = [max(w, m or 0) for w, m in zip(self.worst, drill.means)]

    def check(self, drills):
        """Who only watches holds nobody up."""
        for drill in drills:
            for hop, mean, calm in zip(HOPS, drill.means, self.worst):
                assert mean is None or mean < 3 * calm + STALL_MS, \
                    f"{drill.what}: {hop} {mean:.1f} ms, calm {calm:.1f} ms"


def table(tables=None):
    """`tables`: whose rows are those of an undisturbed run."""
    rows = [HEAD, *ROWS]
    width = [max(len(r[i]) for r in rows) for i in range(len(HEAD))]
    if tables:
        print("\nLost 0, doubled 0 in all of them: the rows of " +
              ", ".join(tables) + " are those of an undisturbed run.")
    print("Hops: tick to signal + signal to order, mean while broken.\n")
    for row in rows:
        print("  ".join(c.ljust(w) for c, w in zip(row, width)).rstrip(),
              flush=True)
