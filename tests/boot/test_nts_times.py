# SPDX-License-Identifier: BSD-2-Clause
"""NTS is there at once, and costs those nothing who do not use it."""

import os
import statistics
import sys

import pytest

import lab
import nts_lab
# pylint: disable-next=unused-import
from nts_fixtures import authority, link, served, server
sys.path.insert(0, os.path.join(lab.ROOT, "tests", "bench"))
import nts_times  # pylint: disable=wrong-import-position

pytestmark = pytest.mark.alone


def often_enough(measure):
    """One of four tries is good enough; where the machine that tests is busy
    with other things, half as good counts."""
    for _ in range(4):
        if measure(1 if lab.busy() < 0.2 else 2):
            return
    raise AssertionError("never fast enough")


def test_first_authentic_reply_comes_within_600_ms(boot, link, upstream, ca,
                                                   tmp_path):
    """From the start of QEMU, with a P-256 certificate; the median of 5."""
    del upstream
    cpio = nts_lab.archive(tmp_path / "boot.cpio", [ca.issue()],
                           "server 10.0.2.2 iburst\n")
    lab.run("ip", "neigh", "replace", lab.GUEST, "lladdr", lab.GUEST_MAC,
            "nud", "permanent", "dev", link.name)
    tls = nts_times.warm_up()

    def measure(scale):
        runs = []
        for _ in range(5):
            vm = boot("", net=link.netdev(), initrd=cpio)
            runs.append(nts_times.first_reply(vm.started, tls))
            vm.close()
        print("times", scale, runs)
        return statistics.median(r["nts_ms"] for r in runs) <= 600 * scale
    often_enough(measure)


def test_thirty_handshakes_are_done_in_a_second(served):
    """One after the other."""
    del served
    nts_times.warm_up()

    def measure(scale):
        figures = nts_times.handshakes(3)
        print("times", scale, figures)
        return figures["failed"] == 0 and figures["per_s"] >= 30 / scale
    often_enough(measure)


def test_handshakes_do_not_delay_plain_replies(serve, ca, tmp_path, things):
    """8 clients without a pause: p99 at most twice that of a run in which they
    are busy elsewhere, and no request is lost."""
    vm = serve("logstats 1")
    if not os.access(os.path.join(lab.BUILD, "host", "loadgen"), os.X_OK):
        pytest.skip("no load generator on this machine")
    things.append(nts_times.busy_elsewhere(
        str(tmp_path), *ca.issue(("127.0.0.1",))))

    def measure(scale):
        control = nts_times.response_times(4, nts_times.CONTROL)
        busy = nts_times.response_times(4, (lab.GUEST, nts_times.nts.PORT))
        print("times", scale, control, busy, sep="\n")
        assert busy["ke_per_s"] > 5
        # A processor of QEMU's that always has work waits for those of other
        # programs, where there are not enough for all.
        return (busy["p99_us"] <= 2 * scale ** 2 * control["p99_us"] and
                all(f["sent"] == f["answered"] for f in (control, busy)))
    often_enough(measure)
    print("longest step of TLS: %d us" % nts_times.longest_step(vm))
