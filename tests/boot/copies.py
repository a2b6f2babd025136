# SPDX-License-Identifier: BSD-2-Clause
"""Two restores of one snapshot, and what both of them say that only one may."""

import collections
import socket
import struct
import threading

import disruption as d
import lab
import nts_servers
import tls_hello
from nts_lab import nts

FOLLOW = ("address 10.0.2.15/24; allow; ntstrustedcerts /etc/ca.crt; "
          "server 10.0.2.2 nts iburst minpoll 0 maxpoll 0; ")
VM_CLOCK = ["-rtc", "base=utc,clock=vm"]  # it stands still with the machine
ANSWERS = 30
CLIENT_HELLO = 1


def nonce(packet):
    """Of what protects it."""
    for kind, body, _ in nts.fields(packet):
        if kind == nts.AUTHENTICATOR:
            return body[4:4 + struct.unpack_from("!H", body)[0]]
    return None


def hellos(segments):
    """What is random in the ClientHellos of these."""
    said = [p[p[12] // 16 * 4:] for p in segments]
    return [data[11:43] for data in said if len(data) > 43 and
            data[0] == tls_hello.HANDSHAKE and data[5] == CLIENT_HELLO]


class Replay(threading.Thread):
    """The same request again and again, from before the copy runs."""

    def __init__(self, keys):
        super().__init__(daemon=True)
        self.keys = keys
        self.asked, self.unique_id = keys.request(placeholders=7)
        self.answers = []
        self.going = True

    def run(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.connect((lab.GUEST, 123))
            s.settimeout(0.01)
            while self.going:
                try:
                    s.send(self.asked)
                    self.answers.append(s.recv(2048))
                except OSError:
                    pass

    def stop(self):
        self.going = False
        self.join(2)


class Original(d.Copies):
    """It follows a server by NTS, serves NTS, and has sessions open; then it
    is written to a file."""

    def __init__(self, boot, link, folder, things, extra=(), **more):
        authority = nts_servers.Authority(folder)
        things.append(nts_servers.serve_chronyd(
            folder, *authority.server("10.0.2.2")))
        initrd = lab.archive(folder / "boot.cpio",
                             {"etc/ca.crt": authority.pem})
        super().__init__(boot, link, FOLLOW, extra, initrd=initrd, **more)
        self.things = things
        self.keys = lab.until("keys", 20, self.establish)
        self.hello = tls_hello.Hello((tls_hello.X25519,)).records()
        begun = socket.create_connection((lab.GUEST, nts.PORT), 5)
        begun.sendall(self.hello)
        tls_hello.read_server_hello(begun)
        agreed = nts.Session(lab.GUEST).handshake()
        self.open = [begun, agreed.socket]
        things.extend(self.open)
        self.sessions = [s.getsockname()[1] for s in self.open]
        self.heard = []

    @staticmethod
    def establish():
        try:
            return nts.establish(lab.GUEST)
        except (nts.Failed, OSError, nts.SSL.Error):
            return None

    def copy(self, extra=(), noticed=True):
        """Start one; what it says, as {what: [bytes, ...]}."""
        wire = d.Wire(self.link.name)
        self.things.append(wire)
        replay = Replay(self.keys)
        replay.start()
        self.start(extra, 0.1)
        said = collections.defaultdict(list)
        with self.connected() as s:
            s.sendall(self.hello)
            answer = tls_hello.read_server_hello(s)
        said["TLS random"].append(answer.random)
        said["TLS share"].append(answer.share)
        lab.until("answers", 10, lambda: len(replay.answers) >= ANSWERS)
        lab.until("requests", 10, lambda: len(nts_requests(wire)) >= 2)
        if noticed:
            for s in self.open:  # to be told that there is no connection
                s.send(b"?")
            lab.until("a handshake", 10, lambda: hellos(wire.segments(
                to=(nts.PORT,))))
        replay.stop()
        wire.close()
        self.vm.qmp("quit")
        self.vm.process.wait(10)
        for answer in replay.answers:
            said["NTS nonce"].append(nonce(answer))
            said["cookie"] += replay.keys.check(
                replay.asked, answer, replay.unique_id)
        for request in nts_requests(wire):
            said["own NTS nonce"].append(nonce(request))
            said["own unique identifier"] += [
                body for kind, body, _ in nts.fields(request)
                if kind == nts.UNIQUE_ID]
        said["own transmit timestamp"] += wire.questions()
        said["own TLS random"] += hellos(wire.segments(to=(nts.PORT,)))
        self.heard = wire.segments(to=self.sessions)
        return said

    @staticmethod
    def connected():
        def once():
            try:
                return socket.create_connection((lab.GUEST, nts.PORT), 1.5)
            except OSError:
                return None
        return lab.until("a connection", 8, once)

    def say_different_things(self, count, extra, noticed):
        """That many copies, and none says what another said."""
        said = []
        for _ in range(count):
            said.append(self.copy(extra, noticed))
            assert not noticed or not self.heard, self.heard
        nothing_in_common(said)


def nts_requests(wire):
    return [r for r in wire.requests() if len(r) > 48]


def nothing_in_common(copies):
    """Nor is anything said twice by one."""
    for what in copies[0]:
        values = [v for said in copies for v in said[what]]
        assert len(set(values)) == len(values), (
            what, [len(said[what]) for said in copies],
            [v.hex() for v in values if values.count(v) > 1])
