# SPDX-License-Identifier: Apache-2.0
"""A little SVG: a frame with two axes, and marks placed by their values.

Colours are classes, so that one picture serves a light page, a dark page and
a file of its own.
"""
import math
import shutil
import subprocess
from html import escape

WIDTH = 720
# name -> (light, dark).  Lines keep 3 to 1 against either background.
COLOURS = {
    "ink": ("#1f2328", "#e6e8eb"), "soft": ("#5c6570", "#9aa4af"),
    "line": ("#d5d9de", "#3a424c"), "band": ("#e3efe4", "#1f3325"),
    "page": ("#ffffff", "#14181d"),
    "v0": ("#5c6570", "#9aa4af"), "v1": ("#8a6d3b", "#cbb37f"),
    "v2": ("#8e44ad", "#c58be0"), "v3": ("#0b6bcb", "#5aa9f5"),
    "v4": ("#c2410c", "#fb923c"), "v5": ("#0f766e", "#3fc1b0"),
    "v6": ("#b4235a", "#f2709c"), "v7": ("#4d7c0f", "#a3d14f"),
    "within": ("#1a7f37", "#57c26b"), "beyond": ("#b42318", "#ff7b6b"),
    "undecided": ("#9a6700", "#e3b341"),
}


def palette(shade):
    """CSS variables: shade 0 is light, 1 dark."""
    return "".join(f"--{name}:{pair[shade]};"
                   for name, pair in COLOURS.items())


# Rules that use variables; a file of its own gets colours in their place.
RULES = ("text{font:12px system-ui,sans-serif;fill:var(--ink)}"
         "text.soft{fill:var(--soft)}" +
         "".join(f".s-{n}{{stroke:var(--{n});fill:none}}"
                 f".f-{n}{{fill:var(--{n})}}" for n in COLOURS))


def alone(picture, shade=0):
    """The picture as a file of its own, with a background."""
    rules = RULES.replace("system-ui,sans-serif", "'DejaVu Sans',sans-serif")
    for name, pair in COLOURS.items():
        rules = rules.replace(f"var(--{name})", pair[shade])
    head, body = picture.split(">", 1)
    return (f"{head}><style>{rules}</style>"
            f'<rect width="100%" height="100%" class="f-page"/>{body}')


def save(name, picture):
    """NAME.svg, and NAME.png where librsvg's program is installed."""
    with open(f"{name}.svg", "w", encoding="utf-8") as out:
        out.write(alone(picture))
    if shutil.which("rsvg-convert"):
        subprocess.run(["rsvg-convert", "--zoom", "2", "-o", f"{name}.png",
                        f"{name}.svg"], check=False)


class Axis:
    """Values to pixels; `log` for what spans magnitudes."""

    def __init__(self, low, high, begin, end, log=False):
        self.log = log
        self.low, self.high = low, high
        self.begin, self.end = begin, end

    def __call__(self, value):
        low, high = self.low, self.high
        if self.log:
            value = max(value, low)
            low, high, value = map(math.log, (low, high, value))
        share = (value - low) / (high - low) if high > low else 0.5
        return self.begin + share * (self.end - self.begin)

    def ticks(self, about=5):
        if self.log:
            return self.decades()
        step = 10 ** math.floor(math.log10((self.high - self.low) / about))
        for more in (1, 2, 5, 10):
            if (self.high - self.low) / (step * more) <= about:
                step *= more
                break
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [n * step for n in range(first, last + 1)]

    def decades(self):
        found = [m * 10 ** e
                 for e in range(math.floor(math.log10(self.low)),
                                math.ceil(math.log10(self.high)) + 1)
                 for m in ((1, 2, 5) if self.high / self.low < 100 else (1,))]
        return [v for v in found if self.low <= v <= self.high * 1.0001]


def short(value):
    """1500 as 1.5 k would hide the unit: digits, at most four of them."""
    return f"{value:.4g}"


def micros(value):
    """Microseconds as people say them."""
    for scale, unit in ((1e6, "s"), (1e3, "ms")):
        if value >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value:.3g} µs"


class Picture:
    def __init__(self, height, about, width=WIDTH):
        self.height, self.width = height, width
        self.parts = []
        self.about = about

    def add(self, text):
        self.parts.append(text)

    def text(self, x, y, words, anchor="start", soft=False):
        self.add(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
                 f'{" class=soft" if soft else ""}>{escape(words)}</text>'
                 .replace("class=soft", 'class="soft"'))

    def line(self, x1, y1, x2, y2, colour="line", width=1, dash=""):
        dash = f' stroke-dasharray="{dash}"' if dash else ""
        self.add(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" '
                 f'y2="{y2:.1f}" class="s-{colour}" '
                 f'stroke-width="{width}"{dash}/>')

    def rect(self, x, y, width, height, colour, opacity=1.0):
        self.add(f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" '
                 f'height="{max(height, 0):.1f}" class="f-{colour}" '
                 f'opacity="{opacity}"/>')

    def dot(self, x, y, colour, radius=3.5, about="", opacity=1.0):
        title = f"<title>{escape(about)}</title>" if about else ""
        self.add(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" '
                 f'class="f-{colour}" opacity="{opacity}">{title}</circle>')

    def path(self, points, colour, width=1.8, opacity=1.0, dash=""):
        if len(points) < 2:
            return
        dash = f' stroke-dasharray="{dash}"' if dash else ""
        steps = "L".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.add(f'<path d="M{steps}" class="s-{colour}" '
                 f'stroke-width="{width}" opacity="{opacity}" '
                 f'stroke-linejoin="round"{dash}/>')

    def area(self, upper, lower, colour, opacity=0.25):
        steps = "L".join(f"{x:.1f},{y:.1f}"
                         for x, y in [*upper, *reversed(lower)])
        self.add(f'<path d="M{steps}Z" class="f-{colour}" '
                 f'opacity="{opacity}"/>')

    def axes(self, x, y, x_name, y_name, x_label=short, y_label=short,
             x_ticks=None):
        """Grid, numbers and names; y.begin is the bottom."""
        for value in y.ticks():
            self.line(x.begin, y(value), x.end, y(value))
            self.text(x.begin - 6, y(value) + 4, y_label(value), "end", True)
        for value in x_ticks or x.ticks(8):
            self.line(x(value), y.begin, x(value), y.begin + 4)
            self.text(x(value), y.begin + 18, x_label(value), "middle", True)
        self.line(x.begin, y.begin, x.end, y.begin, "soft")
        self.text((x.begin + x.end) / 2, y.begin + 36, x_name, "middle", True)
        self.text(x.begin, y.end - 10, y_name, "start", True)

    def legend(self, x, y, entries):
        """[(colour, words)], one below the other."""
        for number, (colour, words) in enumerate(entries):
            self.line(x, y + number * 17, x + 18, y + number * 17, colour, 3)
            self.text(x + 24, y + number * 17 + 4, words)

    def svg(self):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" role="img" '
                f'viewBox="0 0 {self.width} {self.height}" '
                f'width="{self.width}" height="{self.height}" '
                f'aria-label="{escape(self.about, quote=True)}">'
                + "".join(self.parts) + "</svg>")
