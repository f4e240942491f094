# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Control groups of the host by path: desired and observed -> plan."""

from __future__ import annotations

import dataclasses
import os
from typing import Optional

from ..cgroup.manager import open_group
from ..errors import Conflict, InvalidValue, Unsupported
from ..plan import Action, Plan
from ..spec.resources import MAX, Resources, weight_from_shares

PRESENT = "present"
ABSENT = "absent"


@dataclasses.dataclass(frozen=True)
class DesiredGroup:
    """What a task asks for. Limits, ``processes`` and ``frozen`` that are not set stay as they are."""

    path: str
    state: str = PRESENT
    resources: Resources = dataclasses.field(default_factory=Resources)
    processes: tuple = ()
    frozen: Optional[bool] = None
    force: bool = False


@dataclasses.dataclass(frozen=True)
class ObservedGroup:
    """What is there.

    :param complete: the group is there in every hierarchy; ``exists``: in any.
    :param differences: dict of resource field -> (observed, desired).
    :param lacking: fields that this host cannot hold.
    :param missing_processes: those of the desired processes that do not live on this host.
    """

    version: str
    exists: bool = False
    complete: bool = False
    differences: dict = dataclasses.field(default_factory=dict)
    lacking: tuple = ()
    processes: tuple = ()
    missing_processes: tuple = ()
    frozen: bool = False


@dataclasses.dataclass(frozen=True)
class CreateGroup(Action):
    path: str

    def describe(self):
        return "create control group %s" % self.path

    def execute(self, roots):
        open_group(roots, self.path).create()


@dataclasses.dataclass(frozen=True)
class SetLimits(Action):
    """Write the limits that differ."""

    path: str
    resources: Resources

    def describe(self):
        names = dict.fromkeys("cpu_max" if name in ("cpu_max_quota", "cpu_period") else name for name in self.resources.set_fields())
        return "set %s of control group %s" % (", ".join(names), self.path)

    def execute(self, roots):
        open_group(roots, self.path).apply(self.resources)


@dataclasses.dataclass(frozen=True)
class AddProcess(Action):
    path: str
    pid: int

    def describe(self):
        return "move process %d to control group %s" % (self.pid, self.path)

    def execute(self, roots):
        open_group(roots, self.path).add(self.pid)


@dataclasses.dataclass(frozen=True)
class Freeze(Action):
    path: str

    def describe(self):
        return "freeze control group %s" % self.path

    def execute(self, roots):
        open_group(roots, self.path).freeze()


@dataclasses.dataclass(frozen=True)
class Thaw(Action):
    path: str

    def describe(self):
        return "thaw control group %s" % self.path

    def execute(self, roots):
        open_group(roots, self.path).thaw()


@dataclasses.dataclass(frozen=True)
class KillProcesses(Action):
    path: str
    count: int

    def describe(self):
        return "kill %d processes of control group %s" % (self.count, self.path)

    def execute(self, roots):
        open_group(roots, self.path).kill()


@dataclasses.dataclass(frozen=True)
class DeleteGroup(Action):
    path: str

    def describe(self):
        return "delete control group %s" % self.path

    def execute(self, roots):
        open_group(roots, self.path).delete()


def observe(roots, desired):
    """The group as the kernel has it."""
    group = open_group(roots, desired.path)
    gone = tuple(pid for pid in desired.processes if not os.path.isdir(os.path.join(roots.proc, str(pid))))
    lacking = group.unsupported(desired.resources)
    if not group.exists_anywhere():
        return ObservedGroup(group.setup.version, lacking=lacking, missing_processes=gone)
    complete = group.exists()
    return ObservedGroup(
        group.setup.version, True, complete,
        differences=group.differences(desired.resources) if complete and not lacking else {},
        lacking=lacking,
        processes=tuple(group.pids()),
        missing_processes=gone,
        frozen=complete and desired.frozen is not None and group.frozen())


def plan_group(desired, observed):
    """The steps from observed to desired.

    :raises Conflict: processes live in a group that shall go, and ``force`` is not set.
    :raises Unsupported: a limit that this host cannot hold. :raises InvalidValue: a process that does not exist.
    """
    if desired.state == ABSENT:
        return _plan_absent(desired, observed)
    if observed.lacking:
        raise Unsupported("%s: this host (cgroup %s) cannot hold this limit" % (", ".join(observed.lacking), observed.version),
                          "see the notes of the module for what each version of control groups has")
    if observed.missing_processes:
        raise InvalidValue("processes", observed.missing_processes[0], "is not a process of this host")
    actions, before, after = [], {}, {}
    if not observed.complete:
        actions.append(CreateGroup(desired.path))
        before["exists"], after["exists"] = observed.exists, True
    changes = _changes(desired.resources, observed)
    if changes:
        actions.append(SetLimits(desired.path, Resources(**{field: getattr(desired.resources, field) for field in changes})))
        before.update((field, _plain(values[0])) for field, values in changes.items() if values[0] is not None)
        after.update((field, _plain(values[1])) for field, values in changes.items())
    if desired.frozen is False and observed.frozen:
        actions.append(Thaw(desired.path))
        before["frozen"], after["frozen"] = True, False
    joining = [pid for pid in desired.processes if pid not in observed.processes]
    actions += [AddProcess(desired.path, pid) for pid in joining]
    if joining:
        before["processes"], after["processes"] = list(observed.processes), sorted(set(observed.processes) | set(joining))
    if desired.frozen and not observed.frozen:
        actions.append(Freeze(desired.path))
        before["frozen"], after["frozen"] = False, True
    return Plan(actions, before, after)


def _changes(resources, observed):
    """dict of the desired field -> (observed value, desired value), of those that differ."""
    if not observed.complete:
        return {field: (None, value) for field, value in resources.set_fields().items()}
    changes = dict(observed.differences)
    if "cpu_weight" in changes and resources.cpu_weight is None:
        # v2 holds shares as a weight
        changes["cpu_shares"] = (changes.pop("cpu_weight")[0], weight_from_shares(resources.cpu_shares))
    return changes


def _plain(value):
    if value == MAX and not isinstance(value, bool):
        return "max"
    if isinstance(value, tuple):
        return [entry.to_json() if hasattr(entry, "to_json") else list(entry) for entry in value]
    return value


def _plan_absent(desired, observed):
    if not observed.exists:
        return Plan()
    actions = [DeleteGroup(desired.path)]
    if observed.processes:
        if not desired.force:
            raise Conflict("control group %s has processes: %s" % (desired.path, ", ".join(str(pid) for pid in observed.processes[:8])),
                           "stop them first, or set force: true to kill them")
        actions.insert(0, KillProcesses(desired.path, len(observed.processes)))
    return Plan(actions, {"exists": True, "processes": list(observed.processes)}, {"exists": False, "processes": []})
