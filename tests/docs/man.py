#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The man pages: linted, true to docs/SEGMENT.md and to the tool; what smx.1
shows is what the tool prints, and the examples of smx-collector.1 start.

usage: man.py SOURCE SMX COLLECTOR
"""
import os
import pathlib
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile

from cases import free_port, until
from segments import lease, unpack

SOURCE, TOOL, COLLECTOR = map(pathlib.Path, sys.argv[1:4])
PAGES = SOURCE / "docs/man"
STORED = SOURCE / "tests/golden/segment-v1.bin.gz"


def pages_are_well_formed():
    for page in sorted(PAGES.glob("*.[1-9]")):
        if shutil.which("mandoc"):
            words = ["mandoc", "-Tlint", "-Wwarning", page]
        else:
            words = ["man", "--warnings", "-l", "-Tutf8", page]
        done = subprocess.run(words, capture_output=True, text=True,
                              check=False, env={**os.environ, "LANG": "C"})
        said = done.stdout if words[0] == "mandoc" else done.stderr
        yield from said.splitlines()


def the_segment_is_that_of_the_normative_page():
    norm = (SOURCE / "docs/SEGMENT.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\.It (\d+) Ta (u\d+) Ta (\w+)",
                      (PAGES / "smx-segment.5").read_text(), re.M)
    if len(rows) < 30:
        yield f"only {len(rows)} fields"
    for offset, kind, name in rows:
        if not re.search(rf"^\| {offset} +\| {kind} +\| `{name}` ", norm,
                         re.M):
            yield f"{offset} {kind} {name} is not in docs/SEGMENT.md"


def every_command_and_option_is_there():
    text = (PAGES / "smx.1").read_text()
    usage = subprocess.run([TOOL, "--help"], capture_output=True, text=True,
                           check=True).stdout
    for word in re.findall(r"--([a-z]+)", usage):
        if not re.search(rf"^\.It (.* )?Fl -{word}\b", text, re.M):
            yield f"no option --{word}"
    commands = re.findall(r"^  ([a-z]+)(?: NAME| {4})", usage, re.M)
    if len(commands) < 7:
        yield f"only {commands}"
    for word in commands:
        if f"\n.It Cm {word}\n" not in text:
            yield f"no command {word}"


def blocks(page="smx.1"):
    text = (PAGES / page).read_text()
    for block in re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", text,
                            re.M | re.S):
        yield block.replace(r"\&", "").replace(r"\e", "\\")


def the_examples_print_what_they_say():
    with tempfile.TemporaryDirectory(dir="/dev/shm",
                                     prefix="smx-test-") as folder:
        path = pathlib.Path(folder) / "smx.shop"
        unpack(STORED, path)
        fd = lease(path, 0)  # who lives in the first block is dead in the next
        for block in blocks():
            script = "\n".join(
                f"echo {quote(line)}\n{line[2:]} 2>&1 || true"
                for line in block.splitlines() if line.startswith("$ "))
            said = subprocess.run(
                ["bash", "-c", script], text=True, capture_output=True,
                check=True, env={
                    **os.environ, "SMX_DIR": folder,
                    "PATH": f"{TOOL.parent}:{os.environ['PATH']}"}).stdout
            if said != block:
                yield f"printed instead:\n{said}"
            if fd >= 0:
                os.close(fd)
                fd = -1


def certificate(folder):
    """A web.yml with a key of its own, open to whom the collector becomes."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
                    "/CN=localhost", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    web = folder / "web.yml"
    web.write_text(f"tls_server_config:\n  cert_file: {cert}\n"
                   f"  key_file: {key}\n")
    for path in (key, cert, web):
        path.chmod(0o644)
    folder.chmod(0o755)
    return web


def answers_over_tls(port):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as raw, \
                context.wrap_socket(raw) as conn:
            conn.sendall(b"GET /-/healthy HTTP/1.0\r\n\r\n")
            return conn.recv(100).split(b"\r")[0].endswith(b"200 OK")
    except OSError:
        return False


def the_collectors_example_serves_tls():
    """As printed, but for the port, the file and the user."""
    command = next(b for b in blocks("smx-collector.1")
                   if b.startswith("smx-collector "))
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="smx-man-") as name:
        here = {":9464": f"127.0.0.1:{port}",
                "/etc/smx/web.yml": str(certificate(pathlib.Path(name))),
                "smx-collector": "nobody" if os.geteuid() == 0 else
                subprocess.run(["id", "-un"], check=True, text=True,
                               stdout=subprocess.PIPE).stdout.strip()}
        words = shlex.split(command.replace("\\\n", ""))[1:]
        for word in here:
            if not any(w.endswith("=" + word) for w in words):
                yield f"there is no {word} in {words}"
        words = [option + "=" + here.get(value, value)
                 for option, _, value in (w.partition("=") for w in words)]
        with open(os.path.join(name, "log"), "w+", encoding="utf-8") as log:
            child = subprocess.Popen(
                [COLLECTOR, *words], stderr=log,
                env={**os.environ, "SMX_DIR": "/dev/shm"})
            try:
                until("it answers, or ends", lambda: answers_over_tls(port)
                      or child.poll() is not None)
                if child.poll() is not None:
                    log.seek(0)
                    yield log.read()
            finally:
                child.kill()
                child.wait()


def prometheus_understands_its_example():
    config = next(b for b in blocks("smx-collector.1")
                  if b.startswith("scrape_configs:"))
    if not shutil.which("promtool"):
        return
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as out:
        out.write(config)
        out.flush()
        done = subprocess.run(["promtool", "check", "config", out.name],
                              capture_output=True, text=True, check=False)
    if done.returncode:
        yield done.stdout + done.stderr


def quote(text):
    return "'" + text.replace("'", "'\\''") + "'"


def main():
    failed = 0
    for check in (pages_are_well_formed,
                  the_segment_is_that_of_the_normative_page,
                  every_command_and_option_is_there,
                  the_examples_print_what_they_say,
                  the_collectors_example_serves_tls,
                  prometheus_understands_its_example):
        faults = list(check())
        for fault in faults:
            print(f"# {fault}")
        print(f"{'not ok' if faults else 'ok'} - {check.__name__}")
        failed += bool(faults)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
