# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers in networks: attach, detach, observe. It knows containers by ID, name and namespace path only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional, Tuple

from ..errors import Collector, InvalidValue
from ..spec.document import Document
from ..spec.network import Endpoint
from . import ipam, ports, veth
from .driver import driver_for
from .firewall import nftables
from .store import NetworkStore

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}\Z")


@dataclass(frozen=True)
class AttachRequest(Document):
    """One container into one network. ``netns`` is the path of its namespace, ``ifname`` what the interface is called in there."""

    network: str
    container_id: str
    container_name: str
    netns: str
    ifname: str = "eth0"
    hostname: Optional[str] = None
    aliases: Tuple[str, ...] = ()
    ipv4_address: Optional[str] = None
    ipv6_address: Optional[str] = None
    mac_address: Optional[str] = None
    default_route: bool = True


def attach(roots, request):
    """Put a container into a network; its address is the one it had there before, where it is still fit.

    Attaching again repairs what is missing and disturbs nothing that is right. /etc/hosts files are ``names.refresh``'s.

    :returns: the :class:`Endpoint`.
    :raises NotFound: there is no such network. Conflict: an address is taken. InvalidValue: an address does not fit.
    """
    store = NetworkStore(roots)
    network = store.require(request.network)
    with roots.lock("networks"):
        before = store.endpoint(network.name, request.container_id)
        endpoint = _endpoint(store, network, request, before)
        if endpoint != before:
            store.save_endpoint(endpoint)
    try:
        driver_for(roots, network.driver).attach(network, endpoint, request.netns)
        nftables.ensure(roots)
    except BaseException:
        if before is None:
            _forget(roots, store, network, endpoint)
        raise
    return endpoint


def _forget(roots, store, network, endpoint):
    """Take back an attach that failed half way."""
    try:
        driver_for(roots, network.driver).detach(network, endpoint)
    finally:
        with roots.lock("networks"):
            store.remove_endpoint(endpoint)


def _endpoint(store, network, request, before):
    used = {}
    for other in store.endpoints(network.name):
        if other.container_id != request.container_id:
            used.update((address, other.container_name) for address, _length, _gateway in other.addresses())
    fields = {}
    for version, wanted in ((4, request.ipv4_address), (6, request.ipv6_address)):
        pool = network.pool(version)
        key = "ipv%d_address" % version
        if pool is None:
            if wanted:
                raise InvalidValue(key, wanted, "cannot be had: network %s has no IPv%d subnet" % (network.name, version))
            continue
        had = getattr(before, key) if before is not None and before.network_id == network.id else None
        fields[key] = had if had and wanted in (None, had) else ipam.choose_address(network.name, pool, used, wanted, key)
        fields["ipv%d_prefix_length" % version] = pool.prefix_length
        fields["ipv%d_gateway" % version] = pool.gateway
    return Endpoint(
        network=network.name, network_id=network.id, container_id=request.container_id, container_name=request.container_name,
        hostname=request.hostname, ifname=request.ifname, host_ifname=veth.host_name(network.id, request.container_id),
        mac_address=_mac_address(request, network, fields.get("ipv4_address")), aliases=tuple(request.aliases),
        default_route=request.default_route and not network.internal, **fields)


def _mac_address(request, network, ipv4):
    if request.mac_address is None:
        return ipam.mac_address(ipv4, network.id + request.container_id)
    text = request.mac_address.lower().replace("-", ":")
    if not _MAC.match(text) or int(text[:2], 16) & 1:
        raise InvalidValue("mac_address", request.mac_address, "is not a MAC address of one interface", "write it as 02:42:ac:11:00:02")
    return text


def detach(roots, container_id, network, release=False, links=True):
    """Take a container out of a network. Not being in it is success.

    :param release: give up the addresses, too. Otherwise they stay the container's, for its next start.
    :param links: False leaves the link to the end of the container's namespace, see :func:`detach_all`.
    """
    store = NetworkStore(roots)
    found = store.find(network)
    if found is None:
        return
    endpoint = store.endpoint(found.name, container_id)
    if endpoint is None:
        return
    if links:
        driver_for(roots, found.driver).detach(found, endpoint)
    with roots.lock("networks"):
        if release:
            store.remove_endpoint(endpoint)
        elif endpoint.attached:
            store.save_endpoint(endpoint.replace(attached=False))


def detach_all(roots, container_id, keep_leases=False, links=True):
    """Take a container out of all of its networks and unpublish its ports. Every step is tried.

    :param keep_leases: it will be started again: addresses stay reserved for it.
    :param links: False leaves the links to the end of the container's namespace, which takes them along. The kernel needs about 40 ms to
        remove a link that is waited for, and nothing to remove one in the background.
    """
    collector = Collector("networks of container %s" % container_id[:12])
    with collector.step():
        ports.unpublish(roots, container_id, forget=not keep_leases)
    for endpoint in NetworkStore(roots).endpoints_of(container_id):
        with collector.step():
            detach(roots, container_id, endpoint.network, release=not keep_leases, links=links)
    collector.finish()


def observe(roots, endpoint):
    """list of str: what the kernel lacks of an endpoint, seen from the host. Cheap: two questions to the kernel, no pyroute2."""
    network = NetworkStore(roots).get(endpoint.network)
    if network is None or network.id != endpoint.network_id:
        return ["network %s is not the one that the container was attached to" % endpoint.network]
    return driver_for(roots, network.driver).observe_endpoint(network, endpoint)


def endpoints_of(roots, container_id):
    """Every :class:`Endpoint` of a container, by interface name."""
    return NetworkStore(roots).endpoints_of(container_id)


def loopback_up(path):
    """Bring up ``lo`` in a namespace: for containers in no network."""
    veth.loopback_up(path)
