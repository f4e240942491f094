# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The changeset of an overlay's upper directory as a tar stream; the same content gives the same bytes.

Entries come in the order of their names, owners as numbers, hard links by the first name. overlayfs' device 0/0 and opaque mark become
``.wh.`` files; its other attributes stay behind.
"""

from __future__ import annotations

import os
import stat

from ..errors import Unsupported
from . import tar, whiteout, write

_READ = 256 << 10
_NANO = 1000000000
_BATCH = 64 << 10
_O_DIR = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# labels of this host's own policy, not of the image
_HOST_XATTRS = ("security.selinux", "security.ima", "security.evm", "security.apparmor", "security.SMACK64")
_REDIRECT = "trusted.overlay.redirect"


def changeset(upper, skip=(), mtime=None, clamp=None):
    """Yield the tar stream (bytes-like pieces) of what ``upper`` changes.

    :param skip: paths (relative, no leading slash) that are left out; for a directory its own entry is, what lies below stays.
    :param mtime: nanoseconds that every entry gets, or None for its own.
    :param clamp: seconds since 1970: an entry that is newer gets this time (SOURCE_DATE_EPOCH of reproducible builds).
    """
    walker = _Walker(frozenset(skip), mtime, clamp)
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


class _Walker:
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
            xattrs = _xattrs(fd, _REDIRECT, path)
            if path not in self.skip:
                yield write.header(self._entry(path, tar.DIRECTORY, status, xattrs=xattrs))
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
                yield write.header(self._entry(path, tar.HARDLINK, status, link=first))
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
        xattrs = _xattrs("/proc/self/fd/%d/%s" % (parent, name), None, path, follow_symlinks=False)
        yield write.header(self._entry(path, kind, status, link=link, device=device, xattrs=xattrs))

    def _file(self, parent, name, path, status):
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=parent)
        try:
            size = os.fstat(fd).st_size
            entry = self._entry(path, tar.REGULAR, status, xattrs=_xattrs(fd, None, path))
            entry.size = size
            yield write.header(entry)
            left = size
            while left:
                data = os.read(fd, min(left, _READ))
                if not data:
                    # it was cut while we read: the header has promised this many bytes
                    data = bytes(min(left, _READ))
                left -= len(data)
                yield data
            if size % tar.BLOCK:
                yield write.padding(size)
        finally:
            os.close(fd)

    def _entry(self, path, kind, status, link="", device=(0, 0), xattrs=None):
        mtime = status.st_mtime_ns if self.mtime is None else self.mtime
        if self.latest is not None and mtime > self.latest:
            mtime = self.latest
        mode = 0o777 if kind == tar.SYMLINK else stat.S_IMODE(status.st_mode)
        return write.make_entry(path, kind, mode, status.st_uid, status.st_gid, 0, mtime, link, device, xattrs)

    def _deletion(self, path):
        return write.header(write.make_entry(path, tar.REGULAR, 0, mtime=0))


def _xattrs(target, refused, path, **where):
    try:
        names = os.listxattr(target, **where)
    except OSError:
        return None
    if not names:
        return None
    if refused in names:
        raise Unsupported("directory %s was renamed with overlayfs' redirect_dir" % path, "mount overlays with redirect_dir=off")
    found = {}
    for name in names:
        if not whiteout.is_private(name) and name not in _HOST_XATTRS:
            try:
                found[name] = os.getxattr(target, name, **where)
            except OSError:
                continue
    return found or None
