# SPDX-License-Identifier: BSD-2-Clause
"""Run libFuzzer programs, each for a while, from its corpus in tests/fuzz.

A fuzzer fails if it finds something, and if it did not get to run.  What it
found, and what it learned, is kept under --out.
"""

import argparse
import os
import re
import subprocess
import sys


def options(name, given):
    yield f"-max_total_time={given.seconds}"
    # One input that takes 10 s is a hang.
    yield "-timeout=10"
    yield "-rss_limit_mb=1024"
    yield "-print_final_stats=1"
    yield f"-artifact_prefix={given.out}/findings/{name}-"
    dictionary = os.path.join("tests/fuzz", name + ".dict")
    if os.path.exists(dictionary):
        yield f"-dict={dictionary}"
    learned = os.path.join(given.out, "corpus", name)
    os.makedirs(learned, exist_ok=True)
    yield learned
    seeds = os.path.join("tests/fuzz/corpus", name)
    if os.path.isdir(seeds):
        yield seeds


def fuzz(program, given):
    """Returns (ok, one line, all that was printed)."""
    name = os.path.basename(program).removeprefix("fuzz_")
    try:
        done = subprocess.run([program, *options(name, given)], check=False,
                              stdin=subprocess.DEVNULL, errors="replace",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=given.seconds + 120)
        status, text = done.returncode, done.stdout
    except subprocess.TimeoutExpired as late:
        status, text = "none", (late.stdout or b"").decode(errors="replace")
    runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", text)
    seed = re.search(r"INFO: Seed: (\d+)", text)
    covered = re.findall(r" cov: (\d+)", text)
    ok = status == 0 and runs is not None and int(runs[1]) > 0
    return ok, "%-24s %s: %s runs, %s edges, seed %s" % (
        name, "no finding" if ok else f"FAILED, exit status {status}",
        runs[1] if runs else "no", covered[-1] if covered else "no",
        seed[1] if seed else "unknown"), text


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--out", required=True)
    parser.add_argument("programs", nargs="*")
    given = parser.parse_args()

    os.makedirs(os.path.join(given.out, "findings"), exist_ok=True)
    passed = 0
    for program in given.programs:
        ok, line, text = fuzz(program, given)
        passed += ok
        if not ok:
            print(text[-6000:])
        print(line, flush=True)
    failed = len(given.programs) - passed
    print(f"fuzz: {passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
