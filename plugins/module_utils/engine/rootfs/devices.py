# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What /dev holds in every container (runtime-spec config-linux.md, "Default Devices")."""

from __future__ import annotations

from .mounts import DeviceNode, Symlink

NODES = (
    DeviceNode("/dev/null", "c", 1, 3),
    DeviceNode("/dev/zero", "c", 1, 5),
    DeviceNode("/dev/full", "c", 1, 7),
    DeviceNode("/dev/random", "c", 1, 8),
    DeviceNode("/dev/urandom", "c", 1, 9),
    DeviceNode("/dev/tty", "c", 5, 0),
)
LINKS = (
    Symlink("/proc/self/fd", "/dev/fd"),
    Symlink("/proc/self/fd/0", "/dev/stdin"),
    Symlink("/proc/self/fd/1", "/dev/stdout"),
    Symlink("/proc/self/fd/2", "/dev/stderr"),
    Symlink("/proc/kcore", "/dev/core"),
    Symlink("pts/ptmx", "/dev/ptmx"),
)


def operations(extra=()):
    """The operations that fill /dev: default nodes, default links, then ``extra`` nodes (OCI Device documents)."""
    nodes = tuple(DeviceNode(entry.path, entry.type, entry.major, entry.minor, entry.file_mode, entry.uid, entry.gid) for entry in extra)
    return NODES + LINKS + nodes
