#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Who may ask, and under which certificate: --web.config.file before curl and
a real Prometheus.

usage: collector_web.py SMX_COLLECTOR SEGMENT_WRITER [NAME...]
"""
import concurrent.futures
import json
import os
import shutil
import signal
import socket
import subprocess
import sys

from box import (COLLECTOR, Prometheus, Skip, Writer, basic, main, test,
                 until)
from web_box import Web, authority, bcrypt, certificate

@test
def curl_speaks_tls_with_it_and_sees_who_it_is():
    with Web(tls_server_config=Web.TLS) as box:
        box.start()
        assert box.curl("--cacert", "ca.crt")[:2] == (0, 200)
        assert box.curl()[:2] == (60, 0), "an unknown issuer"
        status, code, text = box.curl(plain=True)
        assert (status, code) != (0, 200), text
        assert box.curl("--cacert", "ca.crt")[:2] == (0, 200)


@test
def versions_of_tls_have_a_floor_and_a_ceiling():
    # what curl offers at most, then what is wanted here
    for config, offer, works in (
            ({}, "1.3", True), ({}, "1.2", True), ({}, "1.1", False),
            ({"min_version": "TLS13"}, "1.3", True),
            ({"min_version": "TLS13"}, "1.2", False),
            ({"max_version": "TLS12"}, "1.2", True)):
        with Web(tls_server_config={**Web.TLS, **config}) as box:
            box.start()
            got = box.curl("--cacert", "ca.crt", "--tls-max", offer,
                           "--tlsv1.0", "--ciphers", "DEFAULT@SECLEVEL=0")
            assert (got[1] == 200) == works, (config, offer, got)
    with Web(tls_server_config={**Web.TLS, "max_version": "TLS12"}) as box:
        box.start()
        assert box.curl("--cacert", "ca.crt", "--tlsv1.3")[1] == 0


@test
def clients_show_the_certificates_that_are_asked_for():
    any_, known = ("stranger", "friend"), ("friend",)
    for kind, with_ca, without, welcome in (
            ("NoClientCert", False, True, any_),
            ("RequestClientCert", True, True, any_),
            ("RequireAnyClientCert", True, False, any_),
            ("VerifyClientCertIfGiven", True, True, known),
            ("RequireAndVerifyClientCert", True, False, known)):
        config = {**Web.TLS, "client_auth_type": kind}
        if with_ca:
            config["client_ca_file"] = "friends.crt"
        with Web(tls_server_config=config) as box:
            authority(box.base, "friends")
            authority(box.base, "others")
            certificate(box.base, "friend", "me", "friends", "clientAuth")
            certificate(box.base, "stranger", "me", "others", "clientAuth")
            certificate(box.base, "server2", "me", "friends", "serverAuth")
            if not without or kind == "RequireAndVerifyClientCert":
                box.tls.load_cert_chain(box.base / "friend.crt",
                                        box.base / "friend.key")
            box.start()
            assert (box.curl("--cacert", "ca.crt")[1] == 200) == without, kind
            for name in ("friend", "stranger", "server2"):
                got = box.curl("--cacert", "ca.crt", "--cert", f"{name}.crt",
                               "--key", f"{name}.key")
                allowed = name in welcome or (
                    name == "server2" and welcome == any_)
                assert (got[1] == 200) == allowed, (kind, name, got)


@test
def only_the_right_password_of_a_user_opens():
    with Web(basic_auth_users={"alice": bcrypt("right"),
                               "bob": bcrypt("other").replace("$2b$",
                                                              "$2y$"),
                               "empty": bcrypt("")}) as box:
        box.login = "alice:right"
        box.start()
        for login, status in (
                ("alice:right", 200), ("bob:other", 200), ("alice:other", 401),
                ("alice:", 401), ("alice:right2", 401), ("alice:righ", 401),
                ("nobody:right", 401), (":right", 401), ("empty:", 200),
                ("alice:right", 200), ("alice", 401),
                ("alice:" + "x" * 900, 401)):
            assert box.get("/metrics", Authorization=basic(login)).status == \
                status, login
        for value in ("Basic", "Basic ", "Basic %%%", "Bearer abc", "",
                      "Basic " + "A" * 3000, "Basic AGE6Yg=="):
            r = box.get("/metrics", Authorization=value)
            assert r.status == 401, value
            assert r.headers["WWW-Authenticate"].startswith("Basic realm=")
        assert box.curl("-u", "alice:right", path="/metrics")[:2] == (0, 200)
        assert box.curl("-u", "alice:wrong", path="/metrics")[:2] == (0, 401)
        for path in ("/metrics", "/metrics/x", "/", "/-/healthy", "/-/ready",
                     "/sd", "/nothing", "/api/v1/state", "/page/main.js"):
            assert box.curl(path=path)[:2] == (0, 401), path
        assert box.value("smx_collector_requests_total", code="401") >= 20


@test
def who_is_known_never_waits_behind_those_who_guess():
    with Web(basic_auth_users={"alice": bcrypt("right", 1 << 11)}) as box:
        box.login = "alice:right"
        box.start()
        guesses = []
        for i in range(16):
            s = socket.create_connection(("127.0.0.1", box.port))
            s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n"
                      b"Connection: close\r\n\r\n" %
                      basic(f"alice:{i}").encode())
            guesses.append(s)
        for _ in range(3):
            assert box.get("/metrics").status == 200
        guesses[-1].setblocking(False)
        try:
            early = guesses[-1].recv(100)
        except BlockingIOError:
            early = None
        assert early is None, "the guesses were computed first"
        for s in guesses:
            s.settimeout(60)
            assert s.recv(100).startswith(b"HTTP/1.1 401")
            s.close()


@test
def more_guesses_than_can_be_computed_are_turned_away():
    with Web(basic_auth_users={"alice": bcrypt("right", 1 << 11)}) as box:
        box.login = "alice:right"
        box.start()

        def guess(i):
            return box.get("/", Authorization=basic(f"x{i}:y")).status

        with concurrent.futures.ThreadPoolExecutor(60) as pool:
            got = list(pool.map(guess, range(60)))
        assert set(got) == {401, 503}, got
        assert box.get("/metrics").status == 200


@test
def a_new_file_is_in_force_for_the_next_request():
    with Web(basic_auth_users={"alice": bcrypt("one")}) as box:
        box.login = "alice:one"
        box.start()
        assert box.get().status == 200
        box.write(basic_auth_users={"alice": bcrypt("two")})
        assert box.get().status == 401, "what was right once was kept"
        box.login = "alice:two"
        assert box.get().status == 200
        box.write(http_server_config={"headers": {
            "X-Frame-Options": "deny", "X-Content-Type-Options": "nosniff"}})
        box.login = None
        r = box.get()
        assert r.status == 200, "nobody has to say who he is"
        assert r.headers["X-Frame-Options"] == "deny"
        assert r.headers["X-Content-Type-Options"] == "nosniff"
        box.write()
        assert box.get().headers["X-Frame-Options"] is None


@test
def a_new_certificate_is_shown_to_the_next_client():
    with Web(tls_server_config=Web.TLS) as box:
        box.start()
        old = box.tls
        with socket.create_connection(("127.0.0.1", box.port)) as s, \
                old.wrap_socket(s, server_hostname="localhost") as kept:
            authority(box.base, "ca2")
            certificate(box.base, "next", "localhost", "ca2")
            # the key goes first: in between the two do not belong together
            (box.base / "next.key").rename(box.base / "server.key")
            assert box.get("/-/healthy").status == 200
            assert box.lines("web configuration refused, the old one stays")
            (box.base / "next.crt").rename(box.base / "server.crt")
            box.trust("ca2.crt")
            assert box.get("/-/healthy").status == 200
            assert box.curl("--cacert", "ca2.crt")[:2] == (0, 200)
            assert box.curl("--cacert", "ca.crt")[0] == 60
            kept.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
            assert kept.recv(100).startswith(b"HTTP/1.1 200")


@test
def a_bad_new_file_keeps_the_old_one_and_is_said_once():
    with Web(basic_auth_users={"alice": bcrypt("one")}) as box:
        box.login = "alice:one"
        box.start()
        for n, text in enumerate((
                "{", "basic_auth_users: {alice: secret}", "unknown: 1",
                json.dumps({"tls_server_config": Web.TLS})), 1):
            box.write_text(text)
            for _ in range(5):
                assert box.get().status == 200, text
                assert box.curl()[1] == 401
            said = box.lines("web configuration refused, the old one stays")
            assert len(said) == n, said
            assert said[-1]["level"] == "error"
            assert said[-1]["file"] == str(box.config)
        box.config.unlink()
        assert box.get().status == 200
        box.write(basic_auth_users={"alice": bcrypt("three")})
        assert box.get().status == 401


@test
def a_signal_reads_it_again_though_nothing_changed():
    with Web(basic_auth_users={"alice": bcrypt("one")}) as box:
        box.login = "alice:one"
        box.start()
        assert not box.lines("web configuration read")
        box.proc.send_signal(signal.SIGHUP)
        said = until("read again", lambda: box.lines("web configuration read"))
        assert said[0]["users"] == 1 and said[0]["tls"] is False
        assert box.get().status == 200


@test
def what_is_wrong_is_named_and_it_does_not_start():
    tls = dict(Web.TLS)
    for config, words in (
            ({"tls_server_confg": tls}, "unknown key: tls_server_confg"),
            ({"tls_server_config": {**tls, "cert": "x"}}, "unknown key: cert"),
            ({"tls_server_config": {"cert_file": "server.crt"}}, "key_file"),
            ({"tls_server_config": {**tls, "cert_file": "none.crt"}},
             "none.crt"),
            ({"tls_server_config": {**tls, "key_file": "ca.key"}}, "ca.key"),
            ({"tls_server_config": {**tls, "client_auth_type": "Maybe"}},
             "client_auth_type: Maybe"),
            ({"tls_server_config": {**tls, "client_auth_type":
                                    "RequireAndVerifyClientCert"}},
             "client_ca_file"),
            ({"tls_server_config": {**tls, "client_ca_file": "ca.crt"}},
             "client_auth_type"),
            ({"tls_server_config": {**tls, "min_version": "SSL30"}}, "SSL30"),
            ({"tls_server_config": {**tls, "min_version": "TLS13",
                                    "max_version": "TLS12"}}, "above"),
            ({"tls_server_config": {**tls, "cipher_suites": ["X"]}},
             "cipher_suites"),
            ({"http_server_config": {"headers": {"Server": "x"}}}, "Server"),
            ({"http_server_config": {"http2": "yes"}}, "http2"),
            ({"basic_auth_users": {"a": "plain"}}, "bcrypt"),
            ({"basic_auth_users": ["a"]}, "mapping"),
            ({"basic_auth_users": {"a:b": bcrypt("x")}}, "colon")):
        with Web(**config) as box:
            done = subprocess.run(
                [COLLECTOR, f"--dir={box.dir}", "--web.listen-address"
                 "=127.0.0.1:0", *box.flags], capture_output=True, text=True,
                timeout=20, check=False)
            assert done.returncode == 1, (config, done)
            line = json.loads(done.stderr.splitlines()[-1])
            assert words in line["reason"], (words, line)
            assert str(box.config) == line["file"]
    with Web() as box:
        for text, words in (("a: 1\na: 1", "unknown key: a"),
                            ("http_server_config: {}\nhttp_server_config: {}",
                             "line 2: comes twice"), ("- x", "mapping"),
                            ("a: [", "not YAML")):
            box.write_text(text)
            done = subprocess.run(
                [COLLECTOR, f"--dir={box.dir}", "--web.listen-address"
                 "=127.0.0.1:0", *box.flags], capture_output=True, text=True,
                timeout=20, check=False)
            assert done.returncode == 1
            assert words in json.loads(
                done.stderr.splitlines()[-1])["reason"], done.stderr


@test
def no_password_and_no_hash_reaches_the_log():
    hashes = [bcrypt("canary-one"), bcrypt("canary-two")]
    with Web(basic_auth_users={"alice": hashes[0]}) as box:
        box.flags += ("--log.level=debug",)
        box.login = "alice:canary-one"
        box.start()
        assert box.get().status == 200
        assert box.get(Authorization=basic("alice:canary-x")).status == 401
        box.write(basic_auth_users={"alice": hashes[1] + "x"})
        box.get()
        box.write_text("basic_auth_users:\n  alice: [" + hashes[1])
        box.get()
        box.write_text("basic_auth_users: " + hashes[1])
        box.get()
        box.write_text("basic_auth_users: {alice: canary-plain}")
        box.get()
        box.proc.send_signal(signal.SIGHUP)
        until("said", lambda: len(box.lines(
            "web configuration refused, the old one stays")) >= 4)
        log = box.log.read_text()
        assert "canary" not in log and "$2" not in log, log
        page = box.get().text
        assert "canary" not in page and "$2" not in page


@test
def prometheus_scrapes_over_https_with_a_password():
    if not shutil.which("prometheus"):
        raise Skip("no prometheus")
    with Web(tls_server_config={
            **Web.TLS, "client_auth_type": "RequireAndVerifyClientCert",
            "client_ca_file": "ca.crt"},
            basic_auth_users={"prometheus": bcrypt("secret", 1 << 10)}) as box:
        certificate(box.base, "client", "prometheus", "ca", "clientAuth")
        box.tls.load_cert_chain(box.base / "client.crt",
                                box.base / "client.key")
        box.login = "prometheus:secret"
        box.start()
        Writer(box, "feed").do("counter ticks_total 41")
        p = Prometheus(box, [{
            "job_name": "smx", "scheme": "https",
            "tls_config": {"ca_file": str(box.base / "ca.crt"),
                           "cert_file": str(box.base / "client.crt"),
                           "key_file": str(box.base / "client.key")},
            "basic_auth": {"username": "prometheus", "password": "secret"},
            "static_configs": [{"targets": [f"localhost:{box.port}"]}]}])
        until("scraped", lambda: p.one('ticks_total{service="feed"}') == "41",
              40)
        box.write(tls_server_config=json.loads(
            box.config.read_text())["tls_server_config"],
            basic_auth_users={"prometheus": bcrypt("changed")})
        until("refused", lambda: p.one("up") == "0", 20)


@test
def nothing_is_left_open_after_many_reloads():
    with Web(tls_server_config=Web.TLS) as box:
        box.start()

        def fds():
            return len(os.listdir(f"/proc/{box.proc.pid}/fd"))

        box.get("/-/healthy")
        before = fds()
        for i in range(40):
            box.write(tls_server_config=Web.TLS,
                      basic_auth_users={"alice": bcrypt(str(i))})
            assert box.get("/-/healthy").status == 401
            box.write_text("{")
            assert box.get("/-/healthy").status == 401
        until("closed", lambda: fds() <= before)


if __name__ == "__main__":
    sys.exit(main())
