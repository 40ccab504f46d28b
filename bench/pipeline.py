# SPDX-License-Identifier: Apache-2.0
"""How fast the trading pipeline is: ticks per second, and each hop.

All services, a Redis that syncs every transaction and a PostgreSQL, all of
its own.  The exchange answers at once (--latency-ms 0).

  throughput  a seeded market at --speed max: ticks per second until the last
              is worked off by everybody (median of the rounds), and until
              the feed has published it
  processor   what each process took of it per tick: on a busy machine these
              figures hold, the rates do not
  hops        the market at 1,000 and 5,000 ticks per second, the signals'
              cool-down down to 50 ms for as many orders as may be:
              percentiles of what lies between the stamps of the events
              themselves.  A stamp is set when a message is handed to Redis;
              so each hop holds the transaction (with its sync to disk) of
              the one before.  p99.9 of fewer than 1,000 is their largest
  parts       parse, decide and serialise alone (bench-parts)

Then what is aimed at, and whether it was held; exit status 1 where not.

usage: pipeline.py BUILD [--ticks N] [--rounds N] [--seconds S]
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] /
                       "tests/e2e"))
import market       # noqa: E402
import pipeline     # noqa: E402
from pipeline import until  # noqa: E402

RATES = (1000, 5000)
AIM_TICKS = 20000       # worked off per second
AIM_P99_US = 2000       # tick to order
PROCESSES = (*market.SERVICES, "redis")


class Bench(market.Market):
    """A seeded market instead of recordings."""

    def __init__(self, ticks, rate, speed):
        super().__init__(profile="replay", data=[], execution=[
            "--latency-ms", "0"], risk=["--orders-per-minute", "0"])
        self.rows = ticks
        self.extra["feed"] = ["--ticks", str(ticks), "--rate", str(rate),
                              "--speed", speed]
        if speed == "max":
            self.extra["feed"] += ["--stream-limit", "50000"]
        else:
            self.extra["signal"] = ["--cooldown-ms", "50"]

    def ready(self):
        """All but the feed, healthy."""
        self.up(*(s for s in market.SERVICES if s != "feed"))
        until("all are healthy", lambda: all(
            pipeline.get(c.http, "/health")[0] == 200
            for c in self.services.values()))


def cpu_us(pid):
    """What a process has used; 0 when it is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text("ascii")
    except OSError:
        return 0
    user, system = map(int, text.rsplit(")", 1)[1].split()[11:13])
    return (user + system) * 1000000 // os.sysconf("SC_CLK_TCK")


def throughput(ticks):
    """Ticks per second, published and worked off; then, per tick, the
    microseconds of a processor that each took."""
    place = Bench(ticks, 100, "max")
    try:
        place.ready()
        start = time.monotonic()
        place.up("feed")
        until("published", lambda: place.state("feed", "done") == 1, 600)
        published = time.monotonic() - start
        until("worked off", place.finished, 600)
        took = time.monotonic() - start
        pids = {n: c.pid for n, c in place.services.items()}
        pids["redis"] = place.redis.pid
        return (ticks / published, ticks / took,
                *(cpu_us(pids[n]) / ticks for n in PROCESSES))
    finally:
        place.close()


def messages(place, stream):
    """(data, sent_us, origin_us) of each entry."""
    for _, found in place.entries(stream):
        yield (json.loads(found["data"]), int(found["sent_us"]),
               int(found.get("origin_us", 0)))


def hops(rate, seconds):
    """{hop: [microseconds]} at so many ticks per second."""
    place = Bench(rate * seconds, rate, "1")
    try:
        place.ready()
        place.up("feed")
        time.sleep(seconds)     # asking takes a processor, and is measured
        until("worked off", place.finished, 600)
        found = {"tick to signal": [], "signal to order": [],
                 "tick to order": [], "order to result": [],
                 "tick to trade": []}
        sent = {}
        for data, at, origin in messages(place, "signals"):
            found["tick to signal"].append(at - origin)
            sent[data["signal_id"]] = at
        for data, at, origin in messages(place, "orders"):
            if data.get("signal_id"):
                found["signal to order"].append(at - sent[data["signal_id"]])
            found["tick to order"].append(at - origin)
            sent[data["order_id"]] = at
        for data, at, origin in messages(place, "order_results"):
            found["order to result"].append(at - sent[data["order_id"]])
            found["tick to trade"].append(at - origin)
        return found
    finally:
        place.close()


def percentile(values, p):
    return values[min(len(values) - 1, int(len(values) * p))]


def table(rate, found):
    """Print them; p99 of tick to order, None without an order."""
    p99 = None
    for hop, values in found.items():
        values.sort()
        if values:
            print(f"hop\t{rate}\t{hop}\t{len(values)}\t" + "\t".join(
                str(percentile(values, p)) for p in (0.5, 0.99, 0.999)),
                flush=True)
            if hop == "tick to order":
                p99 = percentile(values, 0.99)
    return p99


def judge(per_second, p99s):
    """Say what was aimed at and whether it was held; exit status."""
    rows = [(f"ticks worked off per second, at least {AIM_TICKS}",
             per_second, per_second >= AIM_TICKS)]
    for rate, p99 in p99s.items():
        rows.append((f"p99 of tick to order at {rate}/s: us, at most "
                     f"{AIM_P99_US}", p99, p99 is not None
                     and p99 <= AIM_P99_US))
    print()
    for what, value, held in rows:
        seen = "not measured" if value is None else f"{value:.0f}"
        print(f"{what:52} {seen:>12}  {'held' if held else 'MISSED'}")
    return 0 if all(held for *_, held in rows) else 1


def main():
    words = argparse.ArgumentParser(prog="./cdb bench pipeline")
    words.add_argument("build", type=pathlib.Path, help=argparse.SUPPRESS)
    words.add_argument("--ticks", type=int, default=100000)
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--seconds", type=int, default=40)
    asked = words.parse_args()
    pipeline.BIN = str(asked.build / "services")
    rounds = [throughput(asked.ticks) for _ in range(asked.rounds)]
    medians = [statistics.median(r) for r in zip(*rounds)]
    print("throughput\tticks\tpublished/s\tworked off/s\n"
          f"throughput\t{asked.ticks}\t{medians[0]:.0f}\t{medians[1]:.0f}")
    print("processor\twhat\tus per tick")
    for name, us in zip(PROCESSES, medians[2:]):
        print(f"processor\t{name}\t{us:.1f}", flush=True)
    print("hop\tticks/s\twhat\tn\tp50 us\tp99 us\tp99.9 us", flush=True)
    p99s = {rate: table(rate, hops(rate, asked.seconds)) for rate in RATES}
    subprocess.run([asked.build / "bench/bench-parts"], check=True)
    sys.exit(judge(medians[1], p99s))


if __name__ == "__main__":
    main()
