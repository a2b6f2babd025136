# SPDX-License-Identifier: BSD-2-Clause
"""`make run` as somebody meets it who has just cloned this."""

import os
import re
import shlex
import signal
import sys

import pytest

import lab


@pytest.fixture
def run(tmp_path, things):
    """run(flag, ...) starts tools/run; the process and its port."""
    def start(*flags):
        process = lab.Process(
            [sys.executable, os.path.join(lab.ROOT, "tools", "run"),
             "--image", lab.IMAGE, *flags], str(tmp_path / "run.log"),
            env={**os.environ, "PYTHONUNBUFFERED": "1"})
        things.append(process)
        return process, int(process.wait_for(
            r"127\.0\.0\.1, UDP port (\d+)").group(1))
    return start


def machines():
    """How many QEMUs there are in this namespace."""
    count = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as f:
                count += b"qemu-system" in f.read().split(b"\0")[0]
        except OSError:
            pass
    return count


def test_run_alone_serves_the_date_of_the_machine(run):
    process, port = run()
    reply = lab.ask_until(lambda r: True, 20, address="127.0.0.1", port=port)
    assert reply.leap == 3
    process.wait_for("serving our own time, local stratum 10", 30)
    reply = lab.ask_until(lambda r: r.synchronised, 5, address="127.0.0.1",
                          port=port)
    assert reply.stratum == 10
    assert abs(reply.offset) < reply.bound
    for words in (r"us\] gnomon", r"built with newlib",
                  r"us\] counter: measured by hpet", r"us\] address 10\.0\.2",
                  r"us\] date: "):
        assert re.search(words, process.output()), words

    process.process.send_signal(signal.SIGINT)
    assert process.process.wait(10) == 0
    assert process.output().endswith("run: ended\n")
    assert machines() == 0


def test_run_with_a_server_follows_it_and_its_advice_works(run, tmp_path,
                                                           things):
    things.append(lab.honest(tmp_path, "127.0.0.1"))
    process, port = run("--server", "127.0.0.1")
    process.wait_for(r"us\] clock set from", 20)
    reply = lab.ask_until(lambda r: r.synchronised, 5, address="127.0.0.1",
                          port=port)
    assert reply.stratum == 2
    advice = re.search(r"Ask with\n +(.*)", process.output()).group(1)
    said = lab.run(*shlex.split(advice), cwd=lab.ROOT, timeout=30)
    assert re.search("System clock wrong by", said.stdout), said.stdout
    process.process.send_signal(signal.SIGTERM)
    assert process.process.wait(10) == 0
    assert machines() == 0


def test_an_impatient_user_leaves_no_machine_behind(run):
    process, _ = run()
    process.wait_for(r"us\] boot: done", 30)

    def ended():
        process.process.send_signal(signal.SIGINT)
        return process.process.poll() is not None
    lab.until("its end", 10, ended, step=0.002)
    assert process.process.returncode == 0
    assert machines() == 0
