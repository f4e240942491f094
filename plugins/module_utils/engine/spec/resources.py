# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resource limits in the vocabulary of cgroup v2 (Documentation/admin-guide/cgroup-v2.rst), and the parsers of what people type.

``None`` is "not set: leave what the kernel has". :data:`MAX` (-1) is the kernel's ``max``: no limit.
"""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Optional

from ..errors import InvalidValue

MAX = -1
DEFAULT_PERIOD = 100000

_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
_SIZE = re.compile(r"^([0-9]+)(\.[0-9]+)?\s*([bkmgtp]?)(i?b)?\Z", re.IGNORECASE)
_RANGE = re.compile(r"^([0-9]{1,6})(?:-([0-9]{1,6}))?\Z")


@dataclasses.dataclass(frozen=True)
class IoMax:
    """The rates of one block device: bytes and operations a second. ``None`` is no limit."""

    major: int
    minor: int
    rbps: Optional[int] = None
    wbps: Optional[int] = None
    riops: Optional[int] = None
    wiops: Optional[int] = None

    @property
    def device(self):
        """``major:minor``, as the kernel's files name it."""
        return "%d:%d" % (self.major, self.minor)

    @property
    def limits(self):
        """Whether any of the four rates is limited."""
        return any(rate is not None for rate in (self.rbps, self.wbps, self.riops, self.wiops))

    @classmethod
    def from_json(cls, data):
        return cls(**data)

    def to_json(self):
        return {key: value for key, value in dataclasses.asdict(self).items() if value is not None}


@dataclasses.dataclass(frozen=True)
class Resources:
    """Limits of one control group. Every field is optional; sizes are bytes, times microseconds.

    ``cpu_shares`` (2 to 262144) is the v1 word for ``cpu_weight`` (1 to 10000): v1 holds it exactly, v2 converts it. Give one of the two.
    ``memory_swap_max`` is swap alone, as in v2; Docker's ``memory_swap`` is memory and swap, see :func:`swap_max_from_docker`.
    ``memory_swappiness`` and ``oom_kill_disable`` exist in v1 only; ``memory_high``, ``memory_min`` and ``memory_oom_group`` in v2 only.
    ``hugetlb_max`` is a tuple of (page size as in the file's name, bytes), e.g. (("2MB", 4194304),).
    """

    cpu_max_quota: Optional[int] = None
    cpu_period: Optional[int] = None
    cpu_max_burst: Optional[int] = None
    cpu_weight: Optional[int] = None
    cpu_shares: Optional[int] = None
    cpu_idle: Optional[bool] = None
    cpuset_cpus: Optional[str] = None
    cpuset_mems: Optional[str] = None
    memory_max: Optional[int] = None
    memory_high: Optional[int] = None
    memory_low: Optional[int] = None
    memory_min: Optional[int] = None
    memory_swap_max: Optional[int] = None
    memory_swappiness: Optional[int] = None
    memory_oom_group: Optional[bool] = None
    oom_kill_disable: Optional[bool] = None
    pids_max: Optional[int] = None
    io_weight: Optional[int] = None
    io_max: Optional[tuple] = None
    hugetlb_max: Optional[tuple] = None

    @classmethod
    def from_json(cls, data):
        data = dict(data or {})
        if data.get("io_max") is not None:
            data["io_max"] = tuple(IoMax.from_json(item) for item in data["io_max"])
        if data.get("hugetlb_max") is not None:
            data["hugetlb_max"] = tuple((size, limit) for size, limit in data["hugetlb_max"])
        return cls(**data)

    def to_json(self):
        """A dict of the fields that are set."""
        data = self.set_fields()
        if self.io_max is not None:
            data["io_max"] = [item.to_json() for item in self.io_max]
        if self.hugetlb_max is not None:
            data["hugetlb_max"] = [list(item) for item in self.hugetlb_max]
        return data

    def set_fields(self):
        """dict of the fields that are not None."""
        return {name: getattr(self, name) for name in FIELDS if getattr(self, name) is not None}

    def replace(self, **changes):
        return dataclasses.replace(self, **changes)

    def filled(self):
        """Every field that is not set gets the kernel's value for a new group: what a container without that option must have.

        Fields that only one version of cgroups has stay unset; so do those that another field already decides.
        """
        values = dict(DEFAULTS)
        if self.cpu_shares is not None:
            del values["cpu_weight"]
        values.update(self.set_fields())
        return Resources(**values)


FIELDS = tuple(field.name for field in dataclasses.fields(Resources))

# What a new group holds. cpuset: "" is "as the parent".
DEFAULTS = {
    "cpu_max_quota": MAX, "cpu_period": DEFAULT_PERIOD, "cpu_weight": 100, "cpuset_cpus": "", "cpuset_mems": "",
    "memory_max": MAX, "memory_low": 0, "memory_swap_max": MAX, "pids_max": MAX, "io_weight": 100, "io_max": (),
}


def parse_memory(text, option="memory"):
    """``512M``, ``1.5g``, ``1073741824``, ``64k`` -> bytes. Units are powers of 1024, as Docker's; ``unlimited``, ``max`` and -1 -> MAX.

    :returns: int, or None for None and the empty string.
    :raises InvalidValue: naming ``option``.
    """
    if text is None or text == "":
        return None
    if isinstance(text, bool):
        raise InvalidValue(option, text, "is not a size")
    value = str(text).strip()
    if value.lower() in ("unlimited", "max", "-1"):
        return MAX
    match = _SIZE.match(value)
    if not match or ((match.group(4) or "").lower() == "ib" and not match.group(3)):
        raise InvalidValue(option, text, "is not a size", "write a number and a unit b, k, m, g or t, such as 512m, or unlimited")
    size = float(match.group(1) + match.group(2)) if match.group(2) else int(match.group(1))
    size = int(size * _UNITS[match.group(3).lower()])
    if size >= 1 << 63:
        raise InvalidValue(option, text, "is more than a kernel can hold", "write unlimited for no limit")
    return size


def parse_cpus(text, option="cpus", period=DEFAULT_PERIOD):
    """``1.5`` processors -> (quota, period) in microseconds; 0 and ``max`` -> (MAX, period); None -> None.

    :raises InvalidValue: not a number, negative, or less than the kernel's least quota of 1 ms a period.
    """
    if text is None or text == "":
        return None
    if str(text).strip().lower() in ("max", "unlimited"):
        return (MAX, period)
    try:
        count = float(text)
    except (TypeError, ValueError):
        raise InvalidValue(option, text, "is not a number of processors", "write a number such as 0.5 or 2") from None
    if isinstance(text, bool) or not math.isfinite(count) or count < 0:
        raise InvalidValue(option, text, "is not a number of processors", "write a number such as 0.5 or 2")
    if count == 0:
        return (MAX, period)
    quota = round(count * period)
    if quota < 1000:
        raise InvalidValue(option, text, "is less than the kernel can limit to", "the least is %g" % (1000 / period))
    return (quota, period)


def parse_cpuset(text, option="cpuset_cpus"):
    """``0,2-3`` -> the kernel's own form (sorted, joined ranges). None -> None, ``""`` -> "" (as the parent).

    :raises InvalidValue: not a list of numbers and ranges.
    """
    if text is None:
        return None
    numbers = set()
    for part in str(text).replace(" ", "").split(",") if str(text).strip() else ():
        match = _RANGE.match(part)
        if not match:
            raise InvalidValue(option, text, "is not a list of numbers and ranges", "write it as 0-3 or 0,2")
        first, last = int(match.group(1)), int(match.group(2) or match.group(1))
        if last < first or last > 65535:
            raise InvalidValue(option, text, "has a range that is not one: %s" % part)
        numbers.update(range(first, last + 1))
    return format_cpuset(numbers)


def format_cpuset(numbers):
    """A set of numbers in the kernel's list format: {0, 2, 3} -> ``0,2-3``."""
    ranges = []
    for number in sorted(numbers):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ",".join("%d" % first if first == last else "%d-%d" % (first, last) for first, last in ranges)


def parse_pids(value, option="pids_limit"):
    """Docker's pids_limit: 0 and -1 (and ``max``) are no limit. None -> None."""
    if value is None or value == "":
        return None
    if str(value).strip().lower() in ("max", "unlimited"):
        return MAX
    try:
        number = int(str(value))
    except ValueError:
        raise InvalidValue(option, value, "is not a number of processes", "write a number such as 100, or -1 for no limit") from None
    if number < -1:
        raise InvalidValue(option, value, "is negative", "write -1 for no limit")
    return number if number > 0 else MAX


def swap_max_from_docker(memory, memory_swap, option="memory_swap"):
    """Docker's ``memory_swap`` (memory and swap together) -> memory_swap_max (swap alone).

    Unset with a memory limit: as much swap as memory. -1: no limit. Equal to memory: no swap.

    :param memory: bytes, MAX or None; ``memory_swap`` likewise.
    """
    limited = memory is not None and memory != MAX and memory > 0
    if memory_swap is None or memory_swap == 0:
        return memory if limited else None
    if memory_swap == MAX:
        return MAX
    if not limited:
        raise InvalidValue(option, memory_swap, "is set and memory is not", "set memory too: memory_swap is memory and swap together")
    if memory_swap < memory:
        raise InvalidValue(option, memory_swap, "is less than memory (%d)" % memory, "memory_swap is memory and swap together")
    return memory_swap - memory


def weight_from_shares(shares):
    """cpu.shares (2..262144) -> cpu.weight (1..10000), the curve through (2, 1), (1024, 100) and (262144, 10000) that runc uses."""
    if shares <= 2:
        return 1
    if shares >= 262144:
        return 10000
    level = math.log2(shares)
    return math.ceil(10 ** ((level * level + 125 * level) / 612 - 7 / 34) - 1e-9)


def shares_from_weight(weight):
    """The inverse of :func:`weight_from_shares`: the greatest shares that give this weight."""
    if weight <= 1:
        return 2
    if weight >= 10000:
        return 262144
    constant = 612 * (math.log10(weight) + 7 / 34)
    return int(2 ** ((math.sqrt(125 * 125 + 4 * constant) - 125) / 2) + 1e-6)


def io_weight_from_blkio(weight):
    """blkio.weight (10..1000) -> io.weight (1..10000), as runc does."""
    return 1 + (weight - 10) * 9999 // 990


def blkio_from_io_weight(weight):
    """io.weight (1..10000) -> blkio.weight (10..1000): the least weight that converts to at least this one."""
    return min(1000, 10 + -((1 - weight) * 990 // 9999))
