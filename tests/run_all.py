# SPDX-License-Identifier: BSD-2-Clause
"""Run the parts of `make test` and sum up their totals.

usage: tests/run_all.py PART[+PART]...

A part is a target of the Makefile; it passes if it ends with status 0 and
prints totals, its own or pytest's.  Totals are taken from its last such line.
Parts joined by a plus sign run side by side.  When this ends, by Ctrl-C too,
nothing of a part is left running.
"""

import concurrent.futures
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time

WORDS = {"passed": 0, "failed": 1, "error": 1, "errors": 1, "skipped": 2}
# What hangs must not take the totals of the rest with it.
TIMEOUT_S = dict.fromkeys(("boot-beside", "fuzz", "prove"), 1300)
# To clean up, for who is told to end.
GRACE_S = 10
# What ends us, and all parts with us.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


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


def end(process):
    """Tells a part and all that it started to end, and then makes them."""
    for how, patience in ((signal.SIGINT, GRACE_S), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)


class Running:
    """The parts that run now, each in a session and process group of its own:
    Ctrl-C comes to us, and we end them."""

    def __init__(self):
        self.lock = threading.Lock()
        self.processes = []
        self.stopped = False

    @contextlib.contextmanager
    def start(self, part):
        """`with` its process; None if no more are started."""
        with self.lock:
            process = None if self.stopped else subprocess.Popen(
                ["make", "--no-print-directory", f"-j{os.cpu_count()}", part],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, errors="replace",
                start_new_session=True)
            if process:
                self.processes.append(process)
        yield process
        with self.lock:
            if process:
                self.processes.remove(process)

    def stop(self):
        with self.lock:
            self.stopped = True
            processes = list(self.processes)
        for process in processes:
            end(process)


def run(part, shown, running):
    """Runs one part; returns its name, totals, seconds, and what is unshown."""
    began = time.monotonic()
    limit = TIMEOUT_S.get(part, 600)
    text = []
    with running.start(part) as process:
        if not process:
            return part, [0, 1, 0], 0, ""
        late = threading.Timer(limit, end, [process])
        late.start()
        for line in process.stdout:
            text.append(line)
            if shown:
                print(line, end="", flush=True)
        status = process.wait()
        late.cancel()
    counts = totals("".join(text))
    said = "" if shown else "".join(text)
    if time.monotonic() - began > limit:
        said += f"test: {part} was ended after {limit} s\n"
    if counts is None:
        said += f"test: {part} printed no totals\n"
        counts = [0, 1, 0]
    if status != 0 and not counts[1]:
        said += f"test: {part} ended with status {status}\n"
        counts[1] = 1
    return part, counts, time.monotonic() - began, said


def run_beside(parts):
    """Runs parts at the same time, each shown when it has ended."""
    running = Running()
    results = []
    with concurrent.futures.ThreadPoolExecutor(len(parts)) as pool:
        # In here, because the pool is left only when its threads have ended.
        try:
            for done in [pool.submit(run, p, len(parts) == 1, running)
                         for p in parts]:
                part, counts, seconds, said = done.result()
                print(f"--- {part}\n{said}" if len(parts) > 1 else said,
                      end="", flush=True)
                results.append((part, *counts, seconds))
        except KeyboardInterrupt:
            for how in SIGNALS:
                signal.signal(how, signal.SIG_IGN)
            running.stop()
            raise
    return results


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
    for ours in SIGNALS[1:]:
        signal.signal(ours, signal.default_int_handler)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("test: ended before its end")
