# SPDX-License-Identifier: BSD-2-Clause
"""The rate of the counter that a second boot begins with, to 1 ppm."""

import lab
from test_counter import fixture_truth  # noqa: F401
from test_rate import kept, run
from test_state import make_disk


def saved(path, times):
    """Wait until the rate was saved that often; it is the better known, the
    later that was."""
    seen = set()

    def enough():
        seen.add(kept(path))
        return len(seen - {None}) >= times
    lab.until("the rate is saved", 400, enough)


def test_rate_of_the_second_boot_is_within_1_ppm_at_once(
        boot, link, upstream, truth, tmp_path):
    """What the host's own clock says is what every run converges to."""
    del upstream
    path = make_disk(tmp_path / "disk")
    vm, _ = run(boot, link, path)
    saved(path, 4)
    vm.close()
    vm, first = run(boot, link, path)
    vm.wait_for("counter: the rate of the last run is used", 1)
    assert abs(first / truth[0] - 1) < 1e-6, (first, truth)
    vm.close()
