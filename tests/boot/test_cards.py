# SPDX-License-Identifier: BSD-2-Clause
"""Network cards: where they can be, what they can be, and what is refused."""

import pytest

import lab

LOCAL = "address 10.0.2.15/24; local; allow"
MICROVM = "microvm,pcie=on"
CARD = "virtio-net-pci,netdev=n0,mac=" + lab.GUEST_MAC


def with_card(link, *devices):
    words = ["-netdev", link.netdev()]
    for device in devices:
        words += ["-device", device]
    return words


PORT = "pcie-root-port,id=r0,slot=0"
SWITCH = ("x3130-upstream,id=up,bus=r0",
          "xio3130-downstream,id=down,bus=up,chassis=9,slot=9")


@pytest.mark.parametrize("machine, devices", [
    # As libvirt puts it, in a port that the firmware has set up.
    ("q35", [PORT, CARD + ",bus=r0"]),
    ("pc", ["pci-bridge,id=b0,chassis_nr=1", CARD + ",bus=b0,addr=3"]),
    # Where nothing is set up: bridges are numbered and opened here.
    (MICROVM, [PORT, CARD + ",bus=r0"]),
    (MICROVM, [PORT, *SWITCH, CARD + ",bus=down"]),
    # Without event indices, as some other hypervisors' cards.
    ("q35", [CARD + ",event_idx=off"]),
    # Modern only, and saying that it goes by the platform's addresses.
    ("q35", [CARD + ",disable-legacy=on,iommu_platform=on"]),
    ("q35", [CARD + ",rx_queue_size=1024,mq=on,vectors=10"]),
])
def test_card_serves_wherever_it_is(boot, link, machine, devices):
    vm = boot(LOCAL, machine=machine, extra=with_card(link, *devices))
    assert lab.ask_until(lambda reply: reply.synchronised, 20)
    assert vm.running()


def test_mtu_is_the_hosts(boot, link):
    vm = boot(LOCAL, extra=with_card(link, CARD + ",host_mtu=1400"))
    vm.wait_for(r"network: virtio-net .*, MTU 1400, link up")


@pytest.mark.parametrize("card, words", [
    ("virtio-net-pci,disable-modern=on", "legacy virtio only"),
    ("virtio-net-pci,vectors=0", "no MSI-X"),
    ("e1000", r"card 8086:100e at 00:01\.0 has no driver"),
])
def test_card_that_cannot_be_driven_is_named(boot, link, card, words):
    vm = boot(LOCAL, extra=with_card(link, card + ",netdev=n0"))
    vm.wait_for("network: .*" + words)
    assert vm.running()


def test_link_that_goes_comes_back(boot, link):
    vm = boot(LOCAL, net=link.netdev())
    lab.ask_until(lambda reply: True, 20)
    vm.qmp("set_link", name="n0", up=False)
    vm.wait_for("link down")
    assert lab.ask(timeout=0.3) is None
    vm.qmp("set_link", name="n0", up=True)
    lab.ask_until(lambda reply: True, 20)


def test_link_that_comes_late_or_flaps_is_used_when_it_is_there(boot, link,
                                                                upstream):
    del upstream
    vm = boot("address 10.0.2.15/24; server 10.0.2.2 iburst; allow",
              net=link.netdev(), extra=["-S"])
    vm.qmp("set_link", name="n0", up=False)
    vm.qmp("cont")
    vm.wait_for("boot: done", 20)
    vm.qmp("set_link", name="n0", up=True)
    lab.ask_until(lambda reply: reply.synchronised, 20)
    for i in range(60):
        vm.qmp("set_link", name="n0", up=bool(i % 2))
    assert lab.ask_until(lambda reply: reply.synchronised, 20)
    assert vm.running()
