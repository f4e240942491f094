# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several changesets into one that does the same to what lies below them."""

from __future__ import annotations

import os

from ..layer import apply, diff, tar, whiteout


def squash(directories, target):
    """Lay changesets over each other in an empty directory; what one deletes of those before it is gone, and stays deleted for the base.

    :param directories: as overlayfs has them, lowest first.
    """
    with apply.unpacking(target) as unpacker:
        for directory in directories:
            reader = tar.TarReader(iter(diff.changeset(directory)))
            for entry in reader:
                parent, unused, name = entry.name.rstrip("/").rpartition("/")
                if name == whiteout.OPAQUE:
                    _empty(unpacker, parent)
                elif name.startswith(whiteout.PREFIX):
                    unpacker.remove((parent + "/" if parent else "") + name[len(whiteout.PREFIX):])
                unpacker.add(entry, reader)
        unpacker.finish()


def _empty(unpacker, path):
    """Remove what changesets before have put into a directory."""
    fd = unpacker.tree.find(apply.split(path) if path else [])
    for name in os.listdir(fd) if fd is not None else ():
        unpacker.remove("%s/%s" % (path, name) if path else name)
