# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers in networks: attach, detach, observe. It knows containers by ID, name and namespace path only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

from ..errors import Collector
from ..spec.document import Document
from . import leases, names, ports, veth
from .driver import driver_for
from .firewall import nftables
from .store import NetworkStore


@dataclass(frozen=True)
class AttachRequest(Document):
    """One container into one network. ``netns`` is the path of its namespace, ``ifname`` what the interface is called in there.

    ``default_route``: the way to the world leads over this network. The first network that is not internal has it anyway.
    """

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
    default_route: bool = False


def attach(roots, request):
    """Put a container into a network; its address is the one it had there before, where it is still fit.

    Attaching again repairs what is missing and disturbs nothing that is right. /etc/hosts files are ``names.refresh``'s.

    :returns: the :class:`Endpoint`.
    :raises NotFound: there is no such network. Conflict: an address is taken. InvalidValue: an address does not fit.
    """
    store = NetworkStore(roots)
    with roots.lock("networks"):
        network = store.require(request.network)
        before = store.endpoint(network.name, request.container_id)
        endpoint = leases.lease(store, network, request, before)
        if endpoint != before:
            store.save_endpoint(endpoint)
        driver = driver_for(roots, network.driver)
        try:
            driver.attach(network, endpoint, request.netns)
            nftables.ensure(roots)
        except BaseException:
            if before is None:
                _forget(store, driver, network, endpoint)
            raise
    return endpoint


def _forget(store, driver, network, endpoint):
    """Take back an attach that failed half way."""
    try:
        driver.detach(network, endpoint)
    finally:
        store.remove_endpoint(endpoint)


def reserve(roots, request):
    """Put a container that does not run into a network: it has its addresses, and :func:`reattach` gives it the link when it starts.

    :returns: the :class:`Endpoint`, not attached.
    """
    store = NetworkStore(roots)
    with roots.lock("networks"):
        network = store.require(request.network)
        before = store.endpoint(network.name, request.container_id)
        endpoint = leases.lease(store, network, request, before).replace(attached=False)
        if endpoint != before:
            store.save_endpoint(endpoint)
    return endpoint


def reattach(roots, container_id, netns, leave_out=()):
    """Attach a container that starts to the networks that it has a place in besides those of its own spec (module network's ``connected``).

    :param netns: path of its namespace. ``leave_out``: names of the networks that are attached already.
    :returns: list of :class:`Endpoint`.
    """
    done = []
    for endpoint in NetworkStore(roots).endpoints_of(container_id):
        if endpoint.network not in leave_out:
            done.append(attach(roots, AttachRequest(
                network=endpoint.network, container_id=container_id, container_name=endpoint.container_name, netns=netns,
                ifname=endpoint.ifname, hostname=endpoint.hostname, aliases=endpoint.aliases, mac_address=endpoint.mac_address,
                default_route=endpoint.default_route)))
    return done


def free_ifname(roots, container_id):
    """The first ethN that none of the container's endpoints has."""
    used = {endpoint.ifname for endpoint in NetworkStore(roots).endpoints_of(container_id)}
    return next(name for name in ("eth%d" % number for number in range(len(used) + 1)) if name not in used)


def detach(roots, container_id, network, release=False):
    """Take a container out of a network; it and the others of the network forget each other's names. Not being in it is success.

    :param release: give up the addresses, too. Otherwise they stay the container's, for its next start.
    """
    store = NetworkStore(roots)
    found = store.find(network)
    endpoint = store.endpoint(found.name, container_id) if found is not None else None
    if endpoint is not None:
        _detach(roots, store, found, endpoint, release, links=True)
        names.refresh(roots, found.name, leavers=(container_id,))


def _detach(roots, store, found, endpoint, release, links):
    if links:
        driver_for(roots, found.driver).detach(found, endpoint)
    with roots.lock("networks"):
        if release:
            store.remove_endpoint(endpoint)
        elif endpoint.attached:
            store.save_endpoint(endpoint.replace(attached=False))
        if links and endpoint.default_route and not found.internal:
            _pass_on_default_route(roots, store, endpoint)


def _pass_on_default_route(roots, store, left):
    """Give the default route to another network of a container that runs on."""
    path = store.namespace_of(left.container_id)
    if path is None or leases.carries_default_route(store, left.container_id, left.network):
        return
    for endpoint in store.endpoints_of(left.container_id):
        network = store.get(endpoint.network)
        if endpoint.network != left.network and endpoint.attached and network is not None and not network.internal:
            endpoint = endpoint.replace(default_route=True)
            store.save_endpoint(endpoint)
            driver_for(roots, network.driver).attach(network, endpoint, path)
            return


def detach_all(roots, container_id, keep_leases=False, links=True):
    """Take a container out of all of its networks, unpublish its ports, and let the others forget its names. Every step is tried.

    :param keep_leases: it will be started again: addresses stay reserved for it.
    :param links: False leaves the links to the end of the container's namespace, which takes them along. The kernel needs about 40 ms to
        remove a link that is waited for, and nothing to remove one in the background.
    """
    collector = Collector("networks of container %s" % container_id[:12])
    with collector.step():
        ports.unpublish(roots, container_id, forget=not keep_leases)
    store = NetworkStore(roots)
    left = store.endpoints_of(container_id)
    for endpoint in left:
        with collector.step():
            network = store.get(endpoint.network)
            if network is not None:
                _detach(roots, store, network, endpoint, not keep_leases, links)
    with collector.step():
        names.refresh(roots, *(endpoint.network for endpoint in left if endpoint.attached))
    collector.finish()


def observe(roots, endpoint):
    """list of str: what the kernel lacks of an endpoint and of the container's published ports, seen from the host.

    Cheap: four questions to the kernel; no pyroute2, and no nft as long as nobody touched a rule of the host.
    """
    store = NetworkStore(roots)
    network = store.get(endpoint.network)
    if network is None or network.id != endpoint.network_id:
        return ["network %s is not the one that the container was attached to" % endpoint.network]
    findings = driver_for(roots, network.driver).observe_endpoint(network, endpoint)
    entry = store.published(endpoint.container_id)
    return findings + nftables.missing(roots, entry if entry is not None and entry.active else None)


def endpoints_of(roots, container_id):
    """Every :class:`Endpoint` of a container, by interface name."""
    return NetworkStore(roots).endpoints_of(container_id)


def way_in(roots, container_id):
    """The :class:`Endpoint` that the container's published ports should lead to: an internal network leads nowhere. None without any."""
    return leases.way_in(NetworkStore(roots), container_id)


def loopback_up(path):
    """Bring up ``lo`` in a namespace: for containers in no network."""
    veth.loopback_up(path)
