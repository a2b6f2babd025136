# SPDX-License-Identifier: BSD-2-Clause
"""What tests/boot tries of NTS for seconds: 10 000 handshakes, a million
replays, minutes of slow clients."""

import pytest

import lab
import nts_scenario as scenario
# pylint: disable-next=unused-import
from nts_fixtures import authority, link, served, server
from nts_lab import nts
from test_nts_load import CHATTY, GARBAGE


@pytest.mark.parametrize("addresses", [1, scenario.SLOW])
def test_a_minute_of_slow_clients(serve, link, addresses):
    scenario.slow_clients(serve(CHATTY), link, 60, addresses)


def test_a_minute_of_half_open_connections(serve, link):
    scenario.half_open(serve(CHATTY), link, 60)


def test_a_minute_of_garbage(serve, link):
    scenario.garbage(serve(CHATTY), link, 60, GARBAGE)


def test_10000_handshakes_use_nothing_up(serve):
    vm = serve(CHATTY)
    print("%.1f a second" % scenario.sequential(2000))
    scenario.nothing_left(vm)
    first = scenario.stats(vm)
    print("%.1f a second" % scenario.sequential(10000))
    scenario.nothing_left(vm)
    second = scenario.stats(vm)
    assert scenario.marks(first) == scenario.marks(second)
    assert second["tls"]["common_bytes"] == first["tls"]["common_bytes"]


@pytest.mark.parametrize("aead", [15, 30])
def test_a_million_replays_cost_nothing(serve, aead):
    vm = serve(CHATTY)
    keys = nts.establish(lab.GUEST, (aead,), True)
    scenario.replayed(keys, 10000)
    first = scenario.stats(vm)
    answered = scenario.replayed(keys, 500000)
    assert answered > 499000
    assert scenario.marks(scenario.stats(vm)) == scenario.marks(first)
    assert len(nts.exchange(keys, lab.GUEST)) == 1
