# SPDX-License-Identifier: Apache-2.0
"""./cdb bench peers: our hot path and scrape beside other libraries'.

Every round runs all of them in a random order, ours included, and a figure is
the median of the ratios to ours of the same round.  The limit of the machine
is the row `limit`: a bare volatile++ or store of a double, one thread.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "bench/ab"))
import svg                      # noqa: E402
import words                    # noqa: E402

OPS = ("inc", "inc_same", "inc_diff", "inc_labels", "gauge_set", "observe",
       "observe_same")
LIMITS = {"volatile": "inc", "store_double": "gauge_set"}
CRATES = ("--config", 'source.crates-io.replace-with="debian"', "--config",
          'source.debian.directory="/usr/share/cargo/registry"')


def run(command, timeout=600, **how):
    return subprocess.run([str(w) for w in command], check=True, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=timeout,
                          **how).stdout


def compiled(folder, name, compiler, source, *libraries):
    """One program of C or C++ with our own timing."""
    chunks = folder / "chunks.o"
    if not chunks.exists():
        run(["gcc", "-O2", "-D_GNU_SOURCE", "-I", ROOT, "-c",
             ROOT / "bench/chunks.c", "-o", chunks])
    run([*compiler, "-O2", "-D_GNU_SOURCE", "-I", ROOT, HERE / source, chunks,
         "-o", folder / name, *libraries, "-lm", "-pthread"])
    return [folder / name]


def go(folder, name, source):
    run(["go", "build", "-o", folder / name, HERE / source, HERE / "peer.go"],
        env={**os.environ, "GO111MODULE": "off", "GOFLAGS": "",
             "GOPATH": "/usr/share/gocode", "GOCACHE": str(folder / "go")})
    return [folder / name]


def rust(folder):
    shutil.copytree(HERE / "rust", folder / "rust")
    run(["cargo", *CRATES, "build", "--release", "--offline"],
        cwd=folder / "rust")
    return [folder / "rust/target/release/peer-rust-prometheus"]


def python(*words):
    run(["/usr/bin/python3", "-c", "import prometheus_client"])
    return ["/usr/bin/python3", "-B", HERE / "python_client.py", *words]


def pcp(folder):
    pathlib.Path("/var/lib/pcp/tmp/mmv").mkdir(parents=True, exist_ok=True)
    return compiled(folder, "pcp-mmv", ["gcc"], "pcp_mmv.c", "-lpcp_mmv",
                    "-lpcp")


def peers(folder, build):
    """{name: (how to build it, has it a scrape?)}; ours is built already."""
    statsd = ("gcc",), "statsd.c"
    return {
        "smx": (lambda: [build / "bench/bench-hot"], True),
        "prometheus-cpp": (lambda: compiled(
            folder, "prometheus-cpp", ["g++", "-std=c++17"],
            "prometheus_cpp.cc", "-lprometheus-cpp-core"), True),
        "client_golang": (lambda: go(folder, "client_golang",
                                     "client_golang.go"), True),
        "victoriametrics": (lambda: go(folder, "victoriametrics",
                                       "victoriametrics.go"), True),
        "rust-prometheus": (lambda: rust(folder), True),
        "python": (python, True),
        "python-multiprocess": (lambda: python("files"), True),
        "pcp-mmv": (lambda: pcp(folder), False),
        "statsd-udp": (lambda: [*compiled(folder, "statsd", *statsd), "udp"],
                       False),
        "statsd-unix": (lambda: [*compiled(folder, "statsd", *statsd),
                                 "unix"], False)}


def built(folder, build):
    """{name: (command, has it a scrape?)} of those that this machine has."""
    found = {}
    for name, (make, scrapes) in peers(folder, build).items():
        try:
            found[name] = make(), scrapes
        except (OSError, subprocess.CalledProcessError) as why:
            last = (getattr(why, "stderr", None) or str(why)).strip()
            print(f"left out: {name}: {last.splitlines()[-1]}",
                  file=sys.stderr)
    return found


def rows_of(command, *asked):
    return [line.split("\t") for line in run([*command, *asked]).splitlines()
            if line.startswith(asked[0] + "\t")]


def hot_times(command):
    """{op: ns}; limits under the op that they are a limit of.

    The best chunk on one thread; of two threads that would be a chunk in
    which one of them was late, so their median.
    """
    found, limits = {}, {}
    for _, _, op, threads, median, best in rows_of(command, "hot"):
        if op in OPS:
            found[op] = float(best if threads == "1" else median)
        if op in LIMITS:
            limits[LIMITS[op]] = float(best)
    return found, limits


def measure_round(commands, order, scrapes, build):
    """{peer: {figure: ns}} of one round."""
    found = {}
    for name in order:
        command, has_scrape = commands[name]
        found[name], limits = hot_times(command)
        if limits:
            found["limit"] = limits
        if name == "smx":
            command = [build / "bench/bench-scrape"]
        for n in scrapes if has_scrape else ():
            row = rows_of(command, "scrape", "counters", n)[0]
            found[name][f"scrape_{n}"] = float(row[4])
    return found


def summary(rounds, figures):
    """{peer: {figure: {ns, ratio, low, high}}} over the rounds."""
    found = {}
    for peer in dict.fromkeys(p for r in rounds for p in r):
        for figure in figures:
            pairs = [(r[peer][figure], r["smx"].get(figure))
                     for r in rounds if figure in r.get(peer, {})]
            ratios = [mine / ours for mine, ours in pairs if ours]
            if ratios:
                found.setdefault(peer, {})[figure] = {
                    "ns": statistics.median(p[0] for p in pairs),
                    "ratio": statistics.median(ratios),
                    "low": min(ratios), "high": max(ratios)}
    return found


def nanoseconds(value):
    return svg.micros(value / 1e3) if value >= 1e3 else f"{value:.3g} ns"


def text(found, figures):
    rows = [("", *figures)]
    for peer, cells in found.items():
        rows.append((peer, *(
            f"{nanoseconds(cells[f]['ns'])} ({cells[f]['ratio']:.3g}×)"
            if f in cells else "-" for f in figures)))
    return words.table(rows)


def picture(found, figures):
    """A dot for each library and figure, on one scale of ratios."""
    names = [n for n in found if n != "smx"]
    drawn = svg.Picture(60 + 24 * len(names) + 17 * len(figures),
                        "Times of other libraries as multiples of ours")
    every = [c["ratio"] for n in names for c in found[n].values()]
    x = svg.Axis(min([0.5, *every]) * 0.9, max([2, *every]) * 1.2, 170,
                 svg.WIDTH - 20, log=True)
    bottom = 24 * len(names) + 14
    for tick in x.ticks():
        drawn.line(x(tick), 8, x(tick), bottom,
                   "soft" if tick == 1 else "line")
        drawn.text(x(tick), bottom + 16, f"{tick:g}×", "middle", True)
    for row, name in enumerate(names):
        drawn.text(8, 24 * row + 24, name)
        for number, figure in enumerate(figures):
            if figure in found[name]:
                ratio = found[name][figure]["ratio"]
                drawn.dot(x(ratio), 24 * row + 20, f"v{number % 8}", 5,
                          f"{name}, {figure}: {ratio:.3g} times")
    drawn.legend(170, bottom + 38, [(f"v{n % 8}", f)
                                    for n, f in enumerate(figures)])
    return drawn.svg()


def arguments():
    p = argparse.ArgumentParser(
        prog="./cdb bench peers", description="The hot path and a scrape of "
        "ours and of the libraries Debian has, in turn.")
    p.add_argument("--rounds", type=int, default=5, metavar="N")
    p.add_argument("--series", default="10000,100000", metavar="N,N...",
                   help="counters of a scrape [10000,100000]")
    p.add_argument("--seed", type=int, default=1, metavar="N")
    p.add_argument("--out", default="peers-report", metavar="DIR")
    p.add_argument("--build", type=pathlib.Path, required=True,
                   help=argparse.SUPPRESS)
    return p.parse_args()


def main():
    asked = arguments()
    scrapes = asked.series.split(",")
    figures = [*OPS, *(f"scrape_{n}" for n in scrapes)]
    dice = random.Random(asked.seed)
    rounds = []
    with tempfile.TemporaryDirectory(prefix="smx-peers-") as folder:
        commands = built(pathlib.Path(folder), asked.build)
        try:
            for number in range(asked.rounds):
                print(f"round {number + 1} of {asked.rounds}",
                      file=sys.stderr, flush=True)
                order = dice.sample(list(commands), len(commands))
                rounds.append(measure_round(commands, order, scrapes,
                                            asked.build))
        except KeyboardInterrupt:
            print("interrupted: this is what there is", file=sys.stderr)
    if not rounds:
        return 130
    found = summary(rounds, figures)
    out = pathlib.Path(asked.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "peers.json").write_text(json.dumps(
        {"schema": 1, "rounds": rounds, "summary": found}, indent=1), "utf-8")
    svg.save(out / "peers", picture(found, figures))
    print(text(found, figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
