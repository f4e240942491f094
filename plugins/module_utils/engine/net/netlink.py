# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""rtnetlink: links, addresses and routes of a network namespace (rtnetlink(7)).

Messages that change something are built by pyroute2's message classes. Socket and answers are our own: pyroute2's sockets differ between
its versions (from 0.8 on each is an event loop), and reading needs no import of it at all, which keeps a task that changes nothing cheap.
Requests go out in batches: one send, then one acknowledgement each.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from dataclasses import dataclass
from typing import Optional

from .. import third_party
from ..linux import netns as namespaces

NLM_F_REQUEST, NLM_F_ACK, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_CREATE, NLM_F_DUMP = 0x1, 0x4, 0x200, 0x100, 0x400, 0x300
NLM_F_ACK_TLVS = 0x200
NLMSG_ERROR, NLMSG_DONE = 2, 3
SOL_NETLINK, NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK = 270, 10, 11, 12
RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_MASTER, IFLA_LINKINFO, IFLA_INFO_KIND = 1, 3, 4, 10, 18, 1
IFLA_INFO_SLAVE_KIND, IFLA_INFO_SLAVE_DATA, IFLA_BRPORT_MODE, IFLA_BRPORT_ISOLATED = 4, 5, 4, 33
IFA_ADDRESS, IFA_LOCAL = 1, 2
IFA_F_NODAD = 0x02
RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_TABLE = 1, 4, 5, 15
RT_TABLE_MAIN = 254
RT_SCOPE_UNIVERSE = 0
RTN_UNICAST = 1
RTPROT_STATIC = 4
IFF_UP = 1

_HEADER = struct.Struct("=IHHII")
_IFINFO = struct.Struct("=BxHiII")
_IFADDR = struct.Struct("=BBBBI")
_RTMSG = struct.Struct("=BBBBBBBBI")
_ATTRIBUTE = struct.Struct("=HH")
_BUFFER = 1 << 18
# A batch must fit into the receive buffer with all of its acknowledgements.
_BATCH = 64


@dataclass(frozen=True)
class Link:
    """One network interface. ``kind`` is bridge, veth, ... or "" for a plain device; ``master`` the index of its bridge or 0."""

    index: int
    name: str
    kind: str
    master: int
    up: bool
    mtu: int
    mac_address: str


@dataclass(frozen=True)
class Address:
    """One address of an interface."""

    index: int
    address: str
    prefix_length: int


@dataclass(frozen=True)
class Route:
    """One route. ``destination`` is a CIDR, or "default"; ``index`` that of the interface or 0."""

    destination: str
    gateway: Optional[str]
    index: int
    table: int


class Netlink:
    """A NETLINK_ROUTE socket in the network namespace at ``path`` (None: the caller's). It stays there wherever the thread goes."""

    def __init__(self, path=None):
        with namespaces.entered(path):
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        for option in (NETLINK_CAP_ACK, NETLINK_EXT_ACK):
            self._socket.setsockopt(SOL_NETLINK, option, 1)
        self._sequence = 0

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self._socket.close()

    # -- reading -------------------------------------------------------------------------------------------------------------------------

    def link(self, name=None, index=0):
        """The :class:`Link` of that name or index, or None."""
        body = _IFINFO.pack(socket.AF_UNSPEC, 0, index, 0, 0)
        if name is not None:
            body += _attribute(IFLA_IFNAME, name.encode() + b"\0")
        try:
            return _link(self._ask(RTM_GETLINK, body)[0])
        except OSError as error:
            if error.errno == errno.ENODEV:
                return None
            raise

    def links(self):
        """Every :class:`Link` of the namespace."""
        return [_link(data) for data in self._dump(RTM_GETLINK, _IFINFO.pack(socket.AF_UNSPEC, 0, 0, 0, 0))]

    def addresses(self, index=0):
        """Every :class:`Address`, or those of one interface."""
        found = [_address(data) for data in self._dump(RTM_GETADDR, _IFADDR.pack(socket.AF_UNSPEC, 0, 0, 0, 0))]
        return [each for each in found if not index or each.index == index]

    def routes(self):
        """Every :class:`Route` of the main table."""
        found = []
        for family in (socket.AF_INET, socket.AF_INET6):
            for data in self._dump(RTM_GETROUTE, _RTMSG.pack(family, 0, 0, 0, 0, 0, 0, 0, 0)):
                route = _route(data)
                if route is not None and route.table == RT_TABLE_MAIN:
                    found.append(route)
        return found

    # -- changing ------------------------------------------------------------------------------------------------------------------------

    def execute(self, *requests):
        """Send requests (made by the functions below) in order, and wait for all of them.

        :raises OSError: of the first that failed; those after it were tried as well.
        """
        failure = None
        for start in range(0, len(requests), _BATCH):
            error = self._batch(requests[start:start + _BATCH])
            failure = failure or error
        if failure is not None:
            raise failure

    def remove(self, link):
        """Remove a link; one that is gone by now is success."""
        try:
            self.execute(delete_link(link.index, link.name))
        except OSError as error:
            if error.errno != errno.ENODEV:
                raise

    def _batch(self, requests):
        parts = []
        waiting = {}
        for request in requests:
            self._sequence += 1
            waiting[self._sequence] = request.what
            flags = request.flags | NLM_F_REQUEST | NLM_F_ACK
            parts.append(_HEADER.pack(_HEADER.size + len(request.body), request.kind, flags, self._sequence, 0))
            parts.append(request.body)
            parts.append(b"\0" * (-len(request.body) % 4))
        self._socket.sendto(b"".join(parts), (0, 0))
        failure = None
        while waiting:
            for kind, flags, sequence, data in messages(self._socket.recv(_BUFFER)):
                if kind != NLMSG_ERROR or sequence not in waiting:
                    continue
                error = _error(data, flags, waiting.pop(sequence))
                failure = failure or error
        return failure

    def _ask(self, kind, body):
        self._sequence += 1
        self._socket.sendto(_HEADER.pack(_HEADER.size + len(body), kind, NLM_F_REQUEST, self._sequence, 0) + body, (0, 0))
        while True:
            for answer, flags, sequence, data in messages(self._socket.recv(_BUFFER)):
                if sequence != self._sequence:
                    continue
                if answer == NLMSG_ERROR:
                    raise _error(data, flags, "netlink request %d" % kind)
                return [data]

    def _dump(self, kind, body):
        self._sequence += 1
        self._socket.sendto(_HEADER.pack(_HEADER.size + len(body), kind, NLM_F_REQUEST | NLM_F_DUMP, self._sequence, 0) + body, (0, 0))
        found = []
        while True:
            for answer, flags, sequence, data in messages(self._socket.recv(_BUFFER)):
                if sequence != self._sequence:
                    continue
                if answer == NLMSG_DONE:
                    return found
                if answer == NLMSG_ERROR:
                    raise _error(data, flags, "netlink dump %d" % kind)
                found.append(data)


# -- requests ----------------------------------------------------------------------------------------------------------------------------


class Request:
    """One message without its header. ``what`` names it in an error."""

    __slots__ = ("body", "flags", "kind", "what")

    def __init__(self, kind, flags, body, what):
        self.kind = kind
        self.flags = flags
        self.body = body
        self.what = what


def new_bridge(name, mac_address, mtu):
    """A bridge that is up. Its own MAC address is fixed: an unset one changes with every port."""
    attributes = [("IFLA_IFNAME", name), ("IFLA_ADDRESS", mac_address), ("IFLA_MTU", mtu),
                  ("IFLA_LINKINFO", {"attrs": [("IFLA_INFO_KIND", "bridge")]})]
    return _link_request(attributes, NLM_F_CREATE | NLM_F_EXCL, "make bridge %s" % name)


def new_veth(name, master, peer, peer_netns, peer_mac_address, mtu):
    """A pair of veth: ``name``, up, as a port of the bridge with index ``master``, and ``peer`` in the namespace of the descriptor.

    The peer is down: the kernel makes it first, and refuses to bring up (ENOTCONN) what has no other end yet.
    """
    other = {"attrs": [("IFLA_IFNAME", peer), ("IFLA_ADDRESS", peer_mac_address), ("IFLA_MTU", mtu), ("IFLA_NET_NS_FD", peer_netns)]}
    attributes = [("IFLA_IFNAME", name), ("IFLA_MTU", mtu), ("IFLA_MASTER", master),
                  ("IFLA_LINKINFO", {"attrs": [("IFLA_INFO_KIND", "veth"), ("IFLA_INFO_DATA", {"attrs": [("VETH_INFO_PEER", other)]})]})]
    return _link_request(attributes, NLM_F_CREATE | NLM_F_EXCL, "make veth %s with its peer %s" % (name, peer))


def _link_request(attributes, flags, what):
    message = _message("ifinfmsg")
    message["flags"] = IFF_UP
    message["change"] = IFF_UP
    message["attrs"] = attributes
    return Request(RTM_NEWLINK, flags, _encoded(message), what)


def link_up(index, what=""):
    """Bring a link up. Needs no pyroute2."""
    return Request(RTM_NEWLINK, 0, _IFINFO.pack(socket.AF_UNSPEC, 0, index, IFF_UP, IFF_UP), "bring up link %s" % (what or index))


def set_link(index, master=None, mtu=None):
    """Change the bridge (0: none) or the MTU of a link. Needs no pyroute2."""
    body = _IFINFO.pack(socket.AF_UNSPEC, 0, index, 0, 0)
    for key, value in ((IFLA_MASTER, master), (IFLA_MTU, mtu)):
        if value is not None:
            body += _attribute(key, struct.pack("=I", value))
    return Request(RTM_NEWLINK, 0, body, "change link %d" % index)


def configure_port(index, hairpin, isolated):
    """Options of a port of a bridge. Needs no pyroute2.

    :param hairpin: frames may go back through the port that they came from. ``isolated``: no traffic with other isolated ports.
    """
    data = _attribute(IFLA_BRPORT_MODE, struct.pack("=B", hairpin)) + _attribute(IFLA_BRPORT_ISOLATED, struct.pack("=B", isolated))
    information = _attribute(IFLA_INFO_SLAVE_KIND, b"bridge\0") + _attribute(IFLA_INFO_SLAVE_DATA, data)
    body = _IFINFO.pack(socket.AF_UNSPEC, 0, index, 0, 0) + _attribute(IFLA_LINKINFO, information)
    return Request(RTM_NEWLINK, 0, body, "configure port %d of a bridge" % index)


def delete_link(index, what=""):
    """Remove a link. Needs no pyroute2."""
    return Request(RTM_DELLINK, 0, _IFINFO.pack(socket.AF_UNSPEC, 0, index, 0, 0), "remove link %s" % (what or index))


def new_address(index, address, prefix_length):
    """Give an address to a link; one that is there already is success. IPv6 is used at once, without duplicate detection."""
    message = _message("ifaddrmsg")
    version6 = ":" in address
    message["family"] = socket.AF_INET6 if version6 else socket.AF_INET
    message["prefixlen"] = prefix_length
    message["index"] = index
    message["flags"] = IFA_F_NODAD if version6 else 0
    message["attrs"] = [("IFA_LOCAL", address), ("IFA_ADDRESS", address)]
    if not version6 and prefix_length < 31:
        mask = 0xFFFFFFFF >> prefix_length
        number = struct.unpack("!I", socket.inet_aton(address))[0] | mask
        message["attrs"].append(("IFA_BROADCAST", socket.inet_ntoa(struct.pack("!I", number))))
    return Request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, _encoded(message), "add address %s/%d" % (address, prefix_length))


def delete_address(index, address, prefix_length):
    """Take an address away from a link. Needs no pyroute2."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    body = _IFADDR.pack(family, prefix_length, 0, 0, index) + _attribute(IFA_LOCAL, socket.inet_pton(family, address))
    return Request(RTM_DELADDR, 0, body, "remove address %s/%d" % (address, prefix_length))


def default_route(gateway, index):
    """The default route over a gateway; it replaces another one of the same metric."""
    message = _message("rtmsg")
    message["family"] = socket.AF_INET6 if ":" in gateway else socket.AF_INET
    message["table"] = RT_TABLE_MAIN
    message["proto"] = RTPROT_STATIC
    message["scope"] = RT_SCOPE_UNIVERSE
    message["type"] = RTN_UNICAST
    message["attrs"] = [("RTA_GATEWAY", gateway), ("RTA_OIF", index)]
    return Request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, _encoded(message), "add a default route over %s" % gateway)


def _message(name):
    """An empty message of pyroute2's class of that name."""
    module = third_party.load_part("pyroute2.netlink.rtnl.%s" % name)
    return getattr(module, name)()


def _encoded(message):
    """The bytes of a pyroute2 message without its header, which the socket writes."""
    message.encode()
    return bytes(message.data[_HEADER.size:])


# -- answers -----------------------------------------------------------------------------------------------------------------------------


def _attribute(kind, value):
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + b"\0" * (-len(value) % 4)


def attributes(data, offset=0):
    """The attributes of a message as a dict number -> bytes (linux/netlink.h, struct nlattr); of a repeated one the last."""
    found = {}
    while offset + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < _ATTRIBUTE.size:
            break
        found[kind & 0x3FFF] = data[offset + _ATTRIBUTE.size:offset + length]
        offset += (length + 3) & ~3
    return found


def messages(data):
    """The messages of one datagram: (type, flags, sequence number, payload)."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, flags, sequence, _port = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size:
            return
        yield kind, flags, sequence, data[offset + _HEADER.size:offset + length]
        offset += (length + 3) & ~3


def _error(data, flags, what):
    """The OSError of an NLMSG_ERROR message, with the kernel's own explanation where it gives one; None for an acknowledgement."""
    number = -struct.unpack_from("=i", data)[0]
    if number == 0:
        return None
    if flags & NLM_F_ACK_TLVS:
        explanation = attributes(data, 4 + _HEADER.size).get(1)
        if explanation:
            what = "%s (%s)" % (what, explanation.rstrip(b"\0").decode(errors="replace"))
    return OSError(number, os.strerror(number), what)


def _link(data):
    _family, _type, index, flags, _change = _IFINFO.unpack_from(data)
    found = attributes(data, _IFINFO.size)
    information = attributes(found.get(IFLA_LINKINFO, b""))
    return Link(index, _text(found.get(IFLA_IFNAME, b"")), _text(information.get(IFLA_INFO_KIND, b"")), _number(found.get(IFLA_MASTER)),
                bool(flags & IFF_UP), _number(found.get(IFLA_MTU)), ":".join("%02x" % byte for byte in found.get(IFLA_ADDRESS, b"")))


def _address(data):
    family, prefix_length, _flags, _scope, index = _IFADDR.unpack_from(data)
    found = attributes(data, _IFADDR.size)
    return Address(index, socket.inet_ntop(family, found.get(IFA_LOCAL) or found[IFA_ADDRESS]), prefix_length)


def _route(data):
    family, length, _source, _tos, table, _protocol, _scope, _type, _flags = _RTMSG.unpack_from(data)
    if family not in (socket.AF_INET, socket.AF_INET6):
        return None
    found = attributes(data, _RTMSG.size)
    destination = "default"
    if RTA_DST in found:
        destination = "%s/%d" % (socket.inet_ntop(family, found[RTA_DST]), length)
    gateway = socket.inet_ntop(family, found[RTA_GATEWAY]) if RTA_GATEWAY in found else None
    return Route(destination, gateway, _number(found.get(RTA_OIF)), _number(found.get(RTA_TABLE)) or table)


def _text(value):
    return value.rstrip(b"\0").decode(errors="replace")


def _number(value):
    return struct.unpack("=I", value)[0] if value else 0
