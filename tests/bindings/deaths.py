#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writers of two languages in one segment, that share, run out and die.

usage: deaths.py SMX_COLLECTOR SEGMENT_WRITER [NAME...]
"""
import json
import os
import signal
import sys
from decimal import Decimal

import smx
from smx import layout
from box import Box, Writer, main, test, until
from peers import Peer, look, tool

ADDS = 20000


def owners(box):
    """Owner words of all lanes but the shared one."""
    with smx.Segment(str(box.dir / "smx.t")) as s:
        h = s.header
        return [int.from_bytes(os.pread(s._fd, 8, h.lane_tab_off +
                                        layout.ROW * lane), "little")
                for lane in range(1, h.lane_cap)]


@test
def c_adopts_what_python_left_half_done():
    with Box() as box:
        # an observation that never ends: begin, sum and bucket, no end
        peer = Peer(box, "t").do(
            "h = s.histogram('wait_seconds', 'W.', unit='seconds', "
            "exponent=9, bounds=[0.001, 0.0025])",
            "h.observe(5); s.gauge('depth', 'D.').set(4)",
            "s.counter('hits_total', 'H.').add(9)",
            "at = s.lane + h._cell",
            "s.add8(at, 1, 0); s.add8(at + 16, 7, 0); s.add8(at + 24, 1, 0)")
        assert look(box, "t").approximate == 1
        peer.kill()
        assert look(box, "t").get("depth").value is None
        assert box.value("depth", service="t") is None
        w = Writer(box, "t").do("counter hits_total 1",
                                "explicit wait_seconds 8")
        shot = look(box, "t")
        assert shot.state["adopted"] == 1 and shot.approximate == 0
        assert shot.get("wait_seconds").buckets == (3, 0, 0)
        assert shot.get("wait_seconds").cell == 20
        assert shot.get("hits_total").value == 10
        # the very lane, under the new taking of the slot
        assert [o for o in owners(box) if o] == [1 << 32 | 4]
        assert box.value("hits_total", service="t") == 10
        w.kill()


@test
def python_adopts_what_c_left():
    """Killed again and again in the middle of observations."""
    with Box() as box:
        seen = 0
        for _ in range(5):
            w = Writer(box, "t").do("spin wait_seconds", "gauge depth 1",
                                    "counter hits_total 1")
            until("it observes", lambda: observed(box) > seen)
            w.kill()
            seen = observed(box)
            peer = Peer(box, "t").do(
                "h = s.histogram('wait_seconds', 'W.', unit='seconds', "
                "exponent=9)", "h.observe(1)")
            shot = look(box, "t")
            assert shot.approximate == 0
            assert shot.get("wait_seconds").count == seen + 1
            assert shot.get("depth").value is None
            assert len([o for o in owners(box) if o]) == 1
            peer.kill()
            seen += 1
        shot = look(box, "t")
        assert shot.get("hits_total").value == 5
        assert shot.state["adopted"] >= 9
        assert box.value("wait_seconds_count", service="t") == seen


def read(box):
    """For when somebody may still write, or die."""
    with smx.Segment(str(box.dir / "smx.t")) as s:
        return s.read()


def observed(box):
    return read(box).get("wait_seconds").count


@test
def registrations_of_the_killed_leave_nothing():
    with Box(start=False) as box:
        for i in range(10):
            peer = Peer(box, "t")
            peer.proc.stdin.write(
                "for i in range(10**6): s.counter(f'x{i}_total', 'X.').inc()"
                "\n")
            peer.proc.stdin.flush()
            until("some are there", lambda: len(names(box)) > 8 * i)
            peer.kill()
            # the lock is free, and the next one goes on behind the last whole
            Writer(box, "t").do("counter hits_total 1").kill()
        shot = look(box, "t")
        assert shot.get("hits_total").value == 10
        made = [v for v in shot.values if v.family.name != "hits_total"]
        assert all(v.cell >= 1 for v in made[:-1])
        assert tool(box, "check", "t").returncode == 0


def names(box):
    return [v.family.name for v in read(box).values]


@test
def a_kill_in_the_middle_of_a_takeover_is_mended():
    for second, does in ((Writer, "gauge low 1"),
                         (Peer, "s.gauge('low', 'L.').set(1)")):
        with Box(start=False) as box:
            Peer(box, "u").do("s.gauge('depth', 'D.').set(4)").kill()
            peer = Peer(box, "t").do(
                "smx.attached.Attached._free_lanes_of_slot = "
                "lambda *a: os.kill(os.getpid(), signal.SIGKILL)")
            peer.die("smx.attach('u')")
            assert generation(box) == 3  # odd: nobody's
            second(box, "u").do(does)
            shot = look(box, "u")
            assert shot.get("depth").value is None
            assert shot.get("low").value == 1
            # not 4: lanes might be left under the name of 3
            assert generation(box) == 6


def generation(box):
    """Of slot 0."""
    with smx.Segment(str(box.dir / "smx.u")) as s:
        return int.from_bytes(os.pread(s._fd, 4, s.header.slot_off),
                              "little")


@test
def a_kill_before_the_retirement_leaves_the_new_family():
    with Box(start=False) as box:
        Writer(box, "t").do("counter hits_total 3").kill()
        peer = Peer(box, "t").do(
            "smx.Writer._retire = lambda *a: os.kill(os.getpid(), 9)")
        peer.die("s.counter('hits_total', 'H.', exponent=2)")
        assert [f["retired"] for f in families(box)] == [True, False]
        Peer(box, "t").do(
            "s.counter('hits_total', 'H.', exponent=2).add(150)")
        shot = look(box, "t")
        assert shot.get("hits_total").value == Decimal("1.5")
        assert len(families(box)) == 2


def families(box):
    look(box, "t")
    return json.loads(tool(box, "dump", "--json", "t").stdout)["families"]


@test
def without_a_lane_both_count_in_the_shared_one():
    with Box(start=False) as box:
        one = Peer(box, "t", lanes=1, slots=4).do(
            "s.counter('hits_total', 'H.')")
        two, three = Peer(box, "t"), Writer(box, "t")
        for p in one, two:
            p.proc.stdin.write(
                "c = s.counter('hits_total', 'H.'); "
                f"[c.inc() for i in range({ADDS})]\n")
            p.proc.stdin.flush()
        for _ in range(500):
            three.do("counter hits_total 1")
        for p in one, two:
            assert p.proc.stdout.readline() == "ok\n"
        shot = look(box, "t")
        assert shot.get("hits_total").value == 2 * ADDS + 500
        assert shot.state["no_lane"] == 2


@test
def without_a_slot_counters_count_and_gauges_are_private():
    with Box(start=False) as box:
        Peer(box, "t", slots=1).do("s.gauge('depth', 'D.').set(1)")
        two = Peer(box, "t").do("s.gauge('depth', 'D.').set(9)",
                                "s.counter('hits_total', 'H.').add(3)")
        shot = look(box, "t")
        assert shot.get("depth").value == 1
        assert shot.get("hits_total").value == 3
        assert shot.state["no_slot"] == 1 and shot.state["crowd"] == 1
        answer = tool(box, "rm", "t")
        assert answer.returncode == 1 and "in use" in answer.stderr
        two.kill()
        assert look(box, "t").state["crowd"] == 0


@test
def threads_and_signal_handlers_lose_nothing():
    with Box(start=False) as box:
        Peer(box, "t").do(
            "c = s.counter('hits_total', 'H.')",
            "h = s.histogram('wait_seconds', 'W.', unit='seconds', "
            "exponent=9)",
            "g = s.gauge('depth', 'D.')",
            "fired = []",
            "signal.signal(signal.SIGALRM, lambda *a: (fired.append(1), "
            "c.inc(), h.observe(1), g.add(1)))",
            "signal.setitimer(signal.ITIMER_REAL, 0.001, 0.0005)",
            "work = lambda: [(c.inc(), h.observe(2), g.add(1)) "
            f"for i in range({ADDS // 4})]",
            "ts = [threading.Thread(target=work) for i in range(4)]",
            "[t.start() for t in ts]; work(); [t.join() for t in ts]",
            "signal.setitimer(signal.ITIMER_REAL, 0)",
            "s.counter('fired_total', 'F.').add(len(fired))")
        shot = look(box, "t")
        fired = shot.get("fired_total").value
        total = 5 * (ADDS // 4) + fired
        assert fired > 0
        assert shot.get("hits_total").value == total
        assert shot.get("depth").value == total
        assert shot.get("wait_seconds").count == total
        assert shot.approximate == 0
        assert shot.state["lanes_owned"] == 1


@test
def a_forked_child_has_a_life_of_its_own():
    with Box(start=False) as box:
        parent = Peer(box, "t").do(
            "c = s.counter('hits_total', 'H.'); c.inc()",
            "g = s.gauge('depth', 'D.'); g.set(1)",
            "r, w = os.pipe(); r2, w2 = os.pipe()",
            "pid = child(lambda: (os.read(r, 1), c.inc(), g.set(5), "
            "os.write(w2, b'x'), signal.pause()))",
            "kid = s.counter('kid_total', 'K.'); kid.add(pid)")
        kid = int(look(box, "t").get("kid_total").value)
        assert look(box, "t").state["slots_live"] == 1
        parent.do("os.write(w, b'x') and os.read(r2, 1)")
        shot = look(box, "t")
        assert shot.get("hits_total").value == 2
        assert shot.get("depth").value == 6
        assert [p.pid for p in shot.live] == [parent.proc.pid, kid]
        assert shot.state["lanes_owned"] == 2
        parent.kill()  # its lease must not live on in the child
        shot = look(box, "t")
        assert [p.pid for p in shot.live] == [kid]
        assert shot.get("depth").value == 5
        os.kill(kid, signal.SIGKILL)
        until("nobody", lambda: not read(box).live)


@test
def a_child_that_counts_nothing_holds_no_lease():
    with Box(start=False) as box:
        parent = Peer(box, "t").do(
            "s.counter('hits_total', 'H.').inc()",
            "r, w = os.pipe(); r2, w2 = os.pipe()",
            "child(lambda: (os.close(w), os.write(w2, b'x'), "
            "os.read(r, 1)))",
            "os.read(r2, 1)")  # it has let go by now
        parent.kill()
        assert not look(box, "t").live
        assert tool(box, "rm", "t").returncode == 0


@test
def closing_gives_slot_and_lane_back():
    with Box(start=False) as box:
        peer = Peer(box, "t").do(
            "c = s.counter('hits_total', 'H.'); c.inc()",
            "g = s.gauge('depth', 'D.'); g.set(1)",
            "s.close()", "c.inc(); g.set(2)")
        assert peer.say("s.counter('x_total', 'X.')") == \
            "Error: this segment is closed"
        shot = look(box, "t")
        assert not shot.live and shot.state["lanes_owned"] == 0
        assert shot.get("hits_total").value == 1
        peer.do("s = smx.attach('t'); s.counter('hits_total', 'H.').inc()")
        assert look(box, "t").get("hits_total").value == 2
        assert look(box, "t").state["adopted"] == 0


@test
def no_other_file_is_written_once_attached():
    with Box(start=False) as box:
        peer = Peer(box, "t").do("c = s.counter('hits_total', 'H.')")
        os.rename(box.dir / "smx.t", box.dir / ".old.smx.t")
        answer = peer.say("s.counter('x_total', 'X.')")
        assert "No such file" in answer, answer
        Peer(box, "t")
        answer = peer.say("s.counter('x_total', 'X.')")
        assert "is another file by now" in answer, answer
        peer.do("c.inc()")
        assert look(box, "t").values == []


@test
def a_held_registration_lock_is_waited_for_then_named():
    with Box(start=False) as box:
        peer = Peer(box, "t", patience=0.2)
        fd = os.open(box.dir / "smx.t", os.O_RDWR)
        with smx.locks.Registration(fd, 1):
            answer = peer.say("s.counter('x_total', 'X.')")
        os.close(fd)
        assert answer.startswith("Busy: the registration lock was held"), \
            answer
        peer.do("s.counter('x_total', 'X.').inc()")


@test
def what_cannot_be_used_is_set_aside_or_refused():
    with Box(start=False) as box:
        path = box.dir / "smx.t"
        path.write_bytes(b"not a segment" * 100)
        Peer(box, "t").do("s.counter('x_total', 'X.').inc()").kill()
        assert (box.dir / ".old.smx.t").read_bytes().startswith(b"not a seg")
        assert look(box, "t").get("x_total").value == 1
        peer = Peer(box, "t", lanes=3)  # other bounds: made anew
        assert look(box, "t").values == []
        answer = peer.say("smx.attach('t', fresh=True)")
        assert answer.startswith("Busy: "), answer
        path.unlink()
        os.symlink("elsewhere", path)
        answer = peer.say("smx.attach('t')")
        assert answer.startswith("OSError"), answer


if __name__ == "__main__":
    sys.exit(main())
