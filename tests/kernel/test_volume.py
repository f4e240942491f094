# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes and processes that are killed: whatever the instant, the next run finds a whole volume or none."""

from __future__ import annotations

import os
import random
import signal
import time

from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots
from ansible_collections.agentless.containers.plugins.module_utils.engine.volume.store import VolumeStore


def test_killed_at_many_points(tmp_path):
    roots = Roots(str(tmp_path))
    store = VolumeStore(roots)
    chance = random.Random(7)
    store.ensure("kept")
    for unused in range(25):
        pid = os.fork()
        if pid == 0:
            try:
                while True:
                    store.ensure("data", labels={"a": "b"})
                    with open(os.path.join(store.get("data").mountpoint, "file"), "w", encoding="utf-8") as stream:
                        stream.write("x")
                    store.set_labels("data", {})
                    store.remove("data")
            finally:
                os._exit(1)
        time.sleep(chance.uniform(0.001, 0.02))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        found = [volume.name for volume in store.list()]
        assert found in (["kept"], ["data", "kept"])
        assert os.path.isdir(store.ensure("data").mountpoint)
    store.remove("data")
    assert [volume.name for volume in store.list()] == ["kept"]
    assert os.listdir(roots.volumes) == ["kept"]
