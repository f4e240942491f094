# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of module container about networks: which ones, addresses, ports, and what the resolver files say."""

from __future__ import annotations

import re

from ..engine.errors import InvalidValue, Unsupported
from ..engine.spec.container import Attachment

_PORTS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?(?:/(tcp|udp|sctp))?\Z")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}\Z")
_HOSTNAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?\Z")
LONGEST_HOSTNAME = 64
"""HOST_NAME_MAX of the kernel."""
LONGEST_DOMAIN = 253


def networks(params):
    """(network_mode, attachments): a mode that is a network's name is that network."""
    mode = params["network_mode"] or "bridge"
    listed = tuple(_attachment(each) for each in params["networks"] or ())
    names = [each.name for each in listed]
    if mode in ("host", "none") or mode.startswith("container:"):
        if listed:
            raise InvalidValue("networks", names, "cannot be joined with network_mode %s" % mode, "leave one of the two out")
        if mode == "container:":
            raise InvalidValue("network_mode", mode, "names no container", "write it as container:NAME")
        return mode, ()
    if mode.startswith("ns:"):
        raise Unsupported("network_mode: %r is not supported yet" % mode, "use bridge, host, none or container:NAME")
    if len(set(names)) != len(names):
        raise InvalidValue("networks", names, "has a network twice")
    if mode in ("bridge", "default"):
        return "bridge", listed
    if mode in names:
        return "bridge", tuple(sorted(listed, key=lambda each: each.name != mode))
    return "bridge", (Attachment(mode),) + listed


def _attachment(entry):
    mac = (entry["mac_address"] or "").lower().replace("-", ":") or None
    if mac and not _MAC.match(mac):
        raise InvalidValue("networks.mac_address", entry["mac_address"], "is not a MAC address", "write it as 02:42:ac:11:00:02")
    if mac and int(mac[:2], 16) & 1:
        raise InvalidValue("networks.mac_address", entry["mac_address"], "is a group address, not that of one interface",
                           "write it as 02:42:ac:11:00:02")
    for alias in entry["aliases"] or ():
        hostname(alias, "networks.aliases", LONGEST_DOMAIN)
    return Attachment(name=entry["name"], aliases=tuple(sorted(set(filter(None, entry["aliases"] or ())))),
                      ipv4_address=address(entry["ipv4_address"], "networks.ipv4_address", 4),
                      ipv6_address=address(entry["ipv6_address"], "networks.ipv6_address", 6), mac_address=mac)


def address(text, option, version=None):
    """An IP address in its shortest form; None for nothing. ``version``: 4, 6 or either."""
    if not text:
        return None
    import ipaddress

    kind = {4: ipaddress.IPv4Address, 6: ipaddress.IPv6Address, None: ipaddress.ip_address}[version]
    try:
        return str(kind(text))
    except ValueError:
        raise InvalidValue(option, text, "is not an %s address" % ("IPv%d" % version if version else "IP")) from None


def published(values, network_mode):
    """The PortBindings of ``published_ports``."""
    if not values:
        return ()
    if network_mode != "bridge":
        raise InvalidValue("published_ports", values, "cannot be published with network_mode %s" % network_mode,
                           "leave published_ports out, or use a bridge network")
    from ..engine.net.ports import parse_ports

    return parse_ports(values)


def exposed(values):
    """``80``, ``53/udp``, ``8000-8010`` -> sorted ("80/tcp", ...)."""
    answer = set()
    for value in values or ():
        match = _PORTS.match(str(value))
        first, last = (int(match.group(1)), int(match.group(2) or match.group(1))) if match else (0, 0)
        if not 0 < first <= last <= 65535:
            raise InvalidValue("exposed_ports", value, "is not a port", "write it as 80, 53/udp or 8000-8010")
        answer.update("%d/%s" % (number, match.group(3) or "tcp") for number in range(first, last + 1))
    return tuple(sorted(answer))


def hostname(text, option, longest=LONGEST_HOSTNAME):
    """A name that sethostname(2) and a line of /etc/hosts take."""
    if text and (len(text) > longest or not _HOSTNAME.match(text)):
        raise InvalidValue(option, text, "is not a host name", "use up to %d letters, digits, dots and hyphens" % longest)
    return text or None


def etc_hosts(values):
    """Sorted dict of names -> addresses."""
    for name, text in values.items():
        hostname(name, "etc_hosts", LONGEST_DOMAIN)
        if not name or not address(text, "etc_hosts"):
            raise InvalidValue("etc_hosts", {name: text}, "is not a name and an IP address", "write it as NAME: ADDRESS")
    return values


def dns_servers(values):
    """Addresses of name servers, in their order."""
    return tuple(address(each, "dns_servers") for each in values or () if each)


def words(values, option):
    """Words of a line of /etc/resolv.conf."""
    for value in values or ():
        if not value or value.split() != [value]:
            raise InvalidValue(option, value, "is no single word", "give a list, one word an entry")
    return tuple(values or ())
