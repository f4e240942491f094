# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build one layer out of files, archives and removals. Its digest depends on content, modes and owners only: never on when or where.

All entries, whether they come from options or from an archive, go through the layer unpacker into a staging directory, so that what it
refuses is refused here; the directory's changeset is the layer.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from typing import Optional, Tuple

from .. import state
from ..errors import Corrupt, InvalidValue, Unsupported
from ..layer import apply, bounds, diff, stream, tar, whiteout, write
from ..layer.store import adopt

FILE, DIRECTORY, LINK, HARD, ABSENT = "file", "directory", "link", "hard", "absent"


@dataclasses.dataclass(frozen=True)
class LayerFile:
    """One path of a layer. A file has ``content`` (bytes) or ``src`` (a file of the host), a link has ``src`` as its target.

    The target of a hard link is a file that the same layer brings.
    """

    path: str
    state: str = FILE
    content: Optional[bytes] = None
    src: Optional[str] = None
    mode: Optional[int] = None
    uid: int = 0
    gid: int = 0


def tree_of(path, src, mode=None, uid=0, gid=0):
    """A directory of the host with all below as :class:`LayerFile` values, in the order of their names.

    Modes are those on the host; ``mode`` is the top directory's where it is given. Times, owners and attributes of the host do not count.

    :raises InvalidValue: it is no directory, or holds something that no image can be given this way.
    """
    if not os.path.isdir(src):
        raise InvalidValue("files", src, "is not a directory of the host", "copy the directory to the host first")
    found = [LayerFile(path, DIRECTORY, None, None, os.stat(src).st_mode & 0o7777 if mode is None else mode, uid, gid)]
    todo = [(src, path.rstrip("/"))]
    while todo:
        directory, target = todo.pop(0)
        for entry in sorted(os.scandir(directory), key=lambda item: os.fsencode(item.name)):
            inner, permissions = "%s/%s" % (target, entry.name), entry.stat(follow_symlinks=False).st_mode & 0o7777
            if entry.name.startswith(whiteout.PREFIX):
                raise InvalidValue("files", entry.path, "has a name with which layers mark what is removed", "rename it")
            if entry.is_symlink():
                found.append(LayerFile(inner, LINK, None, os.readlink(entry.path), None, uid, gid))
            elif entry.is_dir():
                found.append(LayerFile(inner, DIRECTORY, None, None, permissions, uid, gid))
                todo.append((entry.path, inner))
            elif entry.is_file():
                found.append(LayerFile(inner, FILE, None, entry.path, permissions, uid, gid))
            else:
                raise InvalidValue("files", entry.path, "is neither file, directory nor link", "take it out, or use archives")
    return found


@dataclasses.dataclass(frozen=True)
class LayerArchive:
    """An archive of the host that is unpacked below ``dest``."""

    src: str
    dest: str = "/"


@dataclasses.dataclass(frozen=True)
class LayerContent:
    """What a layer holds; archives first, then files in their order, then removals."""

    files: Tuple[LayerFile, ...] = ()
    archives: Tuple[LayerArchive, ...] = ()
    removals: Tuple[str, ...] = ()

    def __bool__(self):
        return bool(self.files or self.archives or self.removals)

    def inputs(self):
        """A JSON-able value that is the same if and only if the inputs are: files by their digest."""
        return {
            "files": [[each.path, each.state, _content_digest(each), each.mode, each.uid, each.gid] for each in self.files],
            "archives": [[file_digest(each.src, "archives"), each.dest] for each in self.archives],
            "removals": list(self.removals),
        }


@contextlib.contextmanager
def blame(option, path):
    """Errors about the content of a file of the host name the option and the file."""
    try:
        yield
    except (Corrupt, Unsupported) as error:
        raise error.__class__("%s: %s: %s" % (option, path, error), error.hint) from error


def file_digest(path, option):
    """sha256 of a file of the host.

    :raises InvalidValue: it cannot be read.
    """
    content = stream.Hashing(read_source(path, option))
    for unused in content:
        pass
    return content.digest()


def _content_digest(file):
    if file.state in (LINK, HARD):
        return file.src
    if file.state == FILE and file.src is not None:
        return file_digest(file.src, "files")
    content = stream.Hashing([file.content or b""])
    for unused in content:
        pass
    return content.digest()


def read_source(path, option):
    """The chunks of a file of the host.

    :raises InvalidValue: names the option, if it cannot be read.
    """
    try:
        if os.path.exists(path) and not os.path.isdir(path) and not os.path.isfile(path):
            # it is read twice, and a pipe has its content once
            raise InvalidValue(option, path, "is not a regular file", "put its content into a file")
        with open(path, "rb", buffering=0) as source:
            while True:
                data = source.read(stream.CHUNK)
                if not data:
                    return
                yield data
    except FileNotFoundError:
        raise InvalidValue(option, path, "does not exist on the host", "copy the file to the host first") from None
    except IsADirectoryError:
        raise InvalidValue(option, path, "is a directory", "give a file; for a tree give an archive") from None


@contextlib.contextmanager
def changeset(roots, content, lowers):
    """The tar stream of a layer, as a context manager: the staging directory goes away with it.

    :param lowers: directories of the base's layers, topmost first; directories that are there already keep their attributes.
    """
    # the lock tells sweep() that somebody still works here
    directory, lock = state.make_locked_directory(roots.layers, ".stage-")
    staged = os.path.join(directory, "diff")
    try:
        state.make_directory(staged)
        os.chmod(staged, 0o755)
        implied = _stage(content, staged, lowers)
        adopt(staged, implied, lowers)
        yield diff.changeset(staged)
    finally:
        apply.remove_tree(directory)
        os.close(lock)


def _stage(content, staged, lowers):
    with apply.unpacking(staged) as unpacker:
        for archive in content.archives:
            with blame("archives", archive.src):
                _stage_archive(unpacker, staged, archive)
        for file in content.files:
            with blame("files", file.path):
                _stage_file(unpacker, file)
        for path in content.removals:
            _stage_removal(unpacker, path)
        unpacker.finish()
        # a directory that only a path implies has no time of its own; without one below it gets a fixed one
        for path in sorted(unpacker.implied, reverse=True):
            unpacker.set_time(path, 0)
        return sorted(unpacker.implied)


def _stage_archive(unpacker, staged, archive):
    prefix = archive.dest.strip("/")
    with contextlib.closing(stream.threaded(bounds.decompressed(read_source(archive.src, "archives"), staged))) as chunks:
        reader = tar.TarReader(chunks)
        for entry in reader:
            # checked before the prefix goes on: ".." may not lead out of dest either
            name = "/".join(apply.split(entry.name))
            if prefix:
                entry.name = "%s/%s" % (prefix, name)
                if entry.type == tar.HARDLINK:
                    entry.link = "%s/%s" % (prefix, "/".join(apply.split(entry.link)))
            unpacker.add(entry, reader)


class _Body:
    """The content of an entry that does not come from an archive."""

    def __init__(self, pieces=()):
        self._pieces = pieces

    def body(self):
        return iter(self._pieces)


def _stage_file(unpacker, file):
    kinds = {FILE: (tar.REGULAR, 0o644), DIRECTORY: (tar.DIRECTORY, 0o755), LINK: (tar.SYMLINK, 0o777),
             HARD: (tar.HARDLINK, 0o644)}
    if file.state == ABSENT:
        _stage_removal(unpacker, file.path)
        return
    kind, mode = kinds[file.state]
    entry = write.make_entry(file.path, kind, mode if file.mode is None else file.mode, file.uid, file.gid)
    pieces = ()
    if file.state == LINK:
        entry.link = file.src
    elif file.state == HARD:
        entry.link = file.src.lstrip("/")
    elif file.state == FILE and file.src is not None:
        entry.size = os.stat(file.src).st_size
        pieces = read_source(file.src, "files")
    elif file.state == FILE:
        entry.size = len(file.content or b"")
        pieces = [file.content] if file.content else ()
    unpacker.add(entry, _Body(pieces))


def _stage_removal(unpacker, path):
    parent, unused, name = path.rstrip("/").rpartition("/")
    unpacker.remove(path.strip("/"))
    unpacker.add(write.make_entry("%s/%s%s" % (parent, whiteout.PREFIX, name)), _Body())
