# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives that ADD unpacks, and contexts that come as archives: through the layer unpacker, with everything that it refuses refused."""

from __future__ import annotations

import os

from ..errors import Corrupt
from ..layer import bounds, stream, tar, whiteout
from ..layer.apply import unpacking
from ..rootfs.path import fd_path


def is_archive(fd):
    """Whether an open file is a tar archive, compressed or not; its position is the beginning afterwards."""
    try:
        head = os.pread(fd, 512, 0)
        if not head or (stream.compression(head) is None and head[257:262] != b"ustar" and not _has_checksum(head)):
            return False
        for unused in tar.TarReader(stream.decompress(_chunks(fd))):
            return True
        return False
    except Corrupt:
        return False
    finally:
        os.lseek(fd, 0, os.SEEK_SET)


def unpack(fd, directory, owner=None, mtime=None):
    """Unpack an open archive into an open directory (descriptors).

    :param owner: (uid, gid) of everything, or None for the archive's own.
    :param mtime: nanoseconds of everything, or None for the archive's own.
    :raises Corrupt: damaged or hostile.
    """
    # the dot: what the name of a descriptor leads to must be no link itself
    with unpacking(fd_path(directory) + "/.", None if owner is None else lambda uid, gid: owner) as unpacker:
        reader = tar.TarReader(bounds.decompressed(_chunks(fd), fd_path(directory)))
        for entry in reader:
            if any(part.startswith(whiteout.PREFIX) for part in entry.name.split("/")):
                raise Corrupt("archive member %r cannot be in an image: its name means a deletion there" % entry.name,
                              "make the archive without it, or unpack it in a RUN instruction")
            if mtime is not None:
                entry.mtime = mtime
            unpacker.add(entry, reader)
        unpacker.finish()


def _chunks(fd):
    os.lseek(fd, 0, os.SEEK_SET)
    while True:
        data = os.read(fd, stream.CHUNK)
        if not data:
            return
        yield data


def _has_checksum(head):
    """Whether 512 bytes look like a header of the old kind, which has no magic number."""
    try:
        return len(head) == 512 and int(head[148:156].strip(b" \0") or b"x", 8) == sum(head) - sum(head[148:156]) + 256
    except ValueError:
        return False
