# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cgroup file systems this host has, and where: v2, v1, or both ("hybrid": v1 controllers beside a v2 tree)."""

from __future__ import annotations

import dataclasses
import os
from typing import Optional

from ..errors import Unsupported
from . import files

V1_CONTROLLERS = ("blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "hugetlb", "memory", "net_cls", "net_prio", "perf_event",
                  "pids", "rdma")


@dataclasses.dataclass(frozen=True)
class Setup:
    """The hierarchies of this host.

    :param version: ``v2``, ``v1`` or ``hybrid``.
    :param hierarchies: dict of v1 controller -> mount point. Controllers that are mounted together share one.
    :param unified: mount point of the v2 tree, or None.
    :param unified_controllers: tuple of the v2 controllers at its root.
    """

    version: str
    hierarchies: dict
    unified: Optional[str] = None
    unified_controllers: tuple = ()

    @property
    def controllers(self):
        """Sorted names of every controller that a group can have here."""
        return sorted(set(self.hierarchies) | set(self.unified_controllers))


def detect(roots):
    """Find the hierarchies under ``roots.cgroup``.

    :raises Unsupported: none is mounted.
    """
    root = roots.cgroup
    controllers = files.read_optional(os.path.join(root, "cgroup.controllers"))
    if controllers is not None:
        return Setup("v2", {}, root, tuple(controllers.split()))
    hierarchies, unified = mounted(roots.proc, root)
    if not hierarchies and unified is None:
        hierarchies, unified = by_directory(root)
    names = ()
    if unified is not None:
        names = tuple(files.read(os.path.join(unified, "cgroup.controllers")).split())
    if not hierarchies and unified is None:
        raise Unsupported("no control groups are mounted at %s" % root, "mount them: mount -t cgroup2 none /sys/fs/cgroup")
    if not hierarchies:
        return Setup("v2", {}, unified, names)
    return Setup("v1" if unified is None else "hybrid", hierarchies, unified, names)


def mounted(proc, root):
    """Hierarchies below ``root`` according to PROC/self/mountinfo: (dict of v1 controller -> mount point, v2 mount point or None)."""
    try:
        with open(os.path.join(proc, "self", "mountinfo"), encoding="utf-8", errors="surrogateescape") as stream:
            lines = [line for line in stream if " - cgroup" in line]
    except FileNotFoundError:
        return {}, None
    hierarchies, unified = {}, None
    prefix = root.rstrip("/") + "/"
    for line in lines:
        left, unused, right = line.partition(" - ")
        point = unescape(left.split()[4])
        kind, unused, options = right.split(None, 2)
        if not (point + "/").startswith(prefix):
            continue
        if kind == "cgroup2":
            unified = unified or point
        elif kind == "cgroup":
            for name in options.strip().split(","):
                if name in V1_CONTROLLERS:
                    hierarchies.setdefault(name, point)
    return hierarchies, unified


def by_directory(root):
    """Hierarchies by the names of the directories: where the tree lies elsewhere than where it is mounted."""
    hierarchies, unified = {}, None
    try:
        entries = sorted(os.listdir(root))
    except (FileNotFoundError, NotADirectoryError):
        return {}, None
    for entry in entries:
        path = os.path.join(root, entry)
        if os.path.exists(os.path.join(path, "cgroup.controllers")):
            unified = path
        elif os.path.exists(os.path.join(path, "cgroup.procs")):
            for name in entry.split(","):
                if name in V1_CONTROLLERS:
                    hierarchies.setdefault(name, path)
    return hierarchies, unified


def unescape(text):
    """mountinfo writes space, tab, newline and backslash in octal (proc_pid_mountinfo(5))."""
    if "\\" not in text:
        return text
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, char)
    return text
