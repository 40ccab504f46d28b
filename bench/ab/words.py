# SPDX-License-Identifier: Apache-2.0
"""Figures, changes and verdicts as a person writes them."""
import svg


def amount(value, unit):
    """A figure as a person writes it."""
    if unit == "µs":
        return svg.micros(value)
    if unit == "points":
        return f"{value:.2f} %"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:.{digits}f} {unit}"


def change(effect):
    """Percent of what there was, or points and MB, with the interval."""
    three = [effect[key] for key in ("median", "low", "high")]
    if effect["kind"] == "difference":
        unit = effect["unit"]
        return (f"{three[0]:+.2f} {unit} "
                f"[{three[1]:+.2f}, {three[2]:+.2f}]")
    middle, low, high = ((v - 1) * 100 for v in three)
    return f"{middle:+.1f} % [{low:+.1f}, {high:+.1f}]"


def verdict(effect):
    if effect["verdict"] != "undecided":
        return effect["verdict"]
    more = effect["pairs_more"]
    if more >= 4096:
        return "undecided: at the limit"
    return f"undecided: needs about {more} more pairs"


def table(rows):
    """Columns as wide as they need to be."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width
                               in zip(row, widths)).rstrip() for row in rows)
