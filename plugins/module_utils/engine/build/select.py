# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What COPY and ADD take: sources of a context or of another stage -> a :class:`Selection` to be hashed (checksum.py) and placed (copy.py).

A link named as a source, or on the way to it, is followed inside the root, also where it points out of it; links below a selected directory
are taken as links.
"""

from __future__ import annotations

import os
import posixpath
import re

from .ignorefile import Ignore
from .view import Node, Rules, SourceError, View, split_wildcards
from .wildcard import has_wildcards


class Picked:
    """One source, or one match of its wildcards.

    :ivar source: text of the Dockerfile.
    :ivar name: the name that it gets in a directory.
    :ivar root: path of the tree it comes from; ``parts`` its components there, links resolved.
    :ivar content: bytes instead of a file (here-documents).
    :ivar local: of a context or stage, so that ADD unpacks it.
    :ivar wild: found by wildcards.
    :ivar fetch: function that fetches the file, whose ``checksum`` is known, and returns its path.
    """

    __slots__ = ("checksum", "content", "fetch", "local", "name", "node", "owned", "parts", "root", "source", "wild")

    def __init__(self, source, name, node, root=None, parts=(), content=None, local=True, wild=False, owned=False, checksum=None,
                 fetch=None):
        self.source, self.name, self.node, self.root, self.parts = source, name, node, root, tuple(parts)
        self.content, self.local, self.wild, self.owned = content, local, wild, owned
        self.checksum, self.fetch = checksum, fetch

    @property
    def is_directory(self):
        return self.node is not None and self.node.children is not None


class Selection:
    """All that one COPY or ADD takes, in the order in which it is placed.

    :ivar count: how many sources were named.
    """

    def __init__(self, picked, count):
        self.picked = tuple(picked)
        self.count = count

    def __add__(self, other):
        return Selection(self.picked + other.picked, self.count + other.count)

    def digest(self, memo=None, owners=True):
        """``sha256:...`` of names, types, modes, contents, link targets and extended attributes; never of times or places.

        :param memo: a :class:`checksum.Memo`, so that no file is read twice.
        :param owners: False where --chown replaces them.
        """
        from .checksum import digest

        return digest(self, memo, owners)


def select(root, sources, ignore=None, exclude=(), parents=False, keyword="COPY", keep_owners=False, where="the build context"):
    """The :class:`Selection` of ``sources`` in the directory ``root``.

    :param ignore: an :class:`ignorefile.Ignore` about all of the root.
    :param exclude: patterns of --exclude, about paths below each source.
    :param parents: --parents: sources keep their directories; ``/./`` begins what is kept.
    :param keep_owners: files keep their owners (another stage, an archive); otherwise they are root's.
    :param where: what the root is, for messages.
    :raises SourceError: a source that is not there, or cannot be used.
    """
    excluded = Ignore(exclude, "--exclude") if exclude else None
    picked = []
    with View(root, ignore, where) as view:
        for source in sources:
            if "\0" in source:
                raise SourceError(source.replace("\0", "\\0"), "has a NUL byte in it")
            finder = _with_parents if parents else _plain
            for each in finder(view, source, excluded):
                each.owned = keep_owners
                picked.append(each)
    return Selection(picked, len(sources))


def inline(name, content):
    """The Selection of a here-document (bytes)."""
    return Selection([Picked(name, posixpath.basename(name), None, content=content, local=False)], 1)


def downloaded(source, path, name):
    """The Selection of a file that was fetched to ``path`` and is to be called ``name``; times and mode are the file's own."""
    directory, base = os.path.split(path)
    return Selection([Picked(source, name, Node(base, os.lstat(path)), directory, (base,), local=False)], 1)


def promised(source, name, checksum, fetch):
    """The Selection of a file that is known by its checksum (``sha256:...``): it is fetched when it is placed, not to be hashed.

    :param fetch: function of no arguments that returns the path of the file, having checked it.
    """
    return Selection([Picked(source, name, None, local=False, checksum=checksum, fetch=fetch)], 1)


def checkout(source, directory, exclude=()):
    """The Selection of all of a directory (git), whose content lands in the destination; ``exclude``: patterns of --exclude."""
    with View(directory, None, source) as view:
        node = view.node((), Rules(None, Ignore(exclude, "--exclude") if exclude else None, None), source)
        return Selection([Picked(source, "", node, directory, (), local=False)], 1)


# --- sources

def _plain(view, source, excluded):
    text = posixpath.normpath("/" + source)[1:].lstrip("/")
    fixed, pattern = split_wildcards(text)
    fixed = _unescaped(view, fixed)
    if not pattern:
        yield _pick(view, source, fixed, excluded)
        return
    for path in view.glob(source, fixed, pattern):
        name = posixpath.basename(path)
        # the documentation of --exclude speaks of sources, too
        if excluded is not None and excluded.matches(name) and not view.is_directory(path):
            continue
        yield _pick(view, source, path, excluded, wild=True)


def _with_parents(view, source, excluded):
    base, pivot, pattern = source.partition("/./")
    if not pivot:
        base, pattern = "", source
    base = posixpath.normpath("/" + base)[1:].lstrip("/")
    pattern = posixpath.normpath("/" + pattern)[1:].lstrip("/")
    fixed, wild = split_wildcards(base)
    if not wild and not has_wildcards(pattern):
        view.resolve(source, posixpath.join(fixed, pattern))
    bases = view.glob(source, fixed, wild) if wild else [fixed]
    for path in bases:
        parts, node = view.find(source, path, excluded, pattern)
        if node is not None and (node.children or not pattern):
            yield Picked(source, "", node, view.root, parts, wild=bool(wild))


def _unescaped(view, path):
    """A path without backslashes that only take the meaning of a wildcard; a name that really has them goes first."""
    if "\\" not in path or view.has(path):
        return path
    return re.sub(r"\\(.)", r"\1", path, flags=re.DOTALL)


def _pick(view, source, path, excluded, wild=False):
    parts, node = view.find(source, path, excluded)
    if node is None:
        raise view.missing(source, True)
    return Picked(source, posixpath.basename(path), node, view.root, parts, wild=wild)
