# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel settings below /proc/sys/net, of the network namespace that the thread is in."""

from __future__ import annotations

import errno
import os

from ..errors import Unsupported


def read(roots, key):
    """The text of a setting such as ``ipv4/ip_forward``, or None where this kernel has none."""
    try:
        with open(os.path.join(roots.proc, "sys/net", key)) as stream:
            return stream.read().strip()
    except FileNotFoundError:
        return None


def write(roots, key, value):
    """Set it, if it differs. Returns whether it did; a setting that this kernel lacks is left out.

    :raises Unsupported: /proc/sys is read-only here.
    """
    if read(roots, key) in (None, value):
        return False
    path = os.path.join(roots.proc, "sys/net", key)
    try:
        with open(path, "w") as stream:
            stream.write(value)
    except OSError as error:
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise Unsupported("%s cannot be set to %s: %s" % (path, value, os.strerror(error.errno).lower()),
                              "set net.%s = %s on the host itself" % (key.replace("/", "."), value)) from error
        raise
    return True


def bridge_netfilter(roots):
    """Whether bridged frames go through the IP firewall (br_netfilter, which other container engines load).

    A frame to a published port of its own sender is then turned round inside the bridge, which drops it unless the port is in hairpin mode.
    """
    return read(roots, "bridge/bridge-nf-call-iptables") == "1" or read(roots, "bridge/bridge-nf-call-ip6tables") == "1"


def forward_ipv4(roots):
    """Let the host route between its interfaces. Returns whether it did not before."""
    return write(roots, "ipv4/ip_forward", "1")


def forward_ipv6(roots):
    """The same for IPv6. A routing host ignores router advertisements: interfaces that lived by them are told to go on doing so."""
    if read(roots, "ipv6/conf/all/forwarding") in (None, "1"):
        return False
    for name in os.listdir(os.path.join(roots.proc, "sys/net/ipv6/conf")):
        if name not in ("all", "default") and read(roots, "ipv6/conf/%s/accept_ra" % name) == "1":
            write(roots, "ipv6/conf/%s/accept_ra" % name, "2")
    return write(roots, "ipv6/conf/all/forwarding", "1")
