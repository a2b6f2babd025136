# SPDX-License-Identifier: BSD-2-Clause
"""Run cmocka programs; print what failed or was skipped, and the totals."""

import os
import re
import subprocess
import sys

TIMEOUT_S = 120


def run(program):
    """Returns (passed, failed, skipped, output) of one program."""
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP")
    try:
        done = subprocess.run([program], env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=TIMEOUT_S, check=False)
        output, status = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        output, status = late.stdout or b"", f"none after {TIMEOUT_S} s"
    text = output.decode(errors="replace")

    # cmocka 1.1 says "not ok" of what was skipped, too.
    skipped = len(re.findall(r"^(?:not )?ok\b.*# SKIP", text, re.M))
    passed = len(re.findall(r"^ok\b(?!.*# SKIP)", text, re.M))
    failed = len(re.findall(r"^not ok\b(?!.*# SKIP)", text, re.M))
    planned = sum(map(int, re.findall(r"^1\.\.(\d+)", text, re.M)))

    # A crash loses results, and a program without tests tests nothing.
    lost = planned - passed - failed - skipped
    if planned == 0 or lost != 0 or (status != 0 and failed == 0):
        failed += max(lost, 1)
        text += f"# exit status {status}, {planned} tests planned\n"
    return passed, failed, skipped, text


def main(programs):
    total = [0, 0, 0]
    for program in programs:
        *counts, text = run(program)
        total = [a + b for a, b in zip(total, counts)]
        if counts[1] or counts[2]:
            print(f"--- {program}\n{text}")
        print("%-24s %3d passed, %d failed, %d skipped"
              % (os.path.basename(program), *counts))
    print("unit: %d passed, %d failed, %d skipped" % tuple(total))
    return 0 if total[0] and not total[1] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
