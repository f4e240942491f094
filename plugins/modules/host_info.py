#!/usr/bin/python
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: facts about the host as a container host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_info
short_description: Get facts about a container host
version_added: 0.1.0
description:
  - Returns what the host is, which features of the kernel the engine can use, and how many containers, images, networks and volumes
    it keeps.
  - Warns about what would keep containers from working, such as a missing controller or a packet filter of somebody else's that drops
    forwarded traffic.
  - It changes nothing, and needs neither pyroute2 nor libseccomp. So it can be the first task on a new host.
options:
  containers:
    description: Whether to list the containers, running or not.
    type: bool
    default: false
  images:
    description: Whether to list the images.
    type: bool
    default: false
  networks:
    description: Whether to list the networks.
    type: bool
    default: false
  volumes:
    description: Whether to list the volumes.
    type: bool
    default: false
  disk_usage:
    description: Whether to add up the bytes on disk. It reads the whole state root, which can take seconds.
    type: bool
    default: false
notes:
  - The options are those of M(community.docker.docker_host_info) without filters and C(verbose_output).
seealso:
  - module: agentless.containers.container_info
  - module: agentless.containers.image_info
  - module: agentless.containers.network_info
  - module: agentless.containers.volume_info
author:
  - The agentless.containers authors (@agentless)
extends_documentation_fragment:
  - agentless.containers.common
  - agentless.containers.common.info
"""

EXAMPLES = r"""
- name: Look at the host
  agentless.containers.host_info:
  register: host

- name: Stop here unless memory can be limited
  ansible.builtin.assert:
    that:
      - host.host_info.MemoryLimit
      - host.features.overlay

- name: List the containers and what they take
  agentless.containers.host_info:
    containers: true
    disk_usage: true
"""

RETURN = r"""
host_info:
  description:
    - The host, in the shape of C(docker info). C(Warnings) holds what the task also warns about.
    - C(Networks) and C(Volumes) are counts of the engine's own.
  returned: success
  type: dict
  sample:
    Architecture: x86_64
    CgroupVersion: "2"
    Containers: 3
    ContainersRunning: 3
    DockerRootDir: /var/lib/agentless
    Driver: overlay
    Images: 1
    KernelVersion: 6.1.0-18-amd64
    NCPU: 2
    OperatingSystem: Debian GNU/Linux 12 (bookworm)
    Warnings: []
features:
  description:
    - What the engine needs or can use. None where it could not be found out without trying.
    - C(cgroup_version) is C(v2), C(v1) or C(hybrid). C(libseccomp) is a version, C(nft_command) a path.
  returned: success
  type: dict
  sample:
    overlay: true
    namespaces: [cgroup, ipc, mnt, net, pid, time, user, uts]
    cgroup_version: v2
    cgroup_controllers: [cpu, cpuset, hugetlb, io, memory, pids]
    swap_limit: true
    seccomp: true
    libseccomp: 2.5.4
    nftables: true
    nft_command: /usr/sbin/nft
    bridge: true
    veth: true
    security_modules: [apparmor]
containers:
  description: The containers, with C(Id), C(Names), C(Image), C(ImageID), C(Created), C(State) and C(Labels).
  returned: if O(containers=true)
  type: list
  elements: dict
images:
  description: The images, with C(Id), C(RepoTags), C(Created) and C(Size).
  returned: if O(images=true)
  type: list
  elements: dict
networks:
  description: The networks, with C(Id), C(Name), C(Driver) and C(Scope).
  returned: if O(networks=true)
  type: list
  elements: dict
volumes:
  description: The volumes, in the shape of C(docker volume inspect).
  returned: if O(volumes=true)
  type: list
  elements: dict
disk_usage:
  description: Bytes on disk by kind, and their C(total). C(layers) are unpacked images, C(containers) what was written on top of them.
  returned: if O(disk_usage=true)
  type: dict
  sample:
    images: 52428800
    layers: 157286400
    containers: 4096
    volumes: 8192
    total: 209727488
actions:
  description: Always empty, an info module changes nothing.
  returned: success
  type: list
  elements: str
  sample: []
"""

from ansible_collections.agentless.containers.plugins.module_utils.module.host_info import ARGUMENTS, handle
from ansible_collections.agentless.containers.plugins.module_utils.module.run import run


def main():
    """Run the module."""
    run(ARGUMENTS, handle)


if __name__ == "__main__":
    main()
