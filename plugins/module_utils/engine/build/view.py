# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tree as COPY sees it: without what the ignore file leaves out, links on the way to a source followed inside the root.

Nothing is held open: whoever reads the content walks the same names again by descriptors (:func:`open_directory`), never through a link.
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat

from ..errors import EngineError
from ..rootfs.path import MAX_LINKS
from .ignorefile import Ignore
from .wildcard import Wildcard, has_wildcards

O_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
MAX_DEPTH = 256
# not there, or not what it was a moment ago (EINVAL: readlink(2) of what is no link any more)
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EINVAL, errno.ENAMETOOLONG)


class SourceError(EngineError):
    """A source cannot be used; ``source`` is its text in the Dockerfile, ``reason`` the message without it."""

    def __init__(self, source, reason, hint=None):
        super().__init__("%s: %s" % (source, reason), hint)
        self.source = source
        self.reason = reason

    def __reduce__(self):
        # steps of a build run in processes of their own
        return type(self), (self.source, self.reason, self.hint)


class Node:
    """A file that was found. ``children``: nodes by name for a directory, else None.

    :ivar implied: a directory that is there only for what lies in it (``--parents``, ``--exclude``).
    """

    __slots__ = ("children", "implied", "name", "status")

    def __init__(self, name, status, children=None, implied=False):
        self.name, self.status, self.children, self.implied = name, status, children, implied


def open_directory(fd, parts):
    """A descriptor of the directory at ``parts`` below ``fd``, through no link."""
    current = os.dup(fd)
    for part in parts:
        try:
            below = os.open(part, O_DIRECTORY, dir_fd=current)
        finally:
            os.close(current)
        current = below
    return current


def split_wildcards(path):
    """(components without wildcards, the rest) of a clean path, as two paths."""
    parts = path.split("/") if path else []
    for number, part in enumerate(parts):
        if has_wildcards(part):
            return "/".join(parts[:number]), "/".join(parts[number:])
    return path, ""


class Rules:
    """What of a source is taken: ``ask`` for each path below it."""

    def __init__(self, ignore, exclude, include):
        self.ignore, self.exclude = ignore, exclude
        self.include = Ignore([include], "--parents") if include else None
        self._lead = split_wildcards(include)[0].split("/") if include and split_wildcards(include)[0] else []
        self.any = bool(ignore or exclude or include)

    def ask(self, path, inner, is_directory, above):
        """(whether the context shows it, whether it is taken itself, results for what lies below or None: nothing there can be).

        :param path: from the root; ``inner`` from the source.
        """
        shown = taken = True
        ignored, excluded, included = above
        if self.ignore is not None:
            matched, ignored = self.ignore.below(path, ignored)
            if matched:
                if not (is_directory and self.ignore.exceptions):
                    return False, False, None
                shown = False
        if self.exclude is not None:
            matched, excluded = self.exclude.below(inner, excluded)
            if matched:
                if not (is_directory and self.exclude.exceptions):
                    return shown, False, None
                taken = False
        if self.include is not None:
            matched, included = self.include.below(inner, included)
            if not matched:
                if not is_directory or not self._may_lead(inner):
                    return shown, False, None
                taken = False
        return shown, taken, (ignored, excluded, included)

    def _may_lead(self, inner):
        parts = inner.split("/")
        return all(one == other for one, other in zip(parts, self._lead))


class View:
    """A tree without what ``ignore`` leaves out, read by one descriptor of its root."""

    def __init__(self, root, ignore, where):
        self.root, self.where = root, where
        self.ignore = ignore if ignore is not None and ignore.patterns else None
        self.fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        os.close(self.fd)

    def find(self, source, path, excluded, include=None):
        """(components, :class:`Node`) of ``path``; the node is None where nothing of it is taken."""
        parts, status = self.resolve(source, path)
        return parts, self.node(parts, Rules(self.ignore, excluded, include), source, status)

    def has(self, path):
        """Whether there is something at a path."""
        try:
            self.resolve(path, path)
        except SourceError:
            return False
        return True

    def is_directory(self, path):
        """Whether a path that a wildcard has found leads to a directory."""
        return stat.S_ISDIR(self.resolve(path, path)[1].st_mode)

    def resolve(self, source, path):
        """(components without links, lstat result) of where ``path`` leads inside the root.

        :raises SourceError: nowhere.
        """
        todo, done, links = [part for part in path.split("/") if part][::-1], [], 0
        stack = [os.dup(self.fd)]
        status = os.fstat(self.fd)
        try:
            while todo:
                part = todo.pop()
                if part in ("", "."):
                    continue
                if part == "..":
                    if done:
                        done.pop()
                        os.close(stack.pop())
                    continue
                status = os.stat(part, dir_fd=stack[-1], follow_symlinks=False)
                if stat.S_ISLNK(status.st_mode):
                    if self._left_out(done + [part]):
                        raise self.missing(source, True)
                    links += 1
                    if links > MAX_LINKS:
                        raise SourceError(source, "goes through too many symbolic links")
                    target = os.readlink(part, dir_fd=stack[-1])
                    if target.startswith("/"):
                        while len(stack) > 1:
                            os.close(stack.pop())
                        done = []
                    todo.extend(target.split("/")[::-1])
                    # a link to the root or to .. alone leads to a directory that was passed already
                    status = os.fstat(stack[-1])
                    continue
                done.append(part)
                if stat.S_ISDIR(status.st_mode):
                    stack.append(os.open(part, O_DIRECTORY, dir_fd=stack[-1]))
                elif todo:
                    raise self.missing(source, False)
            if stat.S_ISDIR(status.st_mode):
                status = os.fstat(stack[-1])
        except OSError as error:
            if error.errno in _GONE:
                raise self.missing(source, False) from error
            raise
        finally:
            for fd in stack:
                os.close(fd)
        if not stat.S_ISDIR(status.st_mode) and self._left_out(done):
            raise self.missing(source, True)
        return tuple(done), status

    def node(self, parts, rules, source, status=None):
        """The :class:`Node` at ``parts`` with all that is taken below it; None for a directory that is left out with all in it."""
        status = status or os.fstat(self.fd)
        name = parts[-1] if parts else ""
        if not stat.S_ISDIR(status.st_mode):
            _check_device(status, source)
            return None if rules.include is not None else Node(name, status)
        shown, results = True, ()
        for number in range(1, len(parts) + 1):
            if self.ignore is not None:
                matched, results = self.ignore.below("/".join(parts[:number]), results)
                shown = not matched
        if not shown and not self.ignore.exceptions:
            return None
        found = Node(name, status, {})
        walker = _Walker(rules, source)
        try:
            fd = open_directory(self.fd, parts)
        except OSError as error:
            if error.errno in _GONE:
                raise self.missing(source, False) from error
            raise
        try:
            walker.fill(found, fd, "/".join(parts), "", (results, (), ()), len(parts))
        finally:
            os.close(fd)
        return found if shown or walker.shown else None

    def glob(self, source, base, pattern):
        """Sorted paths that match ``pattern`` below the directory ``base``; what lies in a match is not looked at."""
        try:
            wildcard = Wildcard(pattern)
        except ValueError as error:
            raise SourceError(source, str(error), "write a backslash before a character that has no special meaning") from None
        parts, status = self.resolve(source, base)
        if not stat.S_ISDIR(status.st_mode):
            return []
        results = ()
        for number in range(1, len(parts) + 1):
            if self.ignore is not None:
                results = self.ignore.below("/".join(parts[:number]), results)[1]
        found = []
        fd = open_directory(self.fd, parts)
        try:
            self._match(fd, parts, (), wildcard, results, found)
        finally:
            os.close(fd)
        return [posixpath.join("/".join(parts), each) for each in sorted(found)]

    def _match(self, fd, base, inner, wildcard, results, found):
        for name, status in entries(fd):
            names = inner + (name,)
            is_directory = stat.S_ISDIR(status.st_mode)
            below, hidden = (), False
            if self.ignore is not None:
                hidden, below = self.ignore.below("/".join(base + names), results)
                if hidden and not (is_directory and self.ignore.exceptions):
                    continue
            if wildcard.matches("/".join(names)) and (not hidden or self._shows(base + names)):
                found.append("/".join(names))
                continue
            if is_directory and wildcard.may_lead(names) and len(names) < MAX_DEPTH:
                try:
                    child = os.open(name, O_DIRECTORY, dir_fd=fd)
                except OSError as error:
                    if error.errno in _GONE:
                        continue
                    raise
                try:
                    self._match(child, base, names, wildcard, below, found)
                finally:
                    os.close(child)

    def _shows(self, parts):
        """Whether a directory that a pattern leaves out is there for something in it."""
        path = "/".join(parts)
        return self.node(parts, Rules(self.ignore, None, None), path, self.resolve(path, path)[1]) is not None

    def _left_out(self, parts):
        if self.ignore is None:
            return False
        matched, results = False, ()
        for number in range(1, len(parts) + 1):
            matched, results = self.ignore.below("/".join(parts[:number]), results)
        return matched

    def missing(self, source, left_out):
        """The error of a source that is not there, or left out by the ignore file."""
        if left_out:
            return SourceError(source, "is left out of %s by its ignore file" % self.where, "add an exception (!) for it there")
        return SourceError(source, "does not exist in %s" % self.where, "a source is a path from the root of %s" % self.where)


class _Walker:
    """Fills a node with what lies below it. ``shown``: the ignore file lets something of it be there."""

    def __init__(self, rules, source):
        self.rules, self.source = rules, source
        self.shown = False

    def fill(self, node, fd, path, inner, above, depth):
        if depth > MAX_DEPTH:
            raise SourceError(self.source, "holds directories nested more than %d deep" % MAX_DEPTH)
        rules = self.rules
        for name, status in entries(fd):
            is_directory = stat.S_ISDIR(status.st_mode)
            taken, shown, below, path_below, inner_below = True, True, above, "", ""
            if rules.any:
                path_below = path + "/" + name if path else name
                inner_below = inner + "/" + name if inner else name
                shown, taken, below = rules.ask(path_below, inner_below, is_directory, above)
                self.shown = self.shown or shown
                if below is None:
                    continue
            if not is_directory:
                if taken:
                    _check_device(status, self.source)
                    node.children[name] = Node(name, status)
                continue
            child = Node(name, status, {}, implied=not taken)
            if not self._inside(child, fd, path_below, inner_below, below, depth):
                continue
            if child.children or (shown and taken):
                node.children[name] = child

    def _inside(self, child, fd, path, inner, above, depth):
        try:
            opened = os.open(child.name, O_DIRECTORY, dir_fd=fd)
        except OSError as error:
            if error.errno in _GONE:
                return False
            raise
        try:
            self.fill(child, opened, path, inner, above, depth + 1)
        finally:
            os.close(opened)
        return True


def entries(fd):
    """Sorted (name, lstat result) of an open directory."""
    found = []
    with os.scandir(fd) as listing:
        for item in listing:
            try:
                found.append((item.name, item.stat(follow_symlinks=False)))
            except FileNotFoundError:
                continue
    found.sort(key=_name)
    return found


def _name(item):
    return item[0]


def _check_device(status, source):
    if stat.S_ISCHR(status.st_mode) and status.st_rdev == 0:
        raise SourceError(source, "holds character device 0/0, which overlayfs takes for a deletion")
