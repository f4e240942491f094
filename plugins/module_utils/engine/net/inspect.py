# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A network as Docker's inspect document shows it."""

from __future__ import annotations

from .store import NetworkStore


def inspect(roots, network):
    """dict: the network with the containers that are in it and run."""
    store = NetworkStore(roots)
    members = [each for each in store.endpoints(network.name) if each.attached and store.namespace_of(each.container_id)]
    return {
        "Name": network.name,
        "Id": network.id,
        "Created": network.created,
        "Scope": "local",
        "Driver": network.driver,
        "EnableIPv4": True,
        "EnableIPv6": network.enable_ipv6,
        "IPAM": {
            "Driver": network.ipam_driver,
            "Options": dict(network.ipam_driver_options),
            "Config": [_pool(pool) for pool in network.pools],
        },
        "Internal": network.internal,
        "Attachable": False,
        "Ingress": False,
        "ConfigFrom": {"Network": ""},
        "ConfigOnly": False,
        "Containers": {each.container_id: _member(each) for each in members},
        "Options": dict(network.driver_options),
        "Labels": dict(network.labels),
    }


def _pool(pool):
    document = {"Subnet": pool.subnet, "Gateway": pool.gateway}
    if pool.iprange:
        document["IPRange"] = pool.iprange
    if pool.aux_addresses:
        document["AuxiliaryAddresses"] = dict(pool.aux_addresses)
    return document


def _member(endpoint):
    return {
        "Name": endpoint.container_name,
        "EndpointID": endpoint.id,
        "MacAddress": endpoint.mac_address,
        "IPv4Address": "%s/%d" % (endpoint.ipv4_address, endpoint.ipv4_prefix_length) if endpoint.ipv4_address else "",
        "IPv6Address": "%s/%d" % (endpoint.ipv6_address, endpoint.ipv6_prefix_length) if endpoint.ipv6_address else "",
    }
