# SPDX-License-Identifier: BSD-2-Clause
"""NTS key establishment with the appliance: clients good and bad, and what its
console says of them."""

import contextlib
import re
import socket
import time

from OpenSSL import SSL

import lab
from nts_lab import nts


def ke_stats(vm):
    """The next numbers of NTS-KE and TLS, as {word: number}.  They may be some
    of before: the console takes its time."""
    def whole():
        return re.findall(r"\] nts-ke (.*)\n.*\] tls (sessions=.*)\n",
                          vm.output())
    count = len(whole())
    lab.until("a new line of statistics", 10, lambda: len(whole()) > count)
    return {k: int(v) for k, v in re.findall(
        r"([a-z_]+)=(\d+)", " ".join(whole()[-1]))}


def settled(vm, limit=15):
    """The numbers once no session is open."""
    def question():
        numbers = ke_stats(vm)
        return numbers if numbers["sessions"] == 0 else None
    return lab.until("all sessions are over", limit, question)


def works(limit=5.0, **more):
    """A handshake and an authenticated request; how long they took."""
    began = time.monotonic()
    keys = nts.establish(lab.GUEST, limit=limit, **more)
    nts.exchange(keys, lab.GUEST)
    return time.monotonic() - began


def hello(**more):
    """The first bytes of a handshake."""
    tls = SSL.Connection(nts.context(**more), None)
    tls.set_connect_state()
    with contextlib.suppress(SSL.WantReadError):
        tls.do_handshake()
    return tls.bio_read(16384)


def connect(limit=5.0):
    s = socket.create_connection((lab.GUEST, nts.PORT), limit)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def at_once(count):
    """So many who connect in one moment, and then say nothing."""
    many = []
    for _ in range(count):
        many.append(socket.socket())
        many[-1].setblocking(False)
        many[-1].connect_ex((lab.GUEST, nts.PORT))
    return many


def is_over(s):
    """Did the other side end it, whichever way?"""
    s.setblocking(False)
    try:
        while s.recv(16384):
            pass
        return True
    except BlockingIOError:
        return False
    except OSError:
        return True
