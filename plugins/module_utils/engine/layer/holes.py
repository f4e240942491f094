# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write files with holes: where a sparse member has them, and where a large file has nothing but zeros."""

from __future__ import annotations

import os

_STEP = 64 << 10
_ZEROS = bytes(_STEP)


def without_holes(pieces):
    """(offset, piece) of what is not zeros, in steps of 64 KiB; (offset, nothing) where the content ends with zeros."""
    position = 0
    for piece in pieces:
        start = at = 0
        size = len(piece)
        while at < size:
            block = piece[at:at + _STEP]
            if not block[0] and len(block) == _STEP and block[:64] == _ZEROS[:64] and block == _ZEROS:
                if at > start:
                    yield position + start, piece[start:at]
                start = at + _STEP
            at += _STEP
        if size > start:
            yield position + start, piece[start:]
        position += size
    yield position, b""


def write_parts(fd, placed, size):
    """Write (offset, piece) pairs; the file gets ``size``, or ends where the last piece does. Returns how many bytes were written."""
    total = end = 0
    for offset, piece in placed:
        end = offset + len(piece)
        total += len(piece)
        while piece:
            written = os.pwrite(fd, piece, offset)
            offset += written
            piece = piece[written:]
    os.ftruncate(fd, end if size is None else size)
    return total
