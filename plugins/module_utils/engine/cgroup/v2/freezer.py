# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""v2 freezer: part of every group but the root (cgroup-v2.rst, "cgroup.freeze"). Being frozen is announced in cgroup.events."""

from __future__ import annotations

import os
import select
import time

from ...errors import TimedOut
from .. import files


def freeze(directory, timeout):
    """Stop every process of the group and of those below it, and wait until ``cgroup.events`` says ``frozen 1``.

    :raises TimedOut: not frozen after ``timeout`` seconds; the group is thawed again.
    """
    files.write(os.path.join(directory, "cgroup.freeze"), "1")
    if not wait_for(directory, "frozen", 1, timeout):
        files.write(os.path.join(directory, "cgroup.freeze"), "0")
        raise TimedOut("%s could not be frozen in %g seconds" % (os.path.basename(directory), timeout),
                       "a process of it waits in the kernel; see its state in /proc/PID/stack")


def thaw(directory):
    files.write(os.path.join(directory, "cgroup.freeze"), "0")


def frozen(directory):
    """Whether the group itself is frozen or about to be."""
    return files.read(os.path.join(directory, "cgroup.freeze")) == "1"


def wait_for(directory, key, value, timeout):
    """Wait until ``key`` in cgroup.events has ``value``; poll(2) is woken when the file changes. Returns whether it came to that."""
    deadline = time.monotonic() + timeout
    fd = os.open(os.path.join(directory, "cgroup.events"), os.O_RDONLY | os.O_CLOEXEC)
    try:
        poll = select.poll()
        poll.register(fd, select.POLLPRI)
        while True:
            if files.keyed(os.pread(fd, 4096, 0).decode()).get(key) == value:
                return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            # not much longer than a wake-up could be lost for
            poll.poll(min(left, 0.1) * 1000)
    finally:
        os.close(fd)
