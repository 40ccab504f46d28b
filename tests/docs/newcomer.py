# SPDX-License-Identifier: Apache-2.0
"""Somebody who has only docs/GUIDE.md: types in its first program, builds it
against an installed tree with its command, runs its commands, and sees the
counter and the histogram in smx dump, in smx top, on /metrics and on the page
of the collector, in Chromium, and in Prometheus.

usage: newcomer.py SOURCE BUILD
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request

TESTS = pathlib.Path(__file__).parents[1]
sys.path[1:1] = [str(TESTS), str(TESTS / "install"), str(TESTS / "page")]
import browser  # noqa: E402
import cases  # noqa: E402
from installed import Prefix  # noqa: E402
from terminal import Terminal  # noqa: E402

SOURCE, BUILD = map(pathlib.Path, sys.argv[1:3])
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Newcomer:
    """The guide's first chapter, in a folder of its own."""

    def __init__(self, folder):
        text = (SOURCE / "docs/GUIDE.md").read_text("utf-8")
        chapter = text.partition("## The first counter")[2].partition(
            "\n## ")[0]
        self.folder = folder
        self.program = re.search(r"```c\n(.*?)```", chapter, re.S)[1]
        self.commands = "".join(re.findall(r"```sh\n(.*?)```", chapter, re.S))
        self.prefix = Prefix(BUILD, folder / "installed")
        self.smx_dir = tempfile.mkdtemp(prefix="smx-new-", dir="/dev/shm")
        self.env = {**self.prefix.env(), "SMX_DIR": self.smx_dir}
        self.children = []

    def close(self):
        for child in self.children:
            child.kill()
            child.wait()
        shutil.rmtree(self.smx_dir)

    def line(self, begin):
        """The guide's one command that begins so, as it stands."""
        found = [line for line in self.commands.splitlines()
                 if line.startswith(begin)]
        assert len(set(found)) == 1, (begin, found)
        return found[0]

    def run(self, command):
        return subprocess.run(
            ["bash", "-ec", command], cwd=self.folder, env=self.env,
            text=True, check=True, stdout=subprocess.PIPE).stdout

    def start(self, command):
        self.children.append(subprocess.Popen(
            ["bash", "-c", "exec " + command.removesuffix("&").strip()],
            cwd=self.folder, env=self.env))


def get(address):
    with DIRECT.open(address, timeout=10) as answer:
        return answer.read().decode()


def answers(address):
    try:
        return get(address)
    except OSError:
        return ""


def sees_it_in_dump(guide):
    (guide.folder / "shop.c").write_text(guide.program, "utf-8")
    guide.run(guide.line("cc "))
    guide.start("./shop")
    cases.until("orders in smx dump", lambda: re.search(
        r"^shop_orders_total [1-9]", guide.run(
            f"{guide.line('smx dump')} 2>&1 || true"), re.M))
    said = guide.run(guide.line("smx dump"))
    assert re.search(r"^shop_order_seconds count [1-9]\d* sum 0?\.?\d",
                     said, re.M), said


def sees_it_in_top(guide):
    if not shutil.which("tmux"):
        print("skipped - smx top: there is no tmux")
        return
    with Terminal() as screen:
        screen.start("smx top", env=guide.env)
        screen.wait(r"^shop +1 +1/64 +2 ")
        screen.keys("Enter")
        row = screen.wait(r"shop shop_order_seconds +\S+ +[1-9]\S* .*ms")
        assert re.search("[▁-█]", row), row
        screen.wait(r"shop shop_orders_total +[1-9]\S* +[1-9]")


def sees_it_at_the_collector(guide, port):
    guide.start(guide.line("smx-collector ").removesuffix("&") +
                f" --web.listen-address=127.0.0.1:{port}")
    page = cases.until("the shop on /metrics", lambda: re.search(
        r'^shop_orders_total\{service="shop"\} [1-9].*', answers(
            f"http://127.0.0.1:{port}/metrics"), re.M | re.S))[0]
    count = r'^shop_order_seconds_count\{service="shop"\} [1-9]'
    assert re.search(count, get(f"http://127.0.0.1:{port}/metrics"), re.M)
    assert 'smx_service_live_processes{service="shop"} 1' in page, page
    sources = json.loads(get(f"http://127.0.0.1:{port}/api/v1/series"
                             "?family=shop_order_seconds"))["families"]
    assert int(sources[0]["sources"][0]["series"][0]["value"]["count"]) > 0


def sees_it_on_the_page(port):
    if not browser.PROGRAM:
        print("skipped - the page: there is no chromium")
        return
    with contextlib.closing(browser.Browser()) as chromium:
        page = chromium.open(f"http://127.0.0.1:{port}/")
        for name in ("shop_orders_total", "shop_order_seconds"):
            page.until(f"{name} on the page", "[...document"
                       ".querySelectorAll('#rows .row')].some(row => row"
                       f".textContent.includes('{name}'))")


def sees_it_in_prometheus(guide, collector, port):
    if not shutil.which("prometheus"):
        print("skipped - Prometheus is not installed")
        return
    config = re.search(r"^cat >prometheus.yml.*?^END$", guide.commands,
                       re.M | re.S)[0]
    guide.run(config.replace("localhost:9464", f"127.0.0.1:{collector}"))
    guide.start(guide.line("prometheus ").removesuffix("&") +
                f" --web.listen-address=127.0.0.1:{port}")

    def result(query):
        text = answers(f"http://127.0.0.1:{port}/api/v1/query?query="
                       + urllib.parse.quote(query))
        return json.loads(text)["data"]["result"] if text else []
    cases.until("a rate", lambda: [
        s for s in result("rate(shop_orders_total[10s])")
        if s["metric"]["service"] == "shop" and float(s["value"][1]) > 0])
    assert result("shop_order_seconds_bucket"), "no buckets"


def a_newcomer_with_the_guide_alone_sees_the_numbers_everywhere():
    collector, prometheus = cases.free_port(), cases.free_port()
    with tempfile.TemporaryDirectory(prefix="smx-new-") as folder:
        guide = Newcomer(pathlib.Path(folder))
        try:
            sees_it_in_dump(guide)
            sees_it_in_top(guide)
            sees_it_at_the_collector(guide, collector)
            sees_it_on_the_page(collector)
            sees_it_in_prometheus(guide, collector, prometheus)
        finally:
            guide.close()


if __name__ == "__main__":
    os.umask(0o022)
    cases.run(a_newcomer_with_the_guide_alone_sees_the_numbers_everywhere)
