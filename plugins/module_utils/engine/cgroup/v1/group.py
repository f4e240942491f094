# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A group in the v1 hierarchies: one directory of the same path in each."""

from __future__ import annotations

import errno
import os
import time

from ...errors import Unsupported
from ...spec.devices import allow_everything
from ...spec.resources import Resources, shares_from_weight, weight_from_shares
from .. import files
from ..manager import Manager, make_group, page_floor
from . import blkio, cpu, cpuacct, cpuset, devices, freezer, hugetlb, memory, pids

# In the order in which processes are added. devices holds no limits but rules: see apply_devices().
_CONTROLLERS = {
    "cpuset": cpuset, "cpu": cpu, "cpuacct": cpuacct, "memory": memory, "pids": pids, "freezer": freezer, "blkio": blkio,
    "hugetlb": hugetlb, "devices": None,
}
_OWNER = {field: name for name, module in _CONTROLLERS.items() if module is not None for field in module.FIELDS}
_PAGES = ("memory_max", "memory_low", "memory_swap_max")


class Group(Manager):
    """See :class:`Manager`."""

    def __init__(self, setup, path):
        super().__init__(setup, path)
        self._of = {name: os.path.join(setup.hierarchies[name], path) for name in _CONTROLLERS if name in setup.hierarchies}
        self._supported = None

    def directories(self):
        """The group's directories, one a hierarchy: controllers may be mounted together."""
        return list(dict.fromkeys(self._of.values()))

    def process_directory(self):
        """Where its processes are read: any hierarchy does, the one that can freeze them best."""
        return self._of.get("freezer") or self.directories()[0]

    def create(self):
        """Make the group and those above it. One that is there is left as it is."""
        for directory in self.directories():
            above_missing = make_group(directory)
            if above_missing and directory == self._of.get("cpuset"):
                cpuset.hand_on(os.path.dirname(directory))
        if "cpuset" in self._of:
            cpuset.inherit(self._of["cpuset"])

    def add(self, pid):
        """Move a process into the group, in every hierarchy."""
        text = str(pid)
        for directory in self.directories():
            _attach(os.path.join(directory, "cgroup.procs"), text)

    def apply(self, resources):
        """Write every field that is set; the rest stays.

        :raises Unsupported: a limit that this host cannot hold.
        """
        lacking = self.unsupported(resources)
        if lacking:
            raise Unsupported("%s: this host (cgroup v1) cannot hold this limit" % ", ".join(lacking), _hint(lacking[0]))
        have = self.supported()
        kept = {field: value for field, value in resources.set_fields().items() if field in have}
        resources = Resources(**kept)
        for name in dict.fromkeys(_OWNER[field] for field in kept):
            _CONTROLLERS[name].apply(self._of[name], resources)

    def apply_devices(self, rules):
        """Which device nodes its processes may make and open: DeviceRule documents, in order. To be called before the first add().

        :raises Unsupported: no devices controller is mounted, or it cannot hold the rules.
        """
        if "devices" in self._of:
            devices.apply(self._of["devices"], rules)
        elif not allow_everything(rules):
            raise Unsupported("device rules: this host (cgroup v1) has no devices controller, so nothing keeps processes from its disks",
                              "mount it: mount -t cgroup -o devices devices /sys/fs/cgroup/devices")

    def supported(self):
        """frozenset of the fields that this host can hold."""
        if self._supported is None:
            fields = {field for field, name in _OWNER.items() if name in self._of}
            if "memory" in self._of and not os.path.exists(os.path.join(self.setup.hierarchies["memory"], "memory.memsw.limit_in_bytes")):
                fields.discard("memory_swap_max")
            self._supported = frozenset(fields)
        return self._supported

    def read(self, fields=None):
        """What the kernel holds, as Resources. ``fields``: only these (fewer files to read)."""
        values = {}
        for name, directory in self._of.items():
            module = _CONTROLLERS[name]
            wanted = [field for field in (module.FIELDS if module else ()) if fields is None or field in fields]
            if wanted:
                values.update(module.read(directory, wanted))
        return Resources(**values)

    def expected(self, desired):
        """dict of field -> value that read() gives after apply(desired)."""
        values = {}
        for field, value in desired.set_fields().items():
            owner = _OWNER.get(field)
            if owner not in self._of:
                continue
            if field in _PAGES:
                value = page_floor(value)
            elif field == "cpu_shares" and desired.cpu_idle:
                continue
            elif field == "cpu_weight":
                if desired.cpu_shares is not None or desired.cpu_idle:
                    continue
                value = weight_from_shares(shares_from_weight(value))
            elif owner in ("cpuset", "blkio", "hugetlb"):
                value = _CONTROLLERS[owner].expected(self._of[owner], field, value)
            values[field] = value
        return values

    def freeze(self, timeout=10.0):
        """Stop every process and wait until all are stopped."""
        freezer.freeze(self._freezer(), timeout)

    def thaw(self):
        freezer.thaw(self._freezer())

    def frozen(self):
        return freezer.frozen(self._freezer())

    def _freezer(self):
        if "freezer" not in self._of:
            raise Unsupported("this host has no freezer controller", "mount it: mount -t cgroup -o freezer freezer /sys/fs/cgroup/freezer")
        return self._of["freezer"]

    def oom_kills(self):
        """How many of its processes were killed for want of memory."""
        return memory.oom_kills(self._of["memory"]) if "memory" in self._of else 0

    def stats(self):
        """The group's counters, as :class:`stats.Stats`."""
        from .. import stats  # pylint: disable=import-outside-toplevel  # most callers only set limits

        of = self._of
        processor = None
        if "cpuacct" in of:
            processor = cpuacct.usage(of["cpuacct"])
            if "cpu" in of:
                limits = files.keyed(files.read(os.path.join(of["cpu"], "cpu.stat")))
                processor.update(nr_periods=limits.get("nr_periods", 0), nr_throttled=limits.get("nr_throttled", 0),
                                 throttled_usec=limits.get("throttled_time", 0) // 1000)
        disks = blkio.usage(of["blkio"]) if "blkio" in of else {}
        return stats.Stats(
            cpu=stats.Cpu(**processor) if processor else None,
            memory=stats.Memory(**memory.usage(of["memory"])) if "memory" in of else None,
            pids=stats.Pids(**pids.usage(of["pids"])) if "pids" in of else None,
            io=tuple(stats.Io(device, **counts) for device, counts in sorted(disks.items())),
            oom_kills=self.oom_kills(),
        )


def _attach(path, text):
    """Write to cgroup.procs. EINVAL comes while the process is being forked (runc issue 1884): try again."""
    for attempt in range(5):
        try:
            files.write(path, text)
            return
        except OSError as error:
            if error.errno != errno.EINVAL or attempt == 4:
                raise
        time.sleep(0.01)


def _hint(field):
    if field in ("memory_high", "memory_min", "memory_oom_group"):
        return "leave it out, or boot with systemd.unified_cgroup_hierarchy=1 for cgroup v2"
    if field == "memory_swap_max":
        return "boot with swapaccount=1, or leave the swap limit out"
    return "mount its controller, or leave the limit out"
