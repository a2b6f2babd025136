# SPDX-License-Identifier: BSD-2-Clause
"""Measure the image, alone or in turns beside a Linux guest with chronyd.

usage: tests/bench/bench.py [--form short|normal|long] [--linux FOLDER]
                            [--suites NAME,...]

Every run is a line of JSON in build/bench.jsonl, with what other processes
used meanwhile ("others", in cores); the table gives medians.  It needs a
network namespace of its own and /dev/net/tun: run `make bench`.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import statistics
import sys
import time

import guest as guests
import nts_times
from guest import lab, loadgen
import nts_lab

# How often, and for how many seconds.
FORMS = {
    "short": {
        "suites": "clock nts size memory boot idle load accuracy16 ke",
        "boots": 3, "loads": 1, "load": 1, "latency": 2, "settle": 2,
        "idle": 4, "follow": 2, "accuracy": 6,
        "windows": (1, 64), "rates": (2000, 50000)},
    "normal": {
        "suites": "clock nts server size memory boot idle load accuracy "
                  "accuracy16 ke",
        "boots": 7, "loads": 3, "load": 3, "latency": 10, "settle": 15,
        "idle": 30, "follow": 40, "accuracy": 60,
        "windows": (1, 16, 64),
        "rates": (2000, 5000, 10000, 20000, 50000)},
    "long": {
        "suites": "clock nts server size memory boot idle load accuracy "
                  "accuracy16 ke",
        "boots": 15, "loads": 7, "load": 5, "latency": 20, "settle": 30,
        "idle": 30, "follow": 120, "accuracy": 600,
        "windows": (1, 16, 64),
        "rates": (2000, 5000, 10000, 20000, 50000)},
}

# These ask over a link that the kernel has a hand in.
ON_TAP = ("boot", "idle", "accuracy", "accuracy16", "ke")
UDP = ["--udp", lab.GUEST + ":123"]
DGRAM_QUEUE = "/proc/sys/net/unix/max_dgram_qlen"


class Bench:
    def __init__(self, form, folder, out, machines):
        self.form, self.folder, self.out = FORMS[form], folder, out
        self.guests = machines
        self.runs = []

    def note(self, name, suite, figures, span=None):
        run = {"guest": name, "suite": suite,
               "when": time.strftime("%H:%M:%S"), **figures}
        if span:
            run["others"] = round(span.others, 3)
            run["stolen"] = round(span.stolen, 3)
        self.runs.append(run)
        with open(self.out, "a", encoding="utf-8") as f:
            f.write(json.dumps(run) + "\n")

    def in_turns(self, repeats, measure):
        for _ in range(repeats):
            for guest in self.guests:
                measure(guest)

    # What needs no network.

    def clock(self):
        """One reading of the clock: on the host, in the image, and in the
        image by a virtual clock that moves 1 ns with each instruction."""
        text = lab.run(os.path.join(lab.BUILD, "native", "tests", "bench",
                                    "bench_clock")).stdout
        found = re.search(r"([\d.]+) ns(?:, (\d+) instr)?", text)
        self.note("host", "clock", {
            "ns": float(found[1]),
            **({"instructions": int(found[2])} if found[2] else {})})
        for accel, more, suite in (
                (guests.TCG, (), "clock"),
                # QEMU 10 gives up when x2APIC meets the counter.
                ("tcg,thread=single", ("-icount", "shift=0", "-cpu",
                                       "max,x2apic=off"), "icount")):
            vm = guests.Gnomon().start(
                self.folder, words="selftest=clock-read", accel=accel,
                more=(*more, "-device", "isa-debug-exit,iobase=0xf4,iosize=4"))
            with contextlib.closing(vm):
                found = vm.wait_for(r"(\d+) ticks, (\d+) ns a reading", 30)
                self.note("gnomon", suite, {"ticks": int(found[1]),
                                            "ns": int(found[2])})

    def nts(self):
        """One request under NTS, by either cipher: as the clock."""
        for accel, more, suite in (
                (guests.TCG, ("-cpu", "max"), "nts"),
                ("tcg,thread=single", ("-icount", "shift=0", "-cpu",
                                       "max,x2apic=off"), "nts-icount")):
            vm = guests.Gnomon().start(
                self.folder, words="selftest=nts-cost", accel=accel,
                more=(*more, "-device", "isa-debug-exit,iobase=0xf4,iosize=4"))
            with contextlib.closing(vm):
                vm.wait_for("nts-cost: (done)", 30)
                for what, ticks, ns in re.findall(
                        r"nts-cost: (.*): (\d+) ticks, (\d+) ns a request",
                        vm.output()):
                    self.note("gnomon", suite, {
                        "what": what, "ticks": int(ticks), "ns": int(ns)})

    def server(self):
        """The parts of one reply, on the host."""
        for program in ("bench_server", "bench_nts"):
            text = lab.run(os.path.join(lab.BUILD, "native", "tests", "bench",
                                        program)).stdout
            for what, ns in re.findall(r"^(\S.*?) {2,}([\d.]+) ns$", text,
                                       re.M):
                self.note("host", "server", {"what": what, "ns": float(ns)})

    def size(self):
        for guest in self.guests:
            self.note(guest.name, "size", {"bytes": guest.bytes()})

    # What needs a server to follow: a link with chronyd at its other end.

    @contextlib.contextmanager
    def link(self):
        tap = lab.Tap()
        lab.run("ip", "neigh", "replace", lab.GUEST, "lladdr", lab.GUEST_MAC,
                "nud", "permanent", "dev", tap.name)
        with contextlib.closing(tap), contextlib.closing(
                lab.honest(self.folder)):
            yield tap.netdev()

    def boot(self):
        """From the start of QEMU to a true reply at stratum 2."""
        def once(guest):
            with contextlib.closing(guest.start(
                    self.folder, net, follow="")) as vm, \
                    guests.Span(vm) as span:
                figures = self.first(vm)
                if guest.says_when:
                    figures["entry_ms"] = int(vm.wait_for(
                        guest.says_when, 5)[1]) / 1000
            self.note(guest.name, "boot", figures, span)

        with self.link() as net:
            self.in_turns(self.form["boots"], once)

    @staticmethod
    def first(vm, where=None):
        figures = loadgen(
            "first", *(where or [*UDP, "--nsock", 1, "--refid", lab.GATEWAY,
                                 "--bounded", 1]), "--stratum", 2,
            "--interval", 2, "--limit", 60, "--t0", vm.started)
        if "failed" in figures:
            raise SystemExit("bench: no such reply: %s\n%s" % (
                figures, vm.output()[-3000:]))
        return figures

    def idle(self):
        """CPU of QEMU, in percent of a core, while nobody asks."""
        def once(guest):
            with contextlib.closing(guest.start(
                    self.folder, net, follow="")) as vm:
                self.first(vm)
                time.sleep(self.form["settle"])
                with guests.Span(vm) as span:
                    time.sleep(self.form["idle"])
                self.note(guest.name, "idle", {
                    "percent": 100 * span.cpu / span.seconds}, span)

        with self.link() as net:
            self.in_turns(1, once)

    def accuracy(self, suite="accuracy", follow=""):
        """Served time minus the host's, the best of 8 each second."""
        def once(guest):
            with contextlib.closing(guest.start(
                    self.folder, net, follow=follow)) as vm:
                self.first(vm)
                time.sleep(self.form["follow"])
                with guests.Span(vm) as span:
                    figures = loadgen("offset", *UDP, "--nsock", 1,
                                      "--count", self.form["accuracy"])
                self.note(guest.name, suite, figures, span)

        with self.link() as net:
            self.in_turns(1, once)

    def accuracy16(self):
        self.accuracy("accuracy16", guests.POLL_16_S)

    def ke(self):
        """NTS of the appliance, with a P-256 certificate that is given."""
        tls, ca = nts_times.warm_up(), nts_lab.Authority(self.folder)
        cpio = nts_lab.archive(os.path.join(self.folder, "nts.cpio"),
                               [ca.issue()], "server 10.0.2.2 iburst\n"
                               "logstats 1\n")
        control = nts_times.busy_elsewhere(self.folder,
                                           *ca.issue(("127.0.0.1",)))
        places = {"handshakes here": (lab.GUEST, nts_times.nts.PORT),
                  "handshakes elsewhere": nts_times.CONTROL}

        def start(net):
            return contextlib.closing(guests.Gnomon().start(
                self.folder, net, words=" ", more=("-initrd", cpio)))

        with self.link() as net, contextlib.closing(control):
            for _ in range(self.form["boots"]):
                with start(net) as vm, guests.Span(vm) as span:
                    figures = nts_times.first_reply(vm.started, tls)
                self.note("gnomon", "nts boot", figures, span)
            with start(net) as vm:
                nts_times.first_reply(vm.started, tls)
                for _ in range(self.form["loads"]):
                    for parallel in (1, nts_times.CLIENTS):
                        with guests.Span(vm) as span:
                            figures = nts_times.handshakes(
                                self.form["load"] + 1, parallel)
                        self.note("gnomon", "handshakes by %d" % parallel,
                                  figures, span)
                    for name, place in places.items():
                        with guests.Span(vm) as span:
                            figures = nts_times.response_times(
                                self.form["latency"], place)
                        self.note("gnomon", name, figures, span)

    # What is asked over a unix socket, which has no kernel's network in it.

    @contextlib.contextmanager
    def framed(self, guest, memory=None):
        folder = os.path.join(self.folder, guest.name)
        os.makedirs(folder, exist_ok=True)
        where = ["--frame", "%s/peer,%s/qemu" % (folder, folder)]
        with contextlib.closing(guest.start(
                folder, guests.dgram(folder), memory=memory)) as vm:
            yield vm, where

    def memory(self):
        """The least memory, in MiB, in which it serves under load."""
        def serves(guest, memory):
            with self.framed(guest, memory) as (vm, where):
                first = loadgen("first", *where, "--stratum", 2,
                                "--limit", guest.patience)
                if "failed" in first:
                    return False
                load = loadgen("load", *where, "--window", 64, "--duration",
                               0.3, "--warmup", 0)
                return load.get("valid", 0) > 0 and vm.running()

        for guest in self.guests:
            low, high = 0, len(guest.memories) - 1
            while low < high:
                middle = (low + high) // 2
                if serves(guest, guest.memories[middle]):
                    high = middle
                else:
                    low = middle + 1
            self.note(guest.name, "memory", {"mib": guest.memories[high]})

    def load(self):
        """Requests answered at saturation, shed above it, and how fast."""
        form, up = self.form, {}
        span = ["--duration", form["load"], "--warmup", 0.5, "--timeout", 500]

        def once(suite, *options):
            def measure(guest):
                vm, where = up[guest.name]
                with guests.Span(vm) as s:
                    figures = loadgen("load", *where, *options)
                if "failed" in figures:
                    raise SystemExit("bench: %s\n%s" % (
                        figures, vm.output()[-3000:]))
                figures["us_per_reply"] = 1e6 * s.cpu / figures["answered"]
                self.note(guest.name, suite, figures, s)
                time.sleep(0.3)
            return measure

        with contextlib.ExitStack() as stack:
            for guest in self.guests:
                vm, where = up[guest.name] = stack.enter_context(
                    self.framed(guest))
                self.first(vm, where)
            for w in form["windows"]:
                self.in_turns(form["loads"], once(
                    "window %d" % w, "--window", w, *span))
            self.in_turns(form["loads"], once(
                "200/s", "--rate", 200, "--duration", form["latency"],
                "--warmup", 0.5))
            for r in form["rates"]:
                self.in_turns(form["loads"], once(
                    "%d/s" % r, "--rate", r, *span))


# The table.

def rows(form):
    """What each line of the table says: its words, its format, and of which
    suite's runs it is the median of which figure."""
    yield "image", "%.0f KiB", "size", lambda r: r["bytes"] / 1024
    yield "least memory", "%.0f MiB", "memory", lambda r: r["mib"]
    yield ("start of QEMU to first stratum-2 reply", "%.0f ms", "boot",
           lambda r: r["wanted_ms"])
    yield ("entry to clock set, by its console", "%.1f ms", "boot",
           lambda r: r.get("entry_ms"))
    yield ("idle, of a core", "%.2f %%", "idle", lambda r: r["percent"])
    for w in form["windows"]:
        name = "window %d" % w
        yield ("requests/s, %s" % name, "%.0f", name, lambda r: r["rps"])
        yield ("  QEMU's CPU for each", "%.1f us", name,
               lambda r: r["us_per_reply"])
    for r in form["rates"]:
        yield ("answered of %d/s" % r, "%.1f %%", "%d/s" % r,
               lambda r: 100 * r["ratio"])
    yield ("response at 200/s, median", "%.0f us", "200/s",
           lambda r: r["p50_us"])
    yield ("response at 200/s, 99 %", "%.0f us", "200/s",
           lambda r: r["p99_us"])
    yield ("start of QEMU to first reply under NTS", "%.0f ms", "nts boot",
           lambda r: r["nts_ms"])
    for n in (1, nts_times.CLIENTS):
        yield ("NTS-KE/s, %d at once" % n, "%.1f", "handshakes by %d" % n,
               lambda r: r["per_s"])
    for where in ("here", "elsewhere"):
        name = "handshakes " + where
        yield ("response at %d/s, 8 clients' %s" % (nts_times.RATE, name),
               "%.0f us", name, lambda r: r["p50_us"])
        yield "  99 %", "%.0f us", name, lambda r: r["p99_us"]
    for suite, poll in ("accuracy", "default"), ("accuracy16", "16 s"):
        yield ("served time minus host's, RMS, %s poll" % poll, "%.1f us",
               suite, lambda r: r["rms_us"])
        yield "  its median", "%.1f us", suite, lambda r: r["median_us"]


def median(runs, name, suite, figure):
    values = [figure(r) for r in runs
              if r["guest"] == name and r["suite"] == suite]
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def print_table(bench):
    names = [g.name for g in bench.guests]
    print("%-46s" % "" + "".join("%14s" % n for n in names)
          + ("%10s" % "ratio" if len(names) > 1 else ""))
    for words, pattern, suite, figure in rows(bench.form):
        values = [median(bench.runs, n, suite, figure) for n in names]
        if all(v is None for v in values):
            continue
        line = "%-46s" % words + "".join(
            "%14s" % ("-" if v is None else pattern % v) for v in values)
        if len(values) > 1 and None not in values and values[0]:
            line += "%10.3g" % (values[1] / values[0])
        print(line)
    for name, suite, words in (
            ("host", "clock", "natively: %(ns).1f ns"),
            ("gnomon", "clock", "in the image under TCG: %(ns)d ns"),
            ("gnomon", "icount", "by QEMU's instruction counter: %(ticks)d "
             "instructions, loop included")):
        for run in bench.runs:
            if (run["guest"], run["suite"]) == (name, suite):
                print("one reading of the clock, " + words % run
                      + (", %d instructions" % run["instructions"]
                         if "instructions" in run else ""))
    for suite, words in (
            ("nts", "in the image under TCG: %(what)s: %(ns)d ns"),
            ("nts-icount", "by QEMU's instruction counter: %(what)s: %(ticks)d "
             "instructions")):
        for run in bench.runs:
            if run["suite"] == suite:
                print("one request under NTS, " + words % run)
    for run in bench.runs:
        if run["suite"] == "server":
            print("natively, %-30s %8.1f ns" % (run["what"], run["ns"]))
    others = [r["others"] for r in bench.runs if "others" in r]
    if others:
        print("others used %.2f cores meanwhile (median; most: %.2f)" % (
            statistics.median(others), max(others)))


def sane(runs):
    """(passed, failed): figures that no image that works can miss."""
    results = []
    for run in runs:
        suite = run["suite"]
        if suite == "boot":
            results.append(run["stratum"] == 2)
        elif suite.startswith("window") or suite == "200/s":
            results.append(run["valid"] > 0 and run["malformed"] == 0 and
                           run["wrong_origin"] == 0 and
                           run["bad_checksum"] == 0 and run["unsync"] == 0)
        elif suite.startswith("handshakes by"):
            results.append(run["failed"] == 0 and run["handshakes"] > 0)
        elif suite.startswith("handshakes"):
            results.append(run["sent"] == run["answered"])
        elif suite.startswith("accuracy"):
            results.append(run["samples"] > 2 * run["unbounded"])
        else:
            results.append(True)
        if not results[-1]:
            print("not sane:", run)
    return sum(results), len(results) - sum(results)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--form", choices=FORMS, default="normal")
    parser.add_argument("--linux", metavar="FOLDER")
    parser.add_argument("--suites")
    options = parser.parse_args()
    machines = [guests.Gnomon()]
    if options.linux:
        machines.append(guests.Linux(options.linux))

    os.chdir(lab.ROOT)
    # Unix sockets have short names: relative ones.
    folder = os.path.join(os.path.relpath(lab.BUILD), "bench")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    lab.run("ip", "link", "set", "lo", "up")
    with open(DGRAM_QUEUE, "w", encoding="ascii") as f:
        f.write("1024")

    bench = Bench(options.form, folder,
                  os.path.join(lab.BUILD, "bench.jsonl"), machines)
    skipped = 0
    suites = (options.suites or bench.form["suites"]).replace(",", " ")
    for suite in suites.split():
        if suite in ON_TAP and not os.path.exists("/dev/net/tun"):
            print("SKIP %s: no /dev/net/tun on this machine" % suite)
            skipped += 1
        else:
            getattr(bench, suite)()
    print_table(bench)
    passed, failed = sane(bench.runs)
    print("bench: %d passed, %d failed, %d skipped" % (
        passed, failed, skipped))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
