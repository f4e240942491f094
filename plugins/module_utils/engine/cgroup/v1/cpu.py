# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""v1 ``cpu``: bandwidth (CFS quota), shares (Documentation/scheduler/sched-bwc.rst)."""

from __future__ import annotations

import errno
import os

from ...spec.resources import MAX, shares_from_weight, weight_from_shares
from .. import files

FIELDS = {
    "cpu_max_quota": "cpu.cfs_quota_us",
    "cpu_period": "cpu.cfs_period_us",
    "cpu_max_burst": "cpu.cfs_burst_us",
    "cpu_weight": "cpu.shares",
    "cpu_shares": "cpu.shares",
    "cpu_idle": "cpu.idle",
}


def apply(directory, resources):
    """Write what is set. The order of quota and period depends on which one grows; the kernel says EINVAL to the wrong one."""
    shares = resources.cpu_shares
    if shares is None and resources.cpu_weight is not None:
        shares = shares_from_weight(resources.cpu_weight)
    if resources.cpu_idle is not None:
        files.write(os.path.join(directory, "cpu.idle"), "1" if resources.cpu_idle else "0")
    if shares is not None and not resources.cpu_idle:
        files.write(os.path.join(directory, "cpu.shares"), str(shares))
    writes = []
    if resources.cpu_period is not None:
        writes.append(("cpu.cfs_period_us", str(resources.cpu_period)))
    if resources.cpu_max_quota is not None:
        writes.append(("cpu.cfs_quota_us", str(resources.cpu_max_quota)))
    if resources.cpu_max_burst is not None:
        writes.append(("cpu.cfs_burst_us", str(resources.cpu_max_burst)))
    try:
        for name, text in writes:
            files.write(os.path.join(directory, name), text)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        # a burst may not exceed the quota, and a group's ratio may not exceed its parent's: take the old burst off, quota first
        _write_if_there(os.path.join(directory, "cpu.cfs_burst_us"), "0")
        for name, text in sorted(writes, key=lambda item: ("quota" not in item[0], "burst" in item[0])):
            files.write(os.path.join(directory, name), text)


def _write_if_there(path, text):
    if os.path.exists(path):
        files.write(path, text)


def read(directory, fields):
    """The fields among ``fields`` that this kernel has, as dict."""
    values = {}
    for field in fields:
        text = files.read_optional(os.path.join(directory, FIELDS[field]))
        if text is None:
            continue
        number = int(text)
        if field == "cpu_max_quota":
            number = MAX if number < 0 else number
        elif field == "cpu_weight":
            number = weight_from_shares(number)
        elif field == "cpu_idle":
            number = bool(number)
        values[field] = number
    return values
