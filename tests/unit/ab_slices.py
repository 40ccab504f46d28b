#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ab-http --slices before a server that can stand still.

    ab_slices.py AB_HTTP
"""
import http.server
import json
import subprocess
import sys
import threading
import time
import unittest

RATE = 200
LEAD_S = 0.1


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    hold = threading.Lock()         # while it is held, nobody is answered

    def do_GET(self):
        with Page.hold:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *words):
        pass


class Slices(unittest.TestCase):
    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()
        self.load = subprocess.Popen(
            [HTTP, "--rate", str(RATE), "--warm-up", str(LEAD_S), "--slices",
             f"http://127.0.0.1:{self.server.server_port}/"], bufsize=0,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def tearDown(self):
        self.load.kill()
        self.load.communicate()
        self.server.shutdown()
        self.server.server_close()

    def slice(self, seconds):
        """Ask for one; when it began, by the wall clock in seconds."""
        self.load.stdin.write(b"%g\n" % seconds)
        return int(self.load.stdout.readline()) / 1e9

    def result(self):
        return json.loads(self.load.communicate(timeout=60)[0])

    def test_slices_are_one_load_and_their_lead_ins_are_left_out(self):
        asked = time.time()
        starts = [self.slice(seconds) for seconds in (0.5, 0.25, 0.25)]
        found = self.result()
        self.assertEqual(found["requests"], RATE)   # in a second in all
        self.assertEqual(found["seconds"], 1)
        self.assertEqual(found["errors"], {"status": 0, "connection": 0,
                                           "unanswered": 0})
        self.assertGreaterEqual(starts[0], asked + LEAD_S)
        self.assertGreaterEqual(starts[1], starts[0] + 0.5 + LEAD_S * 0.9)
        self.assertGreaterEqual(starts[2], starts[1] + 0.25 + LEAD_S * 0.9)
        self.assertEqual(found["start_ns"] / 1e9, starts[0])
        self.assertLess(found["timeline"][-1][0], 1)
        self.assertEqual(sum(row[1] for row in found["timeline"]), RATE)

    def test_a_pause_between_slices_is_no_latency(self):
        self.slice(0.25)
        time.sleep(2)
        self.slice(0.25)
        self.assertLess(self.result()["lateness"]["max"], 2e9)

    def test_a_stall_shows_in_all_requests_that_became_due_meanwhile(self):
        self.slice(0.25)
        Page.hold.acquire()
        threading.Timer(1, Page.hold.release).start()
        self.slice(0.25)            # begins and ends while nobody answers
        latency = self.result()["latency"]
        self.assertGreater(latency["p90"], 0.5e9)
        self.assertGreater(latency["max"], 0.6e9)

    def test_what_is_no_number_ends_it(self):
        self.load.stdin.write(b"soon\n")
        self.assertEqual(self.load.wait(60), 2)


if __name__ == "__main__":
    HTTP = sys.argv.pop(1)
    unittest.main()
