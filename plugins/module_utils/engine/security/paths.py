# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths of /proc and /sys that a container does not see, or sees read-only (Docker's lists; privileged containers have neither)."""

from __future__ import annotations

import os

MASKED_PATHS = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
)

READONLY_PATHS = (
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
)


def masked_paths(sys="/sys"):
    """MASKED_PATHS and what depends on the machine: the thermal counters of each processor, which are a side channel.

    :param sys: where the host's sysfs is.
    """
    found = []
    directory = os.path.join(sys, "devices/system/cpu")
    try:
        names = os.listdir(directory)
    except OSError:
        names = []
    for name in names:
        if name[:3] == "cpu" and name[3:].isdigit() and os.path.isdir(os.path.join(directory, name, "thermal_throttle")):
            found.append("/sys/devices/system/cpu/%s/thermal_throttle" % name)
    return MASKED_PATHS + tuple(sorted(found))
