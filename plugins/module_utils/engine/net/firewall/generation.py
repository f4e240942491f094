# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two questions to nf_tables over netlink, without nft(8): has anything changed since, and is a table there?

The kernel counts the transactions of a network namespace. As long as the count is the one that our last transaction made, nobody has
touched any rule, so a task that changes nothing need not list them (nf_tables.h, NFT_MSG_GETGEN).
"""

from __future__ import annotations

import errno
import os
import socket
import struct

NETLINK_NETFILTER = 12
NFNL_SUBSYS_NFTABLES = 10
NFT_MSG_NEWTABLE, NFT_MSG_GETTABLE = 0, 1
NFT_MSG_NEWGEN, NFT_MSG_GETGEN = 15, 16
NFTA_TABLE_NAME = 1
NFTA_GEN_ID = 1
NFPROTO_INET = 1
NLM_F_REQUEST = 1
NLMSG_ERROR = 2


def current():
    """The number of the last transaction in this network namespace, or None where the kernel does not say."""
    answer = _ask(NFT_MSG_GETGEN, 0, b"")
    if answer is None:
        return None
    offset = 20
    while offset + 4 <= len(answer):
        length, kind = struct.unpack_from("=HH", answer, offset)
        if kind & 0x3FFF == NFTA_GEN_ID:
            return struct.unpack_from("!I", answer, offset + 4)[0]
        offset += max(4, (length + 3) & ~3)
    return None


def has_table(name):
    """Whether there is a table of that name in family inet."""
    text = name.encode() + b"\0"
    attribute = struct.pack("=HH", 4 + len(text), NFTA_TABLE_NAME) + text + b"\0" * (-len(text) % 4)
    return _ask(NFT_MSG_GETTABLE, NFPROTO_INET, attribute) is not None


def namespace():
    """What tells this network namespace from another: its inode number."""
    return os.stat("/proc/thread-self/ns/net").st_ino


def _ask(message, family, body):
    """The answer (with its header) to one nfnetlink request, or None where there is no such object, or no nf_tables."""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_NETFILTER) as channel:
            channel.settimeout(5)
            payload = struct.pack("=BBH", family, 0, 0) + body
            header = struct.pack("=IHHII", 16 + len(payload), NFNL_SUBSYS_NFTABLES << 8 | message, NLM_F_REQUEST, 1, 0)
            channel.sendto(header + payload, (0, 0))
            answer = channel.recv(65536)
    except OSError as error:
        if error.errno in (errno.EPROTONOSUPPORT, errno.EPERM, errno.EACCES) or isinstance(error, socket.timeout):
            return None
        raise
    if struct.unpack_from("=H", answer, 4)[0] == NLMSG_ERROR:
        return None
    return answer
