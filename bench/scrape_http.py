#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A collector and a segment of many counters, scraped over loopback.

usage: scrape_http.py BENCH_SCRAPE SMX_COLLECTOR N

Rows, tab-separated: http smx <what> <N> <ms median> <ms best> <bytes>, for
each format, for gzip, for four clients that ask for the same at once, and for
a page with one more series than the last; then the resident memory of the
collector in bytes a series, and the turns of its event loop: how many there
were, and how many took more than 10 ms of wall time.
"""
import http.client
import pathlib
import re
import statistics
import subprocess
import sys
import threading
import time

KINDS = {
    "text": {},
    "openmetrics": {"Accept": "application/openmetrics-text;version=1.0.0"},
    "protobuf": {"Accept": "application/vnd.google.protobuf;proto="
                 "io.prometheus.client.MetricFamily;encoding=delimited"},
    "gzip": {"Accept-Encoding": "gzip"},
}
TIMES = 9


def scrape(port, headers):
    """Milliseconds and bytes, on a connection of its own."""
    began = time.perf_counter()
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    c.request("GET", "/metrics", headers=headers)
    r = c.getresponse()
    assert r.status == 200, r.status
    room = memoryview(bytearray(1 << 20))
    n = 0
    while got := r.readinto(room):
        n += got
    c.close()
    return (time.perf_counter() - began) * 1e3, n


def row(what, n, times, size):
    if size:
        assert what == "gzip" or size > 20 * n, "the series are not there"
    print("http", "smx", what, n, f"{statistics.median(times):.1f}",
          f"{min(times):.1f}", size, sep="\t", flush=True)


def at_once(port, clients):
    threads = [threading.Thread(target=scrape, args=(port, {}))
               for _ in range(clients)]
    began = time.perf_counter()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return (time.perf_counter() - began) * 1e3


def turns(port):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    c.request("GET", "/metrics?service=none")
    text = c.getresponse().read().decode()
    c.close()
    found = dict(re.findall(
        r'smx_collector_loop_busy_seconds_bucket\{le="([^"]+)"\} (\d+)', text))
    return int(found["+Inf"]), int(found["+Inf"]) - int(found["0.01"])


def measure(port, pid, n, grow):
    for what, headers in KINDS.items():
        scrape(port, headers)
        found = [scrape(port, headers) for _ in range(TIMES)]
        row(what, n, [ms for ms, _ in found], found[-1][1])
    row("4-at-once", n, [at_once(port, 4) for _ in range(5)], "")
    grown = []
    for _ in range(5):
        grow()
        grown.append(scrape(port, {}))
    row("grown", n, [ms for ms, _ in grown], grown[-1][1])
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    kb = int(status.split("RssAnon:")[1].split()[0])
    print("http", "smx", "resident", n, f"{kb * 1024 / n:.0f}", sep="\t")
    print("http", "smx", "turns", n, *turns(port), sep="\t")


def main():
    bench, collector, n = sys.argv[1:4]
    with subprocess.Popen([bench, "serve", "counters", n], text=True,
                          stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as service:
        directory = service.stdout.readline().strip()
        with subprocess.Popen(
                [collector, "--dir", directory,
                 "--web.listen-address=127.0.0.1:0"],
                stderr=subprocess.PIPE, text=True) as c:
            port = int(re.search('"port":([0-9]+)', c.stderr.readline())[1])

            def grow():
                service.stdin.write("g")
                service.stdin.flush()
                time.sleep(0.2)     # it registers meanwhile

            try:
                measure(port, c.pid, int(n), grow)
            finally:
                c.terminate()
        service.stdin.close()


if __name__ == "__main__":
    main()
