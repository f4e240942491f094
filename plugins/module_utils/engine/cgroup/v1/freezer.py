# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""v1 ``freezer`` (cgroup-v1/freezer-subsystem.rst): FROZEN is reached after a while, and a fork in between delays it."""

from __future__ import annotations

import os
import time

from ...errors import TimedOut
from .. import files

FIELDS = {}


def freeze(directory, timeout):
    """Stop every process of the group and wait until the kernel says that they are.

    :raises TimedOut: not frozen after ``timeout`` seconds; the group is thawed again.
    """
    path = os.path.join(directory, "freezer.state")
    deadline = time.monotonic() + timeout
    pause = 0.0005
    while True:
        # writing again picks up processes that were forked meanwhile
        files.write(path, "FROZEN")
        if files.read(path) == "FROZEN":
            return
        if time.monotonic() > deadline:
            files.write(path, "THAWED")
            raise TimedOut("%s could not be frozen in %g seconds" % (os.path.basename(directory), timeout),
                           "a process of it waits in the kernel; see its state in /proc/PID/stack")
        time.sleep(pause)
        pause = min(pause * 2, 0.02)


def thaw(directory):
    files.write(os.path.join(directory, "freezer.state"), "THAWED")


def frozen(directory):
    """Whether the group is frozen or about to be."""
    return files.read(os.path.join(directory, "freezer.state")) != "THAWED"
