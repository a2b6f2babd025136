# SPDX-License-Identifier: BSD-2-Clause
"""NTS servers to be followed: real ones, hostile ones, and a hostile path."""

import socket
import ssl
import struct

import lab
import nts_lab

ADDRESS = "10.0.2.2"


def need(name):
    path = lab.peer(name)
    if not path:
        raise FileNotFoundError(name)
    return path


class Authority(nts_lab.Authority):
    """One whose certificates are files."""

    def __init__(self, folder):
        super().__init__(folder)
        self.folder = folder
        with open(self.path, "rb") as f:
            self.pem = f.read()

    def server(self, *names, **more):
        """Paths of a certificate and of its key, for real daemons."""
        paths = self.folder / "server.crt", self.folder / "server.key"
        for path, pem in zip(paths, self.issue(names, **more)):
            path.write_bytes(pem)
            path.chmod(0o640)
        return paths


def serve_chronyd(folder, cert, key, *lines, address=ADDRESS,
                  program="chronyd"):
    server = lab.chronyd(folder, [
        "port 123", "bindaddress " + address, "allow all", "local stratum 1",
        "ntsservercert %s" % cert, "ntsserverkey %s" % key, *lines],
        name="nts-" + program, program=program)
    return server


def serve_ntpsec(folder, cert, key, upstream):
    conf = folder / "ntp.conf"
    conf.write_text("\n".join([
        "restrict default", "tinker panic 0",
        "nts enable", "nts cert %s" % cert, "nts key %s" % key,
        "nts cookie %s" % (folder / "cookies"),
        "server %s iburst minpoll 3 maxpoll 3" % upstream, ""]))
    return [need("ntpsec-ntpd"), "-n", "-g", "-c", str(conf)]


def serve_ntpd_rs(folder, cert, key, upstream):
    conf = folder / "ntp.toml"
    conf.write_text(
        '[[source]]\nmode = "server"\naddress = "%s"\n'
        "[source-defaults]\npoll-interval-limits = {min = 4, max = 4}\n"
        "initial-poll-interval = 4\n"
        "[synchronization]\nminimum-agreeing-sources = 1\n"
        '[[server]]\nlisten = "0.0.0.0:123"\n'
        '[[nts-ke-server]]\nlisten = "0.0.0.0:4460"\n'
        'certificate-chain-path = "%s"\nprivate-key-path = "%s"\n'
        '[observability]\nlog-level = "debug"\n'
        'observation-path = "%s/observe"\n' % (upstream, cert, key, folder))
    return [need("ntp-daemon"), "-c", str(conf)]


SERVE = {"ntpsec": serve_ntpsec, "ntpd-rs": serve_ntpd_rs}


def record(kind, body=b"", critical=True):
    return struct.pack("!HH", kind | (0x8000 if critical else 0),
                       len(body)) + body


def records(data):
    """{type: body} of a message, the last of each type."""
    found = {}
    while len(data) >= 4:
        kind, length = struct.unpack("!HH", data[:4])
        found[kind & 0x7fff] = data[4:4 + length]
        data = data[4 + length:]
    return found


class KeServer(lab.Server):
    """Speaks TLS and then whatever it is told to: `answer` is bytes, or None
    for silence."""

    def __init__(self, cert, key, answer=b"", address=ADDRESS, port=4460,
                 versions=(ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3),
                 alpn="ntske/1"):
        self.answer = answer
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert, key)
        if alpn:
            self.context.set_alpn_protocols([alpn])
        self.context.minimum_version, self.context.maximum_version = versions
        self.asked = []  # requests, whole
        self.tried = 0
        super().__init__(socket.create_server((address, port)))

    def next(self):
        return self.socket.accept()

    def serve(self, what, who):
        self.tried += 1
        what.settimeout(20)
        try:
            with self.context.wrap_socket(what, server_side=True) as tls:
                self.talk(tls)
        except (OSError, ssl.SSLError):
            what.close()

    def talk(self, tls):
        data = b""
        while record(0) not in data:
            more = tls.recv(4096)
            if not more:
                return
            data += more
        self.asked.append(data)
        if self.answer is None:
            tls.recv(1)
            return
        tls.sendall(self.answer)
        tls.unwrap()


class Path(lab.Server):
    """Between us and an NTP server: `change` gets every reply, and returns
    what to pass on of it: a list of datagrams."""

    def __init__(self, change, address="10.0.2.4", server=(ADDRESS, 123)):
        self.change, self.server = change, server
        self.requests = []
        self.replies = []
        super().__init__(lab.bound(address, 123))

    def serve(self, what, who):
        self.requests.append(what)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.settimeout(0.5)
            try:
                out.sendto(what, self.server)
                reply = out.recv(2048)
            except OSError:
                return
        self.replies.append(reply)
        for datagram in self.change(reply):
            self.socket.sendto(datagram, who)
