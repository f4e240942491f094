# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``cgroup``: from the kernel's words for limits to the cgroup reconciler."""

from __future__ import annotations

import re

from ..engine.cgroup.manager import open_group
from ..engine.errors import InvalidValue
from ..engine.reconcile.cgroup import DesiredGroup, observe, plan_group
from ..engine.spec.resources import MAX, IoMax, Resources, parse_cpuset, parse_memory, parse_pids
from .run import Outcome

_SIZES = ("memory_max", "memory_high", "memory_low", "memory_min", "memory_swap_max")

ARGUMENTS = {
    "path": {"type": "str", "required": True},
    "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
    "cpu_max": {"type": "str"},
    "cpu_max_burst": {"type": "int"},
    "cpu_weight": {"type": "int", "aliases": ["weight"]},
    "cpu_idle": {"type": "bool"},
    "cpuset_cpus": {"type": "str"},
    "cpuset_mems": {"type": "str"},
    "memory_max": {"type": "str"},
    "memory_high": {"type": "str"},
    "memory_low": {"type": "str"},
    "memory_min": {"type": "str"},
    "memory_swap_max": {"type": "str"},
    "memory_oom_group": {"type": "bool"},
    "pids_max": {"type": "str"},
    "io_weight": {"type": "int"},
    "io_max": {"type": "list", "elements": "dict", "options": {
        "device": {"type": "str", "required": True},
        "rbps": {"type": "str"},
        "wbps": {"type": "str"},
        "riops": {"type": "int"},
        "wiops": {"type": "int"},
    }},
    "hugetlb_max": {"type": "dict"},
    "processes": {"type": "list", "elements": "int"},
    "frozen": {"type": "bool"},
    "force": {"type": "bool", "default": False},
}


def handle(params, roots, check_mode):
    """See module/run.py."""
    group = open_group(roots, params["path"])
    desired = DesiredGroup(
        path=group.path, state=params["state"], resources=resources_of(params),
        processes=tuple(sorted(set(params["processes"] or ()))), frozen=params["frozen"], force=params["force"])
    return Outcome(lambda: {"cgroup": describe(group)}, plan_group(desired, observe(roots, desired)))


def resources_of(params):
    """The limits among a task's parameters, as Resources.

    :raises InvalidValue: naming the option.
    """
    quota, period = parse_cpu_max(params["cpu_max"])
    values = {name: parse_memory(params[name], name) for name in _SIZES}
    for name in ("memory_low", "memory_min"):
        # a protection of "max" protects everything; the kernel's default is none
        if values[name] == MAX:
            values[name] = (1 << 63) - (1 << 16)
    return Resources(
        cpu_max_quota=quota, cpu_period=period, cpu_max_burst=_within("cpu_max_burst", params["cpu_max_burst"], 0, 1 << 40),
        cpu_weight=_within("cpu_weight", params["cpu_weight"], 1, 10000), cpu_idle=params["cpu_idle"],
        cpuset_cpus=parse_cpuset(params["cpuset_cpus"], "cpuset_cpus"), cpuset_mems=parse_cpuset(params["cpuset_mems"], "cpuset_mems"),
        memory_oom_group=params["memory_oom_group"], pids_max=parse_pids(params["pids_max"], "pids_max"),
        io_weight=_within("io_weight", params["io_weight"], 1, 10000),
        io_max=None if params["io_max"] is None else tuple(_io_max(entry) for entry in params["io_max"]),
        hugetlb_max=None if params["hugetlb_max"] is None else tuple(sorted(
            (str(size), parse_memory(limit, "hugetlb_max.%s" % size)) for size, limit in params["hugetlb_max"].items())),
        **values)


def parse_cpu_max(text):
    """``50000 100000``, ``50000``, ``max``, ``max 100000`` -> (quota or MAX or None, period or None)."""
    if text is None:
        return None, None
    match = re.match(r"^(max|[0-9]{1,12})(?:\s+([0-9]{1,9}))?\Z", text.strip())
    if not match:
        raise InvalidValue("cpu_max", text, "is not a quota and a period", 'write both in microseconds, such as "50000 100000", or max')
    quota = MAX if match.group(1) == "max" else int(match.group(1))
    period = int(match.group(2)) if match.group(2) else 100000
    if (quota != MAX and quota < 1000) or not 1000 <= period <= 1000000:
        raise InvalidValue("cpu_max", text, "is out of the kernel's bounds",
                           "the quota is at least 1000, the period from 1000 to 1000000 microseconds")
    return quota, period


def _within(name, value, least, greatest):
    if value is not None and not least <= value <= greatest:
        raise InvalidValue(name, value, "is not between %d and %d" % (least, greatest))
    return value


def _io_max(entry):
    """One entry of io_max: the device by major:minor or by its path."""
    import os
    import stat

    device = entry["device"]
    if re.match(r"^[0-9]{1,6}:[0-9]{1,7}\Z", device):
        major, minor = (int(part) for part in device.split(":"))
    else:
        try:
            status = os.stat(device)
        except OSError as error:
            raise InvalidValue("io_max.device", device, "cannot be looked up: %s" % error.strerror.lower(),
                               "give /dev/NAME or MAJOR:MINOR") from error
        if not stat.S_ISBLK(status.st_mode):
            raise InvalidValue("io_max.device", device, "is not a block device", "give /dev/NAME or MAJOR:MINOR of a whole disk")
        major, minor = os.major(status.st_rdev), os.minor(status.st_rdev)
    rates = {name: parse_memory(entry[name], "io_max." + name) for name in ("rbps", "wbps")}
    rates.update((name, entry[name]) for name in ("riops", "wiops"))
    return IoMax(major, minor, **{name: None if rate in (MAX, None) else rate for name, rate in rates.items()})


def describe(group):
    """The return value ``cgroup``."""
    if not group.exists_anywhere():
        return {"exists": False, "path": group.path, "version": group.setup.version}
    held = group.read().to_json() if group.exists() else {}
    quota, period = held.pop("cpu_max_quota", None), held.pop("cpu_period", None)
    if period is not None:
        held["cpu_max"] = "%s %d" % ("max" if quota == MAX else quota, period)
    for name in _SIZES + ("pids_max",):
        if held.get(name) == MAX:
            held[name] = "max"
    for entry in held.get("io_max", ()):
        entry["device"] = "%d:%d" % (entry.pop("major"), entry.pop("minor"))
    if "hugetlb_max" in held:
        held["hugetlb_max"] = dict(held["hugetlb_max"])
    return {
        "exists": True, "path": group.path, "version": group.setup.version, "directories": group.directories(), "limits": held,
        "processes": group.pids(), "frozen": group.exists() and group.frozen(), "stats": group.stats().to_json() if group.exists() else {},
    }
