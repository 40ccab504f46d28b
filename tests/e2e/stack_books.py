# SPDX-License-Identifier: Apache-2.0
"""The main job: recorded trades replayed, and every count agrees."""
import importlib.util
import subprocess
import sys

import stack


def books_balance_over_five_places(recording):
    with stack.Stack("books", *recording.replay, "--scrape-interval", 1,
                     prometheus=True) as run:
        run.wait_end(recording.rows)
        books = run.books()
        counted = books["counted"]
        assert counted["file"]["rows"] == recording.rows, books
        for place in ("redis", "collector", "prometheus"):
            assert counted[place]["ticks"] == recording.rows, books
            assert counted[place]["published"] == recording.rows, books
        assert min(books["sides"].values()) >= 100, books
        tables = counted["postgres"]
        assert tables["received"] == counted["redis"]["signals"], books
        assert tables["filled"] >= 50 and tables["rejected"] >= 2, books
        assert tables["blocked"] > 0, books
        assert sum(books["sides"].values()) == counted["redis"]["signals"]
        assert all(part["state"] == "healthy"
                   for part in run.status()["parts"].values()), run.now
        assert run.resets() == 0
        exposition_is_valid(run)
        services_redirect(run)
        every_metric_is_on_its_page(run)
        second_up_changes_nothing(run)


def exposition_is_valid(run):
    _, headers, text = run.get("collector", "/metrics")
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lint = subprocess.run(["promtool", "check", "metrics"], input=text,
                          capture_output=True, text=True, check=False)
    assert lint.returncode == 0 and not lint.stdout + lint.stderr, \
        lint.stdout + lint.stderr
    if not importlib.util.find_spec("prometheus_client"):
        print("skipped - the parser of python3-prometheus-client")
        return
    from prometheus_client.parser import text_string_to_metric_families
    assert list(text_string_to_metric_families(text))


def services_redirect(run):
    address = run.now["parts"]["collector"]["address"]
    for service in ("feed", "signal"):
        code, headers, _ = run.get(service, "/metrics")
        assert code == 307, code
        assert headers["Location"] == f"http://{address}/metrics/{service}"


def every_metric_is_on_its_page(run):
    address = run.now["parts"]["collector"]["address"]
    said = subprocess.run(
        [sys.executable, stack.ROOT / "docs/metrics.py", "--check",
         f"http://{address}/metrics"], stderr=subprocess.PIPE, text=True,
        check=False)
    assert said.returncode == 0, said.stderr


def second_up_changes_nothing(run):
    before = {k: v["pid"] for k, v in run.status()["parts"].items()}
    _, said = run("up", *run.options, check=0)
    assert "already running" in said, said
    assert before == {k: v["pid"] for k, v in run.status()["parts"].items()}


def seeded_market_trades_without_a_recording(_):
    with stack.Stack("demo", "--speed", "max", "--seed", 3) as run:
        assert run.now["profile"] == "demo"
        stack.until("signals", lambda: run.added("signals") > 0)
        stack.until("ticks in the collector", lambda:
                    run.metrics().get("cdb_ticks_total", 0) > 0)


def books_are_not_judged_while_the_feed_goes_on(_):
    with stack.Stack("goes-on", "--speed", "max", "--seed", 3) as run:
        stack.until("ticks in the collector", lambda:
                    run.metrics().get("cdb_ticks_total", 0) > 0)
        assert stack.json_of(run("books", "--json", check=4)[1])["faults"]
        _, said = run("books", "--wait", 1, check=4)
        assert "not judged" in said and "NOT BALANCED" not in said, said


if __name__ == "__main__":
    stack.main(books_balance_over_five_places,
               books_are_not_judged_while_the_feed_goes_on,
               seeded_market_trades_without_a_recording)
