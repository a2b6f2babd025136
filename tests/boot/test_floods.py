# SPDX-License-Identifier: BSD-2-Clause
"""Floods of what the background answers, if anybody does: requests for time
are answered beside them, and the sources are asked."""

import contextlib
import os
import sys
import time

import pytest

import flooder
import lab
import scenario

SECONDS = float(os.environ.get("GNOMON_FLOOD_S", "3"))


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """One appliance that meets them all."""
    if not os.path.exists("/dev/net/tun") or not lab.peer("chronyd"):
        pytest.skip("no /dev/net/tun or no chronyd on this machine")
    folder = tmp_path_factory.mktemp("floods")
    with contextlib.ExitStack() as opened:
        def closed(thing):
            return opened.enter_context(contextlib.closing(thing))
        link = closed(lab.Tap())
        closed(lab.honest(folder))
        vm = closed(lab.Gnomon(
            folder, "address 10.0.2.15/24; address fd00:2::15/64; gateway "
            "10.0.2.2; server 10.0.2.2 iburst minpoll 0 maxpoll 0; ratelimit "
            "interval -6 burst 255; allow; logstats 1", net=link.netdev()))
        lab.ask_until(scenario.synchronised, 20)
        lab.ask_until(scenario.synchronised, 20, address=lab.GUEST6)
        yield vm


@pytest.mark.alone
@pytest.mark.parametrize("kind", flooder.KINDS)
def test_service_goes_on_beside_a_flood(served, tmp_path, things, kind):
    load = lab.Process(
        [sys.executable, os.path.join(os.path.dirname(flooder.__file__),
                                      "flooder.py"), kind, "tap0",
         str(SECONDS)], str(tmp_path / "flood.log"))
    things.append(load)
    began = time.time()
    asked = answered = 0
    references = set()
    while load.running():
        reply = lab.ask(timeout=0.1)
        asked += 1
        if reply:
            answered += 1
            scenario.right(reply)
            if reply.reference > began:
                references.add(reply.reference)
            time.sleep(0.05)
    ended = time.time()
    print(kind, load.output(), "%d of %d answered," % (answered, asked),
          "%d updates" % len(references))
    # The queue before the card is full of other things; what gets in there
    # is answered.
    assert answered >= 2
    scenario.right(lab.ask_until(
        lambda r: r.synchronised and r.reference > ended, 20))
    assert scenario.balanced(scenario.stats(served))
    scenario.not_rebooted(served)
    assert "unreachable" not in served.output()
