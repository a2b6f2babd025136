# SPDX-License-Identifier: BSD-2-Clause
"""What survives a power-off: the state disk, whole, torn, rotten, foreign."""

import binascii
import hashlib
import os
import random
import re
import struct
import time
import uuid

import pytest

import lab
import nts_lab
from state_lab import (CERTIFICATE, SLOT, disk, generation, items, known,
                       make_disk, newest, read, time_saved, write)

ADDRESS = "address 10.0.2.15/24; gateway 10.0.2.2; "
STATIC = ADDRESS + "server 10.0.2.2 iburst; allow"
PAGE = 4096
REGION = 3 * SLOT
TYPE = uuid.UUID("7970f387-b1a9-4f15-910c-4dd0e7566b55")
FORGOTTEN = r"keys, cookies and .* forgotten at power-off"


def one_save(boot, link, path, append=STATIC, **more):
    """One run, until it saved its time; what it said."""
    before = newest(path)[1]
    vm = boot(append, net=link.netdev(), **{"extra": disk(path), **more})
    vm.wait_for("clock set from", 20)
    time_saved(path, before)
    vm.close()
    return vm.output()


def found(text):
    """The save that a run found, and its last known time; 0: none."""
    if re.search(r"nothing was saved yet|is made the state disk", text):
        return 0, 0
    line = re.search(r"save (\d+): last known time (\d+) s", text)
    assert line, text
    return int(line.group(1)), int(line.group(2))


def look(boot, path, **more):
    """Boot without a network, until it is up; what it said."""
    vm = boot(ADDRESS, **{"extra": disk(path), **more})
    vm.wait_for("boot: done", 20)
    vm.close()
    return vm.output()


def test_second_boot_finds_what_the_first_saved(boot, link, upstream, tmp_path):
    del upstream
    path = make_disk(tmp_path / "disk")
    before = time.time()
    text = one_save(boot, link, path)
    assert re.search(r"blank disk at .* is made the state disk", text), text
    number = newest(path)[1]
    text = one_save(boot, link, path)
    assert found(text)[0] == number
    assert abs(found(text)[1] - before) < 15
    assert "damaged" not in text
    number = newest(path)[1]
    assert found(look(boot, path))[0] == number


def own_certificate(boot, link, path, append, base):
    """Which certificate of its own is shown, at that time of the RTC."""
    vm = boot(append, net=link.netdev(), extra=disk(path) + [
        "-rtc", "clock=vm,base=" + base])
    said = vm.wait_for("nts: (the same|a new) certificate of our own, "
                       "SHA-256 ([0-9A-F:]{95})")
    lab.until("it is saved", 10, lambda: hashlib.sha256(
        items(path).get(CERTIFICATE, b"")).digest() == bytes.fromhex(
            said[2].replace(":", "")))
    vm.close()
    return said.groups()


def test_certificate_is_judged_by_a_clock_that_is_set(boot, link, upstream,
                                                      tmp_path):
    """Ten years that begin in 2060 are kept by an RTC that says 2075, and of no
    use today."""
    del upstream
    path = make_disk(tmp_path / "disk")
    alone = ADDRESS + "server 10.0.2.99; allow"
    made, first = own_certificate(boot, link, path, alone, "2060-01-01")
    assert made == "a new"
    assert own_certificate(boot, link, path, alone, "2075-01-01") == (
        "the same", first)
    made, second = own_certificate(boot, link, path, STATIC,
                                   time.strftime("%Y-%m-%d"))
    assert made == "a new" and second != first


@pytest.mark.parametrize("machine", ["pc", "microvm,pcie=on"])
@pytest.mark.parametrize("device", [
    ",disable-legacy=on", ",disable-modern=off,disable-legacy=off",
    ",vectors=0", ",logical_block_size=4096,physical_block_size=4096"])
def test_every_disk_keeps_state(boot, tmp_path, machine, device):
    path = make_disk(tmp_path / "disk")
    text = look(boot, path, machine=machine, extra=disk(path, device=device))
    assert "is made the state disk" in text, text
    text = look(boot, path, machine=machine, extra=disk(path, device=device))
    assert "state: virtio-blk at" in text, text


def test_legacy_disk_is_refused_with_the_reason(boot, tmp_path):
    path = make_disk(tmp_path / "disk")
    text = look(boot, path, machine="pc", extra=disk(
        path, device=",disable-legacy=off,disable-modern=on"))
    assert re.search("state: virtio-blk at .*legacy virtio only", text), text
    assert re.search(FORGOTTEN, text)


def test_without_a_disk_it_says_what_is_forgotten(boot, link, upstream):
    del upstream
    vm = boot(STATIC, net=link.netdev())
    lab.ask_until(lambda r: r.synchronised, 20)
    vm.wait_for("state: no disk for it: " + FORGOTTEN)


def test_state_off_touches_no_disk(boot, tmp_path):
    path = make_disk(tmp_path / "disk")
    vm = boot(ADDRESS + "state off", extra=disk(path))
    vm.wait_for("boot: done")
    vm.wait_for("state: off: " + FORGOTTEN)
    vm.close()
    assert not any(read(path))


def test_named_disk_is_found_among_others(boot, tmp_path):
    paths = [make_disk(tmp_path / name) for name in "abc"]
    extra = [word for i, path in enumerate(paths) for word in disk(
        path, "d%d" % i, ",serial=disk%d" % i)]
    vm = boot(ADDRESS + "state disk1", extra=extra)
    vm.wait_for("is made the state disk")
    vm.wait_for("boot: done")
    vm.close()
    assert [any(read(p)) for p in paths] == [False, True, False]
    vm = boot(ADDRESS + "state disk7", extra=extra)
    vm.wait_for("state: no disk or partition of that name")


def mkstate(path):
    return lab.run(os.path.join(lab.ROOT, "tools", "mkstate"), str(path),
                   check=False)


def test_mkstate_makes_a_region_of_a_new_file_or_a_large_one(boot, tmp_path):
    large = make_disk(tmp_path / "large", 80 << 20)
    for path in (str(tmp_path / "new"), large, large):
        assert mkstate(path).returncode == 0
        assert "nothing was saved yet" in look(boot, path)
        saved = newest(path)[1]
        assert found(look(boot, path))[0] == saved


def test_mkstate_takes_nothing_that_is_something_else(tmp_path):
    for content in (b"x", bytes((1 << 20) - 1) + b"x"):
        path = make_disk(tmp_path / "disk", 1 << 20, content)
        assert "something else" in mkstate(path).stdout
        assert read(path) == content.ljust(1 << 20, b"\0")
    path = make_disk(tmp_path / "small", REGION - 512)
    assert mkstate(path).returncode != 0
    assert not any(read(path))
    assert mkstate(tmp_path).returncode != 0


# Disks that are not ours.

def foreign(kind):
    some = random.Random(1).randbytes(1 << 20)
    return {
        "random": some,
        "boot sector": some[:510] + b"\x55\xaa" + bytes(1 << 20),
        "ext4": bytes(1080) + b"\x53\xef" + bytes(1 << 20),
        "late": bytes((1 << 20) - 1) + b"x",
        "large": bytes(65 << 20),
        "our header, rotten": b"GNOMON\r\n" + bytes(PAGE),
    }[kind]


@pytest.mark.parametrize("kind", ["random", "boot sector", "ext4", "late",
                                  "large", "our header, rotten"])
def test_foreign_disk_is_said_and_never_written(boot, link, upstream, tmp_path,
                                                kind):
    del upstream
    path = make_disk(tmp_path / "disk", len(foreign(kind)), foreign(kind))
    before = read(path)
    vm = boot(STATIC, net=link.netdev(), extra=disk(path))
    vm.wait_for("is not for state, and is left alone")
    lab.ask_until(lambda r: r.synchronised, 20)
    time.sleep(0.5)
    vm.close()
    assert read(path) == before


def test_read_only_disk_is_read_and_not_written(boot, link, upstream,
                                                tmp_path):
    del upstream
    path = make_disk(tmp_path / "disk")
    one_save(boot, link, path)
    before = read(path)
    text = look(boot, path, extra=disk(path, node=",read-only=on"))
    assert found(text)[0] == newest(path)[1]
    assert "state: may not be written to" in text
    assert read(path) == before


# Disks that fail.

def test_disk_that_does_not_answer_is_waited_for_a_second(boot, link, upstream):
    del upstream
    vm = boot(STATIC, net=link.netdev(), extra=[
        "-blockdev", "driver=null-co,node-name=d0,size=1048576,"
        "read-zeroes=on,latency-ns=4000000000",
        "-device", "virtio-blk-pci,drive=d0"])
    at = int(vm.wait_for(r"\[ *(\d+) us\] state: .*: does not answer",
                         20).group(1))
    assert at < 3.9e6
    lab.ask_until(lambda r: r.synchronised, 20)


@pytest.mark.parametrize("kind", ["write", "flush", "read"])
def test_disk_with_errors_is_no_reason_not_to_serve(boot, link, upstream,
                                                    tmp_path, kind):
    del upstream
    path = make_disk(tmp_path / "disk")
    one_save(boot, link, path)
    before = read(path)
    vm = boot(STATIC, net=link.netdev(), extra=[
        "-blockdev", "driver=blkdebug,node-name=d0,image.driver=file,"
        "image.filename=%s,inject-error.0.event=none,"
        "inject-error.0.iotype=%s,inject-error.0.errno=5" % (path, kind),
        "-device", "virtio-blk-pci,drive=d0,rerror=report,werror=report"])
    lab.ask_until(lambda r: r.synchronised, 20)
    if kind == "read":
        vm.wait_for("state: virtio-blk at .* cannot be read")
    else:
        vm.wait_for("state: WARNING: the disk refused to keep it")
    assert vm.running()
    vm.close()
    if kind != "flush":
        assert read(path) == before
    assert found(look(boot, path))[0] >= 1


def test_rotten_save_gives_way_to_the_one_before(boot, link, upstream,
                                                 tmp_path):
    """And a rotten header is written anew."""
    del upstream
    path = make_disk(tmp_path / "disk")
    one_save(boot, link, path)
    slot, number = newest(path)
    assert number > 1
    where = SLOT * (1 + slot) + 70
    write(path, where, bytes([read(path, where, 1)[0] ^ 1]))
    header = read(path, 0, PAGE)
    write(path, 30, b"rot")
    text = one_save(boot, link, path)
    assert "the header is damaged" in text and header == read(path, 0, PAGE)
    assert "slot %d is damaged, torn or rotten; the other one" % slot in text
    assert found(text)[0] == number - 1
    text = look(boot, path)
    assert found(text)[0] >= number and "damaged" not in text


# Partitions.

def table(content, size):
    """A disk with somebody else's partition, and one for state of `content`
    at 512 KiB."""
    whole = bytearray(size)
    entries = bytearray(128 * 128)
    other = uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")
    for i, (kind, first, last, name) in enumerate([
            (other, 64, 1023, "other"),
            (TYPE, 1024, 1024 + len(content) // 512 - 1, "gnomon")]):
        entries[128 * i:128 * i + 128] = kind.bytes_le + bytes(
            [i + 1] * 16) + struct.pack(
                "<QQQ", first, last, 0) + name.encode(
                    "utf-16le").ljust(72, b"\0")
    whole[64 * 512:1024 * 512] = random.Random(2).randbytes(960 * 512)
    whole[1024 * 512:1024 * 512 + len(content)] = content
    whole[1024:1024 + len(entries)] = entries
    header = bytearray(b"EFI PART" + struct.pack(
        "<IIIIQQQQ", 0x10000, 92, 0, 0, 1, size // 512 - 1, 34,
        size // 512 - 34) + bytes(16) + struct.pack(
            "<QIII", 2, 128, 128, binascii.crc32(entries)))
    header[16:20] = struct.pack("<I", binascii.crc32(header))
    whole[512:512 + len(header)] = header
    return bytes(whole)


def test_partition_of_our_type_is_used_and_nothing_else(boot, link, upstream,
                                                        tmp_path):
    del upstream
    size = 2 << 20
    path = make_disk(tmp_path / "disk", size, table(bytes(REGION), size))
    before = read(path)
    for again in (False, True):
        last, number = known(path, 1024 * 512), newest(path, 1024 * 512)[1]
        vm = boot(STATIC + "; state gnomon", net=link.netdev(),
                  extra=disk(path))
        vm.wait_for("clock set from", 20)
        time_saved(path, number, 1024 * 512)
        vm.close()
        assert not again or found(vm.output()) == (number, last)
    after = read(path)
    end = 1024 * 512 + REGION
    assert after[:1024 * 512] == before[:1024 * 512]
    assert after[end:] == before[end:]


def test_partition_that_holds_something_else_is_left_alone(boot, tmp_path):
    size = 2 << 20
    path = make_disk(tmp_path / "disk", size, table(
        bytes(5000) + b"x" + bytes(REGION - 5001), size))
    before = read(path)
    text = look(boot, path)
    assert "partition for state that holds something else" in text
    assert read(path) == before


# Every disk that a power failure may leave behind.

def logged(path, log, mode):
    """A disk all of whose writes are kept, in order."""
    return ["-blockdev", "driver=blklogwrites,node-name=d0,file.driver=file,"
            "file.filename=%s,log.driver=file,log.filename=%s,"
            "%s" % (path, log, mode),
            "-device", "virtio-blk-pci,drive=d0"]


def read_log(path):
    """The writes (offset, bytes) and flushes (None) that QEMU logged."""
    log = read(path)
    if not log:
        return []
    magic, version, entries, sector = struct.unpack("<QQQI", log[:28])
    assert (magic, version, sector) == (0x6a736677736872, 1, 512)
    at, steps = 512, []
    for _ in range(entries):
        where, sectors, flags, _ = struct.unpack("<QQQQ", log[at:at + 32])
        assert not flags & 4, "nothing is ever discarded"
        at += 512
        if sectors:
            steps.append((where * 512, log[at:at + sectors * 512]))
            at += sectors * 512
        if flags & 1 or not sectors:
            steps.append(None)
    return steps


def is_logged(path, log, words):
    """Is the newest save flushed, after so many writes of last words?"""
    steps = read_log(log)
    return (bounds(steps) == 2 * newest(path)[1:] and
            [s[0] for s in steps if s].count(PAGE) == words)


def history(boot, link, tmp_path):
    """Four runs, the second of which ends in a panic; their writes."""
    path, log = make_disk(tmp_path / "disk"), make_disk(tmp_path / "log", 0)
    for number in range(1, 5):
        before = newest(path)[1]
        vm = boot(STATIC, net=link.netdev(), extra=logged(
            path, log, "log-append=on" if number > 1 else
            "log-sector-size=512"))
        vm.wait_for("clock set from", 20)
        time_saved(path, before)
        lab.until("it is flushed", 10,
                  lambda n=number: is_logged(path, log, 2 * (n > 2)))
        if number == 2:
            vm.qmp("inject-nmi")
            vm.wait_for("panic: non-maskable interrupt")
            vm.exit_status()
        vm.close()
    assert "last panic" not in vm.output()
    steps = read_log(log)
    places = [s[0] for s in steps if s]
    assert places[0] == 0 and places.count(PAGE) == 2
    assert set(places) == {0, PAGE, SLOT, 2 * SLOT}
    return steps


def bounds(steps):
    """The save that must be found at least, and at most."""
    least = most = 0
    for step in steps:
        if step is None:
            least = most
        elif step[0] >= SLOT:
            most = max(most, generation(step[1]))
    return least, most


def check(boot, tmp_path, content, least, most):
    path = make_disk(tmp_path / "replayed", 1 << 20, content)
    text = look(boot, path)
    assert least <= found(text)[0] <= most, text
    assert "panic: " not in re.sub("last panic: .*", "", text)


def test_right_after_every_prefix_and_any_loss(boot, link, upstream, tmp_path):
    """Cut off between any two writes; and within each, with only some of its
    sectors there: those up to one, or any of them."""
    del upstream
    seed = int(os.environ.get("STATE_SEED", time.time()))
    print("STATE_SEED=%d" % seed)
    chance = random.Random(seed)
    steps = history(boot, link, tmp_path)
    now = bytearray(1 << 20)
    for i, step in enumerate(steps):
        least, _ = bounds(steps[:i])
        _, most = bounds(steps[:i + 1])
        check(boot, tmp_path, now, *bounds(steps[:i]))
        if step is None:
            continue
        offset, data = step
        count = len(data) // 512
        cut = chance.randrange(1, count)
        for there in [[k < cut for k in range(count)],
                      [chance.random() < 0.5 for k in range(count)]]:
            torn = bytearray(now)
            for k in range(count):
                if there[k]:
                    torn[offset + 512 * k:offset + 512 * (k + 1)] = (
                        data[512 * k:512 * (k + 1)])
            check(boot, tmp_path, torn, least, most)
        now[offset:offset + len(data)] = data
    least, most = bounds(steps)
    assert least == most > 4
    check(boot, tmp_path, now, most, most)


# The run before.

def test_last_words_are_printed_by_the_next_boot_once(boot, link, upstream,
                                                      tmp_path):
    del upstream
    path = make_disk(tmp_path / "disk")
    vm = boot(STATIC, net=link.netdev(), extra=disk(path), reboot=True)
    vm.wait_for("clock set from", 20)
    time_saved(path, 0)
    vm.qmp("inject-nmi")
    vm.wait_for("state: last panic: panic: non-maskable interrupt", 20)
    vm.wait_for(r"state: +(at|from) [0-9a-f]{16} loop_run")
    lab.until("cleared", 10, lambda: not any(read(path, PAGE, PAGE)))
    vm.close()
    text = look(boot, path)
    assert "panic" not in text and found(text)[0] > 1


def test_clock_that_is_behind_is_not_believed(boot, link, upstream, tmp_path):
    path = make_disk(tmp_path / "disk")
    one_save(boot, link, path)
    upstream.close()
    old = ["-rtc", "base=2020-01-01T00:00:00"]
    quick = "; local stratum 10 waitunsynced 1"
    vm = boot(STATIC + quick, net=link.netdev(), extra=old)
    lab.ask_until(lambda r: r.stratum == 10, 20)
    vm.close()
    vm = boot(STATIC + quick, net=link.netdev(), extra=old + disk(path))
    vm.wait_for("date: WARNING: that clock is behind; .* last known time")
    reply = lab.until("an answer", 10, lambda: lab.ask(timeout=0.3))
    assert reply.leap == 3
    time.sleep(3)
    assert lab.ask().leap == 3


def test_sources_may_go_below_the_last_known_time_loudly(boot, link, things,
                                                         tmp_path):
    path = make_disk(tmp_path / "disk")
    year = 365 * 86400
    source = lab.Upstream(lab.GATEWAY, offset=year)
    things.append(source)
    one_save(boot, link, path)
    source.offset = 0
    warning = "before the last known one"
    text = one_save(boot, link, path)
    ahead = found(text)[1] - time.time()
    assert abs(ahead - year) < 60
    assert text.count(warning) == 1
    text = one_save(boot, link, path)
    assert abs(found(text)[1] - time.time()) < 60
    assert warning not in text


def test_last_known_time_tells_the_era(boot, link, things, tmp_path):
    """In 2040, without a clock that tells the date, on a network where all
    stamps begin at zero again."""
    path = make_disk(tmp_path / "disk")
    ahead = 2208988800 - int(time.time())  # 2040-01-01
    things.append(lab.Upstream(lab.GATEWAY, offset=ahead))
    text = one_save(boot, link, path, extra=disk(path) + [
        "-rtc", "base=2040-01-01T00:00:00"])
    text = one_save(boot, link, path, extra=disk(path) + [
        "-rtc", "base=2000-01-01T00:00:00"])
    assert abs(found(text)[1] - 2208988800) < 120
    text = look(boot, path)
    assert abs(found(text)[1] - 2208988800) < 120


# Randomness.


def sources_of_randomness(boot, cpu, rng):
    """What the console says: bits, and where they are from."""
    vm = boot(ADDRESS, cpu=cpu, rng=rng)
    found = vm.wait_for(r"entropy: (\d+) bits from (.*)$", 20)
    vm.wait_for("boot: done")
    assert "too little" not in vm.output()
    vm.close()
    return int(found.group(1)), found.group(2).strip()


@pytest.mark.parametrize("cpu, names", [
    ("qemu64", "jitter"), ("max", "RDSEED RDRAND jitter"),
    ("max,-rdseed", "RDRAND jitter")])
def test_console_names_the_sources_of_randomness(boot, cpu, names):
    bits, found = sources_of_randomness(boot, cpu, False)
    assert found == names and bits >= 512
    # A boot waits 5 ms for the device, which a busy host may need longer for.
    for _ in range(4):
        bits, found = sources_of_randomness(boot, cpu, True)
        if found != names:
            break
    assert found == names.replace("jitter", "virtio-rng jitter")
    assert bits >= 768


# A machine whose time is counted in instructions has nothing random in it.
EVEN = {"cpu": "qemu64", "accel": "tcg,thread=single",
        "extra": ["-icount", "shift=3"]}


def test_without_randomness_nts_is_refused_and_time_is_served(boot, link,
                                                              upstream):
    del upstream
    vm = boot(STATIC, net=link.netdev(), **EVEN)
    vm.wait_for(r"entropy: 0 bits from$", 20)
    vm.wait_for(r"entropy: WARNING: too little")
    vm.wait_for(r"nts: refused: too little entropy$")
    lab.ask_until(lambda r: r.synchronised, 20)
    assert not nts_lab.accepts(lab.GUEST)
    assert "key establishment on port" not in vm.output()


def test_what_virtio_rng_gives_is_enough_for_nts(boot, link, upstream):
    del upstream
    vm = boot(STATIC, net=link.netdev(), rng=True, **EVEN)
    vm.wait_for(r"entropy: \d+ bits from virtio-rng$", 20)
    lab.ask_until(lambda r: r.synchronised, 20)
    lab.until("NTS-KE", 20, lambda: nts_lab.accepts(lab.GUEST))
    assert "nts: refused" not in vm.output()


def test_silent_virtio_rng_is_not_waited_for(boot, tmp_path):
    """Its host's generator gives nothing."""
    fifo = str(tmp_path / "fifo")
    os.mkfifo(fifo)
    keeper = os.open(fifo, os.O_RDWR)
    vm = boot(ADDRESS, cpu="qemu64", extra=[
        "-object", "rng-random,id=r0,filename=" + fifo,
        "-device", "virtio-rng-pci,rng=r0"])
    vm.wait_for(r"entropy: \d+ bits from jitter$", 20)
    vm.wait_for("boot: done")
    os.close(keeper)


def test_rotten_virtio_rng_is_not_trusted(boot):
    vm = boot(ADDRESS, cpu="qemu64", extra=[
        "-object", "rng-random,id=r0,filename=/dev/zero",
        "-device", "virtio-rng-pci,rng=r0"])
    vm.wait_for(r"entropy: 512 bits from jitter$", 20)
