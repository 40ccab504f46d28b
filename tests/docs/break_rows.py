# SPDX-License-Identifier: Apache-2.0
"""Break what a row of docs/REQUIREMENTS.md asks for; its test must go red.

Works in a checkout that nobody else uses meanwhile, and puts everything back.
Not a test: its result is the table at the end of that page.

usage: break_rows.py SOURCE BUILD [ROW...]
"""
import pathlib
import subprocess
import sys

BREAKS = (
    (1, "e2e/books", "a series is scraped twice",
     "compose/prometheus/prometheus.yml",
     "      exclude: ['signal,risk,execution']", "      exclude: ['signal']"),
    (5, "unit/expo_parsers", "TYPE is written as UNIT",
     "collector/expo/labels.c", '"# TYPE "', '"# UNIT "'),
    (11, "alerts/rules", "the alert of the backlog begins at 100,000",
     "compose/prometheus/rules/alerts.yml",
     "(cdb_bus_consumer_lag) > 100\n", "(cdb_bus_consumer_lag) > 100000\n"),
    (23, "compose/file", "Prometheus listens on every address",
     "compose/docker-compose.yml", "'127.0.0.1:9090:9090'", "'9090:9090'"),
    (25, "compose/file", "one service is missing",
     "compose/docker-compose.yml", "  cdb_notify:\n", "  cdb_other:\n"),
    (26, "examples/examples", "the one call attaches to nothing",
     "libshm/src/attach.c", "\treturn smx_attach_error(service, options, NULL);",
     "\treturn service && options ? -EIO : -EINVAL;"),
    (30, "unit/log", "a quote is not escaped", "runtime/log.c",
     "\tif (at) {\n", "\tif (at && *at != '\"') {\n"),
    (48, "e2e/kills", "a next life begins at 0", "libshm/src/open.c",
     "O_NOFOLLOW | O_NONBLOCK)", "O_NOFOLLOW | O_NONBLOCK | O_TRUNC)"),
    (49, "dashboards/lint", "a mean over two minutes",
     "dashboards/2-trading.json", "cdb_ticks_total[1m]",
     "cdb_ticks_total[2m]"),
    (62, "compose/file", "Prometheus without a health check",
     "compose/docker-compose.yml",
     "PROBE: http 9090 /-/ready}\n    healthcheck: *healthcheck\n",
     "PROBE: http 9090 /-/ready}\n"),
)


def red(tree, build, test):
    subprocess.run(["ninja", "-C", build], check=True,
                   stdout=subprocess.DEVNULL)
    return subprocess.run(
        ["meson", "test", "-C", build, "--no-rebuild", test],
        stdout=subprocess.DEVNULL, cwd=tree, check=False).returncode != 0


def main():
    tree, build = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    chosen = set(map(int, sys.argv[3:]))
    missed = 0
    for row, test, what, path, old, new in BREAKS:
        if chosen and row not in chosen:
            continue
        file = tree / path
        text = file.read_text("utf-8")
        assert old in text, (row, "is nothing to break")
        try:
            file.write_text(text.replace(old, new, 1), "utf-8")
            seen = red(tree, build, test)
        finally:
            file.write_text(text, "utf-8")
        missed += not seen
        print(f"| {row} | {what} (`{path}`) | `{test}`"
              f"{'' if seen else ' STAYED GREEN'} |", flush=True)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
