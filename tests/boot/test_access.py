# SPDX-License-Identifier: BSD-2-Clause
"""Who is answered, on which port, and how often."""

import time

import lab

STATIC = ("address 10.0.2.15/24; address fd00:2::15/64; gateway 10.0.2.2; "
          "server 10.0.2.2 iburst; ")


def synchronised(reply):
    return reply.synchronised and reply.stratum == 2


def test_networks_are_allowed_and_denied_by_their_longest_match(
        boot, link, upstream):
    del upstream
    for address in ("10.0.2.9/24", "10.0.2.65/24", "fd00:2::9/64",
                    "fd00:2::a:1/64"):
        link.add(address)
    boot(STATIC + "allow 10.0.2.0/24; deny 10.0.2.64/26; allow fd00:2::/64; "
         "deny fd00:2::a:0/112", net=link.netdev())
    lab.ask_until(synchronised, 20, source="10.0.2.9")
    lab.ask_until(synchronised, 20, address=lab.GUEST6, source="fd00:2::9")
    assert lab.ask(source="10.0.2.65", timeout=0.4) is None
    assert lab.ask(lab.GUEST6, source="fd00:2::a:1", timeout=0.4) is None
    assert lab.ask(source="10.0.2.9")


def test_without_a_word_about_access_private_networks_are_served(
        boot, link, upstream):
    del upstream
    link.add("203.0.113.9/32")
    boot(STATIC, net=link.netdev())
    lab.ask_until(synchronised, 20)
    assert lab.ask(source="203.0.113.9", timeout=0.4) is None
    assert lab.ask()


def test_refused_configuration_answers_private_networks_alone(
        boot, link, upstream):
    del upstream
    link.add("203.0.113.9/32")
    boot(STATIC + "allow; alow", net=link.netdev())
    assert lab.ask_until(lambda r: True, 20).leap == 3
    assert lab.ask(source="203.0.113.9", timeout=0.4) is None
    reply = lab.ask()
    assert reply.leap == 3 and reply.stratum == 0


def test_public_networks_are_served_where_allowed(boot, link, upstream):
    del upstream
    link.add("203.0.113.9/32")
    boot(STATIC + "allow 203.0.113.0/24", net=link.netdev())
    lab.ask_until(synchronised, 20, source="203.0.113.9")
    assert lab.ask(timeout=0.4) is None


def test_another_port_serves_instead_of_123(boot, link, upstream):
    del upstream
    boot(STATIC + "allow; port 1123", net=link.netdev())
    lab.ask_until(synchronised, 20, port=1123)
    assert lab.ask(timeout=0.4) is None
    lab.ask_until(synchronised, 20, port=1123, address=lab.GUEST6)


def test_port_0_follows_and_serves_nobody(boot, link, upstream):
    del upstream
    vm = boot(STATIC + "allow; port 0", net=link.netdev())
    vm.wait_for("clock set from 10.0.2.2")
    assert lab.ask(timeout=0.4) is None
    assert lab.ask(port=0, timeout=0.1) is None


def test_before_the_first_set_answers_say_so(boot, link, things):
    boot(STATIC + "allow", net=link.netdev())
    for _ in range(3):
        reply = lab.ask_until(lambda r: True, 20)
        assert reply.leap == 3 and reply.stratum == 0
        assert reply.mode == 4 and not reply.synchronised
        time.sleep(0.3)
    things.append(lab.Upstream("10.0.2.2"))
    lab.ask_until(synchronised, 20)


def asked_at_once(source, count):
    """The replies to so many requests; the last one comes within 2 s."""
    replies = []
    with lab.bound(source, 0) as s:
        s.settimeout(2)
        for _ in range(count):
            s.sendto(lab.request(), (lab.GUEST, 123))
        while True:
            try:
                replies.append(lab.Reply(s.recv(2048), 0, 0))
            except TimeoutError:
                return replies


def test_limited_client_is_told_and_others_are_served(boot, link, upstream):
    del upstream
    link.add("10.0.2.9/24")
    boot(STATIC + "allow; ratelimit interval 4 burst 4 leak 4 kod 1",
         net=link.netdev())
    lab.ask_until(synchronised, 20)
    replies = asked_at_once("10.0.2.9", 60)
    kissed = [r for r in replies if r.reference_id == b"RATE"]
    served = [r for r in replies if r.synchronised]
    assert 4 <= len(served) < 20
    assert kissed and all(r.stratum == 0 and r.leap == 3 for r in kissed)
    assert len(replies) < 50
    link.add("10.0.2.10/24")
    assert lab.ask(source="10.0.2.10").synchronised
