# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""v1 ``cpuset``: a new group has no processors and no memory nodes, and takes no process until it has both (cgroup-v1/cpusets.rst)."""

from __future__ import annotations

import os

from .. import files

FIELDS = {"cpuset_cpus": "cpuset.cpus", "cpuset_mems": "cpuset.mems"}


def inherit(directory):
    """Give the group, and those above it that have none, their parent's processors and nodes."""
    for name in FIELDS.values():
        path = os.path.join(directory, name)
        if not files.read(path):
            files.write(path, _of_parent(directory, name))


def hand_on(directory):
    """Have the kernel copy a group's processors and nodes to every group that is made in it: fewer writes for each container."""
    inherit(directory)
    files.write(os.path.join(directory, "cgroup.clone_children"), "1")


def _of_parent(directory, name):
    parent = os.path.dirname(directory)
    text = files.read(os.path.join(parent, name))
    if not text and os.path.exists(os.path.join(os.path.dirname(parent), name)):
        text = _of_parent(parent, name)
        files.write(os.path.join(parent, name), text)
    return text


def apply(directory, resources):
    for field, name in FIELDS.items():
        value = getattr(resources, field)
        if value is not None:
            files.write(os.path.join(directory, name), value or _of_parent(directory, name))


def read(directory, fields):
    return {field: files.read(os.path.join(directory, FIELDS[field])) for field in fields}


def expected(directory, field, value):
    """What :func:`read` gives after ``value`` was applied: "" stands for the parent's."""
    return value or _of_parent(directory, FIELDS[field])
