# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""COPY and ADD: a selection into the directory tree of an image, by BuildKit's rules.

The content of a directory goes into the destination, a file to it or, where it is a directory or ends with a slash, into it. Only the
destination's own path follows links, inside the root; below it nothing is followed, on either side. Files keep mode, time, extended
attributes and, within one source, hard links. Directories on the way are made with mode 0755, or with the one of --chmod where it is octal.
"""

from __future__ import annotations

import dataclasses
import errno
import os
import posixpath
import stat
from typing import Tuple

from ..errors import EngineError
from ..layer import whiteout
from ..rootfs.path import fd_path, open_in_root, place_in_root
from .checksum import xattrs_of
from .chmod import Chmod
from .content import copy_content
from .select import select
from .view import O_DIRECTORY, SourceError, open_directory

_O_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_O_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_INLINE_MODE = 0o644
_DIRECTORY_MODE = 0o755


@dataclasses.dataclass(frozen=True)
class Placed:
    """What :func:`place` did. ``changed``: sources whose content changed since they were selected."""

    files: int
    size: int
    changed: Tuple[str, ...]


def place(selection, target_root, destination, owner=None, chmod=None, keyword="COPY", unpack=None, work_dir="/", mtime=None, link=False):
    """Copy into the tree at ``target_root``.

    :param selection: a :class:`select.Selection`.
    :param destination: as in the Dockerfile, relative to ``work_dir``.
    :param owner: (uid, gid) of all that is made, or None: root's, or their own where the selection keeps owners.
    :param chmod: text of --chmod, or None.
    :param unpack: True and False as --unpack says; None: ADD unpacks local archives.
    :param mtime: nanoseconds that all that is made gets, or None: files keep theirs.
    :param link: --link: ``target_root`` is an empty directory instead of the image, so no link of the image is looked at.
    :returns: :class:`Placed`.
    :raises SourceError: a source that cannot go where it should.
    """
    copier = _Copier(target_root, owner, Chmod(chmod) if chmod else None, mtime)
    path, is_directory = _clean(destination, work_dir)
    if unpack is None:
        wanted = frozenset(picked for picked in selection.picked if keyword == "ADD" and picked.local)
    else:
        wanted = frozenset(selection.picked if unpack else ())
    try:
        for picked in selection.picked:
            copier.place(picked, path, is_directory, picked in wanted)
    finally:
        copier.finish()
    return Placed(copier.files, copier.size, tuple(copier.changed))


def materialize(context, directory):
    """Make ``directory`` (existing, empty) a copy of a context without what its ignore file leaves out."""
    selection = select(context.root, ["."], context.ignore, keep_owners=context.keep_owners)
    return place(selection, directory, "/")


def _clean(destination, work_dir):
    """(absolute path, whether it must be a directory) of a destination."""
    text = destination or "."
    is_directory = text.endswith("/") or text.rpartition("/")[2] in (".", "..")
    path = posixpath.normpath(posixpath.join("/", work_dir, text))
    return "/" + path.lstrip("/"), is_directory


class _Copier:
    def __init__(self, root, owner, chmod, mtime):
        self.root, self.owner, self.chmod, self.mtime = root, owner, chmod, mtime
        self.files = self.size = 0
        self.changed = []
        self._picked = None
        self._links, self._top, self._path = {}, None, []
        self._replaced = False
        self._new = []
        self._made_mode = chmod.octal & 0o777 if chmod is not None and chmod.octal is not None else _DIRECTORY_MODE

    def place(self, picked, path, is_directory, may_unpack):
        self._picked, self._links, self._path = picked, {}, []
        if picked.content is not None:
            self._into(picked, path, is_directory, self._inline)
            return
        root = os.open(picked.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            source = open_directory(root, picked.parts if picked.is_directory else picked.parts[:-1])
        except OSError as error:
            raise self._moved(error) from error
        finally:
            os.close(root)
        try:
            if picked.is_directory:
                self._content(picked, source, path)
            elif not may_unpack or not self._unpack(picked, source, path):
                self._into(picked, path, is_directory, lambda name, target: self._leaf(picked.node, name, source, target))
        finally:
            os.close(source)

    def finish(self):
        """Set the time of directories that were made on the way: every file made inside has changed it."""
        for fd in self._new:
            os.utime(fd, ns=(self.mtime, self.mtime))
            os.close(fd)
        self._new = []

    # --- the destination

    def _directory_at(self, path):
        """A descriptor of the destination as a directory, which is made if it is missing."""
        try:
            handle = open_in_root(self.root, path, create="directory", made=self._made)
        except NotADirectoryError:
            raise SourceError(self._picked.source, "cannot go to %s, as something on the way there is no directory" % path) from None
        try:
            if not stat.S_ISDIR(os.fstat(handle).st_mode):
                raise SourceError(self._picked.source, "cannot go into %s, which is no directory" % path)
            return os.open(".", O_DIRECTORY, dir_fd=handle)
        finally:
            os.close(handle)

    def _made(self, parent, name):
        """Attributes of a directory that was made on the way."""
        self._check_name(name)
        fd = os.open(name, O_DIRECTORY, dir_fd=parent)
        try:
            os.fchown(fd, *(self.owner or (0, 0)))
            os.fchmod(fd, self._made_mode)
            if self.mtime is not None:
                self._new.append(os.dup(fd))
        finally:
            os.close(fd)

    def _into(self, picked, path, is_directory, make):
        """Call ``make(name, descriptor of the directory)`` for where a file has to go."""
        name = picked.name
        if is_directory:
            target = self._directory_at(path)
        else:
            try:
                target, last, found = place_in_root(self.root, path, self._made)
            except NotADirectoryError:
                raise SourceError(picked.source, "cannot go to %s, as something on the way there is no directory" % path) from None
            if found is not None and stat.S_ISDIR(os.fstat(found).st_mode):
                os.close(target)
                target = found
            else:
                name = last
                if found is not None:
                    os.close(found)
                if self._replaced:
                    # one after the other under the same name: a mistake that nobody would see
                    os.close(target)
                    raise SourceError(picked.source, "is not the only file for %s, which is no directory" % path, "end it with a slash")
                self._replaced = True
        try:
            make(name, target)
        finally:
            os.close(target)

    # --- what is made

    def _content(self, picked, source, path):
        self._top = self._directory_at(path)
        try:
            self._fill(picked.node, source, self._top)
            self._times(self._top, os.fstat(source))
        finally:
            os.close(self._top)
            self._top = None

    def _fill(self, node, source, target):
        for name, child in node.children.items():
            if child.children is None:
                self._leaf(child, name, source, target)
            else:
                self._subdirectory(child, name, source, target)

    def _check_name(self, name):
        if name.startswith(whiteout.PREFIX):
            raise SourceError(self._picked.source, "cannot be in an image as %s: such a name means a deletion there"
                              % "/".join(self._path + [name]), "leave it out by .dockerignore, or give it another name")

    def _subdirectory(self, node, name, source, target):
        self._check_name(name)
        try:
            inner = os.open(name, O_DIRECTORY, dir_fd=source)
        except OSError as error:
            raise self._moved(error) from error
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
        self._check_name(name)
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
            fd = os.open(node.name, _O_FILE, dir_fd=source)
        except OSError as error:
            raise self._moved(error) from error
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise self._moved(OSError(errno.ELOOP, os.strerror(errno.ELOOP), node.name))
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

    def _inline(self, name, target):
        self._check_name(name)
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
            raise self._moved(error) from error
        if stat.S_IFMT(status.st_mode) != stat.S_IFMT(node.status.st_mode) or whiteout.is_whiteout(status):
            raise self._moved(OSError(errno.ELOOP, os.strerror(errno.ELOOP), node.name))
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

    # --- archives

    def _unpack(self, picked, source, path):
        """Unpack a file into the destination; False where it is no archive."""
        if not stat.S_ISREG(picked.node.status.st_mode):
            return False
        from . import unpack

        try:
            fd = os.open(picked.node.name, _O_FILE, dir_fd=source)
        except OSError as error:
            raise self._moved(error) from error
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode) or not unpack.is_archive(fd):
                return False
            # what is unpacked knows no --chmod
            self._made_mode = _DIRECTORY_MODE
            target = self._directory_at(path)
            try:
                self.files += 1
                unpack.unpack(fd, target, self.owner, self.mtime)
            except EngineError as error:
                raise SourceError(picked.source, error.message, error.hint) from error
            finally:
                os.close(target)
            return True
        finally:
            os.close(fd)

    def _moved(self, error):
        return SourceError(self._picked.source, "changed while it was copied: %s" % (error.strerror or error).lower(),
                           "build while nothing else writes to it")


def _set_xattr(target, name, value, **where):
    """A file system that lacks an attribute's namespace keeps the rest, as BuildKit does."""
    try:
        os.setxattr(target, name, value, **where)
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.EPERM, errno.EINVAL):
            raise
