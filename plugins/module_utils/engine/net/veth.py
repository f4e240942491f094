# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pair of links between a container and a bridge."""

from __future__ import annotations

import hashlib
import os

from ..linux import netns as namespaces
from . import netlink, sysctl


def host_name(network_id, container_id):
    """The name of the host's end, of 15 characters. It follows from both IDs, so that a half-made pair is found again after a kill."""
    return "agv" + hashlib.sha256(("%s %s" % (network_id, container_id)).encode()).hexdigest()[:12]


def connect(roots, host, endpoint, master, path, mtu, default_route=False, isolated=False):
    """Make or repair the pair and configure the container's end.

    :param host: a :class:`~netlink.Netlink` of the host. ``master``: index of the bridge. ``path``: the container's namespace.
    :param default_route: the container's way out leads here. ``isolated``: it does not reach the other containers of the network.
    """
    with _inside(roots, path, endpoint) as inside:
        peer = _usable_peer(host, inside, endpoint, master)
        if peer is None:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                host.execute(netlink.new_veth(endpoint.host_ifname, master, endpoint.ifname, fd, endpoint.mac_address, mtu))
            finally:
                os.close(fd)
            peer = inside.link(endpoint.ifname)
        hairpin = sysctl.bridge_netfilter(roots)
        if hairpin or isolated:
            host.execute(netlink.configure_port(host.link(endpoint.host_ifname).index, hairpin, isolated))
        inside.execute(*_configuration(endpoint, peer, default_route))


def _inside(roots, path, endpoint):
    """A socket in the container's namespace. What a new interface starts from is set on the way: IPv6 only where it has an address."""
    with namespaces.entered(path):
        sysctl.write(roots, "ipv6/conf/default/disable_ipv6", "0" if endpoint.ipv6_address else "1")
        sysctl.write(roots, "ipv6/conf/default/accept_ra", "0")
        return netlink.Netlink()


def _usable_peer(host, inside, endpoint, master):
    """The container's end of a pair that is there already and right; one that is not is removed."""
    link = host.link(endpoint.host_ifname)
    if link is None:
        return None
    peer = inside.link(endpoint.ifname)
    if peer is not None and peer.kind == "veth" and peer.mac_address == endpoint.mac_address and link.up:
        if link.master != master:
            host.execute(netlink.set_link(link.index, master=master))
        return peer
    host.remove(link)
    return None


def _configuration(endpoint, peer, default_route):
    requests = [netlink.link_up(1, "lo"), netlink.link_up(peer.index, endpoint.ifname)]
    for address, prefix_length, _gateway in endpoint.addresses():
        requests.append(netlink.new_address(peer.index, address, prefix_length))
    if default_route:
        for _address, _prefix_length, gateway in endpoint.addresses():
            if gateway:
                requests.append(netlink.default_route(gateway, peer.index))
    return requests


def disconnect(host, endpoint):
    """Remove the pair. Returns whether there was one. (It goes by itself when the container's namespace goes.)"""
    link = host.link(endpoint.host_ifname)
    if link is None:
        return False
    host.remove(link)
    return True


def loopback_up(path):
    """Bring up ``lo`` in the namespace at ``path``: for containers without a network. Needs no pyroute2."""
    with netlink.Netlink(path) as inside:
        inside.execute(netlink.link_up(1, "lo"))
