# SPDX-License-Identifier: BSD-2-Clause
"""How fast NTS is there, how many handshakes there are in a second, and what
they do to those who only ask for the time."""

import os
import re
import socket
import sys
import time
import types

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import nts_aead as aeads
import nts_ke as nts
from guest import lab, loadgen

CLIENTS = 8
RATE = 500  # plain requests/s
CONTROL = ("127.0.0.1", 14460)


def warm_up():
    """What is done only once shall not be measured."""
    for aead in aeads.KEY:
        key = bytes(aeads.KEY[aead])
        nonce = bytes(aeads.NONCE[aead])
        aeads.unseal(aead, key, nonce, b"", aeads.seal(
            aead, key, nonce, b"", b""))
    return nts.context()


def first_reply(started, tls, limit=20.0):
    """ms from `started` (CLOCK_MONOTONIC, ns) to the first plain reply that is
    synchronised, to the end of NTS-KE, and to the first authentic reply."""
    def since():
        return (time.monotonic_ns() - started) / 1e6
    end, figures = time.monotonic() + limit, {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.003)
        s.connect((lab.GUEST, 123))
        # A segment that nobody takes comes again after a second; so NTS-KE is
        # tried once somebody is there.
        while "plain_ms" not in figures and time.monotonic() < end:
            try:
                s.send(lab.request())
                data = s.recv(2048)
            except OSError:
                continue
            if data[0] >> 6 != 3 and 1 <= data[1] <= 15:
                figures["plain_ms"] = since()
    while time.monotonic() < end:
        try:
            keys = nts.establish(lab.GUEST, tls=tls, limit=5)
        except OSError:
            time.sleep(0.001)
            continue
        figures["ke_ms"] = since()
        nts.exchange(keys, lab.GUEST)
        figures["nts_ms"] = since()
        return figures
    raise nts.Failed("nobody speaks NTS-KE: %s" % figures)


def handshakes(seconds, parallel=1, where=(lab.GUEST, nts.PORT)):
    return nts.measure(types.SimpleNamespace(
        host=where[0], port=where[1], ca=None, seconds=seconds,
        parallel=parallel))


def response_times(seconds, where):
    """Those of plain requests, while 8 clients are busy with handshakes."""
    busy = nts.in_child(handshakes, seconds + 2, CLIENTS, where)
    time.sleep(1)
    figures = loadgen("load", "--udp", lab.GUEST + ":123", "--nsock", 1,
                      "--rate", RATE, "--duration", seconds, "--warmup", 0,
                      "--timeout", 1000)
    figures["ke_per_s"] = busy()["per_s"]
    return figures


def busy_elsewhere(folder, cert, key):
    """A chronyd for the control run, on the host's own interface."""
    for name, data in (("control.crt", cert), ("control.key", key)):
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)
    server = lab.chronyd(folder, [
        "port 11123", "ntsport %d" % CONTROL[1], "allow all",
        "local stratum 1", "ntsservercert %s/control.crt" % folder,
        "ntsserverkey %s/control.key" % folder], name="control")
    lab.until("chronyd", 10, lambda: lab.ask("127.0.0.1", 11123, 0.2))
    return server


def longest_step(vm):
    """us, of all steps of TLS so far, by the newest line of statistics."""
    return int(re.findall(r"longest_step_us=(\d+)", vm.output())[-1])
