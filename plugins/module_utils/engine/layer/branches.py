# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories that overlayfs would lay over each other, looked at without a mount: the union as a tar stream, and what the topmost changes.

Reading branches instead of a mount leaves nothing behind and works beside the container's own mount. Everything is opened by descriptor,
and no symbolic link is followed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import stat

from . import diff, tar, whiteout, write

ADDED, CHANGED, DELETED = "A", "C", "D"
_O_DIR = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclasses.dataclass(frozen=True)
class Change:
    """One path that differs from the layers below, relative and without a leading slash."""

    kind: str
    path: str


class _Stack:
    """The same directory in several branches, topmost first, as open descriptors."""

    def __init__(self, fds):
        self.fds = fds

    def close(self):
        for fd in self.fds:
            os.close(fd)

    def entries(self):
        """{name: [(descriptor of the parent, os.stat_result), ...]} of what the union has; several only of directories that are merged."""
        found, closed = {}, set()
        for fd in self.fds:
            for name in os.listdir(fd):
                if name in closed:
                    continue
                try:
                    status = os.lstat(name, dir_fd=fd)
                except FileNotFoundError:
                    # a running container removed it
                    continue
                if whiteout.is_whiteout(status):
                    closed.add(name)
                elif not stat.S_ISDIR(status.st_mode):
                    closed.add(name)
                    if name not in found:
                        found[name] = [(fd, status)]
                else:
                    found.setdefault(name, []).append((fd, status))
        return found

    def child(self, name, holders):
        """The stack of a directory of :meth:`entries`; an opaque one hides those below it."""
        fds = []
        for parent, unused in holders:
            fds.append(os.open(name, _O_DIR, dir_fd=parent))
            if whiteout.is_opaque(fds[-1]):
                break
        return _Stack(fds)


@contextlib.contextmanager
def _opened(paths):
    fds = []
    try:
        for path in paths:
            # a container's branches are links of ours to the layers
            fds.append(os.open(os.path.realpath(path), _O_DIR))
        yield _Stack(fds)
    finally:
        for fd in fds:
            os.close(fd)


# --- the union

def flattened(branches):
    """The union as a tar stream (bytes-like pieces): entries in the order of their names, hard links of one branch by the first name.

    :param branches: paths of directories, topmost first.
    """
    with _opened(branches) as stack:
        yield from _Flattener().union(stack, "")
    yield write.END


class _Flattener(diff.Walker):
    def __init__(self):
        super().__init__(frozenset(), None, None)

    def union(self, stack, path):
        """The entries below a :class:`_Stack`."""
        for name, holders in sorted(stack.entries().items(), key=lambda item: os.fsencode(item[0])):
            inner = path + "/" + name if path else name
            parent, status = holders[0]
            if stat.S_ISDIR(status.st_mode):
                yield from self._merged(stack, name, inner, holders)
            elif not stat.S_ISSOCK(status.st_mode):
                yield from self._present(parent, name, inner, status)

    def _merged(self, stack, name, path, holders):
        try:
            child = stack.child(name, holders)
        except FileNotFoundError:
            return
        try:
            found = diff.attributes(child.fds[0], path)
            yield write.header(self._entry(path, tar.DIRECTORY, holders[0][1], found=found))
            yield from self.union(child, path)
        finally:
            child.close()

    def _present(self, parent, name, path, status):
        pieces = self._leaf(parent, name, path, status)
        try:
            first = next(pieces, None)
        except FileNotFoundError:
            # it went between the listing and now; nothing of it is in the stream yet
            return
        if first is not None:
            yield first
            yield from pieces


# --- what the topmost branch changes

def changes(upper, lowers, hidden=()):
    """What ``upper`` changes of the union of ``lowers``.

    A directory counts as changed where its own attributes differ or something in it does; overlayfs copies one up for less.

    :param lowers: paths, topmost first. :param hidden: paths that do not count while they are empty: mount points.
    :returns: (list of :class:`Change` in the order of paths, frozenset of the paths of ``upper`` that change nothing).
    """
    walker = _Differ(frozenset(hidden))
    with _opened([upper]) as top, _opened(lowers) as below:
        walker.directory(top.fds[0], below, "")
    walker.found.sort(key=lambda change: change.path.split("/"))
    return walker.found, frozenset(walker.same)


class _Differ:
    def __init__(self, hidden):
        self.hidden = hidden
        self.found = []
        self.same = []

    def directory(self, fd, below, path):
        """Compare an open directory of the upper branch with the :class:`_Stack` below it (None: there is none)."""
        there = below.entries() if below is not None else {}
        names = os.listdir(fd)
        if whiteout.is_opaque(fd):
            self.found += [Change(DELETED, _join(path, name)) for name in there if name not in names]
        for name in names:
            inner = _join(path, name)
            status = os.lstat(name, dir_fd=fd)
            holders = there.get(name)
            if whiteout.is_whiteout(status):
                if holders is not None:
                    self.found.append(Change(DELETED, inner))
            elif stat.S_ISDIR(status.st_mode):
                self._subdirectory(fd, name, inner, status, below, holders)
            elif inner in self.hidden and holders is None and status.st_size == 0:
                self.same.append(inner)
            else:
                self.found.append(Change(CHANGED if holders else ADDED, inner))

    def _subdirectory(self, parent, name, path, status, below, holders):
        is_new = holders is None or not stat.S_ISDIR(holders[0][1].st_mode)
        count = len(self.found)
        fd = os.open(name, _O_DIR, dir_fd=parent)
        inner = None
        try:
            if not is_new:
                inner = below.child(name, holders)
            self.directory(fd, inner, path)
            if len(self.found) > count:
                differs = True
            elif is_new:
                differs = path not in self.hidden and not self._holds_hidden(path)
            else:
                differs = _attributes(fd, status) != _attributes(inner.fds[0], holders[0][1]) or whiteout.is_opaque(fd)
        finally:
            os.close(fd)
            if inner is not None:
                inner.close()
        if differs:
            self.found.append(Change(CHANGED if holders else ADDED, path))
        else:
            self.same.append(path)

    def _holds_hidden(self, path):
        """Whether a directory was made only to hold a mount point."""
        return any(each.startswith(path + "/") for each in self.same)


def _join(path, name):
    return path + "/" + name if path else name


def _attributes(fd, status):
    return stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, diff.attributes(fd, "")
