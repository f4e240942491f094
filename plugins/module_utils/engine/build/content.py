# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The content of one file to another: inside the kernel where it can (copy_file_range, sendfile), holes stay holes."""

from __future__ import annotations

import errno
import os

_SMALL = 64 << 10
_STEP = 1 << 30
_CANNOT = (errno.ENOSYS, errno.EXDEV, errno.EPERM, errno.EIO, errno.EOPNOTSUPP, errno.EINVAL)


def copy_content(source, target, status):
    """Copy all of an open file into an open, empty one; ``status`` is the source's. Returns the bytes written."""
    size = status.st_size
    if size > _SMALL:
        if status.st_blocks * 512 < size:
            return _sparse(source, target, size)
        return _range(source, target)
    return _plain(source, target, size + 1)


def _plain(source, target, step):
    total = 0
    while True:
        data = os.read(source, step)
        if not data:
            return total
        total += _write(target, data)
        if len(data) < step and step <= _SMALL:
            # shorter than asked for: this was the end
            return total
        step = _SMALL


def _write(target, data):
    written = os.write(target, data)
    while written < len(data):
        written += os.write(target, data[written:])
    return written


def _range(source, target):
    """From the present positions to the end."""
    total = 0
    copy = getattr(os, "copy_file_range", None) or os.sendfile
    while True:
        try:
            count = copy(source, target, _STEP) if copy is not os.sendfile else os.sendfile(target, source, None, _STEP)
        except OSError as error:
            if error.errno not in _CANNOT or total:
                raise
            if copy is os.sendfile:
                return _plain(source, target, _SMALL)
            copy = os.sendfile
            continue
        if not count:
            # some file systems have nothing to give this way
            return total or _plain(source, target, _SMALL)
        total += count


def _sparse(source, target, size):
    total = position = 0
    while position < size:
        try:
            start = os.lseek(source, position, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                break
            raise
        position = os.lseek(source, start, os.SEEK_HOLE)
        os.lseek(source, start, os.SEEK_SET)
        os.lseek(target, start, os.SEEK_SET)
        left = position - start
        while left:
            data = os.read(source, min(left, 1 << 20))
            if not data:
                break
            total += _write(target, data)
            left -= len(data)
    os.ftruncate(target, size)
    return total
