# SPDX-License-Identifier: Apache-2.0
"""The trades that every block replays: recorded ones at even distances.

Recorded trades come in bursts.  A fixed rate needs an even clock, so each row
keeps its price, quantity and side, and gets the time first + n * STEP_MS.
"""
import glob
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]
                       / "tools/cdb.d"))
from recording import rows_of  # noqa: E402

STEP_MS = 100                   # between two trades, in event time
NAME = "BTCUSDT-spot-trades-even.csv"


def source(seed):
    """(where they come from, lines): recorded trades if there are any."""
    folder = os.environ.get("CDB_MARKET_DATA", "")
    found = sorted(glob.glob(os.path.join(
        glob.escape(folder), "binance_trades/*-spot-trades-*.csv")))
    if folder and found:
        with open(found[0], encoding="ascii") as lines:
            return os.path.basename(found[0]), lines.readlines()
    return f"made from seed {seed}", list(rows_of(20000, seed))


def even(lines, limit):
    """The rows with an even clock, over and over until there are `limit`."""
    first = None
    for number in range(limit):
        words = lines[number % len(lines)].rstrip("\n").split(",")
        first = first or (int(words[0]), int(words[4]))
        words[0] = str(first[0] + number)
        words[4] = str(first[1] + number * STEP_MS)
        yield ",".join(words) + "\n"


def write(folder, rows, seed):
    """Write the recording; (path, where the trades come from)."""
    name, lines = source(seed)
    path = os.path.join(folder, NAME)
    with open(path, "w", encoding="ascii") as out:
        out.writelines(even(lines, rows))
    return path, name
