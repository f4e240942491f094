# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One control group and what can be done with it, the same for v1 and v2.

``open_manager(roots, container_id)`` gives the manager of a container's group, ``open_group(roots, path)`` that of any group.
Making a manager touches nothing. Order of use: create, apply, add, and at the end kill, delete.
"""

from __future__ import annotations

import errno
import os
import signal
import time

from ..errors import Conflict, InvalidValue, TimedOut
from ..spec.resources import DEFAULTS, MAX
from .setup import detect

# of these, 0 is no limit; of the others (swap, above all) it is the hardest one
_ZERO_IS_NONE = ("memory_low", "memory_min", "cpu_max_burst")
_PAGE = os.sysconf("SC_PAGESIZE")
_setups = {}


def setup_of(roots):
    """The host's hierarchies; looked up once a process."""
    key = (roots.cgroup, roots.proc)
    if key not in _setups:
        _setups[key] = detect(roots)
    return _setups[key]


def open_manager(roots, name):
    """The manager of group ``<roots.cgroup_parent>/<name>``."""
    manager = open_group(roots, "%s/%s" % (roots.cgroup_parent, name))
    manager.sweeps_parent = True
    return manager


def open_group(roots, path):
    """The manager of the group at ``path`` below the root of every hierarchy.

    :raises InvalidValue: the path is empty or leads out of the hierarchy.
    """
    parts = [part for part in path.split("/") if part]
    if not parts or ".." in parts or "." in parts or "\0" in path:
        raise InvalidValue("path", path, "is not the path of a control group", "write it relative to the root, such as batch/nightly")
    setup = setup_of(roots)
    if setup.version == "v2":
        from .v2.group import Group
    else:
        from .v1.group import Group
    return Group(setup, "/".join(parts))


class Manager:
    """What v1 and v2 have in common. ``path`` is the group's path below the roots of the hierarchies.

    ``sweeps_parent``: delete() removes the group above as well once it is empty, so that the last container leaves nothing behind.
    """

    def __init__(self, setup, path):
        self.setup = setup
        self.path = path
        self.sweeps_parent = False

    def __repr__(self):
        return "<%s group %s>" % (self.setup.version, self.path)

    # each version has its own: directories(), create(), add(pid), apply(resources), apply_devices(rules), read(fields), freeze(), thaw(),
    # frozen(), stats(), oom_kills(), expected_fields(resources), unsupported(resources)

    def exists(self):
        """Whether the group is there in every hierarchy that it should be in."""
        return all(os.path.isdir(directory) for directory in self.directories())

    def exists_anywhere(self):
        """Whether anything of it is there: what delete() would remove."""
        return any(os.path.isdir(directory) for directory in self.directories())

    def unsupported(self, resources):
        """Tuple of the fields that are set to a limit which this host has no file for."""
        have = self.supported()
        return tuple(field for field in resources.set_fields() if field not in have and _limits(resources, field))

    def differences(self, desired):
        """What the kernel holds otherwise than ``desired``: dict of field -> (observed, desired). Reads only the files of set fields."""
        expected = self.expected(desired)
        observed = self.read(tuple(expected)).set_fields()
        return {field: (observed.get(field), value) for field, value in expected.items() if field in observed and observed[field] != value}

    def pids(self):
        """Sorted process IDs of the group and of those below it."""
        found = set()
        for directory in _tree(self.process_directory()):
            try:
                with open(os.path.join(directory, "cgroup.procs"), encoding="ascii") as stream:
                    found.update(int(line) for line in stream)
            except OSError as error:
                # ENODEV: removed while it was read; EOPNOTSUPP: a threaded group, whose processes the domain lists
                if error.errno not in (errno.ENOENT, errno.ENODEV, errno.EOPNOTSUPP):
                    raise
        found.discard(0)
        return sorted(found)

    def kill(self, timeout=10.0):
        """SIGKILL to every process of the group until none is left.

        :raises TimedOut: some do not die; they wait in the kernel.
        """
        deadline = time.monotonic() + timeout
        pause = 0.0005
        rounds = 0
        pids = self.pids()
        while pids:
            self.kill_once(pids, freeze_first=rounds > 1)
            time.sleep(pause)
            pause = min(pause * 2, 0.05)
            rounds += 1
            pids = self.pids()
            if pids and time.monotonic() > deadline:
                raise TimedOut("control group %s: processes %s do not die" % (self.path, _few(pids)),
                               "see /proc/PID/stack and /proc/PID/wchan")

    def kill_once(self, pids, freeze_first):
        """Signal ``pids``. From the third round they are frozen first: a fork bomb makes no more of them while they are signalled."""
        if freeze_first:
            try:
                self.freeze(timeout=1.0)
            except (TimedOut, OSError):
                pass
            pids = self.pids()
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        try:
            # a frozen process dies when it is thawed
            if self.frozen():
                self.thaw()
        except FileNotFoundError:
            pass

    def delete(self, timeout=5.0):
        """Remove the group and those below it. A missing one is success; EBUSY is tried again: the kernel lags behind exits.

        :raises Conflict: processes are left in it.
        """
        deadline = time.monotonic() + timeout
        for directory in self.directories():
            _remove(directory, deadline)
            if self.sweeps_parent:
                try:
                    os.rmdir(os.path.dirname(directory))
                except OSError as error:
                    if error.errno not in (errno.EBUSY, errno.ENOENT, errno.ENOTEMPTY):
                        raise


def _limits(resources, field):
    """Whether a set field asks for anything that a new group has not got."""
    value = getattr(resources, field)
    if value is False or value == MAX or value in ("", ()) or value == DEFAULTS.get(field):
        return False
    # as much swap as memory is what follows from a memory limit alone: nobody asked for it
    derived = field == "memory_swap_max" and value == resources.memory_max
    return not derived and not (value == 0 and field in _ZERO_IS_NONE)


def make_group(directory):
    """mkdir with the groups above. Somebody else's delete() may sweep a parent away in between: try again.

    :returns: whether a group above was missing.
    """
    above_missing = False
    for attempt in range(20):
        try:
            os.mkdir(directory, 0o755)
            return above_missing
        except FileExistsError:
            return above_missing
        except FileNotFoundError:
            above_missing = True
            if attempt == 19:
                raise
        try:
            os.makedirs(os.path.dirname(directory), 0o755, exist_ok=True)
        except FileNotFoundError:
            continue
    return above_missing


def _tree(directory):
    """``directory`` and every directory below it, parents first."""
    found = [directory]
    for path in found:
        try:
            with os.scandir(path) as entries:
                found.extend(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))
        except (FileNotFoundError, NotADirectoryError):
            continue
    return found


def _remove(directory, deadline):
    pause = 0.0005
    while True:
        try:
            os.rmdir(directory)
            return
        except FileNotFoundError:
            return
        except OSError as error:
            # ENOTEMPTY only where a test's tree lies on an ordinary file system
            if error.errno not in (errno.EBUSY, errno.ENOTEMPTY):
                raise
            busy = error
        for child in reversed(_tree(directory)[1:]):
            try:
                os.rmdir(child)
            except OSError as error:
                if error.errno not in (errno.EBUSY, errno.ENOENT, errno.ENOTEMPTY):
                    raise
        if time.monotonic() > deadline:
            with open(os.path.join(directory, "cgroup.procs"), encoding="ascii") as stream:
                pids = stream.read().split()
            raise Conflict("control group %s is in use%s" % (directory, " by processes %s" % _few(pids) if pids else ""),
                           "stop its processes first") from busy
        time.sleep(pause)
        pause = min(pause * 2, 0.05)


def _few(pids):
    return ", ".join(str(pid) for pid in pids[:8]) + (" and %d more" % (len(pids) - 8) if len(pids) > 8 else "")


def page_floor(value):
    """Memory limits are whole pages: the kernel rounds down."""
    return value if value == MAX else value // _PAGE * _PAGE
