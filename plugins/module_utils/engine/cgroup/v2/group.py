# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A group in the v2 tree (Documentation/admin-guide/cgroup-v2.rst): one directory, whose controllers its ancestors must enable."""

from __future__ import annotations

import errno
import os

from ...errors import Conflict, TimedOut, Unsupported
from ...spec.resources import Resources, weight_from_shares
from .. import files
from ..manager import Manager, make_group, page_floor
from . import cpu, cpuset, devices, freezer, hugetlb, io, memory, pids

_CONTROLLERS = {"cpuset": cpuset, "cpu": cpu, "memory": memory, "pids": pids, "io": io, "hugetlb": hugetlb}
_OWNER = {field: name for name, module in _CONTROLLERS.items() for field in module.FIELDS}
_OWNER["cpu_shares"] = "cpu"
_PAGES = ("memory_max", "memory_high", "memory_low", "memory_min", "memory_swap_max")


class Group(Manager):
    """See :class:`Manager`.

    ``refused``: dict of controller -> why an ancestor would not enable it, filled by create().
    """

    def __init__(self, setup, path):
        super().__init__(setup, path)
        self.directory = os.path.join(setup.unified, path)
        self.refused = {}
        self._enabled = None

    def directories(self):
        return [self.directory]

    def process_directory(self):
        return self.directory

    def create(self):
        """Make the group and those above it, and have every controller that the host has enabled for it, from the root down."""
        wanted = [name for name in _CONTROLLERS if name in self.setup.unified_controllers]
        self._enabled = None
        make_group(self.directory)
        if set(wanted) <= set(files.read_optional(os.path.join(self.directory, "cgroup.controllers"), "").split()):
            return
        ancestor = self.setup.unified
        for part in self.path.split("/"):
            self._enable(ancestor, wanted)
            ancestor = os.path.join(ancestor, part)

    def _enable(self, directory, wanted):
        """Write the missing ones of ``wanted`` to cgroup.subtree_control. What is refused is noted: a limit that needs it will say so."""
        available = files.read(os.path.join(directory, "cgroup.controllers")).split()
        path = os.path.join(directory, "cgroup.subtree_control")
        missing = [name for name in wanted if name in available and name not in files.read(path).split()]
        if not missing:
            return
        if _has_processes(directory):
            # "no internal process". The kernel would still enable cpu, cpuset and pids, and by that make the group the root of a threaded
            # subtree, whose members take no processes
            self.refused.update((name, "%s does not pass it on: it has processes of its own" % directory) for name in missing)
            return
        try:
            files.write(path, " ".join("+" + name for name in missing))
            return
        except OSError as error:
            if error.errno not in (errno.EBUSY, errno.EINVAL, errno.ENOENT, errno.EOPNOTSUPP):
                raise
        for name in missing:
            try:
                files.write(path, "+" + name)
            except OSError as error:
                self.refused[name] = "%s does not pass it on: %s" % (directory, os.strerror(error.errno).lower())

    def enabled(self):
        """frozenset of the controllers that the group has; of one that is not there, those that the host has."""
        if self._enabled is None:
            text = files.read_optional(os.path.join(self.directory, "cgroup.controllers"))
            if text is None:
                return frozenset(self.setup.unified_controllers)
            self._enabled = frozenset(text.split())
        return self._enabled

    def add(self, pid):
        """Move a process into the group.

        :raises Conflict: the group has groups with controllers below it, so it may have no processes.
        """
        try:
            files.write(os.path.join(self.directory, "cgroup.procs"), str(pid))
        except OSError as error:
            if error.errno == errno.EBUSY:
                raise Conflict("control group %s has groups with limits below it and can have no processes (cgroup v2)" % self.path,
                               "put the process into a group below it") from error
            if error.errno == errno.EOPNOTSUPP:
                raise Unsupported("control group %s is %s: it takes threads only" % (
                    self.path, files.read_optional(os.path.join(self.directory, "cgroup.type"), "threaded")),
                    "put it below a group that is not threaded") from error
            raise

    def supported(self):
        """frozenset of the fields that this group can hold."""
        enabled = self.enabled()
        fields = {field for field, name in _OWNER.items() if name in enabled}
        for field in ("memory_swap_max", "cpu_idle", "cpu_max_burst") if os.path.isdir(self.directory) else ():
            # without swap accounting, before Linux 5.15, before Linux 5.15
            if field in fields and not os.path.exists(os.path.join(self.directory, _CONTROLLERS[_OWNER[field]].FIELDS[field])):
                fields.discard(field)
        return frozenset(fields)

    def apply(self, resources):
        """Write every field that is set; the rest stays.

        :raises Unsupported: a limit that this group cannot hold.
        """
        lacking = self.unsupported(resources)
        if lacking:
            name = _OWNER.get(lacking[0])
            raise Unsupported("%s: this host (cgroup v2) cannot hold this limit%s" % (
                ", ".join(lacking), ": " + self.refused[name] if name in self.refused else ""), _hint(lacking[0], name))
        have = self.supported()
        kept = {field: value for field, value in resources.set_fields().items() if field in have}
        resources = Resources(**kept)
        for name in dict.fromkeys(_OWNER[field] for field in kept):
            _CONTROLLERS[name].apply(self.directory, resources)

    def apply_devices(self, rules):
        """Which device nodes its processes may make and open: DeviceRule documents, in order. To be called before the first add().

        :raises Unsupported: the kernel cannot hold the rules.
        """
        devices.apply(self.directory, rules)

    def read(self, fields=None):
        """What the kernel holds, as Resources. ``fields``: only these (fewer files to read)."""
        values = {}
        for name, module in _CONTROLLERS.items():
            wanted = [field for field in module.FIELDS if fields is None or field in fields]
            if wanted and name in self.enabled():
                values.update(module.read(self.directory, wanted))
        return Resources(**values)

    def expected(self, desired):
        """dict of field -> value that read() gives after apply(desired)."""
        values = {}
        for field, value in desired.set_fields().items():
            owner = _OWNER.get(field)
            if owner not in self.enabled():
                continue
            if field in ("cpu_weight", "cpu_shares"):
                # an idle group has a weight of its own
                if not desired.cpu_idle:
                    values["cpu_weight"] = weight_from_shares(desired.cpu_shares) if desired.cpu_shares is not None else value
                continue
            if field in _PAGES:
                value = page_floor(value)
            elif owner in ("io", "hugetlb"):
                value = _CONTROLLERS[owner].expected(self.directory, field, value)
            values[field] = value
        return values

    def freeze(self, timeout=10.0):
        """Stop every process and wait until all are stopped."""
        freezer.freeze(self.directory, timeout)

    def thaw(self):
        freezer.thaw(self.directory)

    def frozen(self):
        return freezer.frozen(self.directory)

    def kill(self, timeout=10.0):
        """SIGKILL to every process of the group at once (cgroup.kill, Linux 5.14), and wait until none is left."""
        try:
            files.write(os.path.join(self.directory, "cgroup.kill"), "1")
        except OSError as error:
            if error.errno == errno.ENOENT and not os.path.isdir(self.directory):
                return
            if error.errno not in (errno.ENOENT, errno.EOPNOTSUPP):
                raise
            super().kill(timeout)
            return
        if not freezer.wait_for(self.directory, "populated", 0, timeout):
            raise TimedOut("control group %s: processes %s do not die" % (self.path, ", ".join(str(pid) for pid in self.pids()[:8])),
                           "see /proc/PID/stack and /proc/PID/wchan")

    def oom_kills(self):
        """How many of its processes were killed for want of memory."""
        return memory.oom_kills(self.directory) if "memory" in self.enabled() else 0

    def stats(self):
        """The group's counters, as :class:`stats.Stats`."""
        from .. import stats  # pylint: disable=import-outside-toplevel  # most callers only set limits

        enabled = self.enabled()
        disks = io.usage(self.directory) if "io" in enabled else {}
        return stats.Stats(
            cpu=stats.Cpu(**cpu.usage(self.directory)),
            memory=stats.Memory(**memory.usage(self.directory)) if "memory" in enabled else None,
            pids=stats.Pids(**pids.usage(self.directory)) if "pids" in enabled else None,
            io=tuple(stats.Io(device, **counts) for device, counts in sorted(disks.items())),
            oom_kills=self.oom_kills(),
        )


def _has_processes(directory):
    """Whether a group other than the root of the tree (which alone has no cgroup.type) has processes of its own."""
    if not os.path.exists(os.path.join(directory, "cgroup.type")):
        return False
    try:
        return bool(files.read(os.path.join(directory, "cgroup.procs")))
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        # a threaded group: the processes are its domain's
        return True


def _hint(field, controller):
    if field == "memory_swap_max":
        return "boot with swapaccount=1, or leave the swap limit out"
    if field in ("memory_swappiness", "oom_kill_disable"):
        return "cgroup v2 has no such setting: leave it out"
    return "enable controller %s in cgroup.subtree_control of every group above, up to the root" % controller
