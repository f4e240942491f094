# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a layer may grow to: compression bombs end early, and no layer fills the host's disk to the last byte."""

from __future__ import annotations

import os

from ..errors import Corrupt, EngineError
from . import stream
from .tar import BLOCK

# what is smaller is never refused for its ratio; gzip reaches 1030 for zeros, real layers 2 to 20
BOMB_SIZE = 8 << 30
BOMB_RATIO = 400
_RESERVE = 64 << 20
_RESERVED_FILES = 1000


def decompressed(chunks, directory):
    """:func:`stream.decompress` for what goes into ``directory``, within bounds; None: nothing is written anywhere."""
    bounds = Bounds(directory)
    return bounds.plain(stream.decompress(bounds.packed(chunks)))


class Bounds:
    """Put :meth:`packed` before a decompressor and :meth:`plain` behind it.

    :param directory: where it is unpacked to.
    """

    def __init__(self, directory):
        self._directory = directory
        self._read = 0
        self._made = 0

    def packed(self, chunks):
        """Pass chunks through and count them."""
        for chunk in chunks:
            self._read += len(chunk)
            yield chunk

    def plain(self, chunks):
        """Pass chunks through until they are too many.

        :raises Corrupt: a compression bomb. :raises EngineError: the disk is nearly full.
        """
        for chunk in chunks:
            self._made += len(chunk)
            if self._made > BOMB_SIZE and self._made > BOMB_RATIO * self._read:
                raise Corrupt("%d compressed bytes became more than %d: this is a compression bomb" % (self._read, self._made),
                              "the archive is hostile; do not use it")
            if self._directory is not None:
                self._check_room(len(chunk))
            yield chunk

    def _check_room(self, coming):
        """Stop before the last blocks and inodes are taken: the state root often lies on the host's root file system.

        :param coming: bytes of archive that will be unpacked before the next look; they may be nothing but headers.
        """
        try:
            room = os.statvfs(self._directory)
        except FileNotFoundError:
            # it is made with the first file
            return
        if room.f_bfree * room.f_frsize < coming + min(_RESERVE, room.f_blocks * room.f_frsize // 100):
            raise EngineError("unpacking a layer was stopped: only %d bytes are left on the file system of %s" % (
                room.f_bfree * room.f_frsize, self._directory), "make room there (module prune removes unused images), or move state_root")
        if room.f_files and room.f_ffree < coming // BLOCK + min(_RESERVED_FILES, room.f_files // 100):
            raise EngineError("unpacking a layer was stopped: only %d files more fit on the file system of %s" % (
                room.f_ffree, self._directory), "make room there (module prune removes unused images), or move state_root")
