# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of module container that limit: processors, memory, processes, input and output, and what setrlimit(2) takes."""

from __future__ import annotations

from ..engine.errors import InvalidValue
from ..engine.spec.resources import MAX, Resources, parse_cpus, parse_cpuset, parse_memory, parse_pids, swap_max_from_docker
from ..engine.spec.rlimit import Rlimit

LEAST_MEMORY = 6 << 20
DEFAULT_SHM = 64 << 20
_RANGES = {"cpu_quota": (1000, 1 << 44), "cpu_period": (1000, 1000000), "cpu_shares": (2, 262144), "blkio_weight": (10, 1000)}


def resources(params):
    """The Resources of a task.

    :raises InvalidValue: naming option and value.
    """
    for option, (least, most) in _RANGES.items():
        value = params[option]
        # 0 is no limit for Docker, and so is a quota of -1
        if value and not least <= value <= most and not (option == "cpu_quota" and value == MAX):
            raise InvalidValue(option, value, "is not between %d and %d" % (least, most))
    quota, period = _cpus(params)
    memory = parse_memory(params["memory"])
    if memory is not None and 0 < memory < LEAST_MEMORY:
        raise InvalidValue("memory", params["memory"], "is less than a container needs", "the least is 6m")
    return Resources(
        cpu_max_quota=quota, cpu_period=period, cpu_shares=params["cpu_shares"] or None,
        cpuset_cpus=parse_cpuset(params["cpuset_cpus"], "cpuset_cpus"), cpuset_mems=parse_cpuset(params["cpuset_mems"], "cpuset_mems"),
        memory_max=memory or None, memory_low=parse_memory(params["memory_reservation"], "memory_reservation") or None,
        memory_swap_max=swap_max_from_docker(memory, parse_memory(params["memory_swap"], "memory_swap")),
        pids_max=parse_pids(params["pids_limit"]), io_weight=_io_weight(params["blkio_weight"]))


def _cpus(params):
    """(quota, period) in microseconds, each None where nothing is asked for."""
    cpus = parse_cpus(params["cpus"])
    if cpus is not None:
        if params["cpu_quota"] or params["cpu_period"]:
            raise InvalidValue("cpus", params["cpus"], "says the same as cpu_quota and cpu_period", "give one of the two")
        return cpus
    quota, period = params["cpu_quota"] or None, params["cpu_period"] or None
    if quota is not None and period is None:
        period = 100000
    return quota, period


def _io_weight(weight):
    if not weight:
        return None
    from ..engine.spec.resources import io_weight_from_blkio

    return io_weight_from_blkio(weight)


def ulimits(values):
    """The Rlimits of a task's ``nofile:1024:2048``."""
    if not values:
        return ()
    from ..engine.security.rlimits import parse_ulimits

    return tuple(Rlimit(each.type, each.soft, each.hard) for each in parse_ulimits(values))


def shm_size(text):
    """Bytes of /dev/shm; Docker's 64 MiB where nothing is given."""
    size = parse_memory(text, "shm_size")
    if size == MAX:
        raise InvalidValue("shm_size", text, "is not a size", "write it as 64m")
    return size or DEFAULT_SHM


def oom_score_adj(value):
    """The number that the kernel adds to the badness of a process, -1000 to 1000."""
    if value is not None and not -1000 <= value <= 1000:
        raise InvalidValue("oom_score_adj", value, "is not between -1000 and 1000")
    return value
