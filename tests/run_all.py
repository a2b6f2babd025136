# SPDX-License-Identifier: BSD-2-Clause
"""Run the parts of `make test` and sum up their totals.

usage: tests/run_all.py PART[+PART]...

A part is a target of the Makefile; it passes if it ends with status 0 and
prints totals, its own or pytest's.  Totals are taken from its last such line.
Parts joined by a plus sign run side by side.
"""

import concurrent.futures
import os
import re
import subprocess
import sys
import time

WORDS = {"passed": 0, "failed": 1, "error": 1, "errors": 1, "skipped": 2}
# What hangs must not take the totals of the rest with it.
TIMEOUT_S = {"boot-test": 840}


def totals(text):
    """[passed, failed, skipped] of the last line that has them, or None."""
    for line in reversed(text.splitlines()):
        if re.match(r"(=+ |[\w-]+: )?\d+ (passed|failed|errors?|skipped)\b",
                    line):
            counts = [0, 0, 0]
            for number, word in re.findall(
                    r"\b(\d+) (passed|failed|errors?|skipped)\b", line):
                counts[WORDS[word]] += int(number)
            return counts
    return None


def run(part, shown):
    """Runs one part; returns its name, totals, seconds, and what is unshown."""
    began = time.monotonic()
    process = subprocess.Popen(
        ["timeout", "--kill-after=20", str(TIMEOUT_S.get(part, 600)),
         "make", "--no-print-directory", f"-j{os.cpu_count()}", part],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, errors="replace")
    text = []
    for line in process.stdout:
        text.append(line)
        if shown:
            print(line, end="", flush=True)
    status = process.wait()
    counts = totals("".join(text))
    said = "" if shown else "".join(text)
    if counts is None:
        said += f"test: {part} printed no totals\n"
        counts = [0, 1, 0]
    if status != 0 and not counts[1]:
        said += f"test: {part} ended with status {status}\n"
        counts[1] = 1
    return part, counts, time.monotonic() - began, said


def run_beside(parts):
    """Runs parts at the same time, each shown when it has ended."""
    with concurrent.futures.ThreadPoolExecutor(len(parts)) as pool:
        for done in [pool.submit(run, p, len(parts) == 1) for p in parts]:
            part, counts, seconds, said = done.result()
            print(f"--- {part}\n{said}" if len(parts) > 1 else said, end="",
                  flush=True)
            yield part, *counts, seconds


def main(groups):
    results = []
    for group in groups:
        print(f"=== {group}", flush=True)
        results += run_beside(group.split("+"))
    print("===")
    for part, *counts, seconds in results:
        print("%-14s %4d passed, %d failed, %d skipped, %.0f s"
              % (part, *counts, seconds))
    passed, failed, skipped = (sum(r[i] for r in results) for i in (1, 2, 3))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
