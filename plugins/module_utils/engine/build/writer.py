# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a selection into open directories: contents, owners, modes, times, extended attributes and hard links.

Nothing is followed, on either side: all is opened by name in an open directory, and what is no longer what was selected is refused.
"""

from __future__ import annotations

import errno
import os
import stat

from ..layer import whiteout
from ..rootfs.path import fd_path
from .checksum import xattrs_of
from .content import copy_content
from .view import O_DIRECTORY, SourceError, open_directory

O_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_O_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_INLINE_MODE = 0o644


class TreeWriter:
    """One COPY or ADD; :meth:`begin` for each source.

    :param owner: (uid, gid) or None. :param chmod: a :class:`chmod.Chmod` or None. :param mtime: nanoseconds or None.
    :ivar changed: what was written to since it was selected.
    """

    def __init__(self, owner, chmod, mtime):
        self.owner, self.chmod, self.mtime = owner, chmod, mtime
        self.files = self.size = 0
        self.changed = []
        self._picked = None
        self._links, self._top, self._path = {}, None, []

    def begin(self, picked):
        """What comes now is of this source: errors name it, and hard links stay within it."""
        self._picked, self._links, self._path = picked, {}, []

    def content(self, source, target):
        """Put what is taken of an open directory into another one, which gets its time."""
        self._top = target
        try:
            self._fill(self._picked.node, source, target)
            self._times(target, os.fstat(source))
        finally:
            self._top = None

    def file(self, name, source, target):
        """Put the source, which lies in the open directory ``source``, into ``target`` as ``name``."""
        self._leaf(self._picked.node, name, source, target)

    def _fill(self, node, source, target):
        for name, child in node.children.items():
            if child.children is None:
                self._leaf(child, name, source, target)
            else:
                self._subdirectory(child, name, source, target)

    def check_name(self, name):
        """Refuse what overlayfs or a layer would take for a deletion."""
        if name.startswith(whiteout.PREFIX):
            raise SourceError(self._picked.source, "cannot be in an image as %s: such a name means a deletion there"
                              % "/".join(self._path + [name]), "leave it out by .dockerignore, or give it another name")

    def _subdirectory(self, node, name, source, target):
        self.check_name(name)
        try:
            inner = os.open(name, O_DIRECTORY, dir_fd=source)
        except OSError as error:
            raise self.moved(error) from error
        outer = None
        try:
            made = self._make_directory(name, target)
            outer = os.open(name, O_DIRECTORY, dir_fd=target)
            self._path.append(name)
            self._fill(node, inner, outer)
            self._path.pop()
            status = os.fstat(inner)
            if made or not node.implied:
                self._attributes(outer, status, xattrs_of(inner))
            else:
                os.fchmod(outer, stat.S_IMODE(status.st_mode))
        finally:
            os.close(inner)
            if outer is not None:
                os.close(outer)

    def _make_directory(self, name, target):
        try:
            os.mkdir(name, 0o700, dir_fd=target)
            return True
        except FileExistsError:
            if stat.S_ISDIR(os.lstat(name, dir_fd=target).st_mode):
                return False
            raise SourceError(self._picked.source, "has the directory %s where the image has something else"
                              % "/".join(self._path + [name]), "remove it first, or copy to another place") from None

    def _leaf(self, node, name, source, target):
        self.check_name(name)
        self.files += 1
        status = node.status
        if status.st_nlink > 1 and self._link(status, name, target):
            return
        kind = stat.S_IFMT(status.st_mode)
        if kind == stat.S_IFREG:
            self._file(node, name, source, target)
        elif kind == stat.S_IFSOCK:
            # nothing could listen on it: an empty file, as BuildKit makes of it
            self._regular(name, target, (), status, None)
        else:
            self._special(node, name, source, target)

    def _file(self, node, name, source, target):
        try:
            fd = os.open(node.name, O_FILE, dir_fd=source)
        except OSError as error:
            raise self.moved(error) from error
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise self.moved(OSError(errno.ELOOP, os.strerror(errno.ELOOP), node.name))
            before = node.status
            if status.st_mtime_ns != before.st_mtime_ns or status.st_size != before.st_size or status.st_ino != before.st_ino:
                self.changed.append("/".join(self._path + [name]))
            out = self._create(name, target)
            try:
                self.size += copy_content(fd, out, status)
                self._attributes(out, status, xattrs_of(fd))
            finally:
                os.close(out)
        finally:
            os.close(fd)

    def inline(self, name, target):
        """Put a here-document there."""
        self.check_name(name)
        self.files += 1
        content = self._picked.content
        self.size += len(content)
        fd = self._create(name, target)
        try:
            with open(fd, "wb", closefd=False) as stream:
                stream.write(content)
            os.fchown(fd, *(self.owner or (0, 0)))
            os.fchmod(fd, self.chmod.apply(_INLINE_MODE, False) if self.chmod else _INLINE_MODE)
            if self.mtime is not None:
                os.utime(fd, ns=(self.mtime, self.mtime))
        finally:
            os.close(fd)

    def _regular(self, name, target, pieces, status, xattrs):
        fd = self._create(name, target)
        try:
            for piece in pieces:
                os.write(fd, piece)
            self._attributes(fd, status, xattrs)
        finally:
            os.close(fd)

    def _create(self, name, target):
        try:
            return os.open(name, _O_NEW, 0o600, dir_fd=target)
        except FileExistsError:
            self._clear(name, target)
            return os.open(name, _O_NEW, 0o600, dir_fd=target)

    def _clear(self, name, target):
        try:
            os.unlink(name, dir_fd=target)
        except IsADirectoryError:
            raise SourceError(self._picked.source, "cannot replace the directory %s of the image with a file"
                              % "/".join(self._path + [name])) from None

    def _link(self, status, name, target):
        """Make a hard link to what this source brought already; False for its first name."""
        key = (status.st_dev, status.st_ino)
        first = self._links.get(key)
        if first is None:
            self._links[key] = (tuple(self._path), name)
            return False
        directory = open_directory(self._top, first[0])
        try:
            try:
                os.link(first[1], name, src_dir_fd=directory, dst_dir_fd=target, follow_symlinks=False)
            except FileExistsError:
                self._clear(name, target)
                os.link(first[1], name, src_dir_fd=directory, dst_dir_fd=target, follow_symlinks=False)
        finally:
            os.close(directory)
        return True

    def _special(self, node, name, source, target):
        try:
            status = os.stat(node.name, dir_fd=source, follow_symlinks=False)
            is_link = stat.S_ISLNK(status.st_mode)
            link = os.readlink(node.name, dir_fd=source) if is_link else None
        except OSError as error:
            raise self.moved(error) from error
        if stat.S_IFMT(status.st_mode) != stat.S_IFMT(node.status.st_mode) or whiteout.is_whiteout(status):
            raise self.moved(OSError(errno.ELOOP, os.strerror(errno.ELOOP), node.name))
        for last in (False, True):
            try:
                if is_link:
                    os.symlink(link, name, dir_fd=target)
                else:
                    os.mknod(name, stat.S_IFMT(status.st_mode) | 0o600, status.st_rdev, dir_fd=target)
                break
            except FileExistsError:
                if last:
                    raise
                self._clear(name, target)
        os.chown(name, *self._owner(status), dir_fd=target, follow_symlinks=False)
        where = "%s/%s" % (fd_path(source), node.name)
        for key, value in (xattrs_of(where, follow_symlinks=False) or {}).items():
            _set_xattr("%s/%s" % (fd_path(target), name), key, value, follow_symlinks=False)
        if not is_link:
            self._chmod_node(name, target, self._mode(status))
        when = (self.mtime, self.mtime) if self.mtime is not None else (status.st_atime_ns, status.st_mtime_ns)
        os.utime(name, ns=when, dir_fd=target, follow_symlinks=False)

    def _chmod_node(self, name, target, mode):
        # a pipe or device cannot be opened for this, and chmod(2) by name follows links: hold the name first
        fd = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=target)
        try:
            os.chmod(fd_path(fd), mode)
        finally:
            os.close(fd)

    # --- attributes

    def _attributes(self, fd, status, xattrs):
        os.fchown(fd, *self._owner(status))
        if xattrs:
            for name, value in xattrs.items():
                _set_xattr(fd, name, value)
        os.fchmod(fd, self._mode(status))
        self._times(fd, status)

    def _owner(self, status):
        if self.owner is not None:
            return self.owner
        return (status.st_uid, status.st_gid) if self._picked.owned else (0, 0)

    def _mode(self, status):
        if self.chmod is None:
            return stat.S_IMODE(status.st_mode)
        return self.chmod.apply(status.st_mode, stat.S_ISDIR(status.st_mode))

    def _times(self, fd, status):
        when = (self.mtime, self.mtime) if self.mtime is not None else (status.st_atime_ns, status.st_mtime_ns)
        os.utime(fd, ns=when)

    def moved(self, error):
        """The error of a source that is no longer what it was."""
        return SourceError(self._picked.source, "changed while it was copied: %s" % (error.strerror or error).lower(),
                           "build while nothing else writes to it")


def _set_xattr(target, name, value, **where):
    """A file system that lacks an attribute's namespace keeps the rest, as BuildKit does."""
    try:
        os.setxattr(target, name, value, **where)
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.EPERM, errno.EINVAL):
            raise
