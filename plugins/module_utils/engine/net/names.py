# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names: /etc/hosts and /etc/resolv.conf of containers.

A container's hosts file holds lines of its own and one block that this module rewrites whenever a network's members change. It is bind
mounted into the container, so it is changed in place: a file put in its stead would not be seen inside.
"""

from __future__ import annotations

import os
import re

from .store import NetworkStore

BEGIN = "# names of the container's networks"
END = "# end of the names"
SYSTEMD_RESOLVED = "/run/systemd/resolve/resolv.conf"

_NAMESERVER = re.compile(r"^\s*nameserver\s+(\S+)")


def hosts_file(extra_hosts=()):
    """The text that a container's hosts file starts from.

    :param extra_hosts: iterable of (name, address).
    """
    lines = ["127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback", "fe00::\tip6-localnet", "ff00::\tip6-mcastprefix",
             "ff02::1\tip6-allnodes", "ff02::2\tip6-allrouters"]
    lines += ["%s\t%s" % (address, name) for name, address in extra_hosts]
    return "\n".join(lines) + "\n"


def refresh(roots, *networks, leavers=()):
    """Rewrite the block in the hosts file of every container that is in one of these networks (names).

    :param leavers: IDs of containers whose files are rewritten as well, because they have left a network.
    """
    # one after the other: whoever writes last must have read last, or a container that came at the same time is forgotten
    with roots.lock("names"):
        _rewrite(roots, NetworkStore(roots), networks, leavers)


def _rewrite(roots, store, networks, container_ids):
    members = {}

    def members_of(name):
        if name not in members:
            members[name] = [endpoint for endpoint in store.endpoints(name) if endpoint.attached]
        return members[name]

    for network in networks:
        container_ids = (*container_ids, *(endpoint.container_id for endpoint in members_of(network)))
    for container_id in dict.fromkeys(container_ids):
        lines = _lines(store.endpoints_of(container_id), members_of)
        write_block(os.path.join(roots.containers, container_id, "hosts"), lines)


def _lines(own, members_of):
    """The lines of one container: its own first, then the other members of all of its networks."""
    mine = []
    others = []
    for endpoint in own:
        if not endpoint.attached:
            continue
        mine += _entries(endpoint, [endpoint.hostname] if endpoint.hostname else [])
        for other in members_of(endpoint.network):
            if other.container_id != endpoint.container_id:
                others += _entries(other, [])
    return mine + others


def _entries(endpoint, first):
    names = []
    for name in (*first, endpoint.container_name, *endpoint.aliases, endpoint.container_id[:12]):
        if name and name not in names:
            names.append(name)
    return ["%s\t%s" % (address, " ".join(names)) for address, _length, _gateway in endpoint.addresses()]


def write_block(path, lines):
    """Replace the block in the file at ``path``, in place. Returns whether it changed; a container without the file is left alone."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        before = os.read(fd, 1 << 24)
        after = with_block(before.decode(errors="surrogateescape"), lines).encode(errors="surrogateescape")
        if after == before:
            return False
        # one write that is at least as long as what was there: a reader never sees a file without localhost
        padding = b"\n" * max(0, len(before) - len(after))
        os.pwrite(fd, after + padding, 0)
        os.ftruncate(fd, len(after))
        return True
    finally:
        os.close(fd)


def with_block(text, lines):
    """The text with its block replaced (or put at its end)."""
    kept = []
    inside = False
    for line in text.splitlines():
        if line == BEGIN:
            inside = True
        elif line == END and inside:
            inside = False
        elif not inside:
            kept.append(line)
    return "\n".join([*kept, BEGIN, *lines, END]) + "\n"


def resolv_conf(roots, servers=(), search=(), options=(), source="/etc/resolv.conf", own_loopback=False):
    """The text of a container's resolv.conf: the host's, with what is given in place of its parts.

    :param servers, search, options: iterables of str; empty ones leave the host's.
    :param own_loopback: keep the host's nameservers on 127.0.0.0/8 and ::1: the container shares the host's network.
    """
    text = _read(source)
    found = [match.group(1) for match in map(_NAMESERVER.match, text.splitlines()) if match]
    if not own_loopback and not servers:
        outside = [address for address in found if not _is_loopback(address)]
        if found and not outside:
            # a resolver on the host itself (systemd-resolved): its own upstream servers are what a container can reach
            text = _read(SYSTEMD_RESOLVED)
            outside = [match.group(1) for match in map(_NAMESERVER.match, text.splitlines()) if match and not _is_loopback(match.group(1))]
        found = outside
    lines = _keyword(text, "search", search) + _keyword(text, "options", options)
    return "\n".join(["nameserver %s" % address for address in (servers or found)] + lines) + "\n"


def _keyword(text, keyword, values):
    values = list(values)
    if not values:
        for line in text.splitlines():
            words = line.split()
            if words and words[0] in ((keyword, "domain") if keyword == "search" else (keyword,)):
                values = words[1:]
    if values in (["."], []):
        return []
    return ["%s %s" % (keyword, " ".join(values))]


def _read(path):
    try:
        with open(path, errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""


def _is_loopback(address):
    return address.startswith("127.") or address == "::1"
