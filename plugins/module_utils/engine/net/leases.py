# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leases: which addresses a container has in a network. A lease is its endpoint record; the callers hold the networks' lock."""

from __future__ import annotations

import re

from ..errors import EngineError, InvalidValue
from ..spec.network import Endpoint
from . import ipam, veth

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}\Z")


def lease(store, network, request, before):
    """The :class:`Endpoint` of a container in a network.

    :param request: an object with the fields of :class:`~attach.AttachRequest`.
    :param before: the endpoint that it had there, or None; its addresses are kept unless others are asked for.
    :raises Conflict: an address is taken, or none is left. InvalidValue: one does not fit.
    """
    wanted = {4: request.ipv4_address, 6: request.ipv6_address}
    fields = _addresses(store, network, request.container_id, wanted, before)
    return Endpoint(
        network=network.name, network_id=network.id, container_id=request.container_id, container_name=request.container_name,
        hostname=request.hostname, ifname=request.ifname, host_ifname=veth.host_name(network.id, request.container_id),
        mac_address=_mac_address(request, network, fields.get("ipv4_address")), aliases=tuple(request.aliases),
        default_route=request.default_route or not carries_default_route(store, request.container_id, network.name), **fields)


def carries_default_route(store, container_id, leave_out=None):
    """The endpoint over which a container reaches the world, other than that in network ``leave_out``; or None."""
    for endpoint in store.endpoints_of(container_id):
        if endpoint.network != leave_out and endpoint.default_route and endpoint.attached:
            network = store.get(endpoint.network)
            if network is not None and not network.internal:
                return endpoint
    return None


def _addresses(store, network, container_id, wanted, before):
    """The address fields of an endpoint as a dict."""
    used = {}
    for other in store.endpoints(network.name):
        if other.container_id != container_id:
            used.update((address, "container %s" % other.container_name) for address, _length, _gateway in other.addresses())
    fields = {}
    for version in (4, 6):
        pool = network.pool(version)
        key = "ipv%d_address" % version
        if pool is None:
            if wanted[version]:
                raise InvalidValue(key, wanted[version], "cannot be had: network %s has no IPv%d subnet" % (network.name, version))
            continue
        had = getattr(before, key) if before is not None else None
        fields[key] = _address(network, pool, used, key, wanted[version], had)
        fields["ipv%d_prefix_length" % version] = pool.prefix_length
        fields["ipv%d_gateway" % version] = pool.gateway
    return fields


def _address(network, pool, used, key, wanted, had):
    if wanted is None and had is not None:
        try:
            return ipam.choose_address(network.name, pool, used, had, key)
        except EngineError:
            pass  # it does not fit into the network any more
    return ipam.choose_address(network.name, pool, used, wanted, key)


def _mac_address(request, network, ipv4):
    if request.mac_address is None:
        return ipam.mac_address(ipv4, network.id + request.container_id)
    text = request.mac_address.lower().replace("-", ":")
    if not _MAC.match(text) or int(text[:2], 16) & 1:
        raise InvalidValue("mac_address", request.mac_address, "is not a MAC address of one interface", "write it as 02:42:ac:11:00:02")
    return text


def renew(store, network, endpoint):
    """Fit a lease to a network whose subnets have changed, and store it; returns it."""
    mac_address = endpoint.mac_address
    fields = {"ipv%d_%s" % (version, name): None for version in (4, 6) for name in ("address", "prefix_length", "gateway")}
    fields.update(_addresses(store, network, endpoint.container_id, {4: None, 6: None}, endpoint))
    if mac_address == ipam.mac_address(endpoint.ipv4_address, network.id + endpoint.container_id):
        mac_address = ipam.mac_address(fields["ipv4_address"], network.id + endpoint.container_id)
    renewed = endpoint.replace(network_id=network.id, mac_address=mac_address, **fields)
    if renewed != endpoint:
        store.save_endpoint(renewed)
    return renewed


def move_ports(store, network):
    """Point the published ports of a network's containers to their present addresses."""
    for endpoint in store.endpoints(network.name):
        published = store.published(endpoint.container_id)
        way = way_in(store, endpoint.container_id)
        if published is not None and way is not None and way.network == network.name:
            moved = published.replace(ipv4_address=way.ipv4_address, ipv6_address=way.ipv6_address)
            if moved != published:
                store.save_published(moved)


def way_in(store, container_id):
    """The endpoint that published ports lead to: that of the default route, or else the first; None without any."""
    return carries_default_route(store, container_id) or next(iter(store.endpoints_of(container_id)), None)
