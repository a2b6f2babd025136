# SPDX-License-Identifier: BSD-2-Clause
"""The appliance under QEMU, on a link of its own, seen from outside.

Everything happens in the network namespace that `make boot-test` made; every
wait has a bound, and every process that was started is ended by its id.
"""

import contextlib
import ctypes
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.environ.get("GNOMON_BUILD", os.path.join(ROOT, "build"))
IMAGE = os.environ.get("GNOMON_IMAGE", os.path.join(BUILD, "gnomon.elf"))
DEBUG_SUCCESS = 85  # QEMU's exit status when 0x2a is written to port 0xf4

GUEST, GATEWAY = "10.0.2.15", "10.0.2.2"
GUEST6, GATEWAY6 = "fd00:2::15", "fd00:2::2"
GUEST_MAC, HOST_MAC = "52:54:00:00:00:0f", "02:00:00:00:00:02"

NTP_UNIX = 2208988800


def peer(name):
    """A real peer's program, as set-up unpacked it; None if it is missing."""
    path = os.path.join(BUILD, "peers", "bin", name)
    return path if os.access(path, os.X_OK) else shutil.which(name)


def run(*words, check=True, **more):
    return subprocess.run(words, check=check, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, **more)


def until(what, limit, question, step=0.05):
    """Ask until the answer is true; fail with `what` after `limit` s."""
    end = time.monotonic() + limit
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError("not within %g s: %s" % (limit, what))
        time.sleep(step)


def busy(seconds=0.5):
    """What part of the machine's processors others use meanwhile."""
    def read():
        with open("/proc/stat", encoding="ascii") as f:
            numbers = [int(n) for n in f.readline().split()[1:9]]
        return sum(numbers), numbers[3] + numbers[4]
    whole, idle = read()
    time.sleep(seconds)
    whole_later, idle_later = read()
    return 1 - (idle_later - idle) / max(1, whole_later - whole)


class Tap:
    """A TAP interface with the host's end of the link on it."""

    def __init__(self, name="tap0", addresses=(GATEWAY + "/24",
                                               GATEWAY6 + "/64")):
        self.name = name
        run("ip", "tuntap", "add", "dev", name, "mode", "tap")
        with open("/proc/sys/net/ipv6/conf/%s/accept_dad" % name, "w",
                  encoding="ascii") as f:
            f.write("0")
        run("ip", "link", "set", name, "address", HOST_MAC)
        run("ip", "link", "set", name, "up")
        for address in addresses:
            self.add(address)

    def add(self, address):
        run("ip", "addr", "replace", address, "dev", self.name)

    def close(self):
        run("ip", "link", "del", self.name, check=False)

    def netdev(self):
        return "tap,id=n0,ifname=%s,script=no,downscript=no" % self.name


class Process:
    """A program in the background, its output in a file."""

    def __init__(self, words, log, **more):
        self.log = log
        with open(log, "wb") as out:
            self.started = time.monotonic_ns()
            self.process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                **more)

    def output(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def wait_for(self, pattern, limit=20.0):
        """The first match of `pattern` in the output."""
        def question():
            text = self.output()
            found = re.search(pattern, text, re.M)
            if not found and self.process.poll() is not None:
                text = self.output()
                found = re.search(pattern, text, re.M)
                if not found:
                    raise AssertionError(
                        "ended with %s before /%s/:\n%s" % (
                            self.process.returncode, pattern, text[-4000:]))
            return found
        try:
            return until("/%s/" % pattern, limit, question)
        except AssertionError as e:
            raise AssertionError("%s\n%s" % (e, self.output()[-4000:])) from e

    def running(self):
        return self.process.poll() is None

    def cpu_seconds(self):
        """Of all its threads."""
        total = 0
        tasks = "/proc/%d/task" % self.process.pid
        for task in os.listdir(tasks):
            with open("%s/%s/schedstat" % (tasks, task),
                      encoding="ascii") as f:
                total += int(f.read().split()[0])
        return total / 1e9

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
        return self.process.returncode


class Lan(Tap):
    """The same link as a bridge, on which there is room for others."""

    def __init__(self):
        self.hosts = []
        super().__init__(addresses=())
        self.port, self.name = self.name, "br0"
        made = run("ip", "link", "add", self.name, "address", HOST_MAC, "type",
                   "bridge", "forward_delay", "0", "mcast_snooping", "0",
                   check=False)
        if made.returncode:
            super().close()
            raise NotImplementedError(made.stdout)
        run("ip", "link", "set", self.port, "address", "02:00:00:00:00:01")
        run("ip", "link", "set", self.port, "master", self.name)
        run("ip", "link", "set", self.name, "addrgenmode", "none")
        run("ip", "link", "set", self.name, "up")
        for address in (GATEWAY + "/24", GATEWAY6 + "/64", "fe80::2/64"):
            run("ip", "addr", "add", address, "dev", self.name, "nodad")

    def netdev(self):
        return "tap,id=n0,ifname=%s,script=no,downscript=no" % self.port

    def host(self, number, addresses=None):
        """Another machine on the link, 10.0.2.N and fd00:2::N if nothing else
        is said."""
        host = Host(self.name, number, ("10.0.2.%d/24" % number, "fd00:2::%x/64"
                    % number) if addresses is None else addresses)
        self.hosts.append(host)
        return host

    def beyond(self, number):
        """A machine on a network of its own, to which the host's end is the
        router: 10.9.N.7."""
        host = Host(None, number, ("10.9.%d.7/24" % number,
                                   "fd00:9:%x::7/64" % number))
        self.hosts.append(host)
        outer = "veth%d" % number
        run("ip", "addr", "add", "10.9.%d.1/24" % number, "dev", outer)
        run("ip", "addr", "add", "fd00:9:%x::1/64" % number, "dev", outer,
            "nodad")
        host.ip("route", "add", "default", "via", "10.9.%d.1" % number)
        host.ip("-6", "route", "add", "default", "via",
                "fd00:9:%x::1" % number)
        for family in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            with open("/proc/sys/net/" + family, "w", encoding="ascii") as f:
                f.write("1")
        return host

    def close(self):
        for host in self.hosts:
            host.close()
        run("ip", "link", "del", self.name, check=False)
        run("ip", "link", "del", self.port, check=False)


class Host:
    """A network namespace, so that each of several programs has port 123."""

    def __init__(self, bridge, number, addresses):
        self.address, self.address6 = (
            a.split("/")[0] for a in (*addresses, "", "")[:2])
        # Nothing runs in it but what is put there; this holds it open.
        self.holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo; exec sleep 100000"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.holder.stdout.readline()
        self.enter = ["nsenter", "--net=/proc/%d/ns/net" % self.holder.pid]
        self.outer = outer = "veth%d" % number
        run("ip", "link", "add", outer, "type", "veth", "peer", "name",
            "eth0", "netns", str(self.holder.pid))
        if bridge:
            run("ip", "link", "set", outer, "master", bridge)
        run("ip", "link", "set", outer, "up")
        self.ip("link", "set", "lo", "up")
        self.ip("link", "set", "eth0", "up")
        for address in addresses:
            self.ip("addr", "add", address, "dev", "eth0",
                    *(["nodad"] if ":" in address else []))

    def ip(self, *words):
        return run(*self.enter, "ip", *words)

    def run(self, *words, **more):
        return run(*self.enter, *words, **more)

    def process(self, words, log, **more):
        return Process([*self.enter, *words], str(log), **more)

    @contextlib.contextmanager
    def inside(self):
        """Sockets that this thread makes in here are that machine's."""
        libc = ctypes.CDLL(None, use_errno=True)

        def enter(path):
            with open(path, "rb") as f:
                if libc.setns(f.fileno(), 0x40000000):  # CLONE_NEWNET
                    raise OSError(ctypes.get_errno(), "setns")
        with open("/proc/thread-self/ns/net", "rb") as home:
            enter("/proc/%d/ns/net" % self.holder.pid)
            try:
                yield self
            finally:
                enter("/proc/self/fd/%d" % home.fileno())

    def close(self):
        # The kernel takes its time over a namespace that nobody is in.
        run("ip", "link", "del", self.outer, check=False)
        self.holder.kill()
        self.holder.wait(5)


class PrivateClock:
    """A clock that a real daemon may set, s away from the machine's; see
    private_clock.c."""

    library = os.path.join(BUILD, "host", "private_clock.so")

    def __init__(self, folder, offset=0.0, rate=0.0, name="clock"):
        self.path = os.path.join(str(folder), name)
        with open(self.path, "wb") as f:
            f.write(struct.pack("=qqqq", int(offset * 1e9), time.time_ns(),
                                int(rate * 1e9), 0))
        # Even if the library were not loaded, the machine's stays as it is.
        self.words = ["setpriv", "--bounding-set=-sys_time",
                      "--inh-caps=-sys_time", "env", "LD_PRELOAD=" +
                      self.library, "PRIVATE_CLOCK=" + self.path]

    def offset(self):
        """How far it is ahead of the machine's, s."""
        with open(self.path, "rb") as f:
            offset, since, rate, _ = struct.unpack("=qqqq", f.read())
        return (offset + (time.time_ns() - since) * rate / 1e9) / 1e9


class Gnomon(Process):
    """One boot of the image."""

    def __init__(self, folder, append="", net=None, machine="q35", cpu="max",
                 memory=16, accel="tcg,thread=multi", initrd=None, drive=None,
                 extra=(), rng=False, serial=None, name="gnomon",
                 mac=GUEST_MAC, reboot=False):
        self.folder = str(folder)
        self.console = os.path.join(self.folder, name + ".console")
        self.qmp_path = os.path.join(self.folder, name + ".qmp")
        open(self.console, "wb").close()
        words = [peer("qemu-system-x86_64"), "-accel", accel, "-smp", "1",
                 "-cpu", cpu, "-M", machine, "-m", str(memory), "-nodefaults",
                 "-no-user-config", "-display", "none",
                 *([] if reboot else ["-no-reboot"]),
                 "-serial", serial or "file:" + self.console,
                 "-qmp", "unix:%s,server=on,wait=off" % self.qmp_path,
                 *([] if reboot else [
                     "-device", "isa-debug-exit,iobase=0xf4,iosize=4"])]
        if drive is None:
            words += ["-kernel", IMAGE]
            if append:
                words += ["-append", append]
            if initrd:
                words += ["-initrd", str(initrd)]
        else:
            words += drive
        if net:
            words += ["-netdev", net, "-device",
                      "virtio-net-pci,netdev=n0,mac=" + mac]
        if rng:
            words += ["-device", "virtio-rng-pci"]
        words += list(extra)
        super().__init__(words, os.path.join(self.folder, name + ".qemu"))
        self.qmp_socket = None

    def output(self):
        with open(self.console, encoding="utf-8", errors="replace") as f:
            text = f.read()
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return text + f.read()

    def qmp(self, command, **arguments):
        """One QMP command; its answer."""
        if self.qmp_socket is None:
            until("QMP socket", 10, lambda: os.path.exists(self.qmp_path))
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(60)
            until("QMP", 10, lambda: s.connect_ex(self.qmp_path) == 0)
            self.qmp_socket = s.makefile("rw")
            self.qmp_socket.readline()
            self.qmp("qmp_capabilities")
        self.qmp_socket.write(json.dumps(
            {"execute": command, "arguments": arguments}) + "\n")
        self.qmp_socket.flush()
        while True:
            answer = json.loads(self.qmp_socket.readline())
            if "error" in answer:
                raise AssertionError("%s: %s" % (command, answer["error"]))
            if "return" in answer:
                return answer["return"]

    def exit_status(self, limit=20.0):
        """What QEMU ended with, by itself."""
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired as late:
            raise AssertionError("still running after %g s:\n%s" % (
                limit, self.output()[-4000:])) from late


class Reply:
    """An NTP reply, with when it was asked for and when it came."""

    def __init__(self, data, asked, came):
        self.data, self.asked, self.came = data, asked, came
        (flags, self.stratum, self.poll, self.precision, self.root_delay,
         self.root_dispersion, self.reference_id, self.reference_ts,
         self.origin_ts, self.receive_ts, self.transmit_ts) = struct.unpack(
             "!BBbbII4sQQQQ", data[:48])
        self.leap, self.version, self.mode = (
            flags >> 6, flags >> 3 & 7, flags & 7)
        self.root_delay /= 65536
        self.root_dispersion /= 65536
        self.reference = self.reference_ts / 2**32 - NTP_UNIX
        self.receive = self.receive_ts / 2**32 - NTP_UNIX
        self.transmit = self.transmit_ts / 2**32 - NTP_UNIX

    @property
    def delay(self):
        return (self.came - self.asked) - (self.transmit - self.receive)

    @property
    def offset(self):
        """The server's clock minus the host's, s."""
        return ((self.receive - self.asked) +
                (self.transmit - self.came)) / 2

    def ahead_of(self, clock):
        """The server's clock minus another, s, whatever the era of both."""
        middle = (self.asked + self.came) / 2 + clock
        served = (self.receive + self.transmit) / 2
        return (served - middle + 2**31) % 2**32 - 2**31

    @property
    def bound(self):
        """How far off the server says that it may be, s."""
        return self.root_dispersion + self.root_delay / 2

    @property
    def synchronised(self):
        return self.leap != 3 and 1 <= self.stratum <= 15


def request(version=4, mode=3, transmit=None, leap=0, poll=6):
    transmit = os.urandom(8) if transmit is None else transmit
    return bytes([leap << 6 | version << 3 | mode, 0, poll, 0xe8]) + bytes(
        36) + transmit


def ask(address=GUEST, port=123, timeout=3.0, packet=None, source_port=0,
        source=None):
    """One request; the reply, or None after `timeout` s."""
    packet = packet or request()
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        if source or source_port:
            s.bind((source or "", source_port))
        s.settimeout(timeout)
        asked = time.time()
        try:
            s.sendto(packet, (address, port))
            while True:
                data = s.recv(2048)
                came = time.time()
                if len(data) >= 48 and data[24:32] == packet[40:48]:
                    return Reply(data, asked, came)
        except (TimeoutError, ConnectionError, OSError):
            return None


def ask_until(question, limit, **more):
    """Ask until question(reply) is true; that reply."""
    def once():
        reply = ask(timeout=0.3, **more)
        return reply if reply and question(reply) else None
    return until("such a reply", limit, once)


def best_offset(count=8, gap=0.02, **more):
    """The reply with the least delay of `count`."""
    replies = []
    for _ in range(count):
        reply = ask(**more)
        if reply:
            replies.append(reply)
        time.sleep(gap)
    assert replies, "no reply at all"
    return min(replies, key=lambda r: r.delay)


def bound(address, port):
    """A socket for datagrams there."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.bind((address, port))
    return s


class Server(threading.Thread):
    """Gives what comes to its socket to serve(), which a subclass has."""

    def __init__(self, listening):
        super().__init__(daemon=True)
        self.socket = listening
        self.socket.settimeout(0.1)
        self.going = True
        self.start()

    def next(self):
        return self.socket.recvfrom(2048)

    def run(self):
        while self.going:
            try:
                what, who = self.next()
            except TimeoutError:
                continue
            except OSError:
                return
            self.serve(what, who)

    def serve(self, what, who):
        raise NotImplementedError

    def close(self):
        self.going = False
        self.join(2)
        self.socket.close()


class Upstream(Server):
    """A server to follow whose lies are chosen here; for honest ones take
    chronyd."""

    def __init__(self, address, port=123, offset=0.0, stratum=1, leap=0,
                 refid=b"TEST", wait=0.0, dispersion=0.0001):
        self.dispersion = int(dispersion * 65536)
        self.offset, self.stratum, self.leap, self.refid, self.wait = (
            offset, stratum, leap, refid, wait)
        self.silent = False
        self.kiss = None  # b"RATE" and so on, in answer to everything
        self.asked = 0
        super().__init__(bound(address, port))

    def now(self):
        return int((time.time() + self.offset + NTP_UNIX) * 2**32) % 2**64

    def serve(self, what, who):
        receive = self.now()
        self.asked += 1
        if self.silent or len(what) < 48:
            return
        if self.wait:
            time.sleep(self.wait)
        leap, stratum, refid = (
            (3, 0, self.kiss) if self.kiss else
            (self.leap, self.stratum, self.refid))
        head = struct.pack(
            "!BBbbII4sQ", leap << 6 | 4 << 3 | 4, stratum,
            what[2] if what[2] < 128 else 6, -24, 0, self.dispersion,
            refid, (receive - 2**32) % 2**64)
        self.socket.sendto(head + what[40:48] + struct.pack(
            "!QQ", receive, self.now()), who)


def chronyd(folder, lines, name="upstream", program="chronyd"):
    """A chronyd that never touches the clock of the machine."""
    path = os.path.join(str(folder), name)
    os.makedirs(path, mode=0o750, exist_ok=True)
    conf = os.path.join(path, "chrony.conf")
    with open(conf, "w", encoding="ascii") as f:
        f.write("\n".join([
            "user root", "cmdport 0", "bindcmdaddress /",
            "pidfile %s/pid" % path, *lines, ""]))
    return Process([peer(program), "-x", "-d", "-f", conf],
                   os.path.join(path, "log"))


def honest(folder, address=GATEWAY, stratum=1):
    """chronyd serving the host's clock on `address`."""
    server = chronyd(folder, [
        "port 123", "bindaddress " + address, "allow all",
        "local stratum %d" % stratum], name="upstream-" + address.replace(
            ":", "_"))
    until("an answer from chronyd", 10, lambda: (
        lambda r: r and r.synchronised)(ask(address, timeout=0.2)))
    return server


def dnsmasq(folder, *options, interface="tap0", log="dnsmasq.log"):
    """DHCP, router advertisements and DNS, by a real server."""
    program = peer("dnsmasq") or "/usr/sbin/dnsmasq"
    if not os.access(program, os.X_OK):
        return None
    return Process([
        program, "--keep-in-foreground", "--log-facility=-", "--log-dhcp",
        "--conf-file=/dev/null", "--user=root", "--pid-file=",
        "--interface=" + interface, "--bind-interfaces", "--no-resolv",
        "--no-hosts", "--no-ping", "--dhcp-leasefile=%s/leases" % folder,
        *options],
        os.path.join(str(folder), log))


def udhcpd(folder, lease, interface="tap0", log="udhcpd.log"):
    """A DHCP server whose leases of 10.0.2.15 may be shorter than those of
    dnsmasq, s."""
    if not peer("busybox"):
        return None
    conf = os.path.join(str(folder), "udhcpd.conf")
    files = os.path.join(str(folder), "udhcpd")
    with open(conf, "w", encoding="ascii") as f:
        f.write("\n".join([
            "start 10.0.2.15", "end 10.0.2.15", "interface " + interface,
            "static_lease %s 10.0.2.15" % GUEST_MAC, "max_leases 1",
            "min_lease 1", "option lease %d" % lease, "auto_time 0",
            "option subnet 255.255.255.0", "option router 10.0.2.2",
            "option ntpsrv 10.0.2.2", "lease_file %s.leases" % files,
            "pidfile %s.pid" % files, ""]))
    open(files + ".leases", "ab").close()
    return Process([peer("busybox"), "udhcpd", "-f", conf],
                   os.path.join(str(folder), log))


def archive(path, files):
    """A cpio archive in the newc format, from {name: bytes}."""
    with open(path, "wb") as f:
        def put(data):
            f.write(data + bytes(-len(data) % 4))
        for number, (name, data) in enumerate(
                [*files.items(), ("TRAILER!!!", b"")]):
            fields = [number + 1, 0o100644, 0, 0, 1, 0, len(data), 0, 0, 0, 0,
                      len(name) + 1, 0]
            head = b"070701" + b"".join(b"%08X" % v for v in fields)
            put(head + name.encode() + b"\0")
            put(data)
    return path
