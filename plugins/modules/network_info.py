#!/usr/bin/python
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: facts about networks."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network_info
short_description: Get facts about networks
version_added: 0.1.0
description:
  - Returns one network, or all of them, in the shape of C(docker network inspect).
options:
  name:
    description: Name of the network, or its ID (at least twelve digits). Where it is not given, all networks are returned.
    type: str
    aliases:
      - network_name
seealso:
  - module: agentless.containers.network
author:
  - The agentless.containers authors (@agentless)
extends_documentation_fragment:
  - agentless.containers.common
  - agentless.containers.common.info
"""

EXAMPLES = r"""
- name: Look at a network
  agentless.containers.network_info:
    name: shop
  register: result

- name: Say which containers are in it
  ansible.builtin.debug:
    msg: "{{ result.network.Containers.values() | map(attribute='Name') }}"
  when: result.exists
"""

RETURN = r"""
exists:
  description: Whether the network exists. Without O(name), whether there is any.
  returned: success
  type: bool
  sample: true
network:
  description: The network, in the shape of C(docker network inspect). None if it does not exist, or without O(name).
  returned: success
  type: dict
  sample:
    Containers: {}
    Driver: bridge
    EnableIPv6: false
    IPAM:
      Config:
        - Gateway: 10.20.0.1
          Subnet: 10.20.0.0/24
      Driver: default
      Options: {}
    Id: 1e9a7c55d0b34c8d9f6e2a1b0c3d4e5f60718293a4b5c6d7e8f9a0b1c2d3e4f5
    Internal: false
    Labels: {}
    Name: shop
    Options: {}
    Scope: local
networks:
  description: The network as the only element, or without O(name) every network.
  returned: success
  type: list
  elements: dict
actions:
  description: Always empty, an info module changes nothing.
  returned: success
  type: list
  elements: str
  sample: []
"""

from ansible_collections.agentless.containers.plugins.module_utils.module.network_info import ARGUMENTS, handle
from ansible_collections.agentless.containers.plugins.module_utils.module.run import run


def main():
    """Run the module."""
    run(ARGUMENTS, handle)


if __name__ == "__main__":
    main()
