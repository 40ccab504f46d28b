# SPDX-License-Identifier: Apache-2.0
"""What clients do who mean no good.  Each attack goes on until a moment, from
sources all over 127.0.0.0/8, and keeps what it opened until then."""
import errno
import random
import resource
import select
import socket
import struct
import time

OPEN_AT_ONCE = 400      # of the slow attacks, by each process
TLS_HELLO = bytes.fromhex("16030100a5010000a10303") + bytes(range(32))


def source(rng):
    return f"127.{rng.randrange(256)}.{rng.randrange(256)}." \
        f"{rng.randrange(1, 255)}"


def dial(rng, port, small=False):
    """A connection, or None where the other side would not have it."""
    s = socket.socket()
    try:
        if small:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(2)
        s.bind((source(rng), 0))
        s.connect(("127.0.0.1", port))
    except OSError as e:
        s.close()
        # ours, not theirs
        assert e.errno != errno.EMFILE, "too few descriptors for the attack"
        return None
    s.setblocking(False)
    return s


def put(s, data):
    """Whether the connection is still worth anything."""
    try:
        s.send(data)
        return True
    except BlockingIOError:
        return True
    except OSError:
        return False


class Crowd:
    """So many connections, with new ones for those that were dropped."""

    def __init__(self, rng, port, size=OPEN_AT_ONCE, small=False):
        self.rng, self.port, self.size, self.small = rng, port, size, small
        self.all = []

    def grow(self):
        for _ in range(20):
            if len(self.all) < self.size:
                s = dial(self.rng, self.port, self.small)
                if s:
                    self.all.append(s)

    def each(self, data):
        left = []
        for s in self.all:
            if put(s, data(s)):
                left.append(s)
            else:
                s.close()
        self.all = left

    def leave(self):
        for s in self.all:
            s.close()


def slowloris(rng, port, end):
    """Headers that never end, a few bytes at a time."""
    crowd = Crowd(rng, port)
    start = b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-A: "
    while time.monotonic() < end:
        crowd.grow()
        crowd.each(lambda s: start[:rng.randrange(1, len(start))]
                   if rng.random() < 0.1 else b"a")
        time.sleep(0.01)
    crowd.leave()


def silence(rng, port, end):
    """Connections on which nothing ever comes."""
    crowd = Crowd(rng, port)
    while time.monotonic() < end:
        crowd.grow()
        crowd.each(lambda s: b"")
        time.sleep(0.01)
    crowd.leave()


GARBAGE = [
    TLS_HELLO, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\r\n\r\n\r\n\r\n",
    b"GET\r\n\r\n", b"GET /metrics\r\n\r\n", b"GET /metrics HTTP/9.9\r\n\r\n",
    b"get /metrics HTTP/1.1\r\n\r\n", b"\0" * 100,
    b"GET http:// HTTP/1.1\r\nHost:\r\n\r\n",
    b"GET /%00%ff%2e%2e/%zz HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /metrics/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff"
    b"ffffffff\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked"
    b"\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: x\r\n folded\r\n\tmore: y\r\n\r\n",
    b"GET /metrics?" + b"service=%41&" * 300 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: " + b"a/b;q=0.1," * 400 +
    b"\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " +
    b"QUFB" * 2000 + b"\r\n\r\n",
]


def garbage(rng, port, end):
    while time.monotonic() < end:
        s = dial(rng, port)
        if not s:
            continue
        data = rng.choice(GARBAGE) if rng.random() < 0.7 else \
            rng.randbytes(rng.randrange(1, 3000))
        put(s, data)
        if rng.random() < 0.5:
            select.select([s], [], [], 0.02)
        s.close()


def oversized(rng, port, end):
    """Headers, addresses and bodies without an end."""
    starts = [b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-A: ",
              b"GET /metrics?x=", b"GET /" + b"a/",
              b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: "
              b"1000000000\r\n\r\n",
              b"GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
              b"chunked\r\n\r\nfffffff\r\n", b""]
    filler = [b"a" * 65536, b"X-%d: y\r\n" * 4000]
    while time.monotonic() < end:
        s = dial(rng, port)
        if not s:
            continue
        good = put(s, rng.choice(starts))
        for _ in range(20):
            good = good and put(s, rng.choice(filler))
            if time.monotonic() >= end:
                break
        s.close()


def pipelined(rng, port, end):
    """Requests one behind the other, whose answers nobody reads."""
    crowd = Crowd(rng, port, 30, small=True)
    many = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 50
    while time.monotonic() < end:
        crowd.grow()
        crowd.each(lambda s: many)
        time.sleep(0.05)
    crowd.leave()


def half_closed(rng, port, end):
    """One direction is shut, before, within and after a request."""
    request = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
    kept = []
    while time.monotonic() < end:
        s = dial(rng, port)
        if s:
            put(s, request[:rng.choice((0, 10, len(request)))])
            try:
                s.shutdown(rng.choice((socket.SHUT_WR, socket.SHUT_RD)))
            except OSError:
                pass
            kept.append(s)
        if len(kept) >= OPEN_AT_ONCE:
            kept.pop(0).close()
    for s in kept:
        s.close()


def resets(rng, port, end):
    request = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
    while time.monotonic() < end:
        s = dial(rng, port)
        if not s:
            continue
        put(s, request[:rng.choice((0, 0, 0, 10, len(request)))])
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     struct.pack("ii", 1, 0))
        s.close()


def slow_readers(rng, port, end):
    """They ask for everything and take next to nothing of it."""
    crowd = Crowd(rng, port, 100, small=True)
    asked = set()

    def step(s):
        if s not in asked:
            asked.add(s)
            return b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
        try:
            s.recv(16)
        except OSError:
            pass
        return b""

    while time.monotonic() < end:
        crowd.grow()
        crowd.each(step)
        time.sleep(0.02)
    crowd.leave()


def descriptors():
    """How many this process may open, after asking for all it can get."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def flood(rng, port, end, size):
    """As many connections as it takes, all of them kept."""
    kept = []
    while len(kept) < size and time.monotonic() < end:
        s = dial(rng, port)
        if s:
            kept.append(s)
            put(s, b"GET /metrics HTTP/1.1\r\nHost: x\r\n"
                if rng.random() < 0.5 else b"")
    full = len(kept)
    while time.monotonic() < end:
        time.sleep(0.05)
    for s in kept:
        s.close()
    return full


def run(attack, seed, port, seconds, *more):
    """In a process of its own."""
    descriptors()
    random.seed(seed)
    return attack(random.Random(seed), port, time.monotonic() + seconds, *more)
