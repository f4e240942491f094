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
from .cas import BlobStore

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
    gone = _names(roots.layers, GONE)
    if gone:
        with contextlib.suppress(TimedOut), roots.lock("images", 0):
            for name in gone:
                remove_tree(os.path.join(roots.layers, name))
                removed.append(name)
    return removed


def layer_lock(roots, hexadecimal, timeout):
    """The lock of whoever unpacks a layer, by the digits of its chain ID."""
    return roots.lock("layer-" + hexadecimal[:24], timeout)


def _names(directory, prefix):
    try:
        return sorted(name for name in os.listdir(directory) if name.startswith(prefix))
    except FileNotFoundError:
        return []


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
