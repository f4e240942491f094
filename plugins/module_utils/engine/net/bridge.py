# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Driver bridge: one Linux bridge a network, the gateway's address on it, a veth pair a container."""

from __future__ import annotations

import hashlib

from ..errors import Conflict, InvalidValue
from ..spec import network as spec
from . import netlink, sysctl, veth
from .driver import Driver


def link_name(network_id):
    """The default name of a network's bridge."""
    return "ag-" + network_id[:12]


class Bridge(Driver):
    """See the module. The firewall is common to all drivers and not its concern."""

    name = "bridge"
    OPTIONS = (spec.OPTION_BRIDGE_NAME, spec.OPTION_MASQUERADE, spec.OPTION_ICC, spec.OPTION_MTU)

    def validate(self, network):
        super().validate(network)
        if len(network.link.encode()) > 15 or not spec.NAME.match(network.link):
            raise InvalidValue("driver_options[%s]" % spec.OPTION_BRIDGE_NAME, network.link, "is not a name for an interface",
                               "use at most 15 letters, digits, '_', '.' and '-'")
        for key in (spec.OPTION_MASQUERADE, spec.OPTION_ICC):
            if network.driver_options.get(key, "true").lower() not in ("true", "false", "1", "0", "yes", "no", "on", "off"):
                raise InvalidValue("driver_options[%s]" % key, network.driver_options[key], "is not true or false")
        if not 68 <= network.mtu <= 65535:
            raise InvalidValue("driver_options[%s]" % spec.OPTION_MTU, network.mtu, "is not an MTU", "use a number between 68 and 65535")
        if network.enable_ipv6 and network.mtu < 1280:
            raise InvalidValue("driver_options[%s]" % spec.OPTION_MTU, network.mtu, "is too small for IPv6",
                               "use 1280 or more, or leave out enable_ipv6")

    def ensure(self, network):
        sysctl.forward_ipv4(self.roots)
        if network.pool(6):
            sysctl.forward_ipv6(self.roots)
        with netlink.Netlink() as host:
            self._bridge(host, network)

    def _bridge(self, host, network):
        """The :class:`~netlink.Link` of the bridge, made and configured if need be."""
        link = host.link(network.link)
        fresh = link is None
        if fresh:
            host.execute(netlink.new_bridge(network.link, _mac_address(network), network.mtu))
            link = host.link(network.link)
        elif link.kind != "bridge":
            raise Conflict("network %s needs a bridge %s, but the host has another interface of that name" % (network.name, network.link),
                           "remove or rename that interface, or choose another name in driver_options")
        self._configure(host, network, link, fresh)
        return link

    def _configure(self, host, network, link, fresh):
        # packets of 127.0.0.1 to a published port leave through the bridge; the firewall drops those that come in for 127.0.0.0/8
        sysctl.write(self.roots, "ipv4/conf/%s/route_localnet" % network.link, "1")
        if network.pool(6) is None:
            sysctl.write(self.roots, "ipv6/conf/%s/disable_ipv6" % network.link, "1")
        else:
            # nobody else can have the link-local address, and until it is settled the host finds no neighbour for packets from outside
            sysctl.write(self.roots, "ipv6/conf/%s/accept_dad" % network.link, "0")
        there = set() if fresh else {(each.address, each.prefix_length) for each in host.addresses(link.index)}
        requests = [netlink.new_address(link.index, pool.gateway, pool.prefix_length) for pool in network.pools
                    if (pool.gateway, pool.prefix_length) not in there]
        if not link.up:
            requests.append(netlink.link_up(link.index, network.link))
        if not fresh and link.mtu != network.mtu:
            requests.append(netlink.set_link(link.index, mtu=network.mtu))
        host.execute(*requests)

    def remove(self, network):
        with netlink.Netlink() as host:
            link = host.link(network.link)
            if link is not None and link.kind == "bridge":
                host.remove(link)

    def observe(self, network):
        with netlink.Netlink() as host:
            link = host.link(network.link)
            return ["bridge %s is missing" % network.link] if link is None else self._observe_bridge(host, network, link)

    def _observe_bridge(self, host, network, link):
        """list of str: what a bridge that is there lacks, and what of the host's settings keeps it from working."""
        findings = []
        if not link.up:
            findings.append("bridge %s is down" % network.link)
        if link.mtu != network.mtu:
            findings.append("bridge %s has MTU %d in place of %d" % (network.link, link.mtu, network.mtu))
        there = {(each.address, each.prefix_length) for each in host.addresses(link.index)}
        findings += ["bridge %s lacks address %s/%d" % (network.link, pool.gateway, pool.prefix_length) for pool in network.pools
                     if (pool.gateway, pool.prefix_length) not in there]
        for key, needed in (("ipv4/ip_forward", True), ("ipv6/conf/all/forwarding", network.pool(6) is not None),
                            ("ipv4/conf/%s/route_localnet" % network.link, True)):
            if needed and sysctl.read(self.roots, key) == "0":
                findings.append("sysctl net.%s is 0" % key.replace("/", "."))
        return findings

    def attach(self, network, endpoint, netns):
        with netlink.Netlink() as host:
            sysctl.forward_ipv4(self.roots)
            if network.pool(6):
                sysctl.forward_ipv6(self.roots)
            link = self._bridge(host, network)
            veth.connect(self.roots, host, endpoint, link.index, netns, network.mtu,
                         default_route=endpoint.default_route and not network.internal, isolated=not network.option(spec.OPTION_ICC, True))

    def detach(self, network, endpoint):
        with netlink.Netlink() as host:
            veth.disconnect(host, endpoint)

    def observe_endpoint(self, network, endpoint):
        with netlink.Netlink() as host:
            link = host.link(endpoint.host_ifname)
            if link is None:
                return ["link %s of network %s is missing" % (endpoint.host_ifname, network.name)]
            bridge = host.link(network.link)
            if bridge is None:
                return ["bridge %s is missing" % network.link]
            if link.master != bridge.index:
                return ["link %s is not a port of bridge %s" % (endpoint.host_ifname, network.link)]
            if not link.up:
                return ["link %s is down" % endpoint.host_ifname]
            return self._observe_bridge(host, network, bridge)


def _mac_address(network):
    return "02:" + ":".join("%02x" % byte for byte in hashlib.sha256(network.id.encode()).digest()[:5])
