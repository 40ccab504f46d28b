# SPDX-License-Identifier: Apache-2.0
"""Trades made from a seed, in the format of recorded spot trades.

usage: recording.py FILE [--rows N] [--seed N]
"""
import argparse
import random

START_ID, START_MS = 3735683259, 1723161255342
START_PRICE = 6183763           # in hundredths


def rows_of(rows, seed):
    """Lines of a price that wanders; about 31 trades a second."""
    dice = random.Random(seed)
    price, now = START_PRICE, START_MS
    for number in range(rows):
        now += int(dice.expovariate(1 / 32))
        if dice.random() < 0.15:
            price += int(dice.gauss(0, 180))
        qty = 1 + int(dice.expovariate(1 / 3000))
        quote = price * qty
        yield (f"{START_ID + number},{price // 100}.{price % 100:02d}000000,"
               f"{qty // 100000}.{qty % 100000:05d}000,"
               f"{quote // 10**7}.{quote % 10**7:07d}0,{now},"
               f"{dice.choice(('True', 'False'))},True\n")


def make_recording(path, rows=20000, seed=7):
    with open(path, "w", encoding="ascii") as out:
        out.writelines(rows_of(rows, seed))


def count(text):
    value = int(text)
    if not 0 < value <= 100_000_000:
        raise ValueError(text)
    return value


def main():
    words = argparse.ArgumentParser(
        prog="./cdb recording",
        description="Trades made from a seed, as an exchange records them: "
        "id, price, quantity, quote quantity, ms, is buyer maker, is best "
        "match.")
    words.add_argument("file", metavar="FILE")
    words.add_argument("--rows", type=count, default=20000, metavar="N",
                       help="trades [20000]; 20000 are eleven minutes")
    words.add_argument("--seed", type=int, default=7, metavar="N",
                       help="[7]; the same seed makes the same bytes")
    asked = words.parse_args()
    try:
        make_recording(asked.file, asked.rows, asked.seed)
    except OSError as error:
        words.exit(1, f"cdb: {asked.file}: {error.strerror}\n")


if __name__ == "__main__":
    main()
