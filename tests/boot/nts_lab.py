# SPDX-License-Identifier: BSD-2-Clause
"""NTS around the appliance: an authority that signs certificates, and real
clients that check them."""

import datetime
import ipaddress
import os
import sys

import pytest

import lab

sys.path.insert(0, os.path.join(lab.ROOT, "tests", "bench"))
# pylint: disable=wrong-import-position,unused-import
import nts_aead as aeads
import nts_ke as nts
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AES_SIV_CMAC_256, AES_128_GCM_SIV = aeads.SIV, aeads.GCM_SIV
NAME = "gnomon.test"
NAMES = (NAME, lab.GUEST, lab.GUEST6)
STATIC = "address 10.0.2.15/24\naddress fd00:2::15/64\nallow\n"
DAY = datetime.timedelta(days=1)
UNKNOWN_EXTENSION = x509.UnrecognizedExtension(
    x509.ObjectIdentifier("1.2.3.4.5"), b"\5\0")


def make_key(kind):
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key({"p256": ec.SECP256R1,
                                    "p384": ec.SECP384R1}[kind]())


def key_pem(key):
    return key.private_bytes(serialization.Encoding.PEM,
                             serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def cert_pem(cert):
    return cert.public_bytes(serialization.Encoding.PEM)


def subject(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def alternative(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Authority:
    """Its certificate is in the file `path`."""

    def __init__(self, folder, name="ca"):
        self.key = make_key("p256")
        self.name = subject("the authority " + name)
        now = datetime.datetime.utcnow()
        self.cert = self.builder(self.name, self.key, now - DAY,
                                 now + 365 * DAY).add_extension(
            x509.BasicConstraints(True, None), True).add_extension(
            x509.KeyUsage(False, False, False, False, False, True, True,
                          False, False), True).sign(
            self.key, hashes.SHA256())
        self.path = os.path.join(str(folder), name + ".pem")
        with open(self.path, "wb") as f:
            f.write(cert_pem(self.cert))

    def builder(self, name, key, since, until):
        return x509.CertificateBuilder(
            self.name, name, key.public_key(), x509.random_serial_number(),
            since, until).add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
                False)

    def issue(self, names=NAMES, kind="p256", since=-1, until=90,
              usage=ExtendedKeyUsageOID.SERVER_AUTH, named=True,
              critical=None):
        """(certificate, key) in PEM; valid between those days from now.

        Not `named`, the first name is the subject's, and no other is there.
        `critical` is an extension that is to be understood.
        """
        key, now = make_key(kind), datetime.datetime.utcnow()
        cert = self.builder(subject(names[0]), key, now + since * DAY,
                            now + until * DAY).add_extension(
            x509.BasicConstraints(False, None), True)
        if named:
            cert = cert.add_extension(x509.SubjectAlternativeName(
                [alternative(n) for n in names]), False)
        if usage:
            cert = cert.add_extension(x509.ExtendedKeyUsage([usage]), False)
        if critical:
            cert = cert.add_extension(critical, True)
        cert = cert.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(
                self.key.public_key()), False)
        return cert_pem(cert.sign(self.key, hashes.SHA256())), key_pem(key)


def archive(path, pairs, conf="", files=()):
    """A boot archive that serves NTS with these (certificate, key)."""
    text = STATIC + conf + "\n"
    members = dict(files)
    for i, (cert, key) in enumerate(pairs):
        members["server%d.crt" % i] = cert
        members["server%d.key" % i] = key
        text += "ntsservercert server%d.crt\nntsserverkey server%d.key\n" % (
            i, i)
    return lab.archive(path, {"gnomon.conf": text.encode(), **members})


# Clients; each is the words of a command, for a Host to run.

def with_hosts(folder, names, words):
    """The same command where /etc/hosts has {name: address}."""
    hosts = os.path.join(str(folder), "hosts")
    with open(hosts, "w", encoding="ascii") as f:
        f.write("".join("%s %s\n" % (a, n) for n, a in names.items()))
    return ["unshare", "--mount", "sh", "-c",
            'mount --bind "$0" /etc/hosts && exec "$@"', hosts, *words]


def needed(program):
    """Where it is; who has not got it skips the test."""
    path = lab.peer(program)
    if not path:
        pytest.skip("no %s on this machine" % program)
    return path


class Chronyd:
    """chronyd that follows `server` by NTS and nothing else."""

    def __init__(self, folder, ca, server=lab.GUEST, program="chronyd",
                 options="", lines=()):
        self.program = program
        # Short: the path of a socket has at most 107 bytes.
        self.folder = os.path.join(str(folder), program.replace("hronyd", ""))
        os.makedirs(self.folder, mode=0o750, exist_ok=True)
        self.socket = os.path.join(self.folder, "sock")
        conf = os.path.join(self.folder, "chrony.conf")
        with open(conf, "w", encoding="ascii") as f:
            f.write("\n".join([
                "user root", "cmdport 0", "bindcmdaddress " + self.socket,
                "pidfile %s/pid" % self.folder, "port 0", "nosystemcert",
                "ntstrustedcerts %s" % ca, "makestep 1 3",
                "server %s iburst nts minpoll 1 maxpoll 2 %s" % (
                    server, options), *lines, ""]))
        self.words = [needed(program), "-d", "-f", conf]

    def authdata(self):
        """{column: number} of its one source, {} if it does not say."""
        chronyc = lab.peer(self.program.replace("chronyd", "chronyc"))
        said = lab.run(chronyc, "-n", "-c", "-h", self.socket, "authdata",
                       check=False)
        words = said.stdout.strip().split(",")
        if said.returncode or len(words) != 10:
            return {}
        return dict(zip(("mode", "key", "type", "bits", "last", "attempts",
                         "naks", "cookies", "length"),
                        [words[1], *map(int, words[2:])]))


def ntpsec(folder, ca, name=NAME, address=lab.GUEST):
    conf = os.path.join(str(folder), "ntp.conf")
    with open(conf, "w", encoding="ascii") as f:
        f.write("restrict default\ntinker panic 0\nnts ca %s\n"
                "server %s iburst minpoll 3 maxpoll 3 nts\n" % (ca, name))
    return with_hosts(folder, {name: address}, [
        needed("ntpsec-ntpd"), "-n", "-g", "-c", conf])


def ntpd_rs(folder, ca, name=NAME, address=lab.GUEST):
    conf = os.path.join(str(folder), "ntp.toml")
    with open(conf, "w", encoding="ascii") as f:
        f.write('[[source]]\nmode = "nts"\naddress = "%s"\n'
                'certificate-authority = "%s"\n'
                "[source-defaults]\npoll-interval-limits = {min = 4, max = 4}"
                "\ninitial-poll-interval = 4\n"
                "[synchronization]\nminimum-agreeing-sources = 1\n"
                '[observability]\nlog-level = "debug"\n'
                'observation-path = "%s/observe"\n' % (name, ca, folder))
    return with_hosts(folder, {name: address}, [
        needed("ntp-daemon"), "-c", conf])


def accepts(address, port=nts.PORT):
    """Can one connect there, and shake hands?"""
    try:
        with nts.Session(address, port=port, limit=3) as s:
            s.handshake()
        return True
    except (OSError, nts.SSL.Error):
        return False


def wait(daemon, what, limit, question):
    """lab.until(), with what the daemon had to say if it does not happen."""
    try:
        return lab.until(what, limit, question)
    except AssertionError as e:
        raise AssertionError("%s\n%s" % (e, daemon.output()[-3000:])) from e
