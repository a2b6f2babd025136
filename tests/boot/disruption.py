# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of pauses, copies and restores share."""

import os
import re
import socket
import threading
import time

import lab

RATE = 100  # requests a second

sleep = time.sleep


class Client(threading.Thread):
    """Asks a hundred times a second, whether it is answered or not."""

    def __init__(self, address=lab.GUEST):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect((address, 123))
        self.socket.settimeout(0.05)
        self.asked, self.replies = {}, []
        self.resumed = None
        self.going = True
        self.listener = threading.Thread(target=self.listen, daemon=True)

    def __enter__(self):
        self.start()
        self.listener.start()
        time.sleep(0.3)
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.going:
            time.sleep(0.3)
            self.going = False
            self.join(2)
            self.listener.join(2)
            self.socket.close()

    def run(self):
        due = time.monotonic()
        while self.going:
            due += 1 / RATE
            time.sleep(max(0, due - time.monotonic()))
            mark = os.urandom(8)
            self.asked[mark] = time.time()
            try:
                self.socket.send(lab.request(transmit=mark))
            except OSError:
                pass

    def listen(self):
        while self.going:
            try:
                data = self.socket.recv(2048)
            except OSError:
                continue
            came = time.time()
            asked = self.asked.get(data[24:32])
            if asked:
                self.replies.append(lab.Reply(data, asked, came))

    def until_served(self, limit, since=None):
        """Synchronised replies to what was asked from now on."""
        since = since or time.time()
        lab.until("service again", limit, lambda: any(
            r.asked > since and r.synchronised for r in list(self.replies)),
            0.02)
        return time.time() - since

    def served(self):
        return sum(r.synchronised for r in self.replies)

    def no_lies(self):
        """No reply, whenever it was asked for, is off by more than it says."""
        self.stop()
        lies = ["%+.6f s, bound %.6f, delay %.6f" % (
            r.offset, r.bound, r.delay) for r in self.replies
            if r.synchronised and abs(r.offset) > r.bound + r.delay / 2]
        assert len(self.replies) > 10
        assert not lies, lies[:10]
        # A late reply's delay excuses nothing: it was right when it was made.
        wrong = [r for r in self.replies if r.synchronised and not (
            r.asked - r.bound - 0.001 <= r.receive and
            r.transmit <= r.came + r.bound + 0.001)]
        assert not wrong, [(r.asked, r.receive, r.transmit, r.came)
                           for r in wrong[:10]]


def served(boot, link, options, **more):
    """An appliance that serves time."""
    more.setdefault("extra", ["-rtc", "base=utc,clock=host"])
    vm = boot(options, net=link.netdev(), **more)
    lab.ask_until(lambda r: r.synchronised, 20)
    time.sleep(2.5)  # the RTC's second has turned
    return vm


def pause(vm, seconds):
    vm.qmp("stop")
    time.sleep(seconds)
    vm.qmp("cont")


def audited(vm, sign, behind, tolerance=0.3):
    """The audit line: the sign, how far the clock was out."""
    lines = vm.wait_for(r"audit: disruption.*", 5) and re.findall(
        r"audit: disruption noticed by (.*): the clock was ([\d.]+) s (\w+), "
        r"service was withheld for ([\d.]+) s", vm.output())
    signs, away, way, withheld = lines[-1]
    assert sign in signs, lines
    assert way == ("behind" if behind >= 0 else "ahead"), lines
    assert abs(float(away) - abs(behind)) < tolerance, lines
    assert float(withheld) < 3, lines
    return signs, float(away), float(withheld)
