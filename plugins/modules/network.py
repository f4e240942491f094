#!/usr/bin/python
# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: one network."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network
short_description: Manage networks
version_added: 0.1.0
description:
  - Makes or removes a network that containers are connected to, and keeps it as it should be.
  - What the kernel has lost of a network (its bridge, an address, the host's firewall table, a container's link) is seen and repaired.
options:
  name:
    description: Name of the network.
    type: str
    required: true
    aliases:
      - network_name
  state:
    description:
      - V(present) makes the network if it is missing, and changes it if it differs.
      - V(absent) removes it. It fails while containers run in it, unless O(force) is set.
    type: str
    default: present
    choices:
      - absent
      - present
  driver:
    description:
      - Driver of the network. The only one of this version is V(bridge), which is also what a new network gets.
    type: str
  driver_options:
    description:
      - Options of the driver. Where the option is given, the network has exactly these.
      - V(com.docker.network.bridge.name) names the bridge on the host, which must not be there yet. The default is C(ag-) and the first
        digits of the network's ID.
      - V(com.docker.network.driver.mtu) is the MTU. The default is that of the interface with the host's default route, and at most 1500.
      - V(com.docker.network.bridge.enable_ip_masquerade) V(false) lets containers keep their own addresses on their way out of the host.
      - V(com.docker.network.bridge.enable_icc) V(false) keeps the network's containers from each other.
    type: dict
  enable_ipv6:
    description: Whether containers get an IPv6 address as well. Without an IPv6 subnet in O(ipam_config) a unique local one is chosen.
    type: bool
  ipam_driver:
    description: Driver for addresses. The only one is V(default).
    type: str
  ipam_driver_options:
    description: Options of O(ipam_driver). They are stored and shown.
    type: dict
  ipam_config:
    description:
      - Subnets of the network, at most one of IPv4 and one of IPv6.
      - A subnet must not overlap with that of another network, nor with an address or a route of the host.
      - A new network without an IPv4 subnet gets a free one from 10.89.0.0/16 and what follows.
    type: list
    elements: dict
    suboptions:
      subnet:
        description: The subnet in CIDR form.
        type: str
      iprange:
        description: Part of the subnet from which containers that name no address get theirs, in CIDR form.
        type: str
      gateway:
        description: Address of the host in the subnet. The default is the first one.
        type: str
      aux_addresses:
        description: Names and addresses that no container gets, because something else has them.
        type: dict
  internal:
    description: Whether the network is cut off from everything but the host itself. Ports of containers in it cannot be published.
    type: bool
  labels:
    description: Labels of the network. Where the option is given, the network has exactly these.
    type: dict
  connected:
    description:
      - Names of containers that are connected to the network. A container that is stopped gets its link when it starts.
      - Containers in the network that are not on the list are disconnected, unless O(appends) is set.
      - Where the option is not given, the network's containers stay in it.
    type: list
    elements: str
    aliases:
      - containers
  appends:
    description: Whether containers that are not in O(connected) stay connected.
    type: bool
    default: false
    aliases:
      - incremental
  force:
    description:
      - With O(state=present), allows to make a network anew that has containers, if it differs in what cannot be changed in place. The
        containers go on running, are disconnected for a moment, and keep their addresses where these fit the new subnet.
      - With O(state=absent), allows to remove a network that running containers are in.
    type: bool
    default: false
notes:
  - Labels and masquerading are changed in place. A network without containers that differs in anything else is made anew.
  - Other than C(community.docker.docker_network), containers are left alone where O(connected) is not given, and O(force) does nothing to a
    network that does not differ.
seealso:
  - module: agentless.containers.network_info
  - module: agentless.containers.container
author:
  - The agentless.containers authors (@agentless)
extends_documentation_fragment:
  - agentless.containers.common
  - agentless.containers.common.changes
"""

EXAMPLES = r"""
- name: A network for a shop
  agentless.containers.network:
    name: shop

- name: A network with a subnet of its own, for IPv4 and IPv6
  agentless.containers.network:
    name: shop
    enable_ipv6: true
    ipam_config:
      - subnet: 10.20.0.0/24
        gateway: 10.20.0.254
        iprange: 10.20.0.128/25
        aux_addresses:
          printer: 10.20.0.7
      - subnet: fd20:1::/64

- name: A network that leads nowhere
  agentless.containers.network:
    name: backend
    internal: true

- name: Connect one more container
  agentless.containers.network:
    name: shop
    connected:
      - shop-web
    appends: true

- name: Remove it, even from containers that run
  agentless.containers.network:
    name: shop
    state: absent
    force: true
"""

RETURN = r"""
network:
  description: The network, in the shape of C(docker network inspect). Empty if it was removed.
  returned: success
  type: dict
  sample:
    Attachable: false
    ConfigFrom:
      Network: ""
    ConfigOnly: false
    Containers:
      8a1b8a6fd6a4c1d6ee1dbbb4b1b0d3a2c4e5f60718293a4b5c6d7e8f90a1b2c3:
        EndpointID: 0c9d3a4f6b7c8e9fa0b1c2d3e4f5061728394a5b6c7d8e9fa0b1c2d3e4f50617
        IPv4Address: 10.20.0.128/24
        IPv6Address: ""
        MacAddress: "02:42:0a:14:00:80"
        Name: shop-web
    Created: "2026-01-31T12:00:00.123456789Z"
    Driver: bridge
    EnableIPv4: true
    EnableIPv6: false
    IPAM:
      Config:
        - Gateway: 10.20.0.254
          Subnet: 10.20.0.0/24
      Driver: default
      Options: {}
    Id: 1e9a7c55d0b34c8d9f6e2a1b0c3d4e5f60718293a4b5c6d7e8f9a0b1c2d3e4f5
    Ingress: false
    Internal: false
    Labels: {}
    Name: shop
    Options: {}
    Scope: local
actions:
  description: What was done, or in check mode would be done.
  returned: success
  type: list
  elements: str
  sample:
    - create network shop (bridge, 10.20.0.0/24)
"""

from ansible_collections.agentless.containers.plugins.module_utils.module.network import ARGUMENTS, handle
from ansible_collections.agentless.containers.plugins.module_utils.module.run import run


def main():
    """Run the module."""
    run(ARGUMENTS, handle)


if __name__ == "__main__":
    main()
