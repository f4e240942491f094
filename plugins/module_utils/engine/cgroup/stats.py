# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a group has used, in one shape for both versions. Times are microseconds, sizes bytes; -1 as a limit is no limit."""

from __future__ import annotations

import dataclasses
from typing import Optional

MAX = -1


@dataclasses.dataclass(frozen=True)
class Cpu:
    """Processor time, and how often the quota stopped the group."""

    usage_usec: int = 0
    user_usec: int = 0
    system_usec: int = 0
    nr_periods: int = 0
    nr_throttled: int = 0
    throttled_usec: int = 0


@dataclasses.dataclass(frozen=True)
class Memory:
    """Memory charged to the group. ``current`` includes the page cache."""

    current: int = 0
    peak: int = 0
    limit: int = MAX
    swap: int = 0
    anon: int = 0
    file: int = 0
    inactive_file: int = 0
    pgfault: int = 0
    pgmajfault: int = 0

    @property
    def working_set(self):
        """What cannot be reclaimed easily: cAdvisor's container_memory_working_set_bytes."""
        return max(0, self.current - self.inactive_file)


@dataclasses.dataclass(frozen=True)
class Pids:
    current: int = 0
    limit: int = MAX


@dataclasses.dataclass(frozen=True)
class Io:
    """One block device."""

    device: str
    rbytes: int = 0
    wbytes: int = 0
    rios: int = 0
    wios: int = 0


@dataclasses.dataclass(frozen=True)
class Stats:
    """A group's counters. A part is None where the host lacks the controller."""

    cpu: Optional[Cpu] = None
    memory: Optional[Memory] = None
    pids: Optional[Pids] = None
    io: tuple = ()
    oom_kills: int = 0

    def to_json(self):
        return dataclasses.asdict(self)
