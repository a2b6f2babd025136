# SPDX-License-Identifier: BSD-2-Clause
"""Frames of one kind, many of them.

usage: python3 flooder.py KIND INTERFACE SECONDS

No more than that many a second: with all of them there would be no telling
what was lost in the host, before it came to the card.
"""

import random
import socket
import sys
import time

import frames
import hostile
import lab

RATE = 100000
FLOOD = 500  # different frames, again and again


def strangers(number):
    """Clients of a network that is far away."""
    return "10.%d.%d.%d" % (100 + number % 100, random.randrange(256),
                            random.randrange(1, 255))


KINDS = {
    "echo": lambda i: frames.echo(i, payload=bytes(56)),
    "echo over IPv6": lambda i: frames.echo(i, frames.HOST6, frames.GUEST6,
                                            payload=bytes(56)),
    # Answers that wait for a neighbour whom nobody knows.
    "unknown neighbours": lambda i: frames.echo(
        i, "10.0.2.%d" % (20 + i % 220), payload=bytes(1400)),
    "unknown neighbours of IPv6": lambda i: frames.echo(
        i, "fd00:2::%x" % (0x1000 + i), frames.GUEST6, payload=bytes(1400)),
    "closed port": lambda i: frames.datagram(bytes(48), dport=4000 + i),
    "SYN": lambda i: frames.ethernet(frames.ipv4(frames.tcp(
        sport=1024 + i, dport=80), frames.TCP), frames.IPV4),
    "ARP": lambda i: (
        frames.mac("ff:ff:ff:ff:ff:ff") + frames.mac(lab.HOST_MAC) +
        bytes.fromhex("08060001080006040001") + frames.mac(lab.HOST_MAC) +
        frames.ip(frames.HOST) + bytes(6) + frames.ip(frames.GUEST)),
    "first fragment": lambda i: frames.ethernet(frames.ipv4(
        frames.udp(bytes(1000)), fragment=0x2000, ident=i), frames.IPV4),
    "IP options": lambda i: frames.datagram(
        lab.request(), "10.0.2.66", sport=1024 + i, options=b"\x01" * 8),
    "broadcast": lambda i: hostile.udp4(
        bytes(300), sport=68, dport=67, target="255.255.255.255").replace(
            frames.mac(lab.GUEST_MAC), b"\xff" * 6, 1),
    "strangers": lambda i: frames.datagram(lab.request(), strangers(i),
                                           sport=1024 + i),
}


def main():
    kind, interface, seconds = sys.argv[1:]
    some = [KINDS[kind](i) for i in range(FLOOD)]
    began = time.monotonic()
    end = began + float(seconds)
    count = 0
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind((interface, 0))
        while time.monotonic() < end:
            for frame in some:
                try:
                    s.send(frame)
                except OSError:
                    pass
            count += FLOOD
            time.sleep(max(0, began + count / RATE - time.monotonic()))
    print("sent %d" % count)


if __name__ == "__main__":
    main()
