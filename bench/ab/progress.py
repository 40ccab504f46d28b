# SPDX-License-Identifier: Apache-2.0
"""What is done now, and the time that is left."""
import sys
import time


def clock(seconds):
    minutes, seconds = divmod(int(seconds + 0.5), 60)
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"


class Progress:
    def __init__(self, limit_s, rounds, out=sys.stderr, now=time.monotonic):
        self.now = now
        self.out = out
        self.end = now() + limit_s
        self.rounds = rounds
        self.taken = []                 # seconds of the rounds so far
        self.began = 0.0

    def say(self, text):
        print(text, file=self.out, flush=True)

    def step(self, text):
        self.say(f"[{'':>7}] {text}")

    def each(self):
        """What a round takes: the mean, since times add up."""
        return sum(self.taken) / len(self.taken) if self.taken else 0.0

    def fits(self, rounds):
        """Is there time for so many more?  The first ones always have it."""
        return not self.taken or (
            self.now() + rounds * self.each() <= self.end)

    def left(self):
        """Seconds, by the rounds that remain and by the limit."""
        rounds = self.rounds - len(self.taken)
        return min(rounds * self.each(), max(self.end - self.now(), 0.0))

    def begin(self, text):
        ahead = f", {clock(self.left())} left" if self.taken else ""
        self.say(f"[{len(self.taken) + 1:3}/{self.rounds:3}] {text}{ahead}")
        self.began = self.now()

    def done(self):
        self.taken.append(self.now() - self.began)
