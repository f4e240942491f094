# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The changeset of an overlay's upper directory as a tar stream; the same content gives the same bytes.

Entries come in the order of their names, owners as numbers, hard links by the first name. overlayfs' device 0/0 and opaque mark become
``.wh.`` files; its other attributes stay behind.
"""

from __future__ import annotations

import errno
import os
import stat

from ..errors import Unsupported
from . import tar, whiteout, write, xattrs

_READ = 256 << 10
_NANO = 1000000000
_BATCH = 64 << 10
_O_DIR = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_ZEROS = memoryview(bytes(_READ))
_CAPABILITY = "security.capability"
# overlayfs keeps a renamed directory's content, or a file's data, elsewhere
_ELSEWHERE = {"trusted.overlay.redirect": "redirect_dir", "trusted.overlay.metacopy": "metacopy"}


def changeset(upper, skip=(), mtime=None, clamp=None):
    """Yield the tar stream (bytes-like pieces) of what ``upper`` changes.

    :param skip: paths (relative, no leading slash) that are left out; for a directory its own entry is, what lies below stays.
    :param mtime: nanoseconds that every entry gets, or None for its own.
    :param clamp: seconds since 1970: an entry that is newer gets this time (SOURCE_DATE_EPOCH of reproducible builds).
    """
    walker = Walker(frozenset(skip), mtime, clamp)
    held, size = [], 0
    fd = os.open(upper, _O_DIR)
    try:
        for piece in walker.directory(fd, ""):
            if len(piece) >= _BATCH:
                if held:
                    yield b"".join(held)
                    held, size = [], 0
                yield piece
                continue
            held.append(piece)
            size += len(piece)
            if size >= _BATCH:
                yield b"".join(held)
                held, size = [], 0
    finally:
        os.close(fd)
    held.append(write.END)
    yield b"".join(held)


class Walker:
    def __init__(self, skip, mtime, clamp):
        self.skip = skip
        self.mtime = mtime
        self.latest = None if clamp is None else int(clamp) * _NANO
        self._links = {}

    def directory(self, fd, path):
        """The entries below an open directory."""
        names = sorted(os.listdir(fd), key=os.fsencode)
        if path and whiteout.is_opaque(fd):
            yield self._deletion(path + "/" + whiteout.OPAQUE)
        elif not path and whiteout.is_opaque(fd):
            yield self._deletion(whiteout.OPAQUE)
        for name in names:
            if name.startswith(whiteout.PREFIX):
                # it would delete something where the archive is unpacked
                continue
            inner = path + "/" + name if path else name
            status = os.lstat(name, dir_fd=fd)
            if whiteout.is_whiteout(status):
                yield self._deletion((path + "/" if path else "") + whiteout.PREFIX + name)
            elif stat.S_ISDIR(status.st_mode):
                yield from self._subdirectory(fd, name, inner, status)
            elif not stat.S_ISSOCK(status.st_mode):
                yield from self._leaf(fd, name, inner, status)

    def _subdirectory(self, parent, name, path, status):
        fd = os.open(name, _O_DIR, dir_fd=parent)
        try:
            found = attributes(fd, path)
            if path not in self.skip:
                yield write.header(self._entry(path, tar.DIRECTORY, status, found=found))
            yield from self.directory(fd, path)
        finally:
            os.close(fd)

    def _leaf(self, parent, name, path, status):
        if path in self.skip:
            return
        mode = status.st_mode
        if status.st_nlink > 1:
            key = (status.st_dev, status.st_ino)
            first = self._links.setdefault(key, path)
            if first != path:
                yield write.header(self._entry(path, tar.HARDLINK, status, link=first, found=_capability(parent, name, path, mode)))
                return
        if stat.S_ISREG(mode):
            yield from self._file(parent, name, path, status)
            return
        link, device = "", (0, 0)
        if stat.S_ISLNK(mode):
            kind, link = tar.SYMLINK, os.readlink(name, dir_fd=parent)
        elif stat.S_ISFIFO(mode):
            kind = tar.FIFO
        else:
            kind = tar.CHARACTER if stat.S_ISCHR(mode) else tar.BLOCKDEV
            device = (os.major(status.st_rdev), os.minor(status.st_rdev))
        found = attributes("/proc/self/fd/%d/%s" % (parent, name), path, follow_symlinks=False)
        yield write.header(self._entry(path, kind, status, link=link, device=device, found=found))

    def _file(self, parent, name, path, status):
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=parent)
        try:
            now = os.fstat(fd)
            size = now.st_size
            entry = self._entry(path, tar.REGULAR, status, found=attributes(fd, path))
            entry.size = size
            yield write.header(entry)
            yield from _content(fd, size, now.st_blocks * 512 < size)
            if size % tar.BLOCK:
                yield write.padding(size)
        finally:
            os.close(fd)

    def _entry(self, path, kind, status, link="", device=(0, 0), found=None):
        mtime = status.st_mtime_ns if self.mtime is None else self.mtime
        if self.latest is not None and mtime > self.latest:
            mtime = self.latest
        mode = 0o777 if kind == tar.SYMLINK else stat.S_IMODE(status.st_mode)
        return write.make_entry(path, kind, mode, status.st_uid, status.st_gid, 0, mtime, link, device, found)

    def _deletion(self, path):
        return write.header(write.make_entry(path, tar.REGULAR, 0, mtime=0))


def _content(fd, size, has_holes):
    """Exactly ``size`` bytes of an open file; holes are not read, only said."""
    position = 0
    while position < size:
        end = size
        if has_holes:
            data = _seek_data(fd, position, size)
            while position < data:
                zeros = _ZEROS[:min(data - position, _READ)]
                position += len(zeros)
                yield zeros
            end = os.lseek(fd, position, os.SEEK_HOLE) if position < size else size
        while position < min(end, size):
            data = os.pread(fd, min(min(end, size) - position, _READ), position)
            if not data:
                # it was cut while we read: the header has promised this many bytes
                data = _ZEROS[:min(size - position, _READ)]
            position += len(data)
            yield data


def _seek_data(fd, position, size):
    try:
        return min(os.lseek(fd, position, os.SEEK_DATA), size)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return size
        raise


def _capability(parent, name, path, mode):
    """The capability of a file, for its second name. Docker gives the owner again for each name, by which the kernel drops it."""
    if not stat.S_ISREG(mode):
        return None
    found = attributes("/proc/self/fd/%d/%s" % (parent, name), path, follow_symlinks=False) or {}
    return {_CAPABILITY: found[_CAPABILITY]} if _CAPABILITY in found else None


def attributes(target, path, **where):
    """The attributes (dict, or None) that belong to the layer, of a path or descriptor.

    :raises Unsupported: overlayfs keeps what is here elsewhere.
    """
    found = xattrs.read(target, **where)
    if found is None:
        return None
    for name, option in _ELSEWHERE.items():
        if name in found:
            raise Unsupported("%s was changed with overlayfs' option %s" % (path, option), "mount overlays with %s=off" % option)
    return {name: value for name, value in found.items() if xattrs.belongs(name)} or None
