# SPDX-License-Identifier: Apache-2.0
"""Alertmanager with the project's configuration: routes by amtool, and a real
one whose inhibitions are looked at."""
import contextlib
import http.server
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.request

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import cases                                                # noqa: E402

CONFIG = ROOT / "compose/alertmanager/alertmanager.yml"
URL = "http://cdb_notify:8004/webhook"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def amtool(*words):
    done = subprocess.run(["amtool", *map(str, words)], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    return done.stdout


def configuration_is_one():
    amtool("check-config", CONFIG)
    tree = yaml.safe_load(CONFIG.read_text())
    hooks = [hook for receiver in tree["receivers"]
             for hook in receiver["webhook_configs"]]
    assert [hook["url"] for hook in hooks] == [URL], hooks


def every_severity_goes_to_notify():
    groups = yaml.safe_load(
        (ROOT / "compose/prometheus/rules/alerts.yml").read_text())["groups"]
    for group in groups:
        for rule in group["rules"]:
            amtool("config", "routes", "test", f"--config.file={CONFIG}",
                   "--verify.receivers=notify", f"alertname={rule['alert']}",
                   *(f"{k}={v}" for k, v in rule["labels"].items()))


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):              # pylint: disable=invalid-name
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.told += [(a["status"], a["labels"]["alertname"],
                              a["labels"].get("service"))
                             for a in json.loads(body)["alerts"]]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def alertmanager():
    """(its address, what was posted to the webhook)"""
    hook = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    hook.told = []
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        at = "127.0.0.1:%d" % s.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="cdb-test-") as folder:
        config = pathlib.Path(folder, "alertmanager.yml")
        config.write_text(CONFIG.read_text().replace(
            URL, f"http://127.0.0.1:{hook.server_port}/"))
        with open(f"{folder}/log", "w+", encoding="utf-8") as log:
            proc = subprocess.Popen(
                ["prometheus-alertmanager", f"--config.file={config}",
                 f"--storage.path={folder}/data", "--cluster.listen-address=",
                 f"--web.listen-address={at}"], stdout=log, stderr=log)
            try:
                cases.until("Alertmanager is ready", lambda: ready(at))
                yield at, hook.told
            finally:
                proc.terminate()
                proc.wait(20)
                hook.shutdown()
                hook.server_close()


def ready(at):
    try:
        with DIRECT.open(f"http://{at}/-/ready", timeout=5) as reply:
            return reply.status == 200
    except OSError:
        return False


def post(at, *alerts):
    body = json.dumps([{"labels": labels} for labels in alerts]).encode()
    request = urllib.request.Request(
        f"http://{at}/api/v2/alerts", body,
        {"Content-Type": "application/json"})
    with DIRECT.open(request, timeout=10) as reply:
        assert reply.status == 200


def inhibited(at):
    """{(alert, service or topic or None): is it silent?}"""
    with DIRECT.open(f"http://{at}/api/v2/alerts", timeout=10) as reply:
        return {(a["labels"]["alertname"], a["labels"]["severity"],
                 a["labels"].get("service")): bool(a["status"]["inhibitedBy"])
                for a in json.load(reply)}


def alert(name, severity, **labels):
    return {"alertname": name, "severity": severity, **labels}


def check(alerts, want):
    """Who of these is silent beside the others; in any order of arrival."""
    for order in (alerts, alerts[::-1]):
        with alertmanager() as (at, told):
            post(at, *order)
            keys = {(a["alertname"], a["severity"], a.get("service")): a
                    for a in order}
            silent = {keys_of for keys_of in keys if keys_of[:2] in want
                      or keys_of in want}
            cases.until(f"only {want} are silent", lambda: inhibited(at) == {
                key: key in silent for key in keys})
            loud = {(key[0], key[2]) for key in keys if key not in silent}
            cases.until("the others are told", lambda: loud <= {
                t[1:] for t in told})
            for key in silent:
                assert any((k[0], k[2]) == (key[0], key[2]) for k in keys
                           if k not in silent) or \
                    ("firing", key[0], key[2]) not in told, told


def a_dead_service_says_one_thing():
    check([alert("ServiceDown", "critical", service="risk"),
           alert("HeartbeatStale", "critical", service="risk"),
           alert("CpuHigh", "warning", service="risk"),
           alert("CpuHigh", "warning", service="feed"),
           alert("Watchdog", "info")],
          {("HeartbeatStale", "critical", "risk"),
           ("CpuHigh", "warning", "risk")})


def without_the_collector_its_services_are_unknown():
    check([alert("ServiceDown", "critical", service="collector"),
           alert("ServiceDown", "critical", service="signal"),
           alert("ServiceDown", "critical", service="feed")],
          {("ServiceDown", "critical", "signal")})


def the_critical_form_silences_the_high_one():
    check([alert("QueueBacklog", "critical", service="risk", topic="signals"),
           alert("QueueBacklog", "high", service="risk", topic="signals"),
           alert("QueueBacklog", "high", service="feed", topic="signals"),
           alert("RejectRate", "high", service="risk")],
          {("QueueBacklog", "high", "risk")})


if __name__ == "__main__":
    cases.run(configuration_is_one, every_severity_goes_to_notify,
              a_dead_service_says_one_thing,
              without_the_collector_its_services_are_unknown,
              the_critical_form_silences_the_high_one)
