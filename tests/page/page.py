#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The page at /, in a real Chromium before a real collector and real services:
what stands on the screen, by hand and by eye.

PAGE_PICTURES=DIR: keep what it looks like there, for the README.
"""
import atexit
import json
import math
import os
import random
import sys
import threading
import time

import browser
from box import Box, Skip, Writer, main, test
from cases import until

ROW = "#rows .row"
LIVE = "document.body.dataset.status === 'live'"


def need_browser():
    if not browser.PROGRAM:
        raise Skip("there is no chromium (./cdb test page installs it)")


class Screen:
    """A box, and the browser of all tests before it."""

    browser = None

    def __init__(self, *flags, **how):
        need_browser()
        if not Screen.browser:
            Screen.browser = browser.Browser()
            atexit.register(Screen.browser.close)
        self.box = Box(*flags)
        self.how = how

    def __enter__(self):
        self.box.__enter__()
        return self

    def __exit__(self, *error):
        self.box.__exit__(*error)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.box.port}/"

    def open(self, fragment="", **how):
        page = self.browser.open(self.url + fragment, **{**self.how, **how})
        page.until("live", LIVE)
        page.until("rows", f"document.querySelector('{ROW}') !== null")
        return page

    def clean(self, page):
        """No complaint on the console; nothing was asked of anybody else."""
        assert page.complaints() == [], page.complaints()
        for url in page.requests():
            assert url.startswith((self.url, "about:", "data:")), url


def row(page, name):
    """The texts of a row, by column."""
    return page.eval(f"""(() => {{
        const row = [...document.querySelectorAll('{ROW}')].find((r) =>
            r.querySelector('.name').textContent === {json.dumps(name)});
        return row && Object.fromEntries([...row.children].map((c) =>
            [c.className.split(' ')[0], c.textContent]));
    }})()""")


def names(page):
    return page.eval(f"""[...document.querySelectorAll('{ROW}')].sort((a, b) =>
        a.dataset.index - b.dataset.index).map((r) =>
        r.querySelector('.name').textContent)""")


def figure(text):
    """What a number for people stands for, e.g. 1.23k or 4.56 ms."""
    text = text.replace("−", "-").strip()
    for suffix, factor in (("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9), ("s", 1),
                           ("k", 1e3), ("M", 1e6), ("G", 1e9), ("", 1)):
        if text.endswith(suffix):
            return float(text.removesuffix(suffix)) * factor
    raise AssertionError(text)


def near(shown, value):
    assert math.isclose(figure(shown), value, rel_tol=0.006), (shown, value)


@test
def it_shows_what_metrics_say():
    with Screen() as s:
        w = Writer(s.box, "feed").do("counter ticks_total 1234567",
                                     "gauge depth -2.5", "label o_total buy 7",
                                     "explicit ack_seconds 1000")
        with s.open() as page:
            for name, column in (("ticks_total", "value"), ("depth", "value")):
                near(row(page, name)[column],
                     s.box.value(name, service="feed"))
            assert row(page, 'o_total{name="buy"}')["value"] == "7"
            assert row(page, "ack_seconds")["value"] == "1"
            w.do("counter ticks_total 1000000")
            page.until("the new value", "document.body.innerText.includes("
                       "'2.23M')")
            near(row(page, "ticks_total")["value"],
                 s.box.value("ticks_total", service="feed"))
            assert "1 process" in page.text("#overview")
            s.clean(page)


@test
def rates_and_quantiles_are_those_of_what_happened():
    with Screen() as s:
        w = Writer(s.box, "feed").do("counter ticks_total 1",
                                     "native ack_seconds 1000000")
        chance = random.Random(1)
        ns = [int(chance.lognormvariate(0, 1) * 1e6) for _ in range(200)]
        with s.open() as page:
            page.until("a rate", f"[...document.querySelectorAll('{ROW}')]"
                       ".every((r) => !r.textContent.includes('–') || "
                       "!r.textContent.includes('ticks_total'))")
            before = s.box.value("ticks_total", service="feed")
            began = time.monotonic()
            for _ in range(40):
                w.do("counter ticks_total 100",
                     "native ack_seconds " + " ".join(map(str, ns[:5])))
                ns = ns[5:] + ns[:5]
                time.sleep(0.1)
            took = time.monotonic() - began
            per_second = (s.box.value("ticks_total", service="feed") -
                          before) / took
            # over up to ten seconds, of which some were before it began
            top = max(figure(page.eval(
                "(() => new Promise((done) => setTimeout(() => done("
                f"[...document.querySelectorAll('{ROW}')].find((r) => r."
                "textContent.startsWith('ticks_total')).querySelector("
                "'.rate').textContent), 300)))()")) for _ in range(4))
            assert per_second * 0.2 < top < per_second * 1.3, \
                (top, per_second)
            shown = row(page, "ack_seconds")
            for q, column in ((0.5, "p50"), (0.99, "p99")):
                want = sorted(ns)[int(q * len(ns))] * 1e-9
                assert want / 1.3 < figure(shown[column]) < want * 1.3, \
                    (column, shown, want)
            s.clean(page)


@test
def by_keyboard_alone():
    with Screen() as s:
        Writer(s.box, "feed").do(*(f"counter a{i}_total {i}"
                                   for i in range(30)),
                                 "native ack_seconds 1000 2000")
        Writer(s.box, "risk").do("counter orders_total 5")
        with s.open() as page:
            page.key("/")
            page.type("a1 feed")
            page.until("found", f"document.querySelectorAll('{ROW}').length "
                       "=== 11")
            # in the order of /metrics
            assert names(page) == [*(f"a{i}_total" for i in range(10, 20)),
                                   "a1_total"]
            assert page.text("#count").startswith("11 of ")
            page.key("ArrowDown")
            page.key("ArrowDown")
            page.key("Enter")
            page.until("opened", "!document.getElementById('detail').hidden")
            assert page.text("#detail-name") == "a11_total"
            assert page.text("#detail-total") == "11"
            assert "feed/a11_total" in page.eval(
                "decodeURIComponent(location.hash)")
            page.key("Escape")
            page.until("closed", "document.getElementById('detail').hidden")
            assert page.eval("document.activeElement.id") == "search"
            page.key("Escape")
            page.until("all", "document.getElementById('search').value === ''")
            page.type("nothing like it")
            page.until("none", "!document.getElementById('no-match').hidden")
            s.clean(page)
        with s.open("#feed/ack_seconds") as page:
            page.until("opened by its address",
                       "document.getElementById('detail-name').innerText === "
                       "'ack_seconds'")
            page.key("p")
            page.until("paused", "document.body.dataset.status === 'paused'")


@test
def the_heat_map_is_painted_and_says_what_it_shows():
    with Screen() as s:
        w = Writer(s.box, "feed").do("native ack_seconds 1000000")
        with s.open("#feed/ack_seconds") as page:
            page.until("open", "!document.getElementById('detail').hidden")
            for _ in range(30):
                w.do("native ack_seconds 1000000 1000000 1000000 32000000")
                time.sleep(0.1)
            painted = """(() => {
                const c = document.getElementById('heat');
                const d = c.getContext('2d').getImageData(70, 0, c.width - 70,
                    c.height - 24).data;
                const seen = new Set();
                for (let i = 0; i < d.length; i += 4)
                    if (d[i + 3] === 255) seen.add(`${d[i]} ${d[i+1]}`);
                return seen.size; })()"""
            page.until("painted", painted + " >= 2")
            tiles = page.eval("[...document.querySelectorAll("
                              "'#quantiles dd')].map((d) => d.innerText)")
            near_ms = [figure(t) * 1e3 for t in tiles]
            assert 0.9 < near_ms[0] < 1.1, tiles
            assert 29 < near_ms[2] < 36, tiles
            s.clean(page)


@test
def text_stays_text():
    evil = '<script>window.hit=1</script>"&amp;\'<img/src=x/onerror=hit=1>'
    turned = "a\u202eb\u200bc"
    with Screen() as s:
        Writer(s.box, "feed").do(
            "help <b>bold</b> & \u202ereversed",
            f"label x_total {evil} 1", f"label y_total {turned} 2",
            "label z_total " + "long" * 60 + " 3")
        with s.open() as page:
            text = page.text("#rows")
            assert "<script>window.hit=1</script>" in text
            assert "a⟨U+202E⟩b⟨U+200B⟩c" in text and "\u202e" not in text
            assert page.eval("document.querySelectorAll('#rows script, "
                             "#rows img').length") == 0
            assert page.eval("window.hit") is None
            page.eval(f"document.querySelector('{ROW}').click()")
            page.until("open", "!document.getElementById('detail').hidden")
            assert page.text("#detail-help") == \
                "<b>bold</b> & ⟨U+202E⟩reversed"
            assert evil in page.text("#detail-labels")
            assert page.eval("document.documentElement.scrollWidth <= "
                             "innerWidth")
            s.clean(page)


def widths(page):
    return page.eval("[document.documentElement.scrollWidth, innerWidth]")


@test
def it_fits_a_narrow_window_and_the_dark():
    with Screen("--service", "gone", width=360, height=780) as s:
        Writer(s.box, "feed").do("label long_name_of_a_counter_total " +
                                 "v" * 200 + " 3", "native ack_seconds 1000")
        Writer(s.box, "risk", "instance-of-a-very-long-name-" + "x" * 30)
        with s.open() as page:
            wide, window = widths(page)
            assert wide <= window == 360, (wide, window)
            assert page.eval(f"""[...document.querySelectorAll('{ROW} > *')]
                .every((e) => e.getBoundingClientRect().right <= innerWidth)
                """), "a row reaches out of the window"
            light = page.eval("getComputedStyle(document.body)."
                              "backgroundColor")
            page.scheme(True)
            page.until("dark", "getComputedStyle(document.body)."
                       f"backgroundColor !== '{light}'")
            page.eval(f"[...document.querySelectorAll('{ROW}')].find((r) => r."
                      "textContent.includes('ack')).click()")
            page.until("open", "!document.getElementById('detail').hidden")
            wide, window = widths(page)
            assert wide <= window, (wide, window)
            page.eval("history.back()")
            page.until("Back closes it", f"document.querySelector('{ROW}')."
                       "checkVisibility()")
            s.clean(page)


@test
def ten_thousand_series_are_smooth():
    with Screen() as s:
        for i in range(5):
            Writer(s.box, f"many{i}").do(f"many c{i} 2000")
        with s.open() as page:
            page.until("all there", "document.getElementById('count')."
                       "innerText.startsWith('10,')")
            page.eval("""window.long = [];
                new PerformanceObserver((list) => window.long.push(
                    ...list.getEntries().map((e) => e.duration)))
                    .observe({ type: 'longtask' })""")
            assert page.eval(f"document.querySelectorAll('{ROW}').length") \
                < 80
            page.key("/")
            page.eval("window.began = performance.now()")
            page.type("c3_199")
            page.until("found", "document.getElementById('count').innerText"
                       ".startsWith('11 of')")
            page.key("Escape")
            page.until("all again", "document.getElementById('count')"
                       ".innerText.startsWith('10,')")
            frames = page.eval("""new Promise((done) => {
                const times = [];
                let n = 0;
                const step = (t) => {
                    times.push(t);
                    scrollTo(0, (n * 4001) % document.body.scrollHeight);
                    n++ < 60 ? requestAnimationFrame(step) : done(
                        times.slice(1).map((t, i) => t - times[i]));
                };
                requestAnimationFrame(step);
            })""")
            middle = sorted(frames)[len(frames) // 2]
            assert middle < 250, frames
            assert page.eval(f"document.querySelectorAll('{ROW}').length") \
                < 80
            page.key("Escape")
            page.key("End")
            page.until("the last one", f"[...document.querySelectorAll('{ROW}"
                       "')].some((r) => r.ariaSelected === 'true' && "
                       "r.ariaRowIndex === document.getElementById('grid')"
                       ".ariaRowCount)")
            long = page.eval("window.long")
            assert not long or max(long) < 1000, long
            s.clean(page)


@test
def what_happens_to_services_is_shown():
    with Screen("--service", "gone") as s:
        w = Writer(s.box, "feed").do("counter ticks_total 3", "gauge depth 1")
        (s.box.dir / "smx.junk").write_bytes(b"x" * 8192)
        with s.open() as page:
            page.until("trouble", "document.getElementById('attention')."
                       "innerText.includes('junk') && document.body.innerText"
                       ".includes('gone is expected')")
            assert "alive" in page.text("#services")
            w.kill()
            page.until("killed", "document.getElementById('services')."
                       "innerText.includes('not running')")
            page.until("said", "document.getElementById('attention')."
                       "innerText.includes('feed has no living process')")
            page.until("its gauge is unset", "[...document.querySelectorAll("
                       f"'{ROW}')].some((r) => r.textContent.startsWith("
                       "'depth') && r.textContent.includes('–'))")
            assert row(page, "ticks_total")["value"] == "3"
            Writer(s.box, "feed").do("counter ticks_total 1")
            page.until("back", "document.getElementById('services')."
                       "innerText.includes('alive')")
            page.until("counted on", "[...document.querySelectorAll("
                       f"'{ROW}')].some((r) => r.textContent.startsWith("
                       "'ticks_total') && r.querySelector('.value')"
                       ".textContent === '4')")
            s.clean(page)


@test
def a_stopped_collector_is_shown_and_comes_back():
    with Screen() as s:
        Writer(s.box, "feed").do("counter ticks_total 3")
        with s.open() as page:
            port = s.box.port
            s.box.stop()
            page.until("lost", "document.body.dataset.status === 'lost' && "
                       "!document.getElementById('lost').hidden")
            assert row(page, "ticks_total")["value"] == "3"
            s.box.flags = (f"--web.listen-address=127.0.0.1:{port}",)
            s.box.start()
            page.until("live again", LIVE + " && document.getElementById("
                       "'lost').hidden")
            assert row(page, "ticks_total")["value"] == "3"


@test
def a_hidden_page_asks_nothing():
    with Screen() as s:
        Writer(s.box, "feed").do("counter ticks_total 3")
        with s.open() as page:
            with s.browser.open(s.url, window=False) as other:
                page.until("hidden", "document.hidden")
                page.until("resting",
                           "document.body.dataset.status === 'hidden'")
                # by two more looks of the other, what was on its way has come
                other.until("live", LIVE)
                before = len(page.requests())
                n = len(other.requests())
                until("the other asks on",
                      lambda: len(other.requests()) > n + 6)
                assert len(page.requests()) <= before + 1
            until("asks again", lambda: len(page.requests()) > before + 1)
            page.until("live", LIVE)
            s.clean(page)


PICTURES = os.environ.get("PAGE_PICTURES")


class Load(threading.Thread):
    """Services with something to do."""

    def __init__(self, box):
        super().__init__(daemon=True)
        self.random, self.on = random.Random(7), True
        self.writers = {name: Writer(box, name) for name in
                        ("feed", "signal", "risk", "execution")}

    def ns(self, middle, n):
        slow = [8, 1][self.random.random() > 0.02]
        return " ".join(str(int(self.random.lognormvariate(0, 0.45) * middle *
                                slow)) for _ in range(n))

    def run(self):
        wave = 0.0
        while self.on:
            wave += 0.03
            for i, (name, w) in enumerate(self.writers.items()):
                n = int(90 + 40 * math.sin(wave + i)) + \
                    self.random.randint(0, 20)
                w.do("help Messages taken from the bus.",
                     f"counter {name}_messages_total {n}",
                     "help Time from the arrival of a message to the answer.",
                     f"native {name}_decision_seconds "
                     f"{self.ns(30000 + 15000 * math.sin(wave / 2), n // 4)}",
                     "help Orders by side.",
                     f"label {name}_orders_total buy {n // 7}",
                     f"label {name}_orders_total sell {n // 9}",
                     "help Messages that wait.",
                     f"gauge {name}_queue_length {n // 30}")
            time.sleep(0.1)


def take_pictures():
    """Two minutes of load, then what README shows."""
    with Screen("--service", "notify", width=1280, height=860) as s:
        load = Load(s.box)
        Writer(s.box, "writer").do("help Rows.", "counter rows_total 5").kill()
        load.start()
        with s.open("#feed/feed_decision_seconds", height=1000) as page, \
                s.open(dark=True) as dark, \
                s.open(width=390, height=844) as narrow:
            time.sleep(150)
            page.picture(f"{PICTURES}/page-histogram.png")
            dark.picture(f"{PICTURES}/page-dark.png")
            dark.scheme(False)
            time.sleep(1.5)
            dark.picture(f"{PICTURES}/page-light.png")
            narrow.picture(f"{PICTURES}/page-narrow.png")
            s.clean(page)
        load.on = False
        load.join()


if PICTURES:
    take_pictures()
else:
    sys.exit(main())
