# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The digest of a selection: the same for the same names, types, modes, owners, contents, link targets and extended attributes.

Times, inode numbers and the place do not count. Of a directory that is named as a source only the content counts, as only that is copied.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time

from ..layer import whiteout
from .view import O_DIRECTORY, SourceError, open_directory

# labels of this host's own policy, not of the files
_HOST_XATTRS = ("security.selinux", "security.ima", "security.evm", "security.apparmor", "security.SMACK64")
_O_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_SMALL = 256 << 10
_CHUNK = 1 << 20
_WORKERS = max(1, min(4, os.cpu_count() or 1))
# a file written to within a clock tick of being read may change without a new time
_RACY = 50000000


class Memo:
    """Digests that are known already: (device, inode, size, mtime, ctime) -> (content, extended attributes).

    It may be kept over builds: ``to_json`` and ``from_json``. A file whose times are not older than its reading is not kept.
    """

    def __init__(self, known=None):
        self._known = known or {}
        self._used = {}

    def get(self, status):
        key = _key(status)
        found = self._used.get(key)
        if found is None:
            found = self._known.get(key)
            if found is not None:
                self._used[key] = found
        return found

    def put(self, status, value):
        self._used[_key(status)] = value

    def to_json(self):
        """What was asked for or made, without what may have changed unseen."""
        limit = time.time_ns() - _RACY
        return {"%d:%d:%d:%d:%d" % key: value for key, value in self._used.items() if max(key[3], key[4]) < limit}

    @classmethod
    def from_json(cls, data):
        """A memo of :meth:`to_json`; anything else gives an empty one."""
        known = {}
        try:
            for key, value in data.items():
                content, xattrs = value
                numbers = tuple(map(int, key.split(":")))
                if len(numbers) == 5 and isinstance(content, str) and isinstance(xattrs, str):
                    known[numbers] = (content, xattrs)
        except (AttributeError, TypeError, ValueError):
            return cls()
        return cls(known)


def digest(selection, memo=None, owners=True):
    """See :meth:`select.Selection.digest`."""
    with _Hasher(memo or Memo(), owners) as hasher:
        for picked in selection.picked:
            hasher.add(picked)
        return hasher.finish()


def xattrs_of(target, **where):
    """The extended attributes (name -> bytes) that are copied, or None."""
    try:
        names = os.listxattr(target, **where)
    except OSError:
        return None
    if not names:
        return None
    found = {}
    for name in names:
        if not whiteout.is_private(name) and name not in _HOST_XATTRS:
            try:
                found[name] = os.getxattr(target, name, **where)
            except OSError:
                continue
    return found or None


class _Hasher:
    def __init__(self, memo, owners):
        self.memo, self.owners = memo, owners
        # lines of text, or futures that give one part of a line
        self._records = []
        self._pool = None
        self._links = {}

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self._pool is not None:
            self._pool.shutdown()

    def add(self, picked):
        """Take in one source.

        :raises SourceError: it is no longer what was selected.
        """
        try:
            self._add(picked)
        except OSError as error:
            # the last one: of readlink(2), for what is no link any more
            if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.EINVAL):
                raise
            raise SourceError(picked.source, "changed while it was read: %s" % error.strerror.lower(),
                              "build while nothing else writes to it") from error

    def _add(self, picked):
        self._links = {}
        if picked.fetch is not None:
            self._records.append(("promised", picked.name, picked.checksum))
            return
        if picked.content is not None:
            self._records.append(("inline", picked.name, hashlib.sha256(picked.content).hexdigest()))
            return
        root = os.open(picked.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            parts = picked.parts if picked.is_directory else picked.parts[:-1]
            fd = open_directory(root, parts)
        finally:
            os.close(root)
        try:
            if picked.is_directory:
                self._records.append(("content",))
                self._directory(picked.node, fd, "", self.owners and picked.owned)
            else:
                self._leaf(picked.node, fd, picked.name, self.owners and picked.owned)
        finally:
            os.close(fd)

    def finish(self):
        total = hashlib.sha256()
        for record in self._records:
            for part in record:
                data = os.fsencode(part if isinstance(part, str) else part.result())
                total.update(b"%d:" % len(data))
                total.update(data)
            total.update(b"\n")
        return "sha256:" + total.hexdigest()

    def _directory(self, node, fd, path, owned):
        for name, child in node.children.items():
            below = path + "/" + name if path else name
            if child.children is None:
                self._leaf(child, fd, below, owned)
                continue
            opened = os.open(name, O_DIRECTORY, dir_fd=fd)
            try:
                known = self.memo.get(child.status)
                if known is None:
                    known = ("", _text(xattrs_of(opened)))
                    self.memo.put(child.status, known)
                self._records.append(("directory", below, _mode(child.status), _owner(child.status, owned), known[1]))
                self._directory(child, opened, below, owned)
            finally:
                os.close(opened)

    def _leaf(self, node, fd, path, owned):
        status = node.status
        kind = stat.S_IFMT(status.st_mode)
        if status.st_nlink > 1:
            first = self._links.setdefault((status.st_dev, status.st_ino), path)
            if first != path:
                self._records.append(("hard link", path, first))
                return
        owner = _owner(status, owned)
        if kind == stat.S_IFREG:
            content, xattrs = self._file(node, fd)
            self._records.append(("file", path, _mode(status), owner, xattrs, content))
            return
        where = "/proc/self/fd/%d/%s" % (fd, node.name)
        xattrs = _text(xattrs_of(where, follow_symlinks=False))
        if kind == stat.S_IFLNK:
            self._records.append(("link", path, owner, xattrs, os.readlink(node.name, dir_fd=fd)))
        else:
            self._records.append(("special", path, "%o" % status.st_mode, owner, xattrs, "%d" % status.st_rdev))

    def _file(self, node, parent):
        """(digest of the content or its future, extended attributes as text)."""
        known = self.memo.get(node.status)
        if known is not None:
            return known
        fd = os.open(node.name, _O_FILE, dir_fd=parent)
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), node.name)
            xattrs = _text(xattrs_of(fd))
            if status.st_size > _SMALL:
                content, fd = self._later(fd, status, xattrs), -1
                return content, xattrs
            content = _small(fd, status.st_size)
            self.memo.put(status, (content, xattrs))
            return content, xattrs
        finally:
            if fd >= 0:
                os.close(fd)

    def _later(self, fd, status, xattrs):
        import concurrent.futures
        import threading

        if self._pool is None:
            self._pool = concurrent.futures.ThreadPoolExecutor(_WORKERS)
            self._free = threading.Semaphore(4 * _WORKERS)
        # so many descriptors at most wait for a thread
        self._free.acquire()

        def work():
            try:
                content = _large(fd)
                self.memo.put(status, (content, xattrs))
                return content
            finally:
                os.close(fd)
                self._free.release()

        return self._pool.submit(work)


def _small(fd, size):
    data = os.read(fd, size + 1)
    if len(data) <= size:
        return hashlib.sha256(data).hexdigest()
    total = hashlib.sha256(data)
    return _rest(fd, total)


def _large(fd):
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)
    return _rest(fd, hashlib.sha256())


def _rest(fd, total):
    while True:
        data = os.read(fd, _CHUNK)
        if not data:
            return total.hexdigest()
        total.update(data)


def _key(status):
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _mode(status):
    return "%o" % stat.S_IMODE(status.st_mode)


def _owner(status, owned):
    return "%d:%d" % (status.st_uid, status.st_gid) if owned else ""


def _text(xattrs):
    """One string of extended attributes, the same for the same ones."""
    if not xattrs:
        return ""
    return ",".join("%s=%s" % (name, xattrs[name].hex()) for name in sorted(xattrs))
