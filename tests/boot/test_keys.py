# SPDX-License-Identifier: BSD-2-Clause
"""Symmetric keys, with chronyd at the other end."""

import pytest

import lab

KEYS = {
    "AES128": "7 AES128 HEX:" + "5a" * 16,
    "SHA1": "7 SHA1 HEX:" + "5b" * 20,
    "SHA256": "7 SHA256 HEX:" + "5c" * 32,
}
WRONG = "7 %s HEX:" + "a5" * 16
STATIC = "address 10.0.2.15/24; allow; keyfile /etc/ntp.keys; "


@pytest.fixture
def link(lan):
    return lan


def need(program):
    if not lab.peer(program):
        pytest.skip("no %s on this machine" % program)


def key_archive(folder, line):
    return lab.archive(folder / "boot.cpio", {
        "etc/ntp.keys": (line + "\n").encode()})


def key_file(folder, line):
    path = folder / "chrony.keys"
    path.write_text(line + "\n")
    path.chmod(0o640)
    return path


def synchronised(reply):
    return reply.synchronised and reply.stratum == 2


def authentic_server(folder, key):
    return lab.chronyd(folder, [
        "port 123", "bindaddress 10.0.2.2", "allow all", "local stratum 1",
        "keyfile %s" % key_file(folder, key)])


@pytest.mark.parametrize("kind", KEYS)
def test_server_with_the_key_is_followed(boot, link, tmp_path, things, kind):
    need("chronyd")
    things.append(authentic_server(tmp_path, KEYS[kind]))
    boot(STATIC + "server 10.0.2.2 iburst key 7; authselectmode require",
         net=link.netdev(), initrd=key_archive(tmp_path, KEYS[kind]))
    lab.ask_until(synchronised, 20)


def test_server_with_a_wrong_key_is_not_followed(boot, link, tmp_path, things):
    """It is asked in a burst, and the reply without a MAC or with the wrong
    one changes nothing."""
    need("chronyd")
    things.append(authentic_server(tmp_path, WRONG % "AES128"))
    boot(STATIC + "server 10.0.2.2 iburst key 7",
         net=link.netdev(), initrd=key_archive(tmp_path, KEYS["AES128"]))
    lab.ask_until(lambda reply: True, 20)
    with pytest.raises(AssertionError):
        lab.ask_until(lambda reply: reply.synchronised, 5)


def test_server_without_the_key_is_not_followed_either(boot, link, tmp_path,
                                                       things):
    things.append(lab.Upstream("10.0.2.2"))
    boot(STATIC + "server 10.0.2.2 iburst key 7",
         net=link.netdev(), initrd=key_archive(tmp_path, KEYS["SHA256"]))
    lab.ask_until(lambda reply: True, 20)
    lab.until("asked three times", 10, lambda: things[0].asked >= 3)
    assert lab.ask().leap == 3


@pytest.mark.parametrize("program, kind", [
    ("chronyd", "AES128"), ("chronyd", "SHA1"), ("chronyd", "SHA256"),
    ("chronyd-4.3", "SHA256"),
])
def test_client_with_the_key_sets_its_clock(boot, link, upstream, tmp_path,
                                            things, program, kind):
    del upstream
    need(program)
    boot(STATIC + "server 10.0.2.2 iburst", net=link.netdev(),
         initrd=key_archive(tmp_path, KEYS[kind]))
    lab.ask_until(synchronised, 20)
    clocks = {}
    for number, key in ((7, KEYS[kind]), (8, WRONG % kind)):
        folder = tmp_path / str(number)
        folder.mkdir()
        clocks[number] = lab.PrivateClock(folder, 5.25)
        conf = folder / "chrony.conf"
        conf.write_text("\n".join([
            "user root", "cmdport 0", "bindcmdaddress /",
            "pidfile %s/pid" % folder, "keyfile %s" % key_file(folder, key),
            "server 10.0.2.15 iburst key 7 minpoll 2 maxpoll 2",
            "makestep 1 3", ""]))
        things.append(link.host(number).process(
            [*clocks[number].words, lab.peer(program), "-d", "-f", str(conf)],
            folder / "log"))
    lab.until("the client's clock is right", 30,
              lambda: abs(clocks[7].offset()) < 0.02)
    assert clocks[8].offset() > 5.2, "believed without the key"
    assert things[-1].running()
