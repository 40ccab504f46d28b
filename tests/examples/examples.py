# SPDX-License-Identifier: Apache-2.0
"""Each example runs, and counts what was done to it, exactly.

usage: examples.py FOLDER_OF_EXAMPLES SMX
"""
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import cases  # noqa: E402

EXAMPLES, SMX = sys.argv[1:3]


class Example:
    """with Example("hello", ...) as e: it runs, in a directory of its own."""

    def __init__(self, name, *words):
        self.name, self.words = name, words
        self.dir = tempfile.mkdtemp(prefix="smx-examples-", dir="/dev/shm")
        self.env = {**os.environ, "SMX_DIR": self.dir}
        self.child = None

    def __enter__(self):
        return self.start()

    def start(self):
        self.child = subprocess.Popen(
            [os.path.join(EXAMPLES, "example-" + self.name),
             *map(str, self.words)], env=self.env)
        return self

    def kill(self):
        self.child.kill()
        self.child.wait()

    def __exit__(self, *_):
        self.kill()
        cases.until("its children are gone", lambda: not self.pids(), 20)
        shutil.rmtree(self.dir)

    def dump(self):
        done = subprocess.run([SMX, "dump", "--json", self.name],
                              env=self.env, capture_output=True, text=True,
                              check=False)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def pids(self):
        shot = self.dump()
        return [p["pid"] for p in shot["live"]] if shot else []

    def value(self, name, **labels):
        """Of a series; a histogram's count."""
        shot = self.dump() or {"series": []}
        for series in shot["series"]:
            if shot["families"][series["family"]]["name"] == name and \
                    series["labels"] == labels:
                return series.get("count", series.get("value"))
        return None


def connect(port):
    def attempt():
        try:
            return socket.create_connection(("127.0.0.1", port), 10)
        except ConnectionRefusedError:
            return None
    return cases.until("the server listens", attempt)


def ask(sock, text):
    sock.sendall(text)
    return sock.recv(4096)


def hello_counts():
    with Example("hello") as e:
        cases.until("orders", lambda: (e.value("orders_total") or 0) > 20)
        assert e.value("order_ack_seconds") > 0
        e.kill()
        kept = e.value("orders_total")
        e.start()
        cases.until("counts go on", lambda: e.value("orders_total") > kept)


def threads_come_and_go_and_nothing_is_lost():
    port = cases.free_port()
    with Example("threaded", port) as e:
        first = connect(port)
        assert ask(first, b"hello\n") == b"HELLO\n"
        for _ in range(20):             # one after the other
            with connect(port) as sock:
                assert ask(sock, b"42\n") == b"42\n"
                sock.sendall(b"\n")
                assert sock.recv(10) == b""
        cases.until("they are gone", lambda: e.value("connections_open") == 1)
        assert e.value("connections_total") == 21
        assert e.value("lines_total", kind="number") == 20
        assert e.value("lines_total", kind="text") == 1
        assert e.value("words_total", word="42") == 20
        assert e.value("received_bytes_total") == 6 + 20 * 3
        assert e.value("answer_seconds") == 21
        for word in range(30):          # clients choose: there is a limit
            ask(first, b"w%d\n" % word)
        assert e.value("words_total", word="other") == 30 - 18
        first.close()


def a_client_that_leaves_early_is_no_end():
    port = cases.free_port()
    with Example("threaded", port) as e:
        for _ in range(20):
            with connect(port) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                struct.pack("ii", 1, 0))
                sock.sendall(b"answer me\n" * 1000)
        cases.until("they are gone", lambda: e.value("connections_open") == 0)
        assert ask(connect(port), b"still here\n") == b"STILL HERE\n"


def workers_die_and_their_counts_stay():
    port = cases.free_port()
    with Example("prefork", port, 3) as e:
        def work(n):
            for _ in range(n):
                with connect(port) as sock:
                    assert ask(sock, b"x" * 100) == b"x" * 100
        work(30)
        assert e.value("requests_total") == 30
        assert e.value("longest_request_bytes") == 100
        parent = e.child.pid
        cases.until("the workers have their slots", lambda: len(e.pids()) == 4)
        for pid in e.pids():
            if pid != parent:
                os.kill(pid, signal.SIGKILL)
        cases.until("three are new", lambda:
                    e.value("worker_deaths_total") == 3 and
                    len(e.pids()) == 4)
        # counters stay, gauges of the dead are gone
        assert e.value("requests_total") == 30
        assert e.value("longest_request_bytes") is None
        work(10)
        assert e.value("requests_total") == 40
        assert e.value("workers_busy") == 0 or cases.until(
            "none is busy", lambda: e.value("workers_busy") == 0)


def cplusplus_counts_as_well():
    with Example("gateway", 50) as e:
        assert e.child.wait(60) == 0
        assert e.value("gateway_orders_total") == 50
        assert e.value("gateway_ack_seconds") == 50


def a_loop_is_watched():
    with Example("eventloop", 1) as e:
        assert e.child.wait(60) == 0
        turns = e.value("loop_turns_total")
        assert turns > 0 and e.value("loop_busy_seconds") == turns
        assert e.value("timer_late_seconds") > 0
        assert e.value("process_cpu_seconds_total") is not None


def main():
    cases.run(hello_counts,
              threads_come_and_go_and_nothing_is_lost,
              a_client_that_leaves_early_is_no_end,
              workers_die_and_their_counts_stay,
              cplusplus_counts_as_well,
              a_loop_is_watched)


if __name__ == "__main__":
    main()
