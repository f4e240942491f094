# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mount operations as values: first a list that can be read and tested, then performed, one after another, inside the new root.

Each operation has ``describe()`` and ``perform(root)``; ``root`` is the path of the future root directory, seen from the container's own
mount namespace. Targets are opened inside the root (:mod:`path`) and mounted over by descriptor.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from typing import Tuple

from ..linux import calls, consts
from .path import fd_path, open_in_root

_FLAGS = {
    "ro": (consts.MS_RDONLY, 0), "rw": (0, consts.MS_RDONLY),
    "nosuid": (consts.MS_NOSUID, 0), "suid": (0, consts.MS_NOSUID),
    "nodev": (consts.MS_NODEV, 0), "dev": (0, consts.MS_NODEV),
    "noexec": (consts.MS_NOEXEC, 0), "exec": (0, consts.MS_NOEXEC),
    "sync": (consts.MS_SYNCHRONOUS, 0), "async": (0, consts.MS_SYNCHRONOUS),
    "dirsync": (consts.MS_DIRSYNC, 0), "mand": (consts.MS_MANDLOCK, 0), "nomand": (0, consts.MS_MANDLOCK),
    "noatime": (consts.MS_NOATIME, 0), "atime": (0, consts.MS_NOATIME),
    "nodiratime": (consts.MS_NODIRATIME, 0), "diratime": (0, consts.MS_NODIRATIME),
    "relatime": (consts.MS_RELATIME, 0), "norelatime": (0, consts.MS_RELATIME),
    "strictatime": (consts.MS_STRICTATIME, 0), "nostrictatime": (0, consts.MS_STRICTATIME),
    "bind": (consts.MS_BIND, 0), "rbind": (consts.MS_BIND | consts.MS_REC, 0), "defaults": (0, 0),
}
_PROPAGATION = {
    "private": consts.MS_PRIVATE, "rprivate": consts.MS_PRIVATE | consts.MS_REC,
    "slave": consts.MS_SLAVE, "rslave": consts.MS_SLAVE | consts.MS_REC,
    "shared": consts.MS_SHARED, "rshared": consts.MS_SHARED | consts.MS_REC,
    "unbindable": consts.MS_UNBINDABLE, "runbindable": consts.MS_UNBINDABLE | consts.MS_REC,
}


@dataclass(frozen=True)
class MountFlags:
    """Options of mount(8), sorted out: flags, propagation changes, and what is left for the file system."""

    flags: int
    propagation: Tuple[int, ...]
    data: str

    @classmethod
    def parse(cls, options):
        flags, propagation, data = 0, [], []
        for option in options:
            if option in _FLAGS:
                on, off = _FLAGS[option]
                flags = (flags | on) & ~off
            elif option in _PROPAGATION:
                propagation.append(_PROPAGATION[option])
            else:
                data.append(option)
        return cls(flags, tuple(propagation), ",".join(data))


@dataclass(frozen=True)
class FileSystem:
    """A new instance of a file system: proc, sysfs, tmpfs, devpts, mqueue ..."""

    type: str
    source: str
    target: str
    options: Tuple[str, ...] = ()

    def describe(self):
        return "mount %s at %s" % (self.type, self.target)

    def perform(self, root):
        parsed = MountFlags.parse(self.options)
        target = open_in_root(root, self.target, create="directory")
        try:
            calls.mount(self.source, fd_path(target), self.type, parsed.flags, parsed.data or None)
        except OSError as error:
            raise OSError(error.errno, error.strerror, "mount %s at %s" % (self.type, self.target)) from None
        finally:
            os.close(target)
        _propagate(root, self.target, parsed.propagation)


@dataclass(frozen=True)
class Bind:
    """A directory or file of the host, seen in the container. Flags need a second mount: the kernel ignores them on the first.

    What follows ``/./`` in ``source`` is looked up as with what precedes it for a root: containers write there, and a symbolic link of
    theirs must not lead to the host's files.
    """

    source: str
    target: str
    options: Tuple[str, ...] = ("rbind", "rprivate")

    def describe(self):
        return "bind %s to %s" % (self.source, self.target)

    def perform(self, root):
        parsed = MountFlags.parse(self.options)
        top, confined, inside = self.source.partition("/./")
        if confined:
            source = open_in_root(top, inside)
            try:
                self._mount(root, fd_path(source))
            finally:
                os.close(source)
        else:
            self._mount(root, self.source)
        flags = parsed.flags & ~(consts.MS_BIND | consts.MS_REC)
        if flags:
            remount(root, self.target, flags)
        _propagate(root, self.target, parsed.propagation or (consts.MS_PRIVATE | consts.MS_REC,))

    def _mount(self, root, source):
        directory = stat.S_ISDIR(os.stat(source).st_mode)
        recursive = consts.MS_REC if "rbind" in self.options or "bind" not in self.options else 0
        target = open_in_root(root, self.target, create="directory" if directory else "file")
        try:
            calls.mount(source, fd_path(target), None, consts.MS_BIND | recursive)
        except OSError as error:
            raise OSError(error.errno, error.strerror, "bind %s to %s" % (self.source, self.target)) from None
        finally:
            os.close(target)


@dataclass(frozen=True)
class Symlink:
    """A symbolic link, where nothing is yet."""

    target: str
    path: str

    def describe(self):
        return "link %s to %s" % (self.path, self.target)

    def perform(self, root):
        parent = open_in_root(root, os.path.dirname(self.path), create="directory")
        try:
            os.symlink(self.target, os.path.basename(self.path), dir_fd=parent)
        except FileExistsError:
            return
        finally:
            os.close(parent)


@dataclass(frozen=True)
class DeviceNode:
    """A device node by mknod(2), or a bind mount of the host's where mknod is refused (user namespaces)."""

    path: str
    type: str
    major: int
    minor: int
    mode: int = 0o666
    uid: int = 0
    gid: int = 0

    def describe(self):
        return "make device %s %s:%d:%d" % (self.path, self.type, self.major, self.minor)

    def perform(self, root):
        kind = {"c": stat.S_IFCHR, "u": stat.S_IFCHR, "b": stat.S_IFBLK, "p": stat.S_IFIFO}[self.type]
        parent = open_in_root(root, os.path.dirname(self.path), create="directory")
        name = os.path.basename(self.path)
        try:
            os.mknod(name, kind | self.mode, os.makedev(self.major, self.minor), dir_fd=parent)
            os.chmod(name, self.mode, dir_fd=parent)
            os.chown(name, self.uid, self.gid, dir_fd=parent, follow_symlinks=False)
        except FileExistsError:
            return
        except PermissionError:
            Bind(self.path, self.path, ("bind",)).perform(root)
        finally:
            os.close(parent)


@dataclass(frozen=True)
class MakeDirectory:
    """A directory and its parents; it may exist. ``uid``/``gid`` go to a new last component only."""

    path: str
    mode: int = 0o755

    def describe(self):
        return "make directory %s" % self.path

    def perform(self, root):
        os.close(open_in_root(root, self.path, create="directory", mode=self.mode))


@dataclass(frozen=True)
class Mask:
    """Hide a path of proc or sys: a file under /dev/null, a directory under an empty read-only tmpfs. A missing path is no error."""

    path: str

    def describe(self):
        return "mask %s" % self.path

    def perform(self, root):
        try:
            target = open_in_root(root, self.path)
        except (FileNotFoundError, NotADirectoryError):
            return
        try:
            if stat.S_ISDIR(os.fstat(target).st_mode):
                flags = consts.MS_RDONLY | consts.MS_NOSUID | consts.MS_NODEV | consts.MS_NOEXEC
                calls.mount("tmpfs", fd_path(target), "tmpfs", flags, "size=0k")
            else:
                # the null device of the new /dev, not the host's path: after pivot_root the host's is gone
                null = open_in_root(root, "/dev/null")
                try:
                    calls.mount(fd_path(null), fd_path(target), None, consts.MS_BIND)
                finally:
                    os.close(null)
        finally:
            os.close(target)


@dataclass(frozen=True)
class ReadOnly:
    """Make a path of proc or sys read-only, with all below. A missing path is no error."""

    path: str

    def describe(self):
        return "make %s read-only" % self.path

    def perform(self, root):
        try:
            target = open_in_root(root, self.path)
        except (FileNotFoundError, NotADirectoryError):
            return
        try:
            calls.mount(fd_path(target), fd_path(target), None, consts.MS_BIND | consts.MS_REC)
        finally:
            os.close(target)
        remount(root, self.path, consts.MS_RDONLY)


@dataclass(frozen=True)
class Remount:
    """Other flags for a mount that is there: read-only, once its content is made."""

    target: str
    options: Tuple[str, ...]

    def describe(self):
        return "remount %s %s" % (self.target, ",".join(self.options))

    def perform(self, root):
        remount(root, self.target, MountFlags.parse(self.options).flags)


def remount(root, path, flags):
    """Change the flags of the mount at ``path`` and keep those that it has (a user namespace may not drop them)."""
    target = open_in_root(root, path)
    try:
        kept = os.statvfs(fd_path(target)).f_flag
        flags |= _kept_flags(kept)
        calls.mount(None, fd_path(target), None, consts.MS_REMOUNT | consts.MS_BIND | flags)
    finally:
        os.close(target)


def _kept_flags(f_flag):
    # ST_RDONLY 1, ST_NOSUID 2, ST_NODEV 4, ST_NOEXEC 8 have mount(2)'s numbers; the atime ones do not
    flags = f_flag & (consts.MS_RDONLY | consts.MS_NOSUID | consts.MS_NODEV | consts.MS_NOEXEC)
    for bit, flag in ((1024, consts.MS_NOATIME), (2048, consts.MS_NODIRATIME), (4096, consts.MS_RELATIME)):
        if f_flag & bit:
            flags |= flag
    return flags


def _propagate(root, path, changes):
    for change in changes:
        target = open_in_root(root, path)
        try:
            calls.mount(None, fd_path(target), None, change)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
        finally:
            os.close(target)
