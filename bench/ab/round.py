# SPDX-License-Identifier: Apache-2.0
"""One round: every variant's pipeline at once, each in turn under load.

    up (all) | slices and spans in a random order | of each: ab, the rest of
    the replay at full speed | read the events | down (all)
"""
import collections
import contextlib
import json
import signal
import time

import block
import plan
from pipeline import Pipeline, quiet
from side import LEAD_S, Record, Side

AT_ONCE = 3                     # pipelines that start
AWAKE_S = 0.5                   # of load that nobody looks at, before all


class Round:
    """with Round(rig, variants, number, dice) as one: one.run(say)"""

    def __init__(self, rig, variants, number, dice):
        self.rig = rig
        self.variants = variants
        self.number = number
        self.dice = dice
        self.pipelines = {v.key: Pipeline(rig.builds[v.build], rig.folder,
                                          rig.up(v), v.key)
                          for v in variants}
        self.sides, self.records = {}, {}
        self.began = time.time()

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        """All of them; each stands by as soon as it is up.

        One that is scraped waits for Prometheus, while others start.  They
        pick their ports one after the other, and wait for that only so long.
        """
        ahead = [v.key for v in sorted(self.shuffled(),
                                       key=lambda v: not v.interval)]
        under_way = []
        while ahead or under_way:
            if ahead and len(under_way) < AT_ONCE:
                under_way.append(ahead.pop(0))
                self.pipelines[under_way[-1]].begin()
            for key in under_way[:]:
                if self.pipelines[key].is_begun():
                    under_way.remove(key)
                    self.sides[key] = Side(self.pipelines[key].ready())
            time.sleep(0.02)

    def __exit__(self, *failure):
        deaf = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(number, signal.SIG_IGN) for number in deaf]
        try:
            for record in self.records.values():
                record.close()
            for pipeline in self.pipelines.values():
                pipeline.end()
            with contextlib.ExitStack() as all_of_them:
                for pipeline in self.pipelines.values():
                    all_of_them.callback(pipeline.ended)
        finally:
            for number, handler in zip(deaf, before):
                signal.signal(number, handler)

    def shuffled(self):
        return self.dice.sample(self.variants, len(self.variants))

    def load(self, side, *words, part=0):
        """The words that start the load generator against this side."""
        asked = self.rig.asked
        urls = (f"http://{side.pipeline.address('signal')}/{page}"
                for page in ("health", "status"))
        return [f"{self.rig.tools}/ab-http", "--rate", asked.rate, "--seed",
                asked.seed % 100 * 10**7 + (self.number + 2) * 1000
                + part * 1000 // plan.PARTS,
                *words, *urls]

    def prepare(self):
        """Connections, first touches of pages: not of any slice."""
        for variant in self.variants:
            side = self.sides[variant.key]
            side.go_on()
            quiet(self.load(side, "--warm-up", 0, "--seconds", AWAKE_S))
            side.stand_by()
            self.record(variant.key, side, variant)
        if any(v.interval for v in self.variants):
            one = (plan.OFF, plan.AGAIN)[self.number % 2]
            self.record(plan.SPAN.key, self.sides[one.key], plan.SPAN)

    def record(self, key, side, variant):
        for part in range(plan.parts(key)):
            words = self.load(side, "--warm-up", LEAD_S, "--slices",
                              part=part)
            self.records[key, part] = Record(side, variant, words)

    def run(self, say):
        """The blocks of each variant, of this one stretch of time."""
        self.prepare()
        say("slices of load in turn")
        self.slices()
        blocks = {key: self.measured(record, key[1])
                  for key, record in self.records.items()}
        say("ab, full speed, results")
        for variant in self.shuffled():
            self.rest(self.sides[variant.key], [
                b for key, b in blocks.items()
                if self.records[key].side is self.sides[variant.key]])
        return list(blocks.values())

    def slices(self):
        """The first of a variant go into the block of the first part."""
        steps = plan.schedule(self.variants, self.rig.asked.seconds,
                              self.dice)
        in_all = collections.Counter(key for key, _ in steps)
        had = collections.Counter()
        for key, seconds in steps:
            part = had[key] * plan.parts(key) // in_all[key]
            self.records[key, part].slice(seconds)
            had[key] += 1

    def measured(self, record, part):
        return {"variant": record.variant.key, "round": self.number,
                "part": part, "began": self.began, "http": json.loads(record.finish()),
                "window_s": record.elapsed, "slices": record.slices,
                "used": record.used_in_all(), "samples": record.samples,
                "machine": record.machine}

    def rest(self, side, blocks):
        """What is measured once of a pipeline, for its blocks."""
        side.go_on()
        found = block.rest(self.rig, side.pipeline)
        events = found.pop("events")
        for one in blocks:
            one.update(block.once(found) if one["part"] else found)
            one["events"] = block.events(events, one)
            if plan.by_key(self.variants, one["variant"]).interval:
                one["scrapes"] = block.scrapes(side.pipeline, one)
            one["ended"] = time.time()
        side.stand_by()


