# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures: a link, and appliances on it that are gone afterwards."""

import os

import pytest

import lab


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "alone: measures time or load, nothing may run beside it")
    # A namespace of our own has no other interface than lo.
    others = [n for n in os.listdir("/sys/class/net")
              if n != "lo" and not n.startswith("tap")]
    with open("/proc/net/dev", encoding="ascii") as f:
        mine = [line.split(":")[0].strip() for line in f if ":" in line]
    if any(n in mine for n in others):
        pytest.exit("these tests need a network namespace of their own: run "
                    "`make boot-test` or `make soak`", 2)
    lab.run("ip", "link", "set", "lo", "up")


@pytest.fixture
def link():
    """The host's end, 10.0.2.2/24 and fd00:2::2/64."""
    if not os.path.exists("/dev/net/tun"):
        pytest.skip("no /dev/net/tun on this machine")
    tap = lab.Tap()
    yield tap
    tap.close()


@pytest.fixture
def lan():
    """The same as a bridge, with room for more machines: lan.host(7)."""
    if not os.path.exists("/dev/net/tun"):
        pytest.skip("no /dev/net/tun on this machine")
    try:
        made = lab.Lan()
    except NotImplementedError as e:
        pytest.skip("no bridges on this machine: %s" % e)
    yield made
    made.close()


@pytest.fixture
def things():
    """Whatever is put in here is closed when the test is over."""
    opened = []
    yield opened
    for thing in reversed(opened):
        thing.close()


@pytest.fixture
def boot(tmp_path, things):
    """boot(append, ...) starts an appliance; see lab.Gnomon."""
    count = 0

    def start(append="", **more):
        nonlocal count
        count += 1
        vm = lab.Gnomon(tmp_path, append, name="vm%d" % count, **more)
        things.append(vm)
        return vm
    return start


@pytest.fixture
def upstream(tmp_path, link, things):
    """An honest chronyd at the host's end, stratum 1."""
    del link
    if not lab.peer("chronyd"):
        pytest.skip("no chronyd on this machine")
    server = lab.honest(tmp_path)
    things.append(server)
    return server
