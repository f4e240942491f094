#!/usr/bin/python
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: one control group of the host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cgroup
short_description: Manage control groups
version_added: 0.1.0
description:
  - Makes a control group by its path, sets its limits, moves processes into it, freezes it, or removes it. It needs no containers.
  - Limits are named and written as the kernel documents them for version 2 of control groups.
    On a host with version 1, or with both (hybrid), they are translated.
  - A limit that is not given stays as it is. To take one off, write V(max).
options:
  path:
    description:
      - Path of the group below the root of the hierarchy, such as V(batch/nightly).
      - Groups above it are made where they are missing.
    type: str
    required: true
  state:
    description:
      - V(present) makes the group if it is missing.
      - V(absent) removes it, and the empty groups below it.
    type: str
    default: present
    choices:
      - present
      - absent
  force:
    description: Whether O(state=absent) kills the processes of the group. Otherwise it fails where there are any.
    type: bool
    default: false
  cpu_max:
    description:
      - Quota and period in microseconds, such as V(50000 100000) for half a processor. The period is V(100000) where it is left out.
      - V(max) for no limit.
    type: str
  cpu_max_burst:
    description: Microseconds that a group may save up from idle periods and use above its quota.
    type: int
  cpu_weight:
    description: Share of the processors under contention, from 1 to 10000. The kernel's default is 100.
    type: int
    aliases:
      - weight
  cpu_idle:
    description: Whether the group gets the processors only when nothing else wants them. It takes the place of O(cpu_weight).
    type: bool
  cpuset_cpus:
    description: Processors that the group may use, such as V(0-2,5). Empty for all of its parent's.
    type: str
  cpuset_mems:
    description: Memory nodes that the group may use. Empty for all of its parent's.
    type: str
  memory_max:
    description:
      - Hard limit of memory. The kernel kills processes of a group that cannot stay below it.
      - A number with a unit such as V(512m), or V(max).
    type: str
  memory_high:
    description: Limit above which the processes are slowed down and memory is reclaimed. Version 2 only.
    type: str
  memory_low:
    description: Memory that is reclaimed only where nothing else is left. The soft limit on version 1.
    type: str
  memory_min:
    description: Memory that is never reclaimed. Version 2 only.
    type: str
  memory_swap_max:
    description:
      - Limit of swap alone, as on version 2. V(0) for no swap.
      - On version 1, which limits memory and swap together, it needs O(memory_max).
    type: str
  memory_oom_group:
    description: Whether the kernel, when out of memory, kills the group as a whole. Version 2 only.
    type: bool
  pids_max:
    description: Limit of processes and threads, or V(max).
    type: str
  io_weight:
    description: Share of the disks under contention, from 1 to 10000. The kernel's default is 100.
    type: int
  io_max:
    description: Rates of block devices. The list is complete. Rates of other devices, and those left out, are taken off.
    type: list
    elements: dict
    suboptions:
      device:
        description: A whole disk by its path, such as V(/dev/sda), or as V(MAJOR:MINOR).
        type: str
        required: true
      rbps:
        description: Bytes read a second, with a unit such as V(10m).
        type: str
      wbps:
        description: Bytes written a second, with a unit such as V(10m).
        type: str
      riops:
        description: Read operations a second.
        type: int
      wiops:
        description: Write operations a second.
        type: int
  hugetlb_max:
    description: Limits of huge pages, by page size as the kernel names it, such as C(2MB), with values such as V(64m).
    type: dict
  processes:
    description: IDs of processes that are moved into the group where they are elsewhere. Others in the group stay.
    type: list
    elements: int
  frozen:
    description: Whether the processes of the group are stopped (V(true)) or run (V(false)). Waits until all are stopped.
    type: bool
notes:
  - Version 1 has no O(memory_high), O(memory_min) and O(memory_oom_group), and the task fails where they are given.
  - Do not manage groups that systemd has made. It will undo the changes.
seealso:
  - module: agentless.containers.container
    description: Sets the same limits on containers.
  - name: Control Group v2
    description: The kernel's documentation of the limits.
    link: https://docs.kernel.org/admin-guide/cgroup-v2.html
author:
  - The agentless.containers authors (@agentless)
extends_documentation_fragment:
  - agentless.containers.common
  - agentless.containers.common.changes
"""

EXAMPLES = r"""
- name: A group for nightly work that may use half a processor and 1 GiB
  agentless.containers.cgroup:
    path: batch/nightly
    cpu_max: 50000 100000
    memory_max: 1g
    memory_swap_max: "0"
    pids_max: "200"

- name: Move a running process into it
  agentless.containers.cgroup:
    path: batch/nightly
    processes:
      - "{{ backup_pid }}"

- name: Slow down what it reads and writes
  agentless.containers.cgroup:
    path: batch/nightly
    io_max:
      - device: /dev/sda
        rbps: 20m
        wbps: 20m

- name: Stop it for a while
  agentless.containers.cgroup:
    path: batch/nightly
    frozen: true

- name: Remove it with everything that runs in it
  agentless.containers.cgroup:
    path: batch/nightly
    state: absent
    force: true
"""

RETURN = r"""
cgroup:
  description: The group as the kernel has it after the task.
  returned: success
  type: dict
  contains:
    exists:
      description: Whether the group exists. Without it there are only C(path) and C(version) besides.
      returned: success
      type: bool
    path:
      description: Path below the root of the hierarchies.
      returned: success
      type: str
    version:
      description: C(v1), C(v2) or C(hybrid).
      returned: success
      type: str
    directories:
      description: The group's directories, one on version 2, one a hierarchy on version 1.
      returned: if it exists
      type: list
      elements: str
    limits:
      description: The limits under the names of the options, sizes in bytes. Those of controllers that the host lacks are missing.
      returned: if it exists
      type: dict
    processes:
      description: IDs of the processes of the group and of those below it.
      returned: if it exists
      type: list
      elements: int
    frozen:
      description: Whether it is frozen.
      returned: if it exists
      type: bool
    stats:
      description: What it has used of processor, memory, processes and disks, and how many of its processes were killed for want of memory.
      returned: if it exists
      type: dict
  sample:
    exists: true
    path: batch/nightly
    version: v2
    directories:
      - /sys/fs/cgroup/batch/nightly
    limits:
      cpu_max: 50000 100000
      memory_max: 1073741824
      memory_swap_max: 0
      pids_max: 200
    processes:
      - 4711
    frozen: false
actions:
  description: What was done, or in check mode would be done.
  returned: success
  type: list
  elements: str
  sample:
    - create control group batch/nightly
    - set cpu_max, memory_max, memory_swap_max, pids_max of control group batch/nightly
"""

from ansible_collections.agentless.containers.plugins.module_utils.module.cgroup import ARGUMENTS, handle
from ansible_collections.agentless.containers.plugins.module_utils.module.run import run


def main():
    """Run the module."""
    run(ARGUMENTS, handle)


if __name__ == "__main__":
    main()
