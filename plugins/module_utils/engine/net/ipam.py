# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses: which subnet a new network gets, which address a container gets, and what overlaps with what.

Everything here is arithmetic on values that the caller has read; leases are the endpoint files (store.py), taken under the networks' lock.
"""

from __future__ import annotations

import hashlib
import ipaddress

from ..errors import Conflict, InvalidValue
from ..spec.network import Pool

# Where networks without a subnet of their own are put. 10.88.0.0/16 is left to networks that span hosts.
AUTOMATIC = tuple("10.%d.0.0/16" % number for number in range(89, 128)) + ("172.24.0.0/13", "192.168.128.0/17")
AUTOMATIC_PREFIX_LENGTH = 20
NOT_FOR_HOSTS = ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3", "::/127", "fe80::/10", "ff00::/8")
"""This host, loopback, multicast and reserved; the same and link-local in IPv6."""
# tunnels split their default route into halves, to go before the one that is there
_DEFAULT_ROUTE = 1


def parse_pools(configs, option="ipam_config"):
    """Tuple of :class:`Pool` of the module's ``ipam_config`` list, every address canonical.

    :param configs: list of dicts subnet, gateway, iprange, aux_addresses.
    :raises InvalidValue: names the option and the value.
    """
    pools = []
    for number, config in enumerate(configs or ()):
        pools.append(_parse_pool(config, "%s[%d]" % (option, number)))
    for number, pool in enumerate(pools):
        for other in pools[:number]:
            if other.version == pool.version:
                raise InvalidValue(option, pool.subnet, "is a second IPv%d subnet beside %s" % (pool.version, other.subnet),
                                   "give one IPv4 and, with enable_ipv6, one IPv6 subnet")
    return tuple(pools)


def _parse_pool(config, option):
    text = config.get("subnet")
    if not text:
        raise InvalidValue(option + ".subnet", text, "is missing", "give a subnet such as 10.20.0.0/24, or leave ipam_config out")
    try:
        subnet = ipaddress.ip_network(text)
    except ValueError as error:
        hint = "write the network's own address with its prefix length, such as 10.20.0.0/24"
        try:
            hint = "did you mean %s" % ipaddress.ip_network(text, strict=False)
        except ValueError:
            pass
        raise InvalidValue(option + ".subnet", text, "is not a subnet (%s)" % str(error).lower(), hint) from error
    if any(subnet.version == other.version and subnet.overlaps(other) for other in map(ipaddress.ip_network, NOT_FOR_HOSTS)):
        raise InvalidValue(option + ".subnet", text, "has addresses that no host can have",
                           "use a private subnet, such as one of 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or fd00::/8")
    if subnet.num_addresses < 4:
        raise InvalidValue(option + ".subnet", text, "has no room for a gateway and a container", "use a prefix length of at most %d"
                           % (subnet.max_prefixlen - 2))
    gateway = _address_in(subnet, config.get("gateway"), option + ".gateway")
    iprange = _range_in(subnet, config.get("iprange"), option + ".iprange")
    auxiliary = {name: _address_in(subnet, value, "%s.aux_addresses.%s" % (option, name))
                 for name, value in sorted((config.get("aux_addresses") or {}).items())}
    return Pool(subnet=str(subnet), gateway=gateway, iprange=iprange, aux_addresses=auxiliary)


def _address_in(subnet, text, option):
    if text is None:
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        raise InvalidValue(option, text, "is not an IP address") from error
    if address not in subnet:
        raise InvalidValue(option, text, "is not in the subnet %s" % subnet)
    if subnet.version == 4 and address in (subnet.network_address, subnet.broadcast_address):
        raise InvalidValue(option, text, "is the network or broadcast address of %s" % subnet)
    return str(address)


def _range_in(subnet, text, option):
    if text is None:
        return None
    try:
        inner = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise InvalidValue(option, text, "is not a range in CIDR form") from error
    if inner.version != subnet.version or not inner.subnet_of(subnet):
        raise InvalidValue(option, text, "is not in the subnet %s" % subnet)
    return str(inner)


def with_gateway(pool):
    """The pool with a gateway: the first address of the subnet that is free, where none was given."""
    if pool.gateway:
        return pool
    subnet = ipaddress.ip_network(pool.subnet)
    taken = set(pool.aux_addresses.values())
    number = int(subnet.network_address) + 1
    while str(_text(number, subnet.version)) in taken:
        number += 1
    return pool.replace(gateway=_text(number, subnet.version))


def check_overlap(option, pool, taken):
    """:param taken: iterable of (CIDR, what it belongs to).

    :raises Conflict: the pool's subnet overlaps with one of them; both are named.
    """
    subnet = ipaddress.ip_network(pool.subnet)
    for text, owner in taken:
        other = ipaddress.ip_network(text, strict=False)
        if other.version == subnet.version and other.prefixlen > _DEFAULT_ROUTE and subnet.overlaps(other):
            raise Conflict("%s: subnet %s overlaps with %s of %s" % (option, pool.subnet, text, owner),
                           "choose another subnet, or leave ipam_config out to get a free one")


def choose_subnet(taken):
    """A free IPv4 subnet (CIDR) for a network that names none.

    :param taken: iterable of (CIDR, what it belongs to).
    """
    others = [ipaddress.ip_network(text, strict=False) for text, _owner in taken]
    others = [other for other in others if other.version == 4 and other.prefixlen > _DEFAULT_ROUTE]
    for block in AUTOMATIC:
        for subnet in ipaddress.ip_network(block).subnets(new_prefix=AUTOMATIC_PREFIX_LENGTH):
            if not any(subnet.overlaps(other) for other in others):
                return str(subnet)
    raise Conflict("no free subnet is left in %s to %s" % (AUTOMATIC[0], AUTOMATIC[-1]), "name one in ipam_config")


def choose_subnet6(seed, taken):
    """A unique local IPv6 subnet (RFC 4193), a /64 that follows from ``seed`` (text), so that it is the same again."""
    others = [ipaddress.ip_network(text, strict=False) for text, _owner in taken if ":" in text]
    others = [other for other in others if other.prefixlen > _DEFAULT_ROUTE]
    for attempt in range(100):
        digest = hashlib.sha256(("%s %d" % (seed, attempt)).encode()).digest()
        subnet = ipaddress.IPv6Network((int.from_bytes(b"\xfd" + digest[:7] + bytes(8), "big"), 64))
        if not any(subnet.overlaps(other) for other in others):
            return str(subnet)
    raise Conflict("no free IPv6 subnet was found", "name one in ipam_config")


def choose_address(network, pool, used, wanted=None, option="ipv4_address"):
    """An address (text) of the pool for a container.

    :param used: dict address -> name of the container that holds it.
    :param wanted: a particular address; it may lie outside of the pool's range, but not outside of its subnet.
    :raises Conflict: it is taken, or the pool is full.
    """
    subnet = ipaddress.ip_network(pool.subnet)
    if wanted is not None:
        wanted = _address_in(subnet, wanted, option)
        owner = used.get(wanted) or ("the gateway" if wanted == pool.gateway else None)
        if owner is None:
            owner = next(("the auxiliary address %s" % name for name, value in pool.aux_addresses.items() if value == wanted), None)
        if owner:
            raise Conflict("%s: address %s of network %s belongs to %s" % (option, wanted, network, owner),
                           "choose another address, or leave it out to get a free one")
        return wanted
    span = ipaddress.ip_network(pool.iprange) if pool.iprange else subnet
    first, last = int(span.network_address), int(span.broadcast_address)
    if first == int(subnet.network_address):
        first += 1
    if last == int(subnet.broadcast_address) and subnet.version == 4:
        last -= 1
    blocked = {pool.gateway, *pool.aux_addresses.values()}
    for number in range(first, last + 1):
        address = _text(number, subnet.version)
        if address not in used and address not in blocked:
            return address
    raise Conflict("network %s has no free address left in %s" % (network, pool.iprange or pool.subnet),
                   "remove containers, or make the network anew with a larger subnet")


def _text(number, version):
    return str(ipaddress.IPv4Address(number) if version == 4 else ipaddress.IPv6Address(number))


def mac_address(ipv4, seed):
    """A locally administered MAC address. It follows from the IPv4 address: what neighbours remember of a re-used address stays right."""
    if ipv4:
        return "02:42:" + ":".join("%02x" % byte for byte in ipaddress.IPv4Address(ipv4).packed)
    return "02:" + ":".join("%02x" % byte for byte in hashlib.sha256(seed.encode()).digest()[:5])
