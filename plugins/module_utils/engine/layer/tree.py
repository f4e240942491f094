# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory tree that others may have filled with traps, walked by descriptors: no component is ever followed as a link by the kernel."""

from __future__ import annotations

import errno
import os

from ..errors import Corrupt

O_DIR = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
HOSTILE = "the archive is hostile or damaged; do not use it"
_MAX_OPEN = 64
_MAX_DEPTH = 256
_MAX_LINKS = 40


def split(name):
    """The components of a member's name: no ``.``, nothing before the root.

    :raises Corrupt: it has a ``..``.
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise Corrupt("archive member %r leads out of the archive" % name, HOSTILE)
    if len(parts) > _MAX_DEPTH:
        raise Corrupt("archive member %r... is nested too deeply" % "/".join(parts[:5]))
    return parts


class Tree:
    """Descriptors of the directories in use, by path (tuple of components)."""

    def __init__(self, directory):
        self.root = os.open(directory, O_DIR)
        self._open = {}

    def close(self):
        self.forget()
        os.close(self.root)

    def trim(self):
        """Close what is open when it is much. Only between members: within one, callers hold descriptors."""
        if len(self._open) >= _MAX_OPEN:
            self.forget()

    def forget(self):
        """Close all but the root: a directory was replaced, or enough are open."""
        for fd in self._open.values():
            os.close(fd)
        self._open.clear()

    def find(self, parts):
        """The descriptor of an existing directory by exact path, or None where it does not exist or a link or file is in its way."""
        if not parts:
            return self.root
        if len(parts) > _MAX_DEPTH:
            raise Corrupt("archive member %r... is nested too deeply" % "/".join(parts[:5]))
        key = tuple(parts)
        fd = self._open.get(key)
        if fd is not None:
            return fd
        parent = self.find(parts[:-1])
        if parent is None:
            return None
        try:
            fd = os.open(parts[-1], O_DIR, dir_fd=parent)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                return None
            raise
        self._open[key] = fd
        return fd

    def resolve(self, parts, name):
        """The components of a directory's path with symbolic links replaced; a link must lead to a directory of this layer."""
        todo, done, links, through = list(reversed(parts)), [], 0, False
        while todo:
            part = todo.pop()
            if part == "..":
                if not done:
                    raise Corrupt("archive member %r leads out of the archive through a symbolic link" % name,
                                  HOSTILE)
                done.pop()
                continue
            above = self.find(done)
            target = readlink(part, above) if above is not None else None
            if target is None:
                done.append(part)
                continue
            links += 1
            if links > _MAX_LINKS:
                raise Corrupt("archive member %r goes through too many symbolic links" % name)
            if target.startswith("/"):
                done = []
            new = [each for each in target.split("/") if each not in ("", ".")]
            # the link itself must lead to a directory that is there: what lies beyond it may be made
            self._check_link(done, new, name)
            todo.extend(reversed(new))
            through = True
        return done if through else parts

    def _check_link(self, start, parts, name):
        done = list(start)
        for part in parts:
            if part == "..":
                if not done:
                    break
                done.pop()
                continue
            done.append(part)
            above = self.find(done[:-1])
            if above is not None and readlink(part, above) is not None:
                return
        else:
            if self.find(done) is not None:
                return
        raise Corrupt("archive member %r leads out of the archive through a symbolic link" % name,
                      HOSTILE)


def readlink(name, dir_fd):
    """The target of a symbolic link, or None where there is none."""
    try:
        return os.readlink(name, dir_fd=dir_fd)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EINVAL, errno.ENOTDIR):
            return None
        raise


def remove_tree(name, dir_fd=None):
    """Remove a directory or file and all below it by descriptors, following no link. What is gone already is success."""
    try:
        fd = os.open(name, O_DIR, dir_fd=dir_fd)
    except OSError as error:
        if error.errno == errno.ENOENT:
            return
        if error.errno not in (errno.ENOTDIR, errno.ELOOP):
            raise
        os.unlink(name, dir_fd=dir_fd)
        return
    try:
        with os.scandir(fd) as listing:
            found = [(item.name, item.is_dir(follow_symlinks=False)) for item in listing]
        for child, is_directory in found:
            if is_directory:
                remove_tree(child, fd)
            else:
                try:
                    os.unlink(child, dir_fd=fd)
                except FileNotFoundError:
                    pass
    finally:
        os.close(fd)
    os.rmdir(name, dir_fd=dir_fd)
