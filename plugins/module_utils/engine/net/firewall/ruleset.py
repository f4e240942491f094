# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our nftables table as text. The rules never change: what differs from host to host are the elements of its sets and maps."""

from __future__ import annotations

import re

from ...spec.network import OPTION_ICC

PROTOCOLS = {"tcp": 6, "udp": 17, "sctp": 132}

SETS = {
    "bridges": "type ifname",
    "internal": "type ifname",
    "same": "type ifname . ifname",
    "subnets4": "type ipv4_addr; flags interval",
    "subnets6": "type ipv6_addr; flags interval",
    "masquerade4": "type ipv4_addr; flags interval",
    "masquerade6": "type ipv6_addr; flags interval",
}
MAPS = {
    "any4": "type inet_proto . inet_service : ipv4_addr . inet_service",
    "any6": "type inet_proto . inet_service : ipv6_addr . inet_service",
    "host4": "type inet_proto . ipv4_addr . inet_service : ipv4_addr . inet_service",
    "host6": "type inet_proto . ipv6_addr . inet_service : ipv6_addr . inet_service",
}

# loopback: a bridge has route_localnet on, so that 127.0.0.1 of the host can lead to a container; the way back into the host is shut here.
# publish: ::1 is left out, because the kernel cannot route it to a container: a refused connection is better than one that hangs.
# forward: what is not about our bridges passes. To them come answers and published ports only, so they do not reach each other, either.
# What belongs to no flow is not translated, and must not show a container's own address outside.
# postrouting: who comes from the host's loopback or from a container to a published port gets the bridge's address, so that the answer
# takes the same way back (hairpin); then what leaves our subnets for elsewhere is masqueraded.
CHAINS = """
  chain loopback {
    type filter hook prerouting priority raw; policy accept;
    iifname @bridges ip daddr 127.0.0.0/8 drop
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    ip daddr 127.0.0.0/8 return
    fib daddr type local jump publish
  }
  chain output {
    type nat hook output priority -100; policy accept;
    fib daddr type local jump publish
  }
  chain publish {
    dnat ip to meta l4proto . ip daddr . th dport map @host4
    dnat ip to meta l4proto . th dport map @any4
    ip6 daddr ::1 return
    dnat ip6 to meta l4proto . ip6 daddr . th dport map @host6
    dnat ip6 to meta l4proto . th dport map @any6
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname . oifname @same accept
    iifname @internal drop
    oifname @internal drop
    iifname @bridges ct state invalid drop
    oifname @bridges ct state established,related accept
    oifname @bridges ct status dnat accept
    oifname @bridges drop
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname @bridges ct status dnat ip saddr 127.0.0.0/8 masquerade
    oifname @bridges ct status dnat ip saddr @subnets4 masquerade
    oifname @bridges ct status dnat ip6 saddr @subnets6 masquerade
    oifname != @bridges ip saddr @masquerade4 masquerade
    oifname != @bridges ip6 saddr @masquerade6 masquerade
  }
"""


def elements(networks, published):
    """What every set and map holds: dict name -> sorted list of elements as text, protocols as numbers, interface names in quotes.

    :param networks: iterable of Network. ``published``: iterable of Published, of containers that run.
    """
    found = {name: [] for name in (*SETS, *MAPS)}
    for network in networks:
        link = '"%s"' % network.link
        found["bridges"].append(link)
        if network.internal:
            found["internal"].append(link)
        if network.option(OPTION_ICC, True):
            found["same"].append("%s . %s" % (link, link))
        for pool in network.pools:
            found["subnets%d" % pool.version].append(pool.subnet)
            if network.masquerade:
                found["masquerade%d" % pool.version].append(pool.subnet)
    for entry in published:
        for port in entry.ports:
            _publish(found, entry, port)
    return {name: sorted(set(values)) for name, values in found.items()}


def _publish(found, entry, port):
    number = PROTOCOLS[port.protocol]
    for version, everywhere, address in ((4, ("", "0.0.0.0"), entry.ipv4_address), (6, ("", "::"), entry.ipv6_address)):
        if not address:
            continue
        target = "%s . %d" % (address, port.container_port)
        if port.host_ip in everywhere:
            found["any%d" % version].append("%d . %d : %s" % (number, port.host_port, target))
        elif port.host_ip and (":" in port.host_ip) == (version == 6):
            found["host%d" % version].append("%d . %s . %d : %s" % (number, port.host_ip, port.host_port, target))


def table(name, values):
    """The text that replaces the whole table in one transaction."""
    lines = ["table inet %s {}" % name, "delete table inet %s" % name, "table inet %s {" % name]
    for kind, declarations in (("set", SETS), ("map", MAPS)):
        for key, declaration in declarations.items():
            content = "; elements = { %s }" % ", ".join(values[key]) if values[key] else ""
            lines.append("  %s %s { %s%s; }" % (kind, key, declaration, content))
    return "\n".join(lines) + CHAINS + "}\n"


def difference(name, before, after):
    """The text that turns the elements ``before`` into ``after`` in one transaction; "" if they are the same."""
    lines = []
    for verb, source, other in (("delete", before, after), ("add", after, before)):
        for key in (*SETS, *MAPS):
            values = sorted(set(source.get(key, ())) - set(other.get(key, ())))
            if values:
                lines.append("%s element inet %s %s { %s }\n" % (verb, name, key, ", ".join(values)))
    return "".join(lines)


def read_listing(listing):
    """What ``nft -j list table`` showed, as a pair: the rules without elements and handles, and elements as :func:`elements` has them."""
    rules = []
    found = {}
    for item in listing.get("nftables", ()):
        for kind, body in item.items():
            if kind == "metainfo":
                continue
            body = {key: value for key, value in body.items() if key != "handle"}
            if kind in ("set", "map"):
                quote = body["type"] == "ifname" or "ifname" in body["type"]
                found[body["name"]] = sorted(_element(value, quote) for value in body.pop("elem", ()))
            rules.append({kind: body})
    return rules, found


def _element(value, quote):
    if isinstance(value, list):
        return " : ".join(_element(each, quote) for each in value)
    if isinstance(value, dict):
        if "concat" in value:
            return " . ".join(_element(each, quote) for each in value["concat"])
        if "prefix" in value:
            return "%s/%d" % (value["prefix"]["addr"], value["prefix"]["len"])
        if "elem" in value:
            return _element(value["elem"]["val"], quote)
        return re.sub(r"\s+", "", str(value))
    if quote:
        return '"%s"' % value
    return str(PROTOCOLS.get(value, value))
