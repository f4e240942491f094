# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A changeset (tar stream) into a directory that overlayfs can use as a lower layer.

Every path is walked from the layer's root one component at a time by directory descriptors, never following a link out of it:
``..`` is refused, a leading ``/`` means the layer's root, and a parent that is a symbolic link is followed only to a directory
that the same layer holds. Whiteouts become what overlayfs takes for them (see whiteout.py).
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import stat
from typing import Tuple

from ..errors import Corrupt, Unsupported
from . import acl, holes, sparse, tar, whiteout, xattrs
from .tree import HOSTILE, O_DIR, Tree, remove_tree, split

__all__ = ["Applied", "Tree", "Unpacker", "apply", "remove_tree", "split", "unpacking"]

_O_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# smaller files are not searched for holes
_LARGE = 1 << 20
_MAX_LATER = 16 << 20
_IMPOSSIBLE = (errno.ENAMETOOLONG, errno.ENOTDIR, errno.ELOOP, errno.EINVAL, errno.EFBIG)


@dataclasses.dataclass(frozen=True)
class Applied:
    """What :func:`apply` did.

    :param size: bytes of file content written.
    :param entries: members seen.
    :param implied: directories (paths relative to the layer) that no member described; see store.adopt().
    """

    size: int
    entries: int
    implied: Tuple[str, ...]


def apply(chunks, directory, map_ids=None):
    """Unpack an uncompressed tar stream into an existing, empty directory, reading it to its end.

    :param chunks: iterator of bytes-like pieces.
    :param map_ids: function (uid, gid) -> (uid, gid), or None for the archive's own.
    :returns: :class:`Applied`.
    :raises Corrupt: damaged, or hostile: a name that leads out of the directory.
    """
    with unpacking(directory, map_ids) as unpacker:
        reader = tar.TarReader(chunks)
        for entry in reader:
            unpacker.add(entry, reader)
        unpacker.finish()
        return Applied(unpacker.size, unpacker.entries, tuple(sorted(unpacker.implied)))


@contextlib.contextmanager
def unpacking(directory, map_ids=None):
    """An :class:`Unpacker` on a directory, for entries that come from elsewhere than one archive."""
    tree = Tree(directory)
    try:
        yield Unpacker(tree, map_ids)
    finally:
        tree.close()


class Unpacker:
    """``add`` every entry, then ``finish``. ``implied`` names the directories (relative paths) that no entry described."""

    def __init__(self, tree, map_ids):
        self.tree = tree
        self.map_ids = map_ids
        self.size = self.entries = 0
        self.implied = set()
        # path -> mtime of directories, set last: every file made inside would change them
        self._times = {}
        # path -> default ACL of directories, set last: every file made inside would inherit it
        self._inherited = {}
        self._inherited_size = 0

    def add(self, entry, reader):
        self.entries += 1
        self.tree.trim()
        parts = split(entry.name)
        if not parts:
            if entry.type == tar.DIRECTORY:
                self._attributes_of_directory(self.tree.root, entry, ())
            return
        name = parts[-1]
        if name != whiteout.OPAQUE and any(part.startswith(whiteout.META_PREFIX) for part in parts):
            # books of aufs, which this format comes from
            return
        try:
            if name.startswith(whiteout.PREFIX):
                self._whiteout(parts)
                return
            parent, parts = self._parent(parts, entry.name)
            getattr(self, "_make_" + entry.type)(entry, parent, parts, reader)
        except (OverflowError, ValueError) as error:
            raise Corrupt("archive member %r cannot be made: %s" % (entry.name, error)) from error
        except OSError as error:
            if error.errno in _IMPOSSIBLE:
                raise Corrupt("archive member %r cannot be made: %s" % (entry.name, error.strerror.lower())) from error
            raise OSError(error.errno, error.strerror, entry.name) from error

    def finish(self):
        """Set what waited until nothing is made any more: default ACLs, and the times of directories, deepest first."""
        for parts, value in self._inherited.items():
            self.tree.trim()
            fd = self.tree.find(parts)
            if fd is not None:
                xattrs.write(fd, {acl.DEFAULT: value})
        for parts in sorted(self._times, key=len, reverse=True):
            self.tree.trim()
            fd = self.tree.find(parts)
            if fd is not None:
                _set_time(fd, self._times[parts])

    def remove(self, path):
        """Take away what an earlier entry made; nothing there is success."""
        self.tree.trim()
        parts = split(path)
        parent = self.tree.find(parts[:-1])
        if not parts or parent is None:
            return
        try:
            self._clear(parts, parent, parts[-1])
        except FileNotFoundError:
            pass

    def set_time(self, path, mtime):
        """Set the time (nanoseconds) of a directory that is there, by its relative path."""
        self.tree.trim()
        fd = self.tree.find(path.split("/"))
        if fd is not None:
            _set_time(fd, mtime)

    # --- where it goes

    def _parent(self, parts, name):
        """(descriptor of the parent directory, components with links in the parent resolved)."""
        fd = self.tree.find(parts[:-1])
        if fd is not None:
            return fd, parts
        parent = self.tree.resolve(parts[:-1], name)
        fd = self._directories(parent, name)
        return fd, parent + parts[-1:]

    def _directories(self, parts, name):
        """Make the missing directories of a path without links; they take the attributes of the layers below later."""
        fd = self.tree.find(parts)
        if fd is not None:
            return fd
        above = self._directories(parts[:-1], name)
        try:
            os.mkdir(parts[-1], 0o755, dir_fd=above)
            self.implied.add("/".join(parts))
        except FileExistsError:
            if whiteout.is_whiteout(os.lstat(parts[-1], dir_fd=above)):
                os.unlink(parts[-1], dir_fd=above)
                os.mkdir(parts[-1], 0o755, dir_fd=above)
                self._hide(parts, above)
        fd = self.tree.find(parts)
        if fd is None:
            raise Corrupt("archive member %r lies below something that is no directory" % name, HOSTILE)
        if os.fstat(above).st_mode & stat.S_ISGID:
            self._give(fd, 0, 0)
        os.fchmod(fd, 0o755)
        return fd

    # --- what is made

    def _make_file(self, entry, parent, parts, reader):
        name = parts[-1]
        try:
            fd = os.open(name, _O_NEW, 0o600, dir_fd=parent)
        except FileExistsError:
            parent = self._clear(parts, parent, name)
            fd = os.open(name, _O_NEW, 0o600, dir_fd=parent)
        try:
            if entry.sparse is not None:
                self.size += holes.write_parts(fd, sparse.placed(entry.sparse, reader.packed()), entry.size)
            elif entry.size >= _LARGE:
                self.size += holes.write_parts(fd, holes.without_holes(reader.body()), None)
            else:
                for piece in reader.body():
                    written = os.write(fd, piece)
                    while written < len(piece):
                        written += os.write(fd, piece[written:])
                    self.size += written
            self._own(fd, entry)
            if entry.xattrs:
                xattrs.write(fd, entry.xattrs)
            os.fchmod(fd, entry.mode)
            os.utime(fd, ns=(entry.mtime, entry.mtime))
        finally:
            os.close(fd)

    def _make_directory(self, entry, parent, parts, reader):
        name = parts[-1]
        hides = False
        try:
            os.mkdir(name, 0o700, dir_fd=parent)
        except FileExistsError:
            status = os.lstat(name, dir_fd=parent)
            if not stat.S_ISDIR(status.st_mode):
                hides = whiteout.is_whiteout(status)
                parent = self._clear(parts, parent, name)
                os.mkdir(name, 0o700, dir_fd=parent)
        self.implied.discard("/".join(parts))
        fd = self.tree.find(parts)
        self._attributes_of_directory(fd, entry, tuple(parts))
        if hides:
            os.setxattr(fd, whiteout.OPAQUE_XATTR, b"y")

    def _attributes_of_directory(self, fd, entry, key):
        self._own(fd, entry)
        self._inherited_size -= len(self._inherited.pop(key, b""))
        if entry.xattrs:
            now = dict(entry.xattrs)
            later = now.pop(acl.DEFAULT, None)
            if later is not None:
                self._inherited[key] = later
                self._inherited_size += len(later)
                if self._inherited_size > _MAX_LATER:
                    raise Corrupt("archive has more than %d bytes of access control lists" % _MAX_LATER, HOSTILE)
            xattrs.write(fd, now)
        os.fchmod(fd, entry.mode)
        self._times[key] = entry.mtime

    def _make_symlink(self, entry, parent, parts, reader):
        name = parts[-1]
        if not entry.link:
            raise Corrupt("archive member %r is a symbolic link to nothing" % entry.name, HOSTILE)
        try:
            os.symlink(entry.link, name, dir_fd=parent)
        except FileExistsError:
            parent = self._clear(parts, parent, name)
            os.symlink(entry.link, name, dir_fd=parent)
        self._finish_name(entry, parent, name, False)

    def _make_hardlink(self, entry, parent, parts, reader):
        target = split(entry.link)
        if not target:
            raise Corrupt("archive member %r is a hard link to nothing" % entry.name)
        source = self.tree.find(target[:-1])
        if source is None:
            target = self.tree.resolve(target[:-1], entry.name) + target[-1:]
            source = self.tree.find(target[:-1])
        if target == parts:
            return
        if source is None or not _is_linkable(target[-1], source):
            raise Corrupt("archive member %r is a hard link to %r, which the archive does not hold" % (entry.name, entry.link),
                          HOSTILE)
        name = parts[-1]
        try:
            os.link(target[-1], name, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)
        except FileExistsError:
            self._clear(parts, parent, name)
            parent, source = self.tree.find(parts[:-1]), self.tree.find(target[:-1])
            if source is None:
                raise Corrupt("archive member %r is a hard link to itself" % entry.name) from None
            os.link(target[-1], name, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)

    def _make_node(self, entry, parent, parts, kind):
        name = parts[-1]
        device = os.makedev(*entry.device) if kind != stat.S_IFIFO else 0
        if kind == stat.S_IFCHR and device == 0:
            # overlayfs would take it for a whiteout anyway
            raise Corrupt("archive member %r is character device 0/0, which overlayfs takes for a deletion" % entry.name)
        try:
            os.mknod(name, 0o600 | kind, device, dir_fd=parent)
        except FileExistsError:
            parent = self._clear(parts, parent, name)
            os.mknod(name, 0o600 | kind, device, dir_fd=parent)
        except PermissionError as error:
            raise Unsupported("device %s cannot be made: %s" % (entry.name, error.strerror.lower())) from error
        self._finish_name(entry, parent, name, True)

    def _make_char(self, entry, parent, parts, reader):
        self._make_node(entry, parent, parts, stat.S_IFCHR)

    def _make_block(self, entry, parent, parts, reader):
        self._make_node(entry, parent, parts, stat.S_IFBLK)

    def _make_fifo(self, entry, parent, parts, reader):
        self._make_node(entry, parent, parts, stat.S_IFIFO)

    def _finish_name(self, entry, parent, name, has_mode):
        """Attributes of what cannot be opened: by name, never following it."""
        uid, gid = self.map_ids(entry.uid, entry.gid) if self.map_ids else (entry.uid, entry.gid)
        _chown(name, uid, gid, dir_fd=parent, follow_symlinks=False)
        if entry.xattrs:
            xattrs.write("/proc/self/fd/%d/%s" % (parent, name), entry.xattrs, follow_symlinks=False)
        if has_mode:
            # it is a device or pipe that we just made in a directory that only root may write to, so this follows no link
            os.chmod(name, entry.mode, dir_fd=parent)
        os.utime(name, ns=(entry.mtime, entry.mtime), dir_fd=parent, follow_symlinks=False)

    def _own(self, fd, entry):
        self._give(fd, entry.uid, entry.gid)

    def _give(self, fd, uid, gid):
        if self.map_ids:
            uid, gid = self.map_ids(uid, gid)
        _chown(fd, uid, gid)

    # --- what is taken away

    def _clear(self, parts, parent, name):
        """Remove what an earlier member made under this name. Returns the parent's descriptor (it may be another one)."""
        status = os.lstat(name, dir_fd=parent)
        if not stat.S_ISDIR(status.st_mode):
            os.unlink(name, dir_fd=parent)
            return parent
        self.tree.forget()
        parent = self.tree.find(parts[:-1])
        remove_tree(name, parent)
        gone = tuple(parts)
        self._times = {key: value for key, value in self._times.items() if key[:len(gone)] != gone}
        self._inherited = {key: value for key, value in self._inherited.items() if key[:len(gone)] != gone}
        prefix = "/".join(parts)
        self.implied = {path for path in self.implied if path != prefix and not path.startswith(prefix + "/")}
        return parent

    def _whiteout(self, parts):
        name = parts[-1]
        if name == whiteout.OPAQUE:
            # the directory itself may follow later in the archive, or never
            fd = self.tree.find(parts[:-1])
            if fd is None:
                fd = self._directories(self.tree.resolve(parts[:-1], "/".join(parts)), "/".join(parts))
            os.setxattr(fd, whiteout.OPAQUE_XATTR, b"y")
            return
        hidden = name[len(whiteout.PREFIX):]
        if hidden in ("", ".", ".."):
            raise Corrupt("archive member %r deletes a directory from inside" % "/".join(parts), HOSTILE)
        parent, parts = self._parent(parts[:-1] + [hidden], "/".join(parts))
        try:
            whiteout.make(hidden, parent)
        except FileExistsError:
            # a whiteout speaks of the layers below only: what this layer itself brings stays
            if stat.S_ISDIR(os.lstat(hidden, dir_fd=parent).st_mode):
                self._hide(parts, parent)

    def _hide(self, parts, parent):
        fd = os.open(parts[-1], O_DIR, dir_fd=parent)
        try:
            os.setxattr(fd, whiteout.OPAQUE_XATTR, b"y")
        finally:
            os.close(fd)


def _is_linkable(name, dir_fd):
    try:
        mode = os.lstat(name, dir_fd=dir_fd).st_mode
    except FileNotFoundError:
        return False
    return not stat.S_ISDIR(mode) and not whiteout.is_whiteout(os.lstat(name, dir_fd=dir_fd))


def _chown(target, uid, gid, **where):
    if not 0 <= uid < 0xFFFFFFFF or not 0 <= gid < 0xFFFFFFFF:
        raise Corrupt("archive has the owner %d:%d, which no file can have" % (uid, gid))
    os.chown(target, uid, gid, **where)


def _set_time(fd, mtime):
    os.utime(fd, ns=(mtime, mtime))
