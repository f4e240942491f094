# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One network: made, observed, repaired, removed. Records and kernel together."""

from __future__ import annotations

import os
import time

from .. import state
from ..errors import Conflict, InvalidValue
from ..spec.network import DEFAULT_NETWORK, NAME, OPTION_BRIDGE_NAME, OPTION_MTU, RESERVED_NAMES, Network, NetworkSpec, Pool
from . import ipam, leases, netlink
from .bridge import link_name
from .driver import driver_for
from .firewall import nftables
from .store import NetworkStore


def check_name(name):
    """:raises InvalidValue: a network cannot have that name."""
    if not NAME.match(name or ""):
        raise InvalidValue("name", name, "is not a name for a network", "use letters, digits, '_', '.' and '-', a letter or digit first")
    if name in RESERVED_NAMES:
        raise InvalidValue("name", name, "is reserved", "choose another name")


def taken_subnets(roots, leave_out=None):
    """List of (CIDR, what it belongs to): other networks of this engine, addresses and routes of the host.

    :param leave_out: a :class:`Network` that does not count, nor what its bridge has.
    """
    taken = []
    for network in NetworkStore(roots).list():
        if leave_out is None or network.name != leave_out.name:
            taken += [(pool.subnet, "network %s" % network.name) for pool in network.pools]
    with netlink.Netlink() as host:
        links = {link.index: link.name for link in host.links()}
        own = {index for index, name in links.items() if leave_out is not None and name == leave_out.link}
        taken += [("%s/%d" % (each.address, each.prefix_length), "interface %s" % links.get(each.index, "?"))
                  for each in host.addresses() if each.index not in own and not each.address.startswith("fe80:")]
        taken += [(route.destination, "the host's route over %s" % links.get(route.index, route.gateway or "?")) for route in host.routes()
                  if route.destination != "default" and route.index not in own and not route.destination.startswith(("fe80:", "ff"))]
    return taken


def resolve(roots, spec, existing=None):
    """The :class:`Network` that a :class:`NetworkSpec` leads to: every choice is made, nothing is done.

    :param existing: the :class:`Network` that it takes the place of; unset choices stay as they are there.
    :raises Conflict: its subnet overlaps with another network, or with an address or a route of the host.
    """
    check_name(spec.name)
    known = existing or Network(id=state.new_id(), name=spec.name, created=now(), link="")
    options = known.driver_options if spec.driver_options is None else spec.driver_options
    network = known.replace(
        driver=spec.driver or known.driver, driver_options=options,
        enable_ipv6=known.enable_ipv6 if spec.enable_ipv6 is None else spec.enable_ipv6,
        ipam_driver=spec.ipam_driver or known.ipam_driver,
        ipam_driver_options=known.ipam_driver_options if spec.ipam_driver_options is None else spec.ipam_driver_options,
        internal=known.internal if spec.internal is None else spec.internal,
        labels=known.labels if spec.labels is None else spec.labels)
    if network.ipam_driver != "default":
        raise InvalidValue("ipam_driver", network.ipam_driver, "is not an address driver of this engine", "leave it out, or use default")
    network = network.replace(link=options.get(OPTION_BRIDGE_NAME) or link_name(network.id), mtu=_mtu(options, existing),
                              pools=_pools(roots, spec, network, existing))
    driver_for(roots, network.driver).validate(network)
    if existing is None or network.link != existing.link:
        _check_link(roots, network)
    return network


def _check_link(roots, network):
    """:raises Conflict: the bridge's name belongs to another network, or to an interface of the host, which would go with the network."""
    owner = next(("network %s" % other.name for other in NetworkStore(roots).list()
                  if other.link == network.link and other.name != network.name), None)
    if owner is None:
        with netlink.Netlink() as host:
            if all(link.name != network.link for link in host.links()):
                return
        owner = "an interface of the host"
    raise Conflict("driver_options[%s]: %s is %s" % (OPTION_BRIDGE_NAME, network.link, owner),
                   "choose another name, or remove that one first")


def _pools(roots, spec, network, existing):
    pools = (existing.pools if existing else ()) if spec.pools is None else spec.pools
    if any(pool.version == 6 for pool in pools) and not network.enable_ipv6:
        if spec.pools is not None:
            subnet = next(pool.subnet for pool in pools if pool.version == 6)
            raise InvalidValue("ipam_config", subnet, "is an IPv6 subnet, but enable_ipv6 is not set", "set enable_ipv6: true")
        pools = tuple(pool for pool in pools if pool.version == 4)
    pools = _completed(network, tuple(ipam.with_gateway(pool) for pool in pools), existing)
    if existing and pools == existing.pools and (not network.enable_ipv6 or existing.pool(6)):
        return pools
    taken = taken_subnets(roots, existing)
    for pool in pools:
        ipam.check_overlap("ipam_config", pool, taken)
    if not any(pool.version == 4 for pool in pools):
        pools = (Pool(subnet=ipam.choose_subnet(taken)), *pools)
    if network.enable_ipv6 and not any(pool.version == 6 for pool in pools):
        pools = (*pools, Pool(subnet=ipam.choose_subnet6("%s %s" % (roots.namespace, network.name), taken)))
    return tuple(sorted((ipam.with_gateway(pool) for pool in pools), key=lambda pool: pool.version))


def _completed(network, pools, existing):
    """The pools, with those of the existing network for an IP version that was left to the engine."""
    for version in (4, 6) if network.enable_ipv6 else (4,):
        kept = existing.pool(version) if existing is not None else None
        if kept is not None and not any(pool.version == version for pool in pools):
            pools = (*pools, kept)
    return tuple(sorted(pools, key=lambda pool: pool.version))


def _mtu(options, existing):
    """The MTU asked for, that of the existing network, or that of the host's way out where it is below 1500."""
    text = options.get(OPTION_MTU)
    if text is not None:
        if not (text.isascii() and text.isdigit()):
            raise InvalidValue("driver_options[%s]" % OPTION_MTU, text, "is not a number")
        return int(text)
    if existing is not None and OPTION_MTU not in existing.driver_options:
        return existing.mtu
    with netlink.Netlink() as host:
        out = next((route for route in host.routes() if route.destination == "default" and route.index), None)
        link = host.link(index=out.index) if out else None
    return min(1500, link.mtu) if link is not None and link.mtu >= 576 else 1500


def now():
    """The time as RFC 3339 has it, in UTC with nanoseconds."""
    nanoseconds = time.time_ns()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(nanoseconds // 10 ** 9)) + ".%09dZ" % (nanoseconds % 10 ** 9)


def create(roots, network, spec=None):
    """Make a network that :func:`resolve` returned. Its record comes first: whatever a kill leaves is repaired by :func:`repair`.

    :param spec: the :class:`NetworkSpec` that it came from: what another task made or took meanwhile is looked at once more.
    :raises Conflict: there is another one of that name already, or its subnet is taken (since it was resolved).
    """
    store = NetworkStore(roots)
    with roots.lock("networks"):
        there = store.get(network.name)
        if there is not None:
            if spec is not None and resolve(roots, spec, there) == there:
                return
            raise Conflict("network %s exists already" % network.name, "run the task again: another one made it at the same time")
        network = _still_free(roots, network, spec)
        store.save(network)
        try:
            driver_for(roots, network.driver).ensure(network)
            nftables.sync(roots)
        except BaseException:
            _undo(roots, network)
            raise


def _still_free(roots, network, spec):
    """The network, with other automatic subnets where one of them was taken meanwhile."""
    taken = taken_subnets(roots)
    try:
        for pool in network.pools:
            ipam.check_overlap("ipam_config", pool, taken)
    except Conflict:
        if spec is None:
            raise
        return resolve(roots, spec)
    return network


def _undo(roots, network):
    try:
        driver_for(roots, network.driver).remove(network)
        if nftables.present(roots):
            nftables.sync(roots, leave_out=network.name)
    finally:
        NetworkStore(roots).remove(network.name)


def update(roots, network):
    """Store a network that differs only in what can change in place, and bring the kernel to it."""
    with roots.lock("networks"):
        NetworkStore(roots).save(network)
        driver_for(roots, network.driver).ensure(network)
        nftables.sync(roots)


def recreate(roots, network):
    """Make a stored network anew with other properties, under its name and ID.

    The leases come along: an address that does not fit any more is replaced. The new record is written first, so that a kill leaves a
    network that :func:`repair` brings to its new state; containers that run are attached again at once.
    """
    store = NetworkStore(roots)
    with roots.lock("networks"):
        before = store.require(network.name)
        old = driver_for(roots, before.driver)
        for endpoint in store.endpoints(network.name):
            old.detach(before, endpoint)
        store.save(network)
        old.remove(before)
        driver = driver_for(roots, network.driver)
        driver.ensure(network)
        for endpoint in store.endpoints(network.name):
            endpoint = leases.renew(store, network, endpoint)
            path = store.namespace_of(endpoint.container_id)
            if endpoint.attached and path:
                driver.attach(network, endpoint, path)
        leases.move_ports(store, network)
        nftables.sync(roots)


def remove(roots, name):
    """Remove a network. Containers in it lose their link; the caller has made sure that this is wanted."""
    store = NetworkStore(roots)
    with roots.lock("networks"):
        network = store.get(name)
        if network is None:
            return
        driver = driver_for(roots, network.driver)
        for endpoint in store.endpoints(name):
            driver.detach(network, endpoint)
        driver.remove(network)
        nftables.sync(roots, leave_out=name)
        # last, so that a kill before it leaves a network that can be removed again
        store.remove(name)


def ensure_default(roots):
    """The network ``bridge``, made if there is none."""
    store = NetworkStore(roots)
    spec = NetworkSpec(name=DEFAULT_NETWORK)
    for _attempt in range(2):
        network = store.get(DEFAULT_NETWORK)
        if network is not None:
            return network
        try:
            create(roots, resolve(roots, spec), spec)
        except Conflict:
            if store.get(DEFAULT_NETWORK) is None:
                raise
    return store.require(DEFAULT_NETWORK)


def observe(roots, network):
    """list of str: what the kernel lacks of a network, and what is left over.

    Bridge, addresses, settings, firewall, links of containers that run, leases of containers that are gone.
    """
    store = NetworkStore(roots)
    driver = driver_for(roots, network.driver)
    findings = driver.observe(network)
    for endpoint in store.endpoints(network.name):
        if is_orphan(roots, store, endpoint):
            findings.append("a lease of container %s is left over" % endpoint.container_name)
        elif endpoint.attached and store.namespace_of(endpoint.container_id):
            findings += driver.observe_endpoint(network, endpoint)
    return list(dict.fromkeys(findings)) + nftables.drift(roots)


def is_orphan(roots, store, endpoint):
    """Whether the container of an endpoint is gone: it was killed while it was made or removed."""
    return not os.path.exists(os.path.join(roots.containers, endpoint.container_id)) and store.namespace_of(endpoint.container_id) is None


def repair(roots, network):
    """Bring the kernel back to what is stored. Running containers keep their addresses."""
    store = NetworkStore(roots)
    with roots.lock("networks"):
        driver = driver_for(roots, network.driver)
        driver.ensure(network)
        for endpoint in store.endpoints(network.name):
            path = store.namespace_of(endpoint.container_id)
            if is_orphan(roots, store, endpoint):
                driver.detach(network, endpoint)
                store.remove_endpoint(endpoint)
                store.remove_published(endpoint.container_id)
            elif endpoint.attached and path and driver.observe_endpoint(network, endpoint):
                driver.attach(network, endpoint, path)
        nftables.sync(roots)
