# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""v2 ``memory`` (cgroup-v2.rst, "Memory Interface Files"). ``memory.swap.max`` is swap alone."""

from __future__ import annotations

import errno
import os

from ...errors import Conflict
from ...spec.resources import MAX
from .. import files

FIELDS = {
    "memory_max": "memory.max",
    "memory_high": "memory.high",
    "memory_low": "memory.low",
    "memory_min": "memory.min",
    "memory_swap_max": "memory.swap.max",
    "memory_oom_group": "memory.oom.group",
}


def apply(directory, resources):
    """Write what is set.

    :raises Conflict: the group uses more than the new limit and cannot give it back. The kernel would kill processes instead.
    """
    if resources.memory_max not in (None, MAX):
        _make_room(directory, resources.memory_max)
    for field, name in FIELDS.items():
        value = getattr(resources, field)
        if value is None:
            continue
        if field == "memory_oom_group":
            text = "1" if value else "0"
        else:
            text = "max" if value == MAX else str(value)
        files.write(os.path.join(directory, name), text)


def _make_room(directory, limit):
    """Reclaim until the group fits under ``limit``."""
    used = _current(directory)
    if used <= limit:
        return
    try:
        # from Linux 5.19
        files.write(os.path.join(directory, "memory.reclaim"), str(used - limit))
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.EAGAIN, errno.EINVAL):
            raise
    used = _current(directory)
    if used > limit:
        raise Conflict("memory limit %d is below the %d bytes that %s uses" % (limit, used, os.path.basename(directory)),
                       "stop it first, or set a higher limit")


def _current(directory):
    return int(files.read(os.path.join(directory, "memory.current")))


def _number(text):
    return MAX if text == "max" else int(text)


def read(directory, fields):
    """The fields among ``fields`` that this kernel has, as dict."""
    values = {}
    for field in fields:
        text = files.read_optional(os.path.join(directory, FIELDS[field]))
        if text is not None:
            values[field] = text == "1" if field == "memory_oom_group" else _number(text)
    return values


def oom_kills(directory):
    """How many processes of the group, and of those below it, the kernel has killed for want of memory."""
    return files.keyed(files.read(os.path.join(directory, "memory.events"))).get("oom_kill", 0)


def usage(directory):
    """dict of byte counts under the names of stats.Memory."""
    counts = files.keyed(files.read(os.path.join(directory, "memory.stat")))
    values = {key: counts.get(key, 0) for key in ("anon", "file", "inactive_file", "pgfault", "pgmajfault")}
    values["current"] = _current(directory)
    # memory.peak is from Linux 5.19
    values["peak"] = int(files.read_optional(os.path.join(directory, "memory.peak"), "0"))
    values["limit"] = _number(files.read_optional(os.path.join(directory, "memory.max"), "max"))
    values["swap"] = int(files.read_optional(os.path.join(directory, "memory.swap.current"), "0"))
    return values
