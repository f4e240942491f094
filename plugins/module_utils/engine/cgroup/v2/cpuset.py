# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""v2 ``cpuset``: empty is "what the parent has" (cgroup-v2.rst, "Cpuset Interface Files")."""

from __future__ import annotations

import os

from .. import files

FIELDS = {"cpuset_cpus": "cpuset.cpus", "cpuset_mems": "cpuset.mems"}


def apply(directory, resources):
    for field, name in FIELDS.items():
        value = getattr(resources, field)
        if value is not None:
            # a write of no bytes would not reach the kernel
            files.write(os.path.join(directory, name), value or "\n")


def read(directory, fields):
    return {field: files.read(os.path.join(directory, FIELDS[field])) for field in fields}
