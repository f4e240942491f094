# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a changeset says "deleted": ``.wh.NAME`` and ``.wh..wh..opq`` in OCI archives, device 0/0 and an xattr in overlayfs.

Documents: OCI image-spec layer.md ("Whiteouts"), Documentation/filesystems/overlayfs.rst of the kernel.
"""

from __future__ import annotations

import os
import stat

PREFIX = ".wh."
META_PREFIX = ".wh..wh."
OPAQUE = ".wh..wh..opq"
OPAQUE_XATTR = "trusted.overlay.opaque"
# overlayfs keeps its own books in these; from an archive they would redirect lookups (trusted.overlay.redirect) and are dropped
PRIVATE_XATTRS = ("trusted.overlay.", "user.overlay.")


def is_whiteout(status):
    """Whether an os.stat_result of a file in an overlay directory says "deleted"."""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def make(name, dir_fd):
    """Make the device 0/0 that hides ``name`` of the layers below."""
    os.mknod(name, stat.S_IFCHR, os.makedev(0, 0), dir_fd=dir_fd)


def is_private(xattr):
    return xattr.startswith(PRIVATE_XATTRS)


def is_opaque(path):
    """Whether a directory (path or descriptor) hides all that lies below it."""
    try:
        return os.getxattr(path, OPAQUE_XATTR) == b"y"
    except OSError:
        return False
