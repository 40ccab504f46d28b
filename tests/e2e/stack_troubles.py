# SPDX-License-Identifier: Apache-2.0
"""What goes wrong outside: ports, files, a Redis that hangs, a crash."""
import os
import shutil
import signal
import socket
import tempfile

import stack


def taken_ports_are_named_and_avoided(_):
    held = []
    for port in (8001, 9464):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
            sock.listen()
        except OSError:
            pass                # somebody else has it: as good
        held.append(sock)
    with stack.Stack("ports") as run:
        assert "port 8001 is taken" in run.said, run.said
        assert "port 9464 is taken" in run.said, run.said
        assert run.now["healthy"], run.now
    for sock in held:
        sock.close()


def wrong_wishes_are_refused(_):
    for words, status, message in (
            (("up", "--data", "/no/such/file.csv"), 1, "cannot read"),
            (("up", "--profile", "bold"), 2, "default, replay or demo"),
            (("up", "--speed", "fast"), 2, "neither a number above 0 nor max"),
            (("up", "--seed", "-1"), 2, "not a whole number"),
            (("up", "--bogus"), 2, "no option"),
            (("dance",), 2, "no command")):
        _, said = stack.cdb(*words, run="test-wishes", check=status)
        assert message in said, said


def nothing_running_is_an_answer(_):
    stack.cdb("status", run="test-nothing", check=3)
    stack.cdb("books", run="test-nothing", check=3)
    stack.cdb("down", run="test-nothing", check=0)
    stack.cdb("down", run="test-nothing", check=0)


def bad_rows_are_dropped_and_counted(recording):
    bad = ["not,a,trade", "1,2", "3735683260,abc,1,1,1723161255617,True,True",
           "9" * 5000, "\x00\x01\x02"]
    with tempfile.NamedTemporaryFile("w", suffix="-BTCUSDT-trades.csv",
                                     prefix="BTCUSDT-spot-", delete=False,
                                     encoding="utf-8") as out:
        with open(recording.path, encoding="ascii") as rows:
            for number, row in zip(range(1000), rows):
                out.write(row)
                if number % 200 == 100:
                    out.write(bad[number // 200] + "\n")
    try:
        with stack.Stack("bad", "--profile", "replay", "--speed", "max",
                         "--data", out.name) as run:
            run.wait_end(1000)
            stack.until("the drops are counted", lambda: run.metrics().get(
                "cdb_feed_dropped_total") == len(bad))
            assert run.added("market_data") == 1000
            assert run.part("feed")["restarts"] == 0
            assert '"level":"' in run.log("feed"), run.log("feed")
    finally:
        os.unlink(out.name)


def a_file_without_trades_is_named_at_once(_):
    run = "test-empty"
    with tempfile.NamedTemporaryFile(suffix=".csv") as out:
        os.chmod(out.name, 0o644)
        try:
            _, said = stack.cdb("up", "--data", out.name, "--no-prometheus",
                                run=run, check=1,
                                env={"CDB_TIMEOUT": "100000"})
        finally:
            stack.cdb("down", run=run, check=0)
    assert "no row of a known format" in said, said
    assert "collector is not healthy" not in said, said


def hanging_redis_is_waited_for(recording):
    with stack.Stack("hang", *recording.options(speed=40)) as run:
        stack.until("a third of the rows", lambda:
                    run.added("market_data") >= recording.rows // 3)
        run.kill("redis", signal.SIGSTOP)
        try:
            for service in ("feed", "signal"):
                stack.until(f"{service} says that it is not healthy", lambda:
                            run.get(service, "/health")[0] == 503, 30)
        finally:
            run.kill("redis", signal.SIGCONT)
        run.wait_end(recording.rows)
        stack.until("all healthy", lambda: run.status()["healthy"])
        for service in ("feed", "signal"):
            assert run.now["parts"][service]["restarts"] == 0, run.now
        assert run.added("market_data") == recording.rows


def stopped_processes_do_not_stop_down(_):
    with stack.Stack("stopped") as run:
        for name in ("redis", "collector", "feed"):
            run.kill(name, signal.SIGSTOP)


def crashed_run_is_cleaned(_):
    run = stack.Stack("crash")
    with run:
        home = run.now["home"]
        state = os.path.join(home, "state")
        # As after a reboot: the folder is there, and no process.
        kept = tempfile.mkdtemp()
        shutil.copy(state, kept)
    os.mkdir(home)
    shutil.copy(os.path.join(kept, "state"), state)
    shutil.rmtree(kept)
    with run:
        assert "cleaning up" in run.said, run.said


if __name__ == "__main__":
    stack.main(wrong_wishes_are_refused, nothing_running_is_an_answer,
               taken_ports_are_named_and_avoided,
               bad_rows_are_dropped_and_counted,
               a_file_without_trades_is_named_at_once,
               hanging_redis_is_waited_for,
               stopped_processes_do_not_stop_down, crashed_run_is_cleaned)
