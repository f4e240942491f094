# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""v1 ``memory`` (cgroup-v1/memory.rst). ``memsw`` is memory and swap together and never less than the memory limit."""

from __future__ import annotations

import errno
import os

from ...errors import Conflict, Unsupported
from ...spec.resources import MAX
from .. import files

FIELDS = {
    "memory_max": "memory.limit_in_bytes",
    "memory_swap_max": "memory.memsw.limit_in_bytes",
    "memory_low": "memory.soft_limit_in_bytes",
    "memory_swappiness": "memory.swappiness",
    "oom_kill_disable": "memory.oom_control",
}
# The kernel holds pages in a long: an unlimited counter reads as the greatest multiple of the page size.
_UNLIMITED = 0x7FFFFFFFFFFFFFFF - 0x10000


def apply(directory, resources):
    """Write what is set."""
    if resources.memory_max is not None or resources.memory_swap_max is not None:
        _apply_limits(directory, resources.memory_max, resources.memory_swap_max)
    if resources.memory_low is not None:
        files.write(os.path.join(directory, "memory.soft_limit_in_bytes"), str(resources.memory_low or MAX))
    if resources.memory_swappiness is not None:
        files.write(os.path.join(directory, "memory.swappiness"), str(resources.memory_swappiness))
    if resources.oom_kill_disable is not None:
        files.write(os.path.join(directory, "memory.oom_control"), "1" if resources.oom_kill_disable else "0")


def _apply_limits(directory, limit, swap):
    """Limit first, which is right for a new group and for lowering; the kernel says EINVAL when raising it, then memsw goes first."""
    limit_path = os.path.join(directory, "memory.limit_in_bytes")
    both_path = os.path.join(directory, "memory.memsw.limit_in_bytes")
    if not os.path.exists(both_path):
        if limit is not None:
            _write_limit(directory, limit_path, limit)
        return
    if limit is None:
        limit = _number(limit_path)
    if swap is None:
        swap = _swap(directory)
    if limit == MAX and swap != MAX:
        raise Unsupported("memory_swap_max: %d cannot be held without memory_max on this host (cgroup v1)" % swap, "set memory_max as well")
    both = MAX if swap == MAX else limit + swap
    try:
        files.write(limit_path, str(limit))
    except OSError as error:
        if error.errno != errno.EINVAL:
            _busy(directory, error, limit)
        _write_limit(directory, both_path, both)
        _write_limit(directory, limit_path, limit)
    else:
        _write_limit(directory, both_path, both)


def _write_limit(directory, path, limit):
    try:
        files.write(path, str(limit))
    except OSError as error:
        _busy(directory, error, limit)


def _busy(directory, error, limit):
    """EBUSY: the group uses more than the limit and nothing could be reclaimed."""
    if error.errno != errno.EBUSY:
        raise error
    used = files.read(os.path.join(directory, "memory.usage_in_bytes"))
    raise Conflict("memory limit %d is below the %s bytes that %s uses" % (limit, used, os.path.basename(directory)),
                   "stop it first, or set a higher limit") from error


def _number(path):
    number = int(files.read(path))
    return MAX if number >= _UNLIMITED else number


def _swap(directory):
    """The swap part of memsw."""
    limit = _number(os.path.join(directory, "memory.limit_in_bytes"))
    both = _number(os.path.join(directory, "memory.memsw.limit_in_bytes"))
    return MAX if MAX in (limit, both) else both - limit


def read(directory, fields):
    """The fields among ``fields`` that this kernel has, as dict."""
    values = {}
    for field in fields:
        path = os.path.join(directory, FIELDS[field])
        if not os.path.exists(path):
            continue
        if field == "memory_swap_max":
            values[field] = _swap(directory)
        elif field == "oom_kill_disable":
            values[field] = bool(files.keyed(files.read(path)).get("oom_kill_disable"))
        elif field == "memory_low":
            number = _number(path)
            values[field] = 0 if number == MAX else number
        else:
            values[field] = _number(path)
    return values


def oom_kills(directory):
    """How many processes of the group the kernel has killed for want of memory (Linux 4.13)."""
    return files.keyed(files.read(os.path.join(directory, "memory.oom_control"))).get("oom_kill", 0)


def usage(directory):
    """dict of byte counts under the names of stats.Memory."""
    stat = files.keyed(files.read(os.path.join(directory, "memory.stat")))
    current = int(files.read(os.path.join(directory, "memory.usage_in_bytes")))
    both = files.read_optional(os.path.join(directory, "memory.memsw.usage_in_bytes"))
    return {
        "current": current,
        "peak": int(files.read_optional(os.path.join(directory, "memory.max_usage_in_bytes"), "0")),
        "limit": _number(os.path.join(directory, "memory.limit_in_bytes")),
        "swap": max(0, int(both) - current) if both is not None else 0,
        "anon": stat.get("total_rss", stat.get("rss", 0)),
        "file": stat.get("total_cache", stat.get("cache", 0)),
        "inactive_file": stat.get("total_inactive_file", stat.get("inactive_file", 0)),
        "pgfault": stat.get("total_pgfault", stat.get("pgfault", 0)),
        "pgmajfault": stat.get("total_pgmajfault", stat.get("pgmajfault", 0)),
    }
