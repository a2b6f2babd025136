# SPDX-License-Identifier: BSD-2-Clause
"""Run the booted tests, several files at a time, each in namespaces of its own.

usage: tests/run_boot.py --tmp FOLDER --enter WORDS [PYTEST_FLAG...]

Much of their time they wait, so that there are two files more at work than
there are processors.  What measures time or load is marked `alone`, and comes
when the rest is done, with nothing beside it.  WORDS enter the namespaces.
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
NOTHING_SELECTED = 5  # pytest's status
WORDS = {"passed": 0, "failed": 1, "error": 1, "errors": 1, "skipped": 2}


class Run:
    """All files, their totals, and what is running now."""

    def __init__(self, options, flags):
        self.options, self.flags = options, flags
        self.totals = [0, 0, 0]
        self.lock = threading.Lock()
        self.running = []

    def pytest(self, marks, *files):
        """One process; its output is shown when it has ended."""
        name = "alone" if marks == "alone" else os.path.basename(
            files[0]).split(".")[0]
        began = time.monotonic()
        with subprocess.Popen(
                [*shlex.split(self.options.enter), sys.executable, "-m",
                 "pytest", "-p", "no:cacheprovider", "-q", "-rs", "-m", marks,
                 "--basetemp=" + os.path.join(self.options.tmp, name),
                 *self.flags, *files],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True,
                errors="replace") as process:
            self.running.append(process)
            text = process.communicate()[0]
            self.running.remove(process)
        if process.returncode != NOTHING_SELECTED:
            with self.lock:
                self.add(name, text, process.returncode,
                         time.monotonic() - began)

    def add(self, name, text, status, seconds):
        print("--- %s, %.0f s\n%s" % (name, seconds, text), flush=True)
        last = text.rstrip().rsplit("\n", 1)[-1]
        counts = [0, 0, 0]
        for number, word in re.findall(
                r"\b(\d+) (passed|failed|errors?|skipped)\b", last):
            counts[WORDS[word]] += int(number)
        if status and not counts[1]:
            print("%s ended with status %d" % (name, status))
            counts[1] = 1
        self.totals = [a + b for a, b in zip(self.totals, counts)]

    def work(self, files):
        while True:
            try:
                self.pytest("not alone", files.pop(0))
            except IndexError:
                return


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tmp", required=True)
    parser.add_argument("--enter", required=True)
    options, flags = parser.parse_known_args()
    run = Run(options, flags)
    os.makedirs(options.tmp, exist_ok=True)

    # The largest ones are likely to take longest.
    files = sorted(glob.glob(os.path.join(HERE, "boot", "test_*.py")),
                   key=os.path.getsize, reverse=True)
    workers = [threading.Thread(target=run.work, args=(files,), daemon=True)
               for _ in range((os.cpu_count() or 1) + 2)]
    try:
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        run.pytest("alone", os.path.join(HERE, "boot"))
    finally:
        for process in run.running:
            process.kill()
    print("boot-test: %d passed, %d failed, %d skipped" % tuple(run.totals))
    return 1 if run.totals[1] or not run.totals[0] else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("boot-test: ended before its end")
