# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks, endpoints and published ports as data. Addresses are canonical text; each may be IPv4 or IPv6."""

from __future__ import annotations

# pylint: disable=invalid-field-call  # it does not see that document.py's decorator makes a dataclass
import re
from dataclasses import field
from typing import Dict, Optional, Tuple

from .document import Document, document

NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}\Z")
RESERVED_NAMES = frozenset(["host", "none", "default"])
DEFAULT_NETWORK = "bridge"

OPTION_PREFIX = "com.docker.network."
OPTION_BRIDGE_NAME = OPTION_PREFIX + "bridge.name"
OPTION_MASQUERADE = OPTION_PREFIX + "bridge.enable_ip_masquerade"
OPTION_ICC = OPTION_PREFIX + "bridge.enable_icc"
OPTION_MTU = OPTION_PREFIX + "driver.mtu"


@document
class Pool(Document):
    """One subnet of a network: ``subnet`` and ``iprange`` as CIDR, ``aux_addresses`` names those that are never given to a container."""

    subnet: str
    gateway: Optional[str] = None
    iprange: Optional[str] = None
    aux_addresses: Dict[str, str] = field(default_factory=dict)

    @property
    def version(self):
        """4 or 6."""
        return 6 if ":" in self.subnet else 4

    @property
    def prefix_length(self):
        return int(self.subnet.rpartition("/")[2])


@document
class NetworkSpec(Document):
    """What a user wants of a network. ``None`` leaves a choice to the engine (on an existing network: leaves it as it is)."""

    name: str
    driver: Optional[str] = None
    driver_options: Optional[Dict[str, str]] = None
    enable_ipv6: Optional[bool] = None
    ipam_driver: Optional[str] = None
    ipam_driver_options: Optional[Dict[str, str]] = None
    pools: Optional[Tuple[Pool, ...]] = None
    internal: Optional[bool] = None
    labels: Optional[Dict[str, str]] = None

    NESTED = {"pools": Pool}


@document
class Network(Document):
    """A stored network. ``link`` is the name of its bridge, ``created`` an RFC 3339 time; every pool has its gateway."""

    id: str
    name: str
    created: str
    link: str
    driver: str = "bridge"
    driver_options: Dict[str, str] = field(default_factory=dict)
    enable_ipv6: bool = False
    ipam_driver: str = "default"
    ipam_driver_options: Dict[str, str] = field(default_factory=dict)
    pools: Tuple[Pool, ...] = ()
    internal: bool = False
    labels: Dict[str, str] = field(default_factory=dict)
    mtu: int = 1500

    NESTED = {"pools": Pool}

    def option(self, key, default):
        """A boolean driver option."""
        return self.driver_options.get(key, str(default)).lower() in ("true", "1", "yes", "on")

    @property
    def masquerade(self):
        return not self.internal and self.option(OPTION_MASQUERADE, True)

    def pool(self, version):
        """The first pool of IP version 4 or 6, or None."""
        return next((pool for pool in self.pools if pool.version == version), None)


@document
class Endpoint(Document):
    """A container's place in a network. It is the lease of the addresses, too, and outlives the link while the container exists."""

    network: str
    network_id: str
    container_id: str
    container_name: str
    ifname: str
    host_ifname: str
    mac_address: str
    hostname: Optional[str] = None
    ipv4_address: Optional[str] = None
    ipv4_prefix_length: Optional[int] = None
    ipv4_gateway: Optional[str] = None
    ipv6_address: Optional[str] = None
    ipv6_prefix_length: Optional[int] = None
    ipv6_gateway: Optional[str] = None
    aliases: Tuple[str, ...] = ()
    default_route: bool = False
    attached: bool = True

    @property
    def id(self):
        """64 hexadecimal digits, the same for the same container and network."""
        import hashlib  # pylint: disable=import-outside-toplevel

        return hashlib.sha256(("%s %s" % (self.network_id, self.container_id)).encode()).hexdigest()

    def addresses(self):
        """Tuple of (address, prefix length, gateway or None), IPv4 first."""
        both = ((self.ipv4_address, self.ipv4_prefix_length, self.ipv4_gateway),
                (self.ipv6_address, self.ipv6_prefix_length, self.ipv6_gateway))
        return tuple(each for each in both if each[0])


@document
class PortBinding(Document):
    """A published port. ``host_port`` 0 lets the engine choose; ``host_ip`` "" is every address of IPv4 and IPv6."""

    container_port: int
    protocol: str = "tcp"
    host_ip: str = ""
    host_port: int = 0


@document
class Published(Document):
    """The published ports of one container and the addresses that they lead to. Not ``active``: it is stopped, and remembers its ports."""

    container_id: str
    container_name: str = ""
    ipv4_address: Optional[str] = None
    ipv6_address: Optional[str] = None
    ports: Tuple[PortBinding, ...] = ()
    active: bool = True

    NESTED = {"ports": PortBinding}
