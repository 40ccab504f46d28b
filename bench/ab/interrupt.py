# SPDX-License-Identifier: Apache-2.0
"""An interrupt that is not lost.

Python drops an exception that a signal's handler raises while a destructor or
a callback runs; then it is found again here, before the next block.
"""
import signal


class Interrupt:
    def __init__(self):
        self.seen = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.arrive)

    def arrive(self, _number, _frame):
        self.seen = True
        raise KeyboardInterrupt

    def check(self):
        if self.seen:
            raise KeyboardInterrupt
