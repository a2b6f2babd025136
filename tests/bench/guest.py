# SPDX-License-Identifier: BSD-2-Clause
"""The machines that are measured, all under the same QEMU, and what the host
did meanwhile."""

import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "boot"))
import lab  # pylint: disable=wrong-import-position

HZ = os.sysconf("SC_CLK_TCK")
QEMU = ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-smp", "1", "-cpu", "max", "-M", "q35"]
TCG = "tcg,thread=multi"
POLL_16_S = " minpoll 4 maxpoll 4"


def dgram(folder):
    """Frames over unix sockets: QEMU's `qemu`, the load generator's `peer`."""
    path = os.path.join(folder, "qemu")
    if os.path.exists(path):
        os.unlink(path)
    return ("dgram,id=n0,local.type=unix,local.path=%s,remote.type=unix,"
            "remote.path=%s" % (path, os.path.join(folder, "peer")))


class Guest:
    """A kind of machine; start() boots one."""

    name, memory, extra = "", 0, ()  # MiB
    memories = range(1)  # to look for the least of
    patience = 3.0  # s from the start of QEMU that serving may take
    says_when = None  # on its console: us from entry to the first set

    def words(self, follow):
        """The command line: `follow` is None for a clock of its own, else the
        options of the server 10.0.2.2."""
        raise NotImplementedError

    def image(self):
        raise NotImplementedError

    def bytes(self):
        return sum(os.path.getsize(f) for f in self.image()[1::2])

    def start(self, folder, net=None, follow=None, memory=None, accel=TCG,
              words=None, more=()):
        console = os.path.join(folder, self.name + ".console")
        open(console, "wb").close()
        command = [lab.peer("qemu-system-x86_64"), "-accel", accel, *QEMU,
                   "-m", str(memory or self.memory),
                   "-serial", "file:" + console, *self.image(),
                   "-append", words or self.words(follow)]
        if net:
            command += ["-netdev", net, "-device",
                        "virtio-net-pci,netdev=n0,mac=" + lab.GUEST_MAC,
                        *self.extra]
        return Running(console, command + list(more),
                       os.path.join(folder, self.name + ".qemu"))


class Running(lab.Process):
    def __init__(self, console, command, log):
        self.console = console
        super().__init__(command, log)

    def output(self):
        with open(self.console, encoding="utf-8", errors="replace") as f:
            return f.read() + super().output()


class Gnomon(Guest):
    name, memory, memories = "gnomon", 16, range(1, 17)
    says_when = r"^\[ *(\d+) us\] clock set from"

    def words(self, follow):
        source = ("local stratum 2" if follow is None
                  else "server 10.0.2.2 iburst" + follow)
        return "address 10.0.2.15/24; gateway 10.0.2.2; allow; " + source

    def image(self):
        return ["-kernel", lab.IMAGE]


class Linux(Guest):
    """Debian's cloud kernel and chronyd, made by tests/bench/linux_guest."""

    name, memory, memories = "linux", 256, range(64, 129, 4)
    patience = 25.0
    extra = ("-device", "virtio-rng-pci")

    def __init__(self, folder):
        self.folder = folder

    def words(self, follow):
        words = ["console=ttyS0 quiet panic=-1 address=10.0.2.15/24",
                 "gateway=10.0.2.2"]
        if follow is not None:
            words.append("server=10.0.2.2," + ",".join(
                ("iburst" + follow).split()))
        return " ".join(words)

    def image(self):
        return ["-kernel", os.path.join(self.folder, "vmlinuz"),
                "-initrd", os.path.join(self.folder, "initrd.img")]


def machine_seconds():
    """CPU used by everybody, and stolen from this machine, s."""
    with open("/proc/stat", encoding="ascii") as f:
        used = [int(w) / HZ for w in f.readline().split()[1:9]]
    return used[0] + used[1] + used[2] + used[5] + used[6], used[7]


def own_seconds():
    t = os.times()
    return t.user + t.system + t.children_user + t.children_system


class Span:
    """CPU of one process while the `with` lasts, and of others, in cores."""

    def __init__(self, process):
        self.process = process
        self.cpu = self.seconds = 0.0

    def __enter__(self):
        self.began = time.monotonic()
        self.before = (*machine_seconds(), own_seconds(),
                       self.process.cpu_seconds())
        return self

    def __exit__(self, *_):
        after = (*machine_seconds(), own_seconds(),
                 self.process.cpu_seconds())
        used, stolen, own, self.cpu = (
            b - a for a, b in zip(self.before, after))
        self.seconds = time.monotonic() - self.began
        self.others = max(0.0, used - own - self.cpu) / self.seconds
        self.stolen = stolen / self.seconds


def loadgen(verb, *options):
    """What the load generator prints, as a dict; {} if it gave up."""
    done = subprocess.run(
        [os.path.join(lab.BUILD, "host", "loadgen"), verb,
         *map(str, options)], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        timeout=1200, check=False)
    figures = {}
    for key, value in re.findall(r"(\w+)=(\S+)", done.stdout):
        try:
            figures[key] = float(value)
        except ValueError:
            figures[key] = value
    if done.returncode != 0:
        figures["failed"] = (done.stderr or done.stdout).strip()
    return figures
