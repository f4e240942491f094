# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container has written: as a list of changes, as a layer, and its whole root file system as a tar stream.

Mount points that the engine made for its own mounts (/etc/hosts, /proc, volumes) are not the container's changes while they are empty.
"""

from __future__ import annotations

import contextlib
import os
import posixpath

from ..cgroup.manager import open_manager
from ..layer import branches, diff
from ..rootfs.overlay import layer_links
from ..state import read_json, remove_file, write_bytes
from .container import PAUSED, RUNNING

_ATTEMPTS = 5
_MARK = "frozen-by-commit"
# what the engine makes itself where an image lacks it
_OWN = ("dev", "proc", "sys", "etc/hosts", "etc/hostname", "etc/resolv.conf")


@contextlib.contextmanager
def paused(container, wanted=True):
    """Keep a running container's processes from writing. A kill of this process leaves a mark, by which the next call lets them go on."""
    mark = container.path(_MARK)
    manager = open_manager(container.roots, container.id)
    status = container.state().status
    left = status == PAUSED and os.path.exists(mark)
    freeze = left or (wanted and status == RUNNING)
    if not freeze:
        yield
        return
    write_bytes(mark, b"", durable=False)
    try:
        if not left:
            manager.freeze()
        yield
    finally:
        manager.thaw()
        remove_file(mark)


def mount_points(container):
    """Paths (relative) over which something is mounted in the container."""
    config = read_json(container.path("config.json"), {})
    paths = [mount.get("destination", "") for mount in config.get("mounts") or ()]
    return frozenset(_OWN) | {posixpath.normpath(path).lstrip("/") for path in paths if path.startswith("/")}


def changes(container):
    """(list of :class:`~layer.branches.Change`, frozenset of paths of the upper directory that change nothing)."""
    for attempt in range(_ATTEMPTS):
        try:
            return branches.changes(container.path("upper"), layer_links(container.directory), mount_points(container))
        except FileNotFoundError:
            # the container removed something while we looked
            if attempt == _ATTEMPTS - 1:
                raise
    return None


def layer(container):
    """(tar stream of what the container changed, or None where it changed nothing; time of the newest change in ns)."""
    found, same = changes(container)
    if not found:
        return None, 0
    return diff.changeset(container.path("upper"), same), _newest(container.path("upper"), found)


def _newest(upper, found):
    newest = 0
    for change in found:
        if change.kind != branches.DELETED:
            with contextlib.suppress(FileNotFoundError):
                newest = max(newest, os.lstat(os.path.join(upper, change.path)).st_mtime_ns)
    return newest


def root_file_system(container):
    """The container's file system as a tar stream, without what is mounted into it. Nothing is mounted for it."""
    return branches.flattened([container.path("upper"), *layer_links(container.directory)])
