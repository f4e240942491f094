# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""v2 ``cpu``: bandwidth, weight (cgroup-v2.rst, "CPU Interface Files"). ``cpu.stat`` is there without the controller too."""

from __future__ import annotations

import errno
import os

from ...spec.resources import MAX, weight_from_shares
from .. import files

FIELDS = {
    "cpu_max_quota": "cpu.max",
    "cpu_period": "cpu.max",
    "cpu_max_burst": "cpu.max.burst",
    "cpu_weight": "cpu.weight",
    "cpu_idle": "cpu.idle",
}


def apply(directory, resources):
    """Write what is set."""
    weight = resources.cpu_weight
    if resources.cpu_shares is not None:
        weight = weight_from_shares(resources.cpu_shares)
    if resources.cpu_idle is not None:
        files.write(os.path.join(directory, "cpu.idle"), "1" if resources.cpu_idle else "0")
    if weight is not None and not resources.cpu_idle:
        files.write(os.path.join(directory, "cpu.weight"), str(weight))
    if resources.cpu_max_quota is not None or resources.cpu_period is not None:
        _apply_max(directory, resources)
    if resources.cpu_max_burst is not None:
        files.write(os.path.join(directory, "cpu.max.burst"), str(resources.cpu_max_burst))


def _apply_max(directory, resources):
    path = os.path.join(directory, "cpu.max")
    quota, period = resources.cpu_max_quota, resources.cpu_period
    if quota is None:
        quota = _parse(files.read(path))[0]
    text = "max" if quota == MAX else str(quota)
    if period is not None:
        text += " %d" % period
    try:
        files.write(path, text)
    except OSError as error:
        burst = os.path.join(directory, "cpu.max.burst")
        if error.errno != errno.EINVAL or files.read_optional(burst, "0") == "0":
            raise
        # the burst of before may not exceed the new quota
        files.write(burst, "0")
        files.write(path, text)


def _parse(text):
    quota, period = text.split()
    return (MAX if quota == "max" else int(quota)), int(period)


def read(directory, fields):
    """The fields among ``fields`` that this kernel has, as dict."""
    values = {}
    bandwidth = None
    for field in fields:
        text = bandwidth if FIELDS[field] == "cpu.max" and bandwidth else files.read_optional(os.path.join(directory, FIELDS[field]))
        if text is None:
            continue
        if FIELDS[field] == "cpu.max":
            bandwidth = text
            values[field] = _parse(text)[0 if field == "cpu_max_quota" else 1]
        else:
            values[field] = bool(int(text)) if field == "cpu_idle" else int(text)
    return values


def usage(directory):
    """dict under the names of stats.Cpu."""
    counts = files.keyed(files.read(os.path.join(directory, "cpu.stat")))
    return {key: counts.get(key, 0) for key in ("usage_usec", "user_usec", "system_usec", "nr_periods", "nr_throttled", "throttled_usec")}
