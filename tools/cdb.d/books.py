# SPDX-License-Identifier: Apache-2.0
"""Count the same events in every place that knows them, and compare.

The places do not know each other: the recording itself, Redis (XINFO), the
tables of PostgreSQL, the collector's /metrics and Prometheus (PromQL).  Exit
status 0: they agree, every signal became an order or was blocked, and every
order was filled or rejected; 1: they do not; 4: not judged, since the feed
goes on and counts of different moments differ.
"""
import argparse
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request

PLACES = ("file", "redis", "postgres", "collector", "prometheus")
SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)$")
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Redis:
    """The few commands needed here, over RESP, as the operator."""

    def __init__(self, part):
        address, file = part["address"], part.get("password_file")
        if address.startswith("unix:"):
            peer = socket.socket(socket.AF_UNIX)
            peer.settimeout(5)
            peer.connect(address.removeprefix("unix:"))
        else:
            host, port = address.rsplit(":", 1)
            peer = socket.create_connection((host, int(port)), 5)
        self.io = peer.makefile("rwb")
        if file:
            with open(file, encoding="ascii") as text:
                self("AUTH", "operator", text.readline().rstrip("\n"))

    def __call__(self, *words):
        words = [str(w).encode() for w in words]
        self.io.write(b"*%d\r\n" % len(words) + b"".join(
            b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
        self.io.flush()
        return self.answer()

    def answer(self):
        line = self.io.readline().rstrip(b"\r\n")
        if not line:
            raise OSError("Redis closed the connection")
        kind, rest = line[:1], line[1:].decode()
        if kind == b"-":
            raise LookupError(rest)
        if kind == b":":
            return int(rest)
        if kind == b"+":
            return rest
        size = int(rest)
        if size < 0:
            return None
        if kind == b"*":
            return [self.answer() for _ in range(size)]
        return self.io.read(size + 2)[:-2].decode()

    def info(self, *words):
        flat = self("XINFO", *words)
        return dict(zip(flat[::2], flat[1::2]))


def fetch(url):
    with DIRECT.open(url, timeout=5) as reply:
        return reply.read().decode()


def rows_of(path):
    """Lines that are not the header: a row begins with a digit."""
    with open(path, "rb") as lines:
        return sum(1 for number, line in enumerate(lines)
                   if line.strip() and (number or line[:1].isdigit()))


def count_file(status):
    if not status["data"]:
        return {}
    return {"rows": sum(rows_of(path) for path in status["data"])}


def count_redis(status):
    redis = Redis(status["parts"]["redis"])
    found = {}
    try:
        found["published"] = redis.info("STREAM", "market_data")[
            "entries-added"]
        for flat in redis("XINFO", "GROUPS", "market_data"):
            group = dict(zip(flat[::2], flat[1::2]))
            if "signal" in group["name"] and group["entries-read"] is not None:
                found["ticks"] = group["entries-read"] - group["pending"]
    except LookupError:
        pass                    # no such stream yet
    found["signals"] = int(redis("HGET", "state:signal", "signals") or 0)
    for row, stream in (("received", "signals"), ("orders", "orders"),
                        ("results", "order_results"),
                        ("decisions", "risk_events")):
        try:
            found[row] = redis.info("STREAM", stream)["entries-added"]
        except LookupError:
            found[row] = 0
    return found


TABLES = """SELECT
 (SELECT count(*) FROM signals), (SELECT count(*) FROM orders),
 (SELECT count(*) FROM orders WHERE signal_id IS NULL),
 (SELECT count(*) FROM risk_events WHERE decision = 'BLOCKED'),
 (SELECT count(*) FROM risk_events), (SELECT count(*) FROM trades),
 (SELECT count(*) FROM trades WHERE status = 'FILLED')"""


def count_postgres(status):
    if "postgres" not in status["parts"]:
        return {}
    done = subprocess.run(
        ["psql", "-XAtqF", " ", "-c", TABLES,
         status["parts"]["postgres"]["address"]],
        capture_output=True, text=True, timeout=30, check=False)
    if done.returncode:
        raise OSError(done.stderr.strip())
    found = dict(zip(("received", "orders", "stops", "blocked", "decisions",
                      "results", "filled"), map(int, done.stdout.split())))
    found["rejected"] = found["results"] - found["filled"]
    return found


def count_sides(status):
    redis = Redis(status["parts"]["redis"])
    sides = {"BUY": 0, "SELL": 0}
    start = "-"
    while True:
        entries = redis("XRANGE", "signals", start, "+", "COUNT", 1000)
        if not entries:
            return sides
        for _, fields in entries:
            for side in sides:
                sides[side] += any(re.search(rf'"side"\s*:\s*"{side}"', f)
                                   for f in fields)
        start = "(" + entries[-1][0]


# Not what the monitors say of themselves, and Prometheus of its targets.
SCRAPED = '{job!~"|prometheus|alertmanager",__name__!~"up|scrape_.*"}'
NAMES = {
    "published": "market_data_published_total",
    "dropped": "cdb_feed_dropped_total",
    "ticks": "cdb_ticks_total",
    "signals": "signals_generated_total",
    "received": "signals_received_total",
    "orders": "orders_total",
    "blocked": "orders_blocked_total",
    "filled": "execution_orders_filled_total",
    "rejected": "execution_orders_rejected_total",
}


def count_collector(status):
    if "collector" not in status["parts"]:
        return {}
    text = fetch(f"http://{status['parts']['collector']['address']}/metrics")
    sums = {}
    for line in text.splitlines():
        sample = SAMPLE.match(line)
        if sample:
            name = sample[1]
            sums[name] = sums.get(name, 0) + float(sample[3])
    return {row: int(sums.get(name, 0)) for row, name in NAMES.items()}


def ask(status, path, **query):
    base = f"http://{status['parts']['prometheus']['address']}/api/v1/"
    return json.loads(fetch(base + path + "?" + urllib.parse.urlencode(
        query)))["data"]


def count_prometheus(status):
    if "prometheus" not in status["parts"]:
        return {}
    found = {}
    for row, name in NAMES.items():
        result = ask(status, "query", query=f"sum({name})")["result"]
        found[row] = int(float(result[0]["value"][1])) if result else 0
    return found


def scrape_faults(status):
    """Targets that are not up, and series that arrived by two ways."""
    if "prometheus" not in status["parts"]:
        return []
    faults = [f"target {t['labels']['job']} is {t['health']}: {t['lastError']}"
              for t in ask(status, "targets", state="active")["activeTargets"]
              if t["health"] != "up"]
    seen = {}
    for series in ask(status, "series", **{"match[]": SCRAPED}):
        key = tuple(sorted((k, v) for k, v in series.items()
                           if k not in ("job", "instance")))
        seen.setdefault(key, []).append(series["job"])
    faults += [f"series {dict(key)} comes from {' and '.join(jobs)}"
               for key, jobs in seen.items() if len(jobs) > 1]
    return faults


def count(status):
    counted = {}
    for place, how in zip(PLACES, (count_file, count_redis, count_postgres,
                                   count_collector, count_prometheus)):
        try:
            counted[place] = how(status)
        except (OSError, LookupError, ValueError) as err:
            counted[place] = {"fault": str(err)}
    return counted


def faults_of(status, counted):
    faults = [f"{place}: {found['fault']}"
              for place, found in counted.items() if "fault" in found]

    def agree(what, rows):
        values = {f"{place} {row}": found[row]
                  for place, found in counted.items()
                  for row in rows if row in found}
        if len(set(values.values())) > 1:
            faults.append(f"{what} differ: " + ", ".join(
                f"{k} {v}" for k, v in values.items()))

    dropped = counted["collector"].get("dropped", 0)
    if "rows" in counted["file"] and dropped:
        counted["file"]["good rows"] = counted["file"]["rows"] - dropped
    agree("ticks", ("good rows" if dropped else "rows", "published", "ticks"))
    for row in ("signals", "received", "orders", "blocked", "decisions",
                "results", "filled", "rejected"):
        agree(row, (row,))
    faults += conservation_faults(counted["postgres"])
    try:
        faults += scrape_faults(status)
    except (OSError, ValueError) as err:
        faults.append(f"prometheus: {err}")
    return faults


def conservation_faults(tables):
    """Nothing between two tables is lost."""
    if "orders" not in tables:
        return []
    n = tables
    faults = []
    if n["received"] + n["stops"] != n["orders"] + n["blocked"]:
        faults.append(f"{n['received']} signals and {n['stops']} stop-losses "
                      f"are not {n['orders']} orders and {n['blocked']} "
                      "blocked")
    if n["orders"] != n["results"]:
        faults.append(f"{n['orders']} orders have {n['results']} results")
    return faults


def feed_goes_on(status):
    """Is the replay, or the market without an end, still under way?"""
    try:
        said = fetch(f"http://{status['parts']['feed']['address']}/status")
        return json.loads(said)["replay"] != "done"
    except (OSError, ValueError, KeyError):
        return False


def digest_words(program, part, stream):
    """The command line of cdb-digest for that Redis."""
    file = part.get("password_file")
    return [program, "--redis", part["address"], "--stream", stream,
            *(["--redis-password-file", file] if file else [])]


def digest_of(status, program):
    done = subprocess.run(
        digest_words(program, status["parts"]["redis"], "signals"),
        capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip()


def table(counted):
    rows = (("rows", "rows of the recording"),
            ("dropped", "dropped by feed"),
            ("published", "published, entries added"),
            ("ticks", "ticks seen by signal"),
            ("signals", "signals made"),
            ("received", "signals received by risk"),
            ("decisions", "decisions of risk"),
            ("blocked", "orders blocked"),
            ("orders", "orders"),
            ("results", "results of orders"),
            ("filled", "orders filled"),
            ("rejected", "orders rejected"))
    lines = [f"{'':26}" + "".join(f"{p:>12}" for p in PLACES)]
    for row, title in rows:
        values = [counted[p].get(row) for p in PLACES]
        lines.append(f"{title:26}" + "".join(
            f"{'-' if v is None else v:>12}" for v in values))
    return "\n".join(lines)


def settle(status, wait):
    """Count until all agree, and no longer than `wait` seconds (None: two
    scrapes, and once where the feed goes on): (counted, faults, judged)."""
    end = time.monotonic() + (2 * int(status["interval"]) + 1
                              if wait is None else wait)
    while True:
        goes_on = feed_goes_on(status)
        counted = count(status)
        faults = faults_of(status, counted)
        if not faults or time.monotonic() >= end or (goes_on and wait is None):
            return counted, faults, not (faults and goes_on)
        time.sleep(0.25)


def verdict(faults, judged):
    if not faults:
        return ["the books balance"]
    if judged:
        return [f"NOT BALANCED: {fault}" for fault in faults]
    return ["not judged: the feed goes on, and counts of different moments "
            "differ (--wait S waits for its end)",
            *(f"so far: {fault}" for fault in faults)]


def main():
    parser = argparse.ArgumentParser(prog="./cdb books")
    parser.add_argument("--wait", type=float, metavar="S",
                        help="seconds in which the feed may end and the places "
                        "come to agree (two scrapes, without the feed)")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--digest", help=argparse.SUPPRESS)
    options = parser.parse_args()
    status = json.loads(os.environ["CDB_STATUS"])
    counted, faults, judged = settle(status, options.wait)
    sides = count_sides(status) if "fault" not in counted["redis"] else {}
    digest = digest_of(status, options.digest)
    if options.json:
        print(json.dumps({"counted": counted, "sides": sides,
                          "digest": digest, "judged": judged,
                          "faults": faults}))
    else:
        print(table(counted))
        print(f"\nsignals: {sides.get('BUY')} BUY, {sides.get('SELL')} SELL")
        print(f"digest of the signals: {digest}")
        print("\n".join(verdict(faults, judged)))
    if not judged:
        return 4
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
