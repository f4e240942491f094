# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take away what killed runs left half made: blobs without a digest yet, staged and half removed layers.

Whoever works on such a thing holds a lock on it, and the kernel drops the lock when its holder dies: what can be locked is nobody's. The
remains of a pull (a blob under its digest) stay, because the next pull continues them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os

from ..errors import TimedOut
from ..layer.apply import remove_tree
from ..state import listed
from .cas import BlobStore
from .garbage import is_locked
from .lease import leased

NEW, STAGE, PARTIAL, GONE = "new-", ".stage-", ".partial-", ".gone-"


def sweep(roots):
    """Remove what nobody works on any more. Returns the names that were removed (list)."""
    removed = []
    blobs = BlobStore(roots.images)
    for name in _names(blobs.partial, NEW):
        removed += _if_free(os.path.join(blobs.partial, name), os.unlink)
    for name in _names(roots.layers, STAGE):
        removed += _if_free(os.path.join(roots.layers, name), remove_tree)
    for name in _names(roots.layers, PARTIAL):
        with contextlib.suppress(TimedOut), layer_lock(roots, name[len(PARTIAL):], 0):
            remove_tree(os.path.join(roots.layers, name))
            removed.append(name)
    for name in _names(roots.layers, GONE):
        removed += _if_free(os.path.join(roots.layers, name), remove_tree)
    return removed


def remains(roots):
    """What :func:`sweep` and :func:`drop_downloads` would remove: list of (path, bytes)."""
    found = _downloads(roots)
    found += [os.path.join(roots.layers, name) for name in _names(roots.layers, (STAGE, GONE))]
    found = [path for path in found if not is_locked(path)]
    for name in _names(roots.layers, PARTIAL):
        with contextlib.suppress(TimedOut), layer_lock(roots, name[len(PARTIAL):], 0):
            found.append(os.path.join(roots.layers, name))
    return [(path, size_of(path)) for path in found]


def drop_downloads(roots):
    """Remove the beginnings of blobs whose pull broke off. Returns the names that were removed (list)."""
    removed = []
    for path in _downloads(roots):
        removed += _if_free(path, os.unlink)
    return removed


def _downloads(roots):
    """What lies in .partial/, but for the beginnings that a running pull is going to continue."""
    partial = BlobStore(roots.images).partial
    with roots.lock("images"):
        held = {digest.partition(":")[2] for digest in leased(roots)}
    return [os.path.join(partial, name) for name in listed(partial) if name not in held]


def size_of(path):
    """Bytes of the files in a tree, or of one file. What vanishes meanwhile does not count."""
    total, todo, seen = 0, [path], set()
    while todo:
        path = todo.pop()
        try:
            status = os.lstat(path)
            if os.path.isdir(path) and not os.path.islink(path):
                todo += [entry.path for entry in os.scandir(path)]
            elif status.st_nlink == 1 or (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                total += status.st_size
        except FileNotFoundError:
            continue
    return total


def layer_lock(roots, hexadecimal, timeout):
    """The lock of whoever unpacks a layer, by the digits of its chain ID."""
    return roots.lock("layer-" + hexadecimal[:24], timeout)


def _names(directory, prefix):
    return [name for name in listed(directory) if name.startswith(prefix)]


def _if_free(path, remove):
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return []
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with contextlib.suppress(FileNotFoundError):
            remove(path)
        return [os.path.basename(path)]
    except BlockingIOError:
        return []
    finally:
        os.close(fd)
