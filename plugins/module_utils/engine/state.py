# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state root: where everything lies, who may write, and how a file is replaced.

A kill at any instant leaves either the old or the new file. Every kind has one lock; a container has one of its own, because
stopping one may take seconds.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import secrets
import time

from .errors import EngineError, TimedOut, Unsupported

DEFAULT_STATE_ROOT = "/var/lib/agentless"


class Roots:
    """Every directory that the engine touches; tests inject their own.

    :param state: persistent state. A state root other than the default gets its own volatile root, nftables table and cgroup
        parent (``namespace``), so that two engines live side by side.
    :param run: volatile state (gone at reboot): network namespaces, sockets.
    :param cgroup: mount point of the cgroup file systems.
    :param cgroup_parent: the group, below the root of each hierarchy, that holds the containers' groups.
    """

    __slots__ = ("cgroup", "cgroup_parent", "namespace", "proc", "run", "state", "sys")

    def __init__(self, state=DEFAULT_STATE_ROOT, run=None, cgroup="/sys/fs/cgroup", cgroup_parent=None, proc="/proc", sys="/sys"):
        self.state = os.path.normpath(os.path.abspath(state))
        self.namespace = "agentless"
        if self.state != DEFAULT_STATE_ROOT:
            self.namespace += "-" + hashlib.sha256(self.state.encode()).hexdigest()[:8]
        self.run = run or "/run/" + self.namespace
        self.cgroup = cgroup
        self.cgroup_parent = cgroup_parent or self.namespace
        self.proc = proc
        self.sys = sys

    @property
    def images(self):
        """The OCI image layout."""
        return os.path.join(self.state, "images")

    @property
    def layers(self):
        """Unpacked changesets, one directory a chain ID."""
        return os.path.join(self.state, "layers")

    @property
    def containers(self):
        return os.path.join(self.state, "containers")

    @property
    def names(self):
        """One symbolic link a container name, to its ID."""
        return os.path.join(self.state, "names")

    @property
    def networks(self):
        return os.path.join(self.state, "networks")

    @property
    def volumes(self):
        return os.path.join(self.state, "volumes")

    @property
    def engine(self):
        """Installed engines, one directory a content hash."""
        return os.path.join(self.state, "engine")

    @property
    def netns(self):
        """Pinned network namespaces, one file a container ID."""
        return os.path.join(self.run, "netns")

    def lock(self, name, timeout=60.0):
        """The advisory lock ``name`` (``images``, ``networks``, ``container-web``) as a context manager; see :class:`Lock`."""
        return Lock(os.path.join(self.state, "locks", name + ".lock"), timeout)


class Lock:
    """An exclusive flock(2). The kernel drops it when the holder dies. It is not inherited over exec.

    :param timeout: seconds to wait before TimedOut is raised.
    """

    def __init__(self, path, timeout=60.0):
        self.path = path
        self.timeout = timeout
        self._fd = None

    def __enter__(self):
        self._fd = self._open()
        deadline = time.monotonic() + self.timeout
        pause = 0.001
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return self
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EACCES):
                    self.close()
                    raise
            if time.monotonic() > deadline:
                self.close()
                raise TimedOut("lock %s is held by another process for over %d seconds" % (self.path, self.timeout),
                               "another task may still be running on this host; see 'fuser %s'" % self.path)
            time.sleep(pause)
            pause = min(pause * 2, 0.05)

    def __exit__(self, *unused):
        self.close()

    def _open(self):
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        try:
            return os.open(self.path, flags, 0o600)
        except FileNotFoundError:
            make_directory(os.path.dirname(self.path))
            return os.open(self.path, flags, 0o600)

    def close(self):
        """Give the lock back, also where a process that was forked meanwhile has a copy of the descriptor. Not for a forked child."""
        if self._fd is not None:
            fcntl.flock(self._fd, fcntl.LOCK_UN)
            os.close(self._fd)
            self._fd = None


def make_directory(path, mode=0o700):
    """Make a directory and its parents; it may exist. ``mode`` is the last one's; parents that are missing become private (0700)."""
    try:
        missing = []
        while path and not os.path.isdir(path):
            missing.append(path)
            path = os.path.dirname(path)
        while missing:
            path = missing.pop()
            try:
                os.mkdir(path, 0o700 if missing else mode)
            except FileExistsError:
                if not os.path.isdir(path):
                    raise
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise Unsupported("%s cannot be made: %s" % (path, error.strerror.lower()),
                              "run as root (become: true), or set state_root to a directory that can be written") from error
        raise


def make_locked_directory(parent, prefix, mode=0o700):
    """Make a directory with a random name that this process holds an flock(2) on, as a mark that somebody works in it.

    A sweep that comes between the making and the locking takes it for a dead process's: then another one is made.

    :returns: (path, descriptor that holds the lock).
    """
    while True:
        path = os.path.join(parent, prefix + secrets.token_hex(8))
        make_directory(path, mode)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        fcntl.flock(fd, fcntl.LOCK_EX)
        try:
            if os.path.samestat(os.fstat(fd), os.lstat(path)):
                return path, fd
        except FileNotFoundError:
            pass
        os.close(fd)


def write_bytes(path, data, mode=0o600, durable=True, owner=None):
    """Replace a file atomically: temporary name, fsync, rename, fsync of the directory.

    :param durable: False leaves out the two fsyncs, for files under the volatile root.
    :param owner: (uid, gid) to give the file to; who writes it where None.
    """
    directory = os.path.dirname(path)
    temporary = os.path.join(directory, ".%s.%s.tmp" % (os.path.basename(path), secrets.token_hex(4)))
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        fd = os.open(temporary, flags, mode)
    except FileNotFoundError:
        make_directory(directory)
        fd = os.open(temporary, flags, mode)
    try:
        try:
            if owner is not None:
                os.fchown(fd, *owner)
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view):]
            if durable:
                os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(temporary, path)
    except BaseException as error:
        remove_file(temporary)
        if isinstance(error, OSError) and error.filename is None:
            # write(2) and fsync(2) know no name: a full disk
            raise OSError(error.errno, error.strerror, path) from error
        raise
    if durable:
        sync_directory(directory)


def sync_directory(path):
    """fsync a directory, so that a rename in it outlives a power cut."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_json(path, value, mode=0o600, durable=True, owner=None):
    """Replace a JSON file atomically. Keys keep their order."""
    write_bytes(path, json.dumps(value, indent=1).encode() + b"\n", mode, durable, owner)


def read_json(path, default=None):
    """The content of a JSON file, or ``default`` where there is none.

    :raises EngineError: the file is not JSON (never the result of a crash: writes are atomic).
    """
    try:
        with open(path, "rb") as stream:
            data = stream.read()
    except (FileNotFoundError, NotADirectoryError):
        return default
    try:
        return json.loads(data)
    except ValueError as error:
        raise EngineError("%s is damaged: %s" % (path, error), "remove the object that it belongs to and make it anew") from error


def listed(path):
    """Sorted names of what is in a directory; a missing one is empty."""
    try:
        return sorted(os.listdir(path))
    except FileNotFoundError:
        return []


def remove_file(path):
    """Unlink; a missing file is success. Returns whether there was one."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True


def digest_of(value):
    """sha256 (hex) of a JSON-able value in canonical form: the hash that specs are compared by."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def new_id():
    """A random 64-digit hexadecimal ID, as Docker's are."""
    return secrets.token_hex(32)
