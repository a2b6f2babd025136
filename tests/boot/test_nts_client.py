# SPDX-License-Identifier: BSD-2-Clause
"""The appliance follows servers by NTS, and no others."""

import os
import re
import ssl
import time

import pytest

import disruption
import lab
import nts_lab
import nts_servers
import state_lab
from nts_servers import record

STATIC = ("address 10.0.2.15/24; address fd00:2::15/64; allow; "
          "ntstrustedcerts /etc/ca.crt; ")
FOLLOW = "iburst minpoll 2 maxpoll 2"
AGREED = r"nts \S+ \(\S+\): keys for (\S+) and 8 cookies"
WEB_CLIENT = nts_lab.ExtendedKeyUsageOID.CLIENT_AUTH


@pytest.fixture
def authority(tmp_path):
    return nts_servers.Authority(tmp_path)


@pytest.fixture
def trusting(boot, tmp_path, authority):
    """trusting(words): an appliance that trusts that authority."""
    initrd = lab.archive(tmp_path / "boot.cpio", {
        "etc/ca.crt": authority.pem})

    def start(words, address="10.0.2.15/24", **more):
        return boot(STATIC.replace("10.0.2.15/24", address) + words,
                    initrd=initrd, **more)
    return start


def need(name):
    if not lab.peer(name):
        pytest.skip("no %s on this machine" % name)


def synchronised(reply):
    return reply.synchronised and reply.stratum < 10


def never_synchronised(seconds=3.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        reply = lab.ask(timeout=0.3)
        assert not reply or not synchronised(reply)
        time.sleep(0.1)


def good(reply):
    assert synchronised(reply)
    assert abs(reply.offset) < reply.bound + reply.delay / 2 + 0.05


# Servers of every make.

@pytest.mark.parametrize("program, address, aead", [
    ("chronyd", "10.0.2.2", "AES-128-GCM-SIV"),
    ("chronyd", "fd00:2::2", "AES-128-GCM-SIV"),
    ("chronyd-4.3", "10.0.2.2", "AES-SIV-CMAC-256"),
])
def test_chronyd_is_followed(link, tmp_path, things, authority, trusting,
                             program, address, aead):
    need(program)
    things.append(nts_servers.serve_chronyd(
        tmp_path, *authority.server(address), address=address,
        program=program))
    vm = trusting("server %s nts %s" % (address, FOLLOW), net=link.netdev())
    good(lab.ask_until(synchronised, 20))
    assert vm.wait_for(AGREED).group(1) == aead


def test_a_processor_without_aes_will_do(link, tmp_path, things, authority,
                                         trusting):
    need("chronyd")
    things.append(nts_servers.serve_chronyd(tmp_path,
                                            *authority.server("10.0.2.2")))
    trusting("server 10.0.2.2 nts " + FOLLOW, net=link.netdev(), cpu="qemu64")
    good(lab.ask_until(synchronised, 20))


@pytest.mark.parametrize("program", ["ntpsec", "ntpd-rs"])
def test_others_are_followed(lan, tmp_path, things, authority, trusting,
                             program):
    """They follow chronyd themselves, so that the appliance is at stratum
    3."""
    need("chronyd")
    things.append(lab.honest(tmp_path))
    need({"ntpsec": "ntpsec-ntpd", "ntpd-rs": "ntp-daemon"}[program])
    server = lan.host(7)
    clock = lab.PrivateClock(tmp_path)
    words = nts_servers.SERVE[program](tmp_path, *authority.server("10.0.2.7"),
                                       "10.0.2.2")
    daemon = server.process(clock.words + words, tmp_path / "log")
    things.append(daemon)
    lab.until("synchronised upstream", 60, lambda: (
        lambda reply: reply and reply.synchronised)(
            lab.ask("10.0.2.7", timeout=1)), 2)
    vm = trusting("server 10.0.2.7 nts " + FOLLOW, net=lan.netdev())
    reply = lab.ask_until(synchronised, 30)
    good(reply)
    assert reply.stratum == 3
    assert vm.wait_for(AGREED).group(1) == "AES-SIV-CMAC-256"


@pytest.mark.parametrize("kind", ["p384", "rsa"])
def test_other_kinds_of_keys_will_do(link, tmp_path, things, authority,
                                     trusting, kind):
    need("chronyd")
    things.append(nts_servers.serve_chronyd(
        tmp_path, *authority.server("10.0.2.2", kind=kind)))
    trusting("server 10.0.2.2 nts " + FOLLOW, net=link.netdev())
    good(lab.ask_until(synchronised, 20))


def test_appliance_follows_an_appliance(lan, tmp_path, things, authority, boot,
                                        trusting):
    need("chronyd")
    things.append(lab.honest(tmp_path))
    first = boot("server 10.0.2.2 " + FOLLOW, net=lan.netdev(),
                 initrd=nts_lab.archive(tmp_path / "first.cpio", [
                     authority.issue(["10.0.2.15"])]))
    lab.ask_until(synchronised, 20)
    first.wait_for(r"nts: key establishment on port 4460")
    second = lab.Tap("tap1", ())
    things.append(second)
    lab.run("ip", "link", "set", "tap1", "address", "02:00:00:00:00:03")
    lab.run("ip", "link", "set", "tap1", "master", "br0")
    vm = trusting("server 10.0.2.15 nts " + FOLLOW, address="10.0.2.16/24",
                  net=second.netdev(), mac="52:54:00:00:00:10")
    reply = lab.ask_until(synchronised, 20, address="10.0.2.16")
    good(reply)
    assert reply.stratum == 3
    assert vm.wait_for(AGREED).group(1) == "AES-128-GCM-SIV"


def test_sets_of_certificates_vouch_for_their_own_sources(
        link, tmp_path, things, authority, boot):
    need("chronyd")
    folder = tmp_path / "other"
    folder.mkdir()
    other = nts_servers.Authority(folder)
    things.append(nts_servers.serve_chronyd(tmp_path,
                                            *other.server("10.0.2.2")))
    initrd = lab.archive(tmp_path / "boot.cpio", {
        "etc/ca.crt": authority.pem, "etc/other.crt": other.pem})
    words = STATIC + "ntstrustedcerts 3 /etc/other.crt; server 10.0.2.2 nts "
    vm = boot(words + FOLLOW, net=link.netdev(), initrd=initrd)
    vm.wait_for(r"not signed by an authority that is trusted; next try")
    never_synchronised()
    vm.close()
    boot(words + "certset 3 " + FOLLOW, net=link.netdev(), initrd=initrd)
    good(lab.ask_until(synchronised, 20))


def test_bundle_of_all_public_authorities_fits(link, tmp_path, things,
                                               authority, boot):
    need("chronyd")
    path = "/etc/ssl/certs/ca-certificates.crt"
    if not os.path.exists(path):
        pytest.skip("no bundle of certificates on this machine")
    with open(path, "rb") as f:
        bundle = f.read()
    things.append(nts_servers.serve_chronyd(tmp_path,
                                            *authority.server("10.0.2.2")))
    vm = boot(STATIC + "server 10.0.2.2 nts " + FOLLOW, net=link.netdev(),
              initrd=lab.archive(tmp_path / "boot.cpio", {
                  "etc/ca.crt": bundle + authority.pem}))
    good(lab.ask_until(synchronised, 20))
    vm.wait_for(AGREED)
    assert "not read" not in vm.output()


# Servers that are not what they should be.

REFUSED = {
    "name": (["10.0.2.9", "time.test"], {}, r"of another name"),
    "usage": (["10.0.2.2"], {"usage": WEB_CLIENT}, r"not for a server"),
    "expired": (["10.0.2.2"], {"since": -9, "until": -1}, r"has expired"),
    "critical": (["10.0.2.2"], {"critical": nts_lab.UNKNOWN_EXTENSION},
                 r"not understood"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_server_with_a_wrong_certificate_is_not_followed(
        link, tmp_path, things, authority, trusting, fault):
    need("chronyd")
    names, more, why = REFUSED[fault]
    things.append(nts_servers.serve_chronyd(
        tmp_path, *authority.server(*names, **more)))
    vm = trusting("server 10.0.2.2 nts " + FOLLOW, net=link.netdev())
    vm.wait_for(r"nts 10\.0\.2\.2 .*%s.*; next try in 10 s" % why)
    never_synchronised()


def test_server_of_another_authority_is_not_followed(link, tmp_path, things,
                                                     trusting):
    need("chronyd")
    folder = tmp_path / "other"
    folder.mkdir()
    other = nts_servers.Authority(folder)
    things.append(nts_servers.serve_chronyd(tmp_path,
                                            *other.server("10.0.2.2")))
    vm = trusting("server 10.0.2.2 nts " + FOLLOW, net=link.netdev())
    vm.wait_for(r"not signed by an authority that is trusted; next try in 10 s")
    never_synchronised()


NTPV4 = record(1, b"\0\0")
SIV = record(4, b"\0\x0f")
COOKIE = record(5, bytes(100))
END = record(0)
TLS12 = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)

HOSTILE = {
    "TLS 1.2": ({"versions": TLS12}, r"do not speak TLS 1\.3"),
    "no ALPN": ({"alpn": None}, r"ALPN"),
    "error": ({"answer": record(2, b"\0\x01") + END}, r"with an error.*"),
    "silence": ({"answer": None}, r"no answer"),
    "cut": ({"answer": NTPV4 + SIV + COOKIE}, r"before its End of Message"),
    "no cookie": ({"answer": NTPV4 + SIV + END}, r"no cookie"),
    "no AEAD": ({"answer": NTPV4 + COOKIE + END}, r"AEAD"),
    "another AEAD": ({"answer": NTPV4 + record(4, b"\0\x11") + COOKIE + END},
                     r"not offered"),
    "critical": ({"answer": NTPV4 + SIV + COOKIE + record(99) + END},
                 r"critical record"),
    "flood": ({"answer": record(98, bytes(60000), False) * 20}, r"longer"),
    "redirected to itself": (
        {"answer": NTPV4 + SIV + COOKIE + record(6, b"10.0.2.15") + END},
        r"10\.0\.2\.15 is our own address"),
    "redirected to nowhere": (
        {"answer": NTPV4 + SIV + COOKIE + record(6, b"127.0.0.1") + END},
        r"127\.0\.0\.1 is loopback"),
}


@pytest.mark.parametrize("fault", HOSTILE)
def test_key_establishment_that_fails_is_told_and_tried_again(
        link, things, authority, trusting, fault):
    more, why = HOSTILE[fault]
    server = nts_servers.KeServer(*authority.server("10.0.2.2"), **more)
    ntp = lab.Upstream("10.0.2.2")
    things.extend([server, ntp])
    vm = trusting("server 10.0.2.2 nts " + FOLLOW, net=link.netdev())
    vm.wait_for(r"nts 10\.0\.2\.2 .*%s.*; next try in 10 s" % why)
    tried = server.tried
    never_synchronised(2)
    assert server.tried == tried == 1, "again before its time"
    assert ntp.asked == 0, "asked without authentication"
    vm.wait_for(r"nts 10\.0\.2\.2 .*%s.*; next try in 15 s" % why, 25)
    assert server.tried == 2


def test_server_that_is_not_there_is_told_and_tried_again(
        link, tmp_path, things, authority, trusting):
    need("chronyd")
    vm = trusting("server 10.0.2.2 nts " + FOLLOW, net=link.netdev())
    vm.wait_for(r"nts 10\.0\.2\.2 .*; next try in 10 s")
    things.append(nts_servers.serve_chronyd(tmp_path,
                                            *authority.server("10.0.2.2")))
    good(lab.ask_until(synchronised, 20))


# What comes by the way.

def stripped(reply):
    return [reply[:48]]


def forged(reply):
    """An hour ahead, with all the rest as it was."""
    seconds = int.from_bytes(reply[40:44], "big") + 3600
    data = seconds.to_bytes(4, "big")
    return [reply[:32] + data + reply[36:40] + data + reply[44:]]


def corrupted(reply):
    return [reply[:-1] + bytes([reply[-1] ^ 1])]


def denied(reply):
    return [bytes([0xe4, 0]) + reply[2:12] + b"DENY" + reply[16:48]]


def nak(reply):
    return [bytes([0xe4, 0]) + reply[2:12] + b"NTSN" + reply[16:84]]


def cut(reply):
    return [reply[:84]]


@pytest.mark.parametrize("change", [stripped, forged, corrupted, denied, cut])
def test_reply_without_its_authentication_is_not_believed(
        link, tmp_path, things, authority, trusting, change):
    need("chronyd")
    link.add("10.0.2.4/24")
    path = nts_servers.Path(change)
    things.extend([path, nts_servers.serve_chronyd(
        tmp_path, *authority.server("10.0.2.2"), "ntsntpserver 10.0.2.4")])
    vm = trusting("server 10.0.2.2 nts " + FOLLOW, net=link.netdev())
    vm.wait_for(AGREED)
    vm.wait_for(r"nts 10\.0\.2\.2: an answer from 10\.0\.2\.4 is refused: .*"
                r"; next try in [1-4] s")
    never_synchronised()
    assert len(path.replies) >= 2, "asked on"
    path.change = lambda reply: change(reply) + [reply]
    good(lab.ask_until(synchronised, 30))


def test_forged_nak_next_to_the_answer_changes_nothing(
        link, tmp_path, things, authority, trusting):
    need("chronyd")
    link.add("10.0.2.4/24")
    path = nts_servers.Path(lambda reply: nak(reply) + [reply])
    things.extend([path, nts_servers.serve_chronyd(
        tmp_path, *authority.server("10.0.2.2"), "ntsntpserver 10.0.2.4")])
    vm = trusting("server 10.0.2.2 nts " + FOLLOW, net=link.netdev())
    good(lab.ask_until(synchronised, 20))
    lab.until("asked six times", 30, lambda: len(path.replies) >= 6)
    assert len(re.findall(AGREED, vm.output())) == 1


def test_naks_alone_bring_new_keys_ever_less_often(
        link, tmp_path, things, authority, trusting):
    need("chronyd")
    link.add("10.0.2.4/24")
    path = nts_servers.Path(nak)
    things.extend([path, nts_servers.serve_chronyd(
        tmp_path, *authority.server("10.0.2.2"), "ntsntpserver 10.0.2.4")])
    vm = trusting("server 10.0.2.2 nts " + FOLLOW, net=link.netdev())
    vm.wait_for(r"could not open our cookie.*; next try in \d+ s")
    never_synchronised(6)
    assert len(re.findall(AGREED, vm.output())) == 1
    lab.until("new keys", 20,
              lambda: len(re.findall(AGREED, vm.output())) == 2)


def test_server_that_lost_its_keys_is_followed_again(
        link, tmp_path, things, authority, trusting):
    need("chronyd")
    own = authority.server("10.0.2.2")
    first = nts_servers.serve_chronyd(tmp_path, *own)
    things.append(first)
    vm = trusting("server 10.0.2.2 nts " + FOLLOW, net=link.netdev())
    lab.ask_until(synchronised, 20)
    first.close()
    things.append(nts_servers.serve_chronyd(tmp_path, *own))
    vm.wait_for(r"could not open our cookie", 30)
    lab.until("new keys", 30,
              lambda: len(re.findall(AGREED, vm.output())) == 2)
    good(lab.ask_until(synchronised, 10))


def test_lost_cookies_are_made_up_for(link, tmp_path, things, authority,
                                      trusting):
    """Of eight requests, five are not answered: the next ones ask for as many
    cookies more."""
    need("chronyd")
    link.add("10.0.2.4/24")
    path = nts_servers.Path(lambda reply: [reply])
    things.extend([path, nts_servers.serve_chronyd(
        tmp_path, *authority.server("10.0.2.2"), "ntsntpserver 10.0.2.4")])
    vm = trusting("server 10.0.2.2 nts minpoll 0 maxpoll 0",
                  net=link.netdev())
    lab.ask_until(synchronised, 20)
    path.change = lambda reply: []
    begun = len(path.requests)
    lab.until("five of them lost", 20, lambda: len(path.requests) >= begun + 5)
    path.change = lambda reply: [reply]
    lab.until("answered again", 20, lambda: len(path.requests) >= begun + 9)
    lengths = [len(r) for r in path.requests]
    assert max(lengths) > min(lengths) + 4 * 60
    assert lengths[-1] == min(lengths)
    assert len(re.findall(AGREED, vm.output())) == 1


# Names, redirects, pools.

def test_names_and_redirects_by_name(link, tmp_path, things, authority,
                                     trusting):
    need("chronyd")
    link.add("10.0.2.4/24")
    dns = lab.dnsmasq(tmp_path, "--port=53", "--address=/ke.test/10.0.2.2",
                      "--address=/ntp.test/10.0.2.4",
                      interface=link.name)
    if not dns:
        pytest.skip("no dnsmasq on this machine")
    path = nts_servers.Path(lambda reply: [reply])
    things.extend([dns, path, nts_servers.serve_chronyd(
        tmp_path, *authority.server("ke.test"), "ntsntpserver ntp.test",
        "ntsport 14460")])
    trusting("nameserver 10.0.2.2; server ke.test nts ntsport 14460 " + FOLLOW,
             net=link.netdev())
    good(lab.ask_until(synchronised, 20))
    assert path.replies


def test_common_name_is_no_name_of_a_server(link, tmp_path, things, authority,
                                            trusting):
    need("chronyd")
    dns = lab.dnsmasq(tmp_path, "--port=53", "--address=/ke.test/10.0.2.2",
                      interface=link.name)
    if not dns:
        pytest.skip("no dnsmasq on this machine")
    things.extend([dns, nts_servers.serve_chronyd(
        tmp_path, *authority.server("ke.test", named=False))])
    vm = trusting("nameserver 10.0.2.2; server ke.test nts " + FOLLOW,
                  net=link.netdev())
    vm.wait_for(r"nts ke\.test .*of another name; next try in 10 s")
    never_synchronised()


def test_another_address_of_the_name_is_tried(link, tmp_path, things, authority,
                                              trusting):
    need("chronyd")
    for number in (4, 5):
        link.add("10.0.2.%d/24" % number)
    dns = lab.dnsmasq(tmp_path, "--port=53", "--host-record=ke.test,10.0.2.4",
                      "--host-record=ke.test,10.0.2.5",
                      "--host-record=ke.test,10.0.2.2", interface=link.name)
    if not dns:
        pytest.skip("no dnsmasq on this machine")
    things.extend([dns, nts_servers.serve_chronyd(
        tmp_path, *authority.server("ke.test"))])
    vm = trusting("nameserver 10.0.2.2; server ke.test nts " + FOLLOW,
                  net=link.netdev())
    good(lab.ask_until(synchronised, 20))
    vm.wait_for("next is another address", 5)
    assert "next try" not in vm.output()


def test_pool_is_asked_at_each_of_its_addresses(link, tmp_path, things,
                                                authority, trusting):
    need("chronyd")
    link.add("10.0.2.4/24")
    dns = lab.dnsmasq(tmp_path, "--port=53", "--host-record=ke.test,10.0.2.2",
                      "--host-record=ke.test,10.0.2.4", interface=link.name)
    if not dns:
        pytest.skip("no dnsmasq on this machine")
    things.append(dns)
    own = authority.server("ke.test")
    for address in ("10.0.2.2", "10.0.2.4"):
        folder = tmp_path / address
        folder.mkdir()
        things.append(nts_servers.serve_chronyd(folder, *own,
                                                address=address))
    vm = trusting("nameserver 10.0.2.2; pool ke.test nts maxsources 2 " +
                  FOLLOW, net=link.netdev())
    good(lab.ask_until(synchronised, 20))
    for address in (r"10\.0\.2\.2", r"10\.0\.2\.4"):
        vm.wait_for(r"nts ke\.test \(%s\): keys for" % address)


# With others.

@pytest.mark.parametrize("mode, followed", [
    ("require", "server"), ("prefer", "server"), ("mix", "server"),
    ("ignore", "liars")])
def test_authselectmode_says_whom_a_majority_of_liars_can_lead(
        link, tmp_path, things, authority, trusting, mode, followed):
    need("chronyd")
    words = "authselectmode %s; server 10.0.2.2 nts %s; " % (mode, FOLLOW)
    for number in (4, 5, 6):
        link.add("10.0.2.%d/24" % number)
        things.append(lab.Upstream("10.0.2.%d" % number, offset=100.0))
        words += "server 10.0.2.%d %s; " % (number, FOLLOW)
    things.append(nts_servers.serve_chronyd(tmp_path,
                                            *authority.server("10.0.2.2")))
    vm = trusting(words, net=link.netdev())
    lab.ask_until(synchronised, 20)
    vm.wait_for(AGREED)
    end = time.monotonic() + 4
    while time.monotonic() < end:
        reply = lab.ask_until(synchronised, 5)
        assert (abs(reply.offset) < 1) == (followed == "server")
        time.sleep(0.2)


def test_required_authentication_waits_for_it(link, tmp_path, things,
                                              authority, trusting):
    """The honest ones without are not enough under mix, either."""
    need("chronyd")
    link.add("10.0.2.4/24")
    things.append(lab.Upstream("10.0.2.4"))
    vm = trusting("server 10.0.2.2 nts %s; server 10.0.2.4 %s" % (
        FOLLOW, FOLLOW), net=link.netdev())
    vm.wait_for(r"nts 10\.0\.2\.2 .*; next try in 10 s")
    never_synchronised()
    assert things[0].asked >= 1
    things.append(nts_servers.serve_chronyd(tmp_path,
                                            *authority.server("10.0.2.2")))
    good(lab.ask_until(synchronised, 20))


# Dates.

def rtc(days):
    return ["-rtc", "base=" + time.strftime(
        "%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + days * 86400))]


def test_certificate_that_expired_by_a_late_clock_is_refused(
        link, tmp_path, things, authority, trusting):
    """Unless `nocerttimecheck` says that clock is not to be believed."""
    need("chronyd")
    things.append(nts_servers.serve_chronyd(tmp_path,
                                            *authority.server("10.0.2.2")))
    words = "server 10.0.2.2 nts " + FOLLOW
    vm = trusting(words, net=link.netdev(), extra=rtc(120))
    vm.wait_for(r"has expired.*next try in 10 s")
    never_synchronised()
    vm.close()
    trusting(words + "; nocerttimecheck 1", net=link.netdev(), extra=rtc(120))
    good(lab.ask_until(synchronised, 20))


def test_certificate_that_is_not_valid_yet_by_an_early_clock_is_accepted(
        link, tmp_path, things, authority, trusting):
    need("chronyd")
    things.append(nts_servers.serve_chronyd(tmp_path,
                                            *authority.server("10.0.2.2")))
    trusting("server 10.0.2.2 nts " + FOLLOW, net=link.netdev(),
             extra=rtc(-60))
    good(lab.ask_until(synchronised, 20))


@pytest.mark.parametrize("since, until, days", [
    (-9, -1, -5),  # our clock is late, and it has expired
    (1, 9, 5),
])
def test_time_that_a_certificate_was_not_valid_at_is_not_believed(
        link, tmp_path, things, authority, trusting, since, until, days):
    need("chronyd")
    things.append(nts_servers.serve_chronyd(tmp_path, *authority.server(
        "10.0.2.2", since=since, until=until)))
    vm = trusting("server 10.0.2.2 nts " + FOLLOW, net=link.netdev(),
                  extra=rtc(days))
    vm.wait_for(AGREED)
    vm.wait_for(r"refused: time outside the validity of its certificate")
    never_synchronised()


# State.

def are_kept(disk, generation=None):
    """Has the newest save the server's cookies, and that generation's ID?"""
    saved = state_lab.items(disk)
    ours = b"10.0.2.2" in saved.get(state_lab.UPSTREAM, b"")
    return ours and (generation is None or saved.get(
        state_lab.GENERATION, b"").endswith(
            bytes.fromhex("8000%012d" % generation)))


def test_cookies_outlive_a_reboot(link, tmp_path, things, authority, trusting,
                                  boot):
    del boot
    need("chronyd")
    disk = tmp_path / "state"
    disk.write_bytes(bytes(1 << 20))
    extra = state_lab.disk(disk)
    server = nts_servers.serve_chronyd(tmp_path, *authority.server("10.0.2.2"),
                                       "ntsdumpdir %s" % tmp_path)
    things.append(server)
    words = "server 10.0.2.2 nts " + FOLLOW
    vm = trusting(words, net=link.netdev(), extra=extra)
    lab.ask_until(synchronised, 20)
    lab.until("its cookies are saved", 10, lambda: are_kept(disk))
    vm.close()
    vm = trusting(words, net=link.netdev(), extra=extra)
    good(lab.ask_until(synchronised, 20))
    vm.wait_for(r"nts 10\.0\.2\.2: \d cookies were kept")
    vm.wait_for(r"clock set from 10\.0\.2\.2")
    assert not re.search(AGREED, vm.output())




def test_a_copied_disk_shares_keys_and_nothing_else(
        link, tmp_path, things, authority, trusting, boot):
    """Under another VM generation ID the cookies of its server are dropped
    before they are used; its own are sealed with the same keys and are others
    all the same."""
    del boot
    need("chronyd")
    things.append(nts_servers.serve_chronyd(
        tmp_path, *authority.server("10.0.2.2")))
    original = tmp_path / "original"
    original.write_bytes(bytes(1 << 20))
    given = []

    def run(disk, generation):
        vm = trusting("server 10.0.2.2 nts " + FOLLOW, net=link.netdev(),
                      extra=[*state_lab.disk(disk),
                             *disruption.generation(generation)])
        good(lab.ask_until(synchronised, 20))
        lab.until("NTS-KE", 10, lambda: nts_lab.accepts(lab.GUEST))
        given.append(nts_lab.nts.establish(lab.GUEST).cookies)
        lab.until("a save", 10, lambda: are_kept(disk, generation))
        vm.close()
        return vm.output()

    assert "a copy" not in run(original, 1)
    copy = tmp_path / "copy"
    copy.write_bytes(original.read_bytes())

    said = run(copy, 2)
    assert re.search(r"state: this machine is a copy.* generation ID .*the "
                     r"cookies of 1 server are dropped", said), said
    assert "cookies were kept" not in said and re.search(AGREED, said)
    said = run(copy, 2)
    assert "a copy" not in said
    assert "cookies were kept" in said and not re.search(AGREED, said)

    cookies = [c for run in given for c in run]
    assert len({c[:4] for c in cookies}) == 1, "keys are shared"
    assert len({c[4:20] for c in cookies}) == len(cookies), "nonces are not"
