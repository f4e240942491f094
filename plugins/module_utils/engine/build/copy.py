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
import os
import posixpath
import stat
from typing import Tuple

from ..errors import EngineError
from ..rootfs.path import open_in_root, place_in_root
from .chmod import Chmod
from .select import downloaded, select
from .view import O_DIRECTORY, SourceError, open_directory
from .writer import O_FILE, TreeWriter

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
    return Placed(copier.writer.files, copier.writer.size, tuple(copier.writer.changed))


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
        self.root, self.owner, self.mtime = root, owner, mtime
        self.writer = TreeWriter(owner, chmod, mtime)
        self._source = None
        self._replaced = False
        self._new = []
        self._mode = chmod.octal & 0o777 if chmod is not None and chmod.octal is not None else _DIRECTORY_MODE
        self._made_mode = self._mode

    def place(self, picked, path, is_directory, may_unpack):
        if picked.fetch is not None:
            picked = downloaded(picked.source, picked.fetch(), picked.name).picked[0]
        self._source, self._made_mode = picked.source, self._mode
        self.writer.begin(picked)
        if picked.content is not None:
            self._into(picked, path, is_directory, self.writer.inline)
            return
        root = os.open(picked.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            source = open_directory(root, picked.parts if picked.is_directory else picked.parts[:-1])
        except OSError as error:
            raise self.writer.moved(error) from error
        finally:
            os.close(root)
        try:
            if picked.is_directory:
                target = self._directory_at(path)
                try:
                    self.writer.content(source, target)
                finally:
                    os.close(target)
            elif not may_unpack or not self._unpack(picked, source, path):
                self._into(picked, path, is_directory, lambda name, target: self.writer.file(name, source, target))
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
            raise SourceError(self._source, "cannot go to %s, as something on the way there is no directory" % path) from None
        try:
            if not stat.S_ISDIR(os.fstat(handle).st_mode):
                raise SourceError(self._source, "cannot go into %s, which is no directory" % path)
            return os.open(".", O_DIRECTORY, dir_fd=handle)
        finally:
            os.close(handle)

    def _made(self, parent, name):
        """Attributes of a directory that was made on the way."""
        self.writer.check_name(name)
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

    # --- archives

    def _unpack(self, picked, source, path):
        """Unpack a file into the destination; False where it is no archive."""
        if not stat.S_ISREG(picked.node.status.st_mode):
            return False
        from . import unpack

        try:
            fd = os.open(picked.node.name, O_FILE, dir_fd=source)
        except OSError as error:
            raise self.writer.moved(error) from error
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode) or not unpack.is_archive(fd):
                return False
            # what is unpacked knows no --chmod
            self._made_mode = _DIRECTORY_MODE
            target = self._directory_at(path)
            try:
                self.writer.files += 1
                unpack.unpack(fd, target, self.owner, self.mtime)
            except EngineError as error:
                raise SourceError(picked.source, error.message, error.hint) from error
            finally:
                os.close(target)
            return True
        finally:
            os.close(fd)
