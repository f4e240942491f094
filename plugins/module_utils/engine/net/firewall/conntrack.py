# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forget tracked UDP flows to a host port whose rule has changed (nfnetlink_conntrack.h).

The kernel looks at the rules for the first packet of a flow only. A UDP client that keeps its port goes on to a container that is gone, or
to the host itself where it sent before the port was published, for as long as it goes on sending.
"""

from __future__ import annotations

import errno
import socket
import struct
from typing import NamedTuple

from .. import netlink

NETLINK_NETFILTER = 12
NFNL_SUBSYS_CTNETLINK = 1
IPCTNL_MSG_CT_GET, IPCTNL_MSG_CT_DELETE = 1, 2
CTA_TUPLE_ORIG, CTA_TUPLE_REPLY, CTA_ZONE = 1, 2, 18
CTA_TUPLE_IP, CTA_TUPLE_PROTO = 1, 2
CTA_IP_V4_SRC, CTA_IP_V4_DST, CTA_IP_V6_SRC, CTA_IP_V6_DST = 1, 2, 3, 4
CTA_PROTO_NUM, CTA_PROTO_DST_PORT = 1, 3
NLA_F_NESTED = 0x8000
NFGENMSG = 4


class Flow(NamedTuple):
    """One direction of a tracked flow."""

    protocol: int
    source: str
    destination: str
    destination_port: int


def forget_udp(ports, addresses):
    """Forget the UDP flows to these host ports that end at the host itself or at one of these addresses of containers.

    A host that does not track flows, or whose kernel cannot list them, has none to forget.
    """
    if not ports:
        return
    with netlink.Netlink() as host:
        own = {each.address for each in host.addresses()}
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_NETFILTER) as channel:
            channel.settimeout(10)
            for family in (socket.AF_INET, socket.AF_INET6):
                doomed = [data for data in _dump(channel, family) if _matches(data, ports, addresses, own)]
                for data in doomed:
                    _delete(channel, family, data)
    except OSError as error:
        if error.errno not in (errno.EPROTONOSUPPORT, errno.EINVAL, errno.EOPNOTSUPP) and not isinstance(error, socket.timeout):
            raise


def _matches(data, ports, addresses, own):
    attributes = netlink.attributes(data, NFGENMSG)
    there = _flow(attributes.get(CTA_TUPLE_ORIG, b""))
    back = _flow(attributes.get(CTA_TUPLE_REPLY, b""))
    if there.protocol != socket.IPPROTO_UDP or there.destination_port not in ports:
        return False
    return back.source in addresses or there.destination in own


def _flow(data):
    parts = netlink.attributes(data)
    address, protocol = netlink.attributes(parts.get(CTA_TUPLE_IP, b"")), netlink.attributes(parts.get(CTA_TUPLE_PROTO, b""))
    return Flow(protocol.get(CTA_PROTO_NUM, b"\0")[0], _address(address, CTA_IP_V4_SRC, CTA_IP_V6_SRC),
                _address(address, CTA_IP_V4_DST, CTA_IP_V6_DST), int.from_bytes(protocol.get(CTA_PROTO_DST_PORT, b""), "big"))


def _address(found, key4, key6):
    if key4 in found:
        return socket.inet_ntop(socket.AF_INET, found[key4])
    return socket.inet_ntop(socket.AF_INET6, found[key6]) if key6 in found else ""


def _dump(channel, family):
    """The messages, without their headers, of every flow of an address family."""
    _send(channel, IPCTNL_MSG_CT_GET, netlink.NLM_F_DUMP, family, b"")
    while True:
        for kind, _flags, _sequence, data in netlink.messages(channel.recv(1 << 18)):
            if kind == netlink.NLMSG_DONE:
                return
            if kind == netlink.NLMSG_ERROR:
                raise OSError(-struct.unpack_from("=i", data)[0], "netlink", "list tracked flows")
            yield data


def _delete(channel, family, data):
    """Delete the flow of a dumped message. One that ended by itself meanwhile is success."""
    attributes = netlink.attributes(data, NFGENMSG)
    body = _nested(CTA_TUPLE_ORIG, attributes[CTA_TUPLE_ORIG])
    if CTA_ZONE in attributes:
        body += struct.pack("=HH", 6, CTA_ZONE) + attributes[CTA_ZONE] + b"\0\0"
    _send(channel, IPCTNL_MSG_CT_DELETE, netlink.NLM_F_ACK, family, body)
    for _kind, _flags, _sequence, answer in netlink.messages(channel.recv(1 << 16)):
        number = -struct.unpack_from("=i", answer)[0]
        if number not in (0, errno.ENOENT):
            raise OSError(number, "netlink", "forget a tracked flow")


def _nested(kind, value):
    return struct.pack("=HH", 4 + len(value), kind | NLA_F_NESTED) + value + b"\0" * (-len(value) % 4)


def _send(channel, message, flags, family, body):
    payload = struct.pack("=BBH", family, 0, 0) + body
    header = struct.pack("=IHHII", 16 + len(payload), NFNL_SUBSYS_CTNETLINK << 8 | message, flags | netlink.NLM_F_REQUEST, 1, 0)
    channel.sendto(header + payload, (0, 0))
