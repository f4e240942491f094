# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The working directory of one build, and what a killed build left.

``layers/.build-<id>`` lies beside the layers, so that a finished one is renamed into its place. Whoever builds holds an flock on it; one
that nobody holds is a dead build's, and the next build takes away its processes, control groups, addresses and files.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import threading

from .. import state
from ..errors import Collector, EngineError
from ..layer.apply import remove_tree

PREFIX = ".build-"


class Workspace:
    """Use as a context manager.

    :param identity: the build's ID (16 hexadecimal digits): also the name of its control groups and of its place in the network.
    """

    def __init__(self, roots):
        self.roots = roots
        self.identity = secrets.token_hex(8)
        self.directory = os.path.join(roots.layers, PREFIX + self.identity)
        self._count = 0
        self._guard = threading.Lock()
        self._lock = None

    def __enter__(self):
        sweep(self.roots)
        # a collector at work ends first; none begins while this directory is locked (see image/garbage.py)
        with self.roots.lock("images"):
            state.make_directory(self.directory)
            self._lock = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        return self

    def __exit__(self, *unused):
        try:
            release(self.roots, self.directory)
        finally:
            os.close(self._lock)

    def directory_for(self, kind):
        """A new private directory ``KIND-N`` (str)."""
        with self._guard:
            self._count += 1
            path = os.path.join(self.directory, "%s-%d" % (kind, self._count))
        os.mkdir(path, 0o700)
        return path


@contextlib.contextmanager
def gate(directory, kind):
    """The lock between mounting layers (LOCK_SH, in a step's own process) and moving a finished one to its place (LOCK_EX).

    :param directory: anything in a build's working directory.
    """
    while not os.path.basename(directory).startswith(PREFIX):
        directory = os.path.dirname(directory)
    fd = os.open(os.path.join(directory, "gate"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, kind)
        yield
    finally:
        # closing is not enough: a step that was forked meanwhile has a copy of the descriptor
        fcntl.flock(fd, fcntl.LOCK_UN)
        os.close(fd)


def cgroup_name(directory):
    """The control group of all RUN steps of a build, by its working directory."""
    return "build-" + os.path.basename(directory)[len(PREFIX):]


def open_manager(roots, name):
    """The manager of a step's control group."""
    from ..cgroup import manager

    return manager.open_manager(roots, name)


def kill_steps(roots, directory):
    """Kill the processes of all RUN steps of a build."""
    for name in _steps(directory):
        open_manager(roots, name).kill()


def release(roots, directory):
    """Take away all that a build held; goes on over errors."""
    collector = Collector("build %s" % os.path.basename(directory)[len(PREFIX):])
    for name in _steps(directory):
        with collector.step():
            manager = open_manager(roots, name)
            manager.kill()
            manager.delete()
    with collector.step():
        _leave_networks(roots, directory)
    with collector.step():
        remove_tree(directory)
    collector.finish()


def _steps(directory):
    """The names of the control groups of a build: one for each working directory of a RUN."""
    return ["%s-%s" % (cgroup_name(directory), name.partition("-")[2])
            for name in state.listed(directory) if name.startswith("run-")]


def network_identity(directory, number):
    """The container ID (64 digits) under which a stage of a build has addresses."""
    return (os.path.basename(directory)[len(PREFIX):] + "%04x" % number).ljust(64, "0")


def _leave_networks(roots, directory):
    if not any(name.startswith("net-") for name in state.listed(directory)):
        return
    from ..net import attach

    for name in state.listed(directory):
        if name.startswith("net-"):
            attach.detach_all(roots, network_identity(directory, int(name.partition("-")[2])), links=False)


def sweep(roots):
    """Take away what killed builds left. Returns the IDs of those builds (list)."""
    found = []
    for name in state.listed(roots.layers):
        if not name.startswith(PREFIX):
            continue
        directory = os.path.join(roots.layers, name)
        fd = _abandoned(roots, directory)
        if fd is None:
            continue
        try:
            release(roots, directory)
            found.append(name[len(PREFIX):])
        except (EngineError, OSError):
            # what can't be taken away (a file made immutable) must not keep everybody from building
            continue
        finally:
            os.close(fd)
    return found


def _abandoned(roots, directory):
    """The locked descriptor of a working directory that nobody holds, or None. Who makes one holds the lock ``images`` until it has it."""
    with roots.lock("images"):
        try:
            fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return fd
        except BlockingIOError:
            os.close(fd)
            return None
