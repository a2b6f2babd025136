# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures: an appliance that serves NTS, with a certificate."""

import pytest

import lab
import nts_lab
from nts_lab import nts


@pytest.fixture
def link(lan):
    return lan


@pytest.fixture(scope="session", name="ca")
def authority(tmp_path_factory):
    return nts_lab.Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(name="serve")
def server(boot, link, upstream, tmp_path, ca):
    """serve(more configuration) boots an appliance at stratum 2 with a
    certificate of `ca`."""
    del upstream

    def start(conf="", pairs=None, port=123, ke_port=nts.PORT, files=(),
              **more):
        cpio = nts_lab.archive(
            tmp_path / "boot.cpio", pairs or [ca.issue()],
            "server 10.0.2.2 iburst minpoll 2 maxpoll 3\n" + conf, files)
        vm = boot("", net=link.netdev(), initrd=cpio, **more)
        lab.ask_until(lambda r: r.synchronised, 20, port=port)
        lab.until("NTS-KE", 10, lambda: nts_lab.accepts(lab.GUEST, ke_port))
        return vm
    return start


@pytest.fixture
def served(serve):
    return serve()
