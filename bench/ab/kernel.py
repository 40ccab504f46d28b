# SPDX-License-Identifier: Apache-2.0
"""The statistics of ab-stats, for Python."""
import subprocess

LEVEL = 0.95


class Statistics:
    """ab-stats, a question and an answer at a time."""

    def __init__(self, program, seed):
        self.seed = seed
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, start_new_session=True)

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if not answer:
            raise ChildProcessError(f"ab-stats had no answer to {words[0]}")
        return answer

    def interval(self, values, limit, level=LEVEL):
        words = self.ask("interval", level, limit, self.seed,
                         *(f"{v:.9g}" for v in values))
        return {"median": float(words[0]), "low": float(words[1]),
                "high": float(words[2]), "verdict": words[3],
                "pairs_more": int(words[4])}

    def ratio(self, values, level):
        """(low, high) by Student's t; None for one pair alone."""
        if len(values) < 2:
            return None
        words = self.ask("ratio", level, *(f"{v:.9g}" for v in values))
        return float(words[1]), float(words[2])

    def simulate(self, runs, pairs, effect, scatter, noise, judged):
        """`judged` is the limit, and the level of a control."""
        words = self.ask("simulate", runs, pairs, effect, scatter, noise,
                         *judged, self.seed)
        return dict(zip(("within", "beyond", "undecided", "covered",
                         "refused"), map(int, words)))
