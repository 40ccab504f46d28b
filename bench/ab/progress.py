# SPDX-License-Identifier: Apache-2.0
"""One line a block, with the time that is left."""
import sys
import time


def clock(seconds):
    minutes, seconds = divmod(int(seconds + 0.5), 60)
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"


class Progress:
    def __init__(self, limit_s, blocks, out=sys.stderr, now=time.monotonic):
        self.now = now
        self.out = out
        self.end = now() + limit_s
        self.blocks = blocks
        self.taken = []                 # seconds of the blocks so far
        self.began = 0.0

    def say(self, text):
        print(text, file=self.out, flush=True)

    def step(self, text):
        self.say(f"[{'':>7}] {text}")

    def each(self):
        """What a block takes: the mean, since times add up."""
        return sum(self.taken) / len(self.taken) if self.taken else 0.0

    def fits(self, blocks):
        """Is there time for so many more?  The first ones always have it."""
        return not self.taken or (
            self.now() + blocks * self.each() <= self.end)

    def left(self):
        """Seconds, by the blocks that remain and by the limit."""
        blocks = self.blocks - len(self.taken)
        return min(blocks * self.each(), max(self.end - self.now(), 0.0))

    def block(self, text):
        ahead = f", {clock(self.left())} left" if self.taken else ""
        self.say(f"[{len(self.taken) + 1:3}/{self.blocks:3}] {text}{ahead}")
        self.began = self.now()

    def done(self):
        self.taken.append(self.now() - self.began)
