# SPDX-License-Identifier: BSD-2-Clause
"""Run the booted tests, several at a time, each in namespaces of its own.

usage: tests/run_boot.py --tmp FOLDER --enter WORDS [--only beside|alone]
                         [PYTEST_FLAG...]

Much of their time they wait, so that more are at work than there are
processors.  What measures time or load is marked `alone`, and comes when the
rest is done, with nothing beside it.  WORDS enter the namespaces.

What fails is tried once more when nothing runs beside it: the machine may have
been too busy.  The totals say how many passed only then.
"""

import argparse
import glob
import os
import re
import shlex
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
AT_ONCE = 4 + (os.cpu_count() or 1)
# Tests of a file go by so many, but those that share a machine go together.
PIECE = 8
SHARED = 'scope="module"'
# More than these have something else in common than a busy machine.
AGAIN_MAX = 5
NOTHING_SELECTED = 5  # pytest's status
WORDS = {"passed": 0, "failed": 1, "error": 1, "errors": 1, "skipped": 2}


class Run:
    """All files, their totals, and what is running now."""

    def __init__(self, options, flags):
        self.options, self.flags = options, flags
        self.totals = [0, 0, 0]
        self.lock = threading.Lock()
        self.running = []
        self.failed = set()
        self.broken = False  # what failed is not, or not only, tests

    def command(self, *words):
        return [*shlex.split(self.options.enter), sys.executable, "-m",
                "pytest", "-p", "no:cacheprovider", "-q", *self.flags, *words]

    def pieces(self, marks):
        """[[test, ...], ...]; the files that are likely to take longest come
        first."""
        found = subprocess.run(
            self.command("--collect-only", "-m", marks,
                         os.path.relpath(os.path.join(HERE, "boot"))),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
            check=False)
        files = {}
        for test in re.findall(r"^(\S+::.*)$", found.stdout, re.M):
            files.setdefault(test.split("::")[0], []).append(test)
        if not files and found.returncode != NOTHING_SELECTED:
            print(found.stdout)
            self.totals[1] += 1
            self.broken = True
        for file in sorted(files, key=os.path.getsize, reverse=True):
            tests = files[file]
            with open(file, encoding="ascii") as f:
                size = len(tests) if SHARED in f.read() else PIECE
            for i in range(0, len(tests), size):
                yield tests[i:i + size]

    def pytest(self, name, tests):
        """One process; its output is shown when it has ended."""
        began = time.monotonic()
        with subprocess.Popen(
                self.command("-rfEs", "--basetemp=" + os.path.join(
                    self.options.tmp, name), *tests),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True,
                errors="replace") as process:
            self.running.append(process)
            text = process.communicate()[0]
            self.running.remove(process)
        with self.lock:
            print("--- %s, %.0f s\n%s" % (name, time.monotonic() - began, text),
                  flush=True)
            self.add(name, text, process.returncode)
            for said in re.findall(r"^(?:FAILED|ERROR) (.*)$", text, re.M):
                found = {t for t in tests
                         if said == t or said.startswith(t + " - ")}
                self.failed |= found
                self.broken |= not found

    def add(self, name, text, status):
        last = text.rstrip().rsplit("\n", 1)[-1]
        counts = [0, 0, 0]
        for number, word in re.findall(
                r"\b(\d+) (passed|failed|errors?|skipped)\b", last):
            counts[WORDS[word]] += int(number)
        if status and not counts[1]:
            print("%s ended with status %d" % (name, status))
            counts[1] = 1
            self.broken = True
        self.totals = [a + b for a, b in zip(self.totals, counts)]

    def work(self, pieces):
        while True:
            try:
                number, tests = pieces.pop(0)
            except IndexError:
                return
            file = os.path.basename(tests[0].split("::")[0])
            self.pytest("%s-%d" % (file.removesuffix(".py"), number), tests)

    def beside(self):
        pieces = list(enumerate(self.pieces("not alone")))
        workers = [threading.Thread(target=self.work, args=(pieces,),
                                    daemon=True) for _ in range(AT_ONCE)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    def alone(self):
        tests = sum(self.pieces("alone"), [])
        if tests:
            self.pytest("alone", tests)

    def again(self):
        """Returns those that passed now."""
        tests, self.failed = self.failed, set()
        if self.broken or not 0 < len(tests) <= AGAIN_MAX:
            return []
        self.totals[1] = 0
        self.pytest("again", sorted(tests))
        return sorted(tests - self.failed)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tmp", required=True)
    parser.add_argument("--enter", required=True)
    parser.add_argument("--only", choices=["beside", "alone"])
    options, flags = parser.parse_known_args()
    run, lucky = Run(options, flags), []
    os.makedirs(options.tmp, exist_ok=True)
    try:
        if options.only != "alone":
            run.beside()
        if options.only != "beside":
            run.alone()
        lucky = run.again()
    finally:
        for process in run.running:
            process.kill()
    for test in lucky:
        print("passed at its second try only:", test)
    print("boot-test: %d passed, %d failed, %d skipped" % tuple(run.totals))
    return 1 if run.totals[1] or not run.totals[0] else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("boot-test: ended before its end")
