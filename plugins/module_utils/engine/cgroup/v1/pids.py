# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""v1 ``pids``: the number of tasks (cgroup-v1/pids.rst). The same files as in v2."""

from __future__ import annotations

import os

from ...spec.resources import MAX
from .. import files

FIELDS = {"pids_max": "pids.max"}


def apply(directory, resources):
    if resources.pids_max is not None:
        files.write(os.path.join(directory, "pids.max"), "max" if resources.pids_max == MAX else str(resources.pids_max))


def read(directory, fields):
    values = {}
    for field in fields:
        text = files.read_optional(os.path.join(directory, FIELDS[field]))
        if text is not None:
            values[field] = MAX if text == "max" else int(text)
    return values


def usage(directory):
    """dict current, limit."""
    limit = files.read_optional(os.path.join(directory, "pids.max"), "max")
    return {"current": int(files.read(os.path.join(directory, "pids.current"))), "limit": MAX if limit == "max" else int(limit)}
