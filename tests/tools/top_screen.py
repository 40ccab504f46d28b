# SPDX-License-Identifier: Apache-2.0
"""smx top in a real terminal: keys are typed, and the screen is read.

usage: top_screen.py SMX SEGMENT_WRITER
"""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import cases  # noqa: E402
import terminal  # noqa: E402

SMX, WRITER = sys.argv[1:3]


class Screen(terminal.Terminal):
    """with Screen(columns, lines) as s: smx top, over segments of its own."""

    def __init__(self, columns=140, lines=30, locale="C.UTF-8"):
        super().__init__(columns, lines)
        self.writers = []
        self.locale = locale

    def __exit__(self, *failure):
        super().__exit__(*failure)
        for writer in self.writers:
            writer.kill()
            writer.wait()

    def writer(self, name, *words):
        child = subprocess.Popen([WRITER, name, *words],
                                 stdin=subprocess.PIPE, text=True,
                                 stdout=subprocess.PIPE,
                                 env={**os.environ, "SMX_DIR": self.dir})
        self.writers.append(child)
        assert child.stdout.readline() == "ok\n"
        return child

    @staticmethod
    def tell(writer, *commands):
        for command in commands:
            writer.stdin.write(command + "\n")
            writer.stdin.flush()
            assert writer.stdout.readline() == "ok\n"

    def top(self, interval="0.2"):
        self.start(f"LC_ALL={self.locale} {SMX} top --dir {self.dir} "
                   f"--interval {interval}")
        self.wait("smx top - ")


def services_then_series_then_one():
    with Screen() as s:
        writer = s.writer("shop")
        s.tell(writer, "counter orders_total 12", "gauge depth 2.5",
               'label by_total é"x 3')
        s.top()
        s.wait(r"shop +1 +1/64 +3 .*live " + str(writer.pid))
        s.keys("Enter")
        s.wait(r"shop orders_total +12 +0\b")
        s.wait(r"shop depth +2.50 +- ")
        s.wait(r'shop by_total\{name="é\\"x"\} +3 ')
        s.keys("/")
        s.keys("-l", "ORD")
        s.wait("/ORD_")
        cases.until("others are filtered", lambda: "depth" not in s.text())
        s.keys("Enter", "Enter")
        s.wait(r"shop, counter: Of a test")
        s.wait(r" 12 +in all")
        s.tell(writer, "counter orders_total 30")
        s.wait(r" 42 +in all")
        s.keys("Escape")
        s.wait(r"shop orders_total +42")
        s.keys("Escape")
        s.wait(r"shop depth")
        s.keys("q")
        s.wait("ended 0")


def a_histogram_shows_its_quantiles_and_heat():
    with Screen() as s:
        writer = s.writer("shop")
        s.tell(writer, "histogram wait_seconds 1000000")
        s.top(interval="1000")          # looks when told to
        s.keys("Tab", "Enter")
        s.wait("shop, histogram in seconds")
        s.tell(writer, "histogram wait_seconds" + " 1000000" * 90 +
               " 90000000" * 10)
        s.keys("-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-")
        line = s.wait(r"p50 +\S+us +p90 .*p99 +\S+ms .*max +\S+ms")
        low, high = re.search(r"p50 +(\S+)us.*max +(\S+)ms", line).groups()
        assert 500 <= float(low) <= 1000, line
        assert 80 <= float(high) <= 100, line
        s.wait("░|▒|▓|█")
        s.wait(r" 101 +observations")


def gone_dead_and_useless_segments_are_said():
    with Screen() as s:
        s.top()
        s.wait("no segments")
        writer = s.writer("shop")
        s.tell(writer, "counter orders_total 12")
        s.wait(r"shop +1\b")
        with open(os.path.join(s.dir, "smx.bad"), "wb") as bad:
            bad.write(b"rubbish" * 100)
        s.wait(r"bad +0 .*smx.bad")
        writer.kill()
        writer.wait()
        s.wait(r"shop +0 .*no process")
        s.keys("Tab")
        s.wait(r"shop orders_total +12")
        s.keys("Enter")
        s.wait(r"in all")
        os.unlink(os.path.join(s.dir, "smx.shop"))
        s.wait("no series")


def any_size_of_terminal_will_do():
    with Screen() as s:
        writer = s.writer("shop")
        s.tell(writer, "many n 50", "histogram wait_seconds 1000000")
        s.top()
        s.keys("Tab")
        for columns, lines in ((300, 60), (40, 8), (12, 3), (2, 1), (80, 24)):
            s.tmux("resize-window", "-x", str(columns), "-y", str(lines))
            s.keys("Down", "NPage", "Enter", "Left", "End", "?", "Left",
                   "Home")
        s.wait("SERVICE SERIES")


def without_utf_8_it_draws_letters():
    with Screen(locale="C") as s:
        writer = s.writer("shop")
        s.tell(writer, 'label by_total é 3', "gauge depth 5")
        s.top()
        s.keys("Tab")
        s.wait(r'by_total\{name="\?\?"\}')
        s.wait(r"depth +5 +- +#+")
        assert "█" not in s.text()


def a_hundred_thousand_series_stay_usable():
    with Screen() as s:
        writer = s.writer("big", "", "110000")
        s.tell(writer, "many n 100000")
        s.top(interval="1")
        s.wait(r"big +1 +1/64 +100000 ")
        s.keys("Tab", "End")
        s.wait("q end")
        s.keys("/")
        s.keys("-l", "99999")
        s.wait("99999.* 1 ")


def it_needs_a_terminal():
    done = subprocess.run([SMX, "top"], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "needs a terminal" in done.stderr, done
    for words in (["--dir", "/no/such/place"],):
        done = subprocess.run(
            ["script", "-qec", f"{SMX} top {' '.join(words)}", "/dev/null"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False, timeout=60)
        assert done.returncode == 1, done
        assert "No such file or directory" in done.stdout, done


def main():
    if not shutil.which("tmux"):
        print("skipped - tmux is not installed")
        sys.exit(77)
    cases.run(services_then_series_then_one,
              a_histogram_shows_its_quantiles_and_heat,
              gone_dead_and_useless_segments_are_said,
              any_size_of_terminal_will_do,
              without_utf_8_it_draws_letters,
              a_hundred_thousand_series_stay_usable,
              it_needs_a_terminal)


if __name__ == "__main__":
    main()
