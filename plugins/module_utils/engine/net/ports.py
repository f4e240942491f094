# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Published ports: parsed, checked against what the host and other containers hold, and put into the firewall."""

from __future__ import annotations

import os
import re
import socket
from typing import NamedTuple

from ..errors import Conflict, InvalidValue
from ..spec.network import PortBinding, Published
from .firewall import nftables
from .store import NetworkStore

PROTOCOLS = ("tcp", "udp", "sctp")
AUTOMATIC_FIRST, AUTOMATIC_LAST = 49153, 65535
TCP_LISTEN, UDP_BOUND = 10, 7

_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?\Z")
_EXAMPLES = "write CONTAINER, HOST:CONTAINER, IP:HOST:CONTAINER or [IPV6]:HOST:CONTAINER, with /udp or /sctp after it where it is not TCP"


# -- syntax ------------------------------------------------------------------------------------------------------------------------------


def parse_ports(values, option="published_ports"):
    """Tuple of :class:`PortBinding` of Docker's port syntax.

    Such as ``80``, ``8080:80``, ``127.0.0.1:8080:80``, ``[2001:db8::1]:8080:80/tcp``, ``9000-9009:80-89/udp``.

    :raises InvalidValue: names the option and the value.
    """
    found = []
    for value in values or ():
        found += _parse(str(value).strip(), option)
    seen = set()
    unique = []
    for binding in found:
        if binding not in seen:
            seen.add(binding)
            unique.append(binding)
    _check_twice(unique, option)
    return tuple(unique)


def _parse(value, option):
    text, slash, protocol = value.partition("/")
    protocol = protocol.lower() if slash else "tcp"
    if protocol not in PROTOCOLS:
        raise InvalidValue(option, value, "has an unknown protocol", "use tcp, udp or sctp")
    host_ip, host, container = _split(text, value, option)
    first, last = _range(container, value, option, "container port")
    if not host or host == "0":
        return [PortBinding(port, protocol, host_ip, 0) for port in range(first, last + 1)]
    host_first, host_last = _range(host, value, option, "host port")
    if host_last - host_first != last - first:
        raise InvalidValue(option, value, "has %d host ports for %d container ports" % (host_last - host_first + 1, last - first + 1),
                           "give both ranges the same length")
    return [PortBinding(port, protocol, host_ip, host_first + port - first) for port in range(first, last + 1)]


def _split(text, value, option):
    """(host address, host ports, container ports) as text; what is missing is "". """
    address = ""
    if text.startswith("["):
        address, bracket, rest = text[1:].partition("]")
        if not bracket or not rest.startswith(":"):
            raise InvalidValue(option, value, "is not a port", _EXAMPLES)
        parts = rest[1:].split(":")
        if len(parts) != 2:
            raise InvalidValue(option, value, "is not a port", _EXAMPLES)
        return _host_address(address, value, option), parts[0], parts[1]
    parts = text.split(":")
    if len(parts) > 3:
        raise InvalidValue(option, value, "is not a port", "put an IPv6 address in brackets: [2001:db8::1]:8080:80")
    if len(parts) == 3:
        address = _host_address(parts[0], value, option)
    return address, parts[-2] if len(parts) > 1 else "", parts[-1]


def _host_address(text, value, option):
    if text == "":
        return ""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            address = socket.inet_ntop(family, socket.inet_pton(family, text))
        except (OSError, ValueError):
            continue
        if address == "::1":
            raise InvalidValue(option, value, "has the host address ::1, from which the kernel routes nothing to a container",
                               "use 127.0.0.1, or another IPv6 address of the host")
        return address
    raise InvalidValue(option, value, "has a host address that is no IP address", "write it as 127.0.0.1:8080:80 or [2001:db8::1]:8080:80")


def _range(text, value, option, what):
    match = _RANGE.match(text)
    if match is None:
        raise InvalidValue(option, value, "is not a port", _EXAMPLES)
    first = int(match.group(1))
    last = int(match.group(2) or first)
    if not 1 <= first <= 65535 or not 1 <= last <= 65535:
        raise InvalidValue(option, value, "has a %s outside of 1 to 65535" % what)
    if last < first:
        raise InvalidValue(option, value, "has a range that runs backwards")
    return first, last


def _check_twice(bindings, option):
    by_port = {}
    for binding in bindings:
        if binding.host_port:
            for other in by_port.setdefault((binding.protocol, binding.host_port), []):
                if overlaps(binding.host_ip, other.host_ip):
                    raise InvalidValue(option, describe(binding), "takes the same host port as %s" % describe(other))
            by_port[binding.protocol, binding.host_port].append(binding)


def describe(binding):
    """A binding in Docker's syntax."""
    address = "[%s]:" % binding.host_ip if ":" in binding.host_ip else binding.host_ip + ":" if binding.host_ip else ""
    host = "%s%s:" % (address, binding.host_port or "") if address or binding.host_port else ""
    return "%s%d/%s" % (host, binding.container_port, binding.protocol)


def overlaps(one, other):
    """Whether two host addresses of the same port exclude each other: "" is every address, 0.0.0.0 and :: those of their version."""
    if one == other or "" in (one, other):
        return True
    if (":" in one) != (":" in other):
        return False
    return one in ("0.0.0.0", "::") or other in ("0.0.0.0", "::")


# -- who holds a port --------------------------------------------------------------------------------------------------------------------


class Holder(NamedTuple):
    """Who holds a host port: ``who`` for people, and on which address."""

    protocol: str
    host_ip: str
    host_port: int
    who: str


def held(roots, leave_out):
    """List of :class:`Holder`: ports of other containers that run, and of the host's own listeners.

    :param leave_out: ID of the container that does not count.
    """
    found = []
    for entry in NetworkStore(roots).open_ports():
        if entry.container_id != leave_out:
            name = "container %s" % (entry.container_name or entry.container_id[:12])
            found += [Holder(port.protocol, port.host_ip, port.host_port, name) for port in entry.ports]
    return found + listeners(roots)


def listeners(roots):
    """List of :class:`Holder` for the sockets of this network namespace; ``who`` is the inode of the socket, see :func:`_process`."""
    found = []
    for protocol, state in (("tcp", TCP_LISTEN), ("udp", UDP_BOUND)):
        for version in ("", "6"):
            try:
                with open(os.path.join(roots.proc, "thread-self/net", protocol + version)) as stream:
                    lines = stream.read().splitlines()[1:]
            except FileNotFoundError:
                continue
            for line in lines:
                fields = line.split()
                if int(fields[3], 16) == state:
                    found.append(_listener(protocol, fields))
    return found


def _listener(protocol, fields):
    address, _colon, port = fields[1].rpartition(":")
    # the kernel prints 32-bit words in the byte order of the machine
    words = [int(address[start:start + 8], 16) for start in range(0, len(address), 8)]
    import sys  # pylint: disable=import-outside-toplevel

    data = b"".join(word.to_bytes(4, sys.byteorder) for word in words)
    text = socket.inet_ntop(socket.AF_INET if len(data) == 4 else socket.AF_INET6, data)
    if text.startswith("::ffff:") and "." in text:
        text = text[7:]
    # a listener on :: takes IPv4 as well, unless it says otherwise, and /proc does not tell
    return Holder(protocol, "" if text == "::" else text, int(port, 16), fields[9])


def check_free(roots, bindings, container_id=None, option="published_ports"):
    """:raises Conflict: a host port is held by another container or by a program of the host; both are named."""
    wanted = [binding for binding in bindings if binding.host_port]
    if not wanted:
        return
    holders = {}
    for holder in held(roots, container_id):
        holders.setdefault((holder.protocol, holder.host_port), []).append(holder)
    for binding in wanted:
        for holder in holders.get((binding.protocol, binding.host_port), ()):
            if overlaps(binding.host_ip, holder.host_ip):
                who = holder.who if not holder.who.isdigit() else _process(roots, holder.who)
                raise Conflict("%s: host port %d of %r is in use by %s" % (option, binding.host_port, describe(binding), who),
                               "publish another host port, or stop what holds this one")


def _process(roots, inode):
    """``program (pid 12)`` of the process that holds a socket."""
    wanted = "socket:[%s]" % inode
    for pid in os.listdir(roots.proc):
        if not pid.isdigit():
            continue
        directory = os.path.join(roots.proc, pid, "fd")
        try:
            for fd in os.listdir(directory):
                if os.readlink(os.path.join(directory, fd)) == wanted:
                    with open(os.path.join(roots.proc, pid, "comm")) as stream:
                        return "%s (pid %s) on the host" % (stream.read().strip(), pid)
        except OSError:
            continue
    return "a program on the host"


# -- publishing --------------------------------------------------------------------------------------------------------------------------


def publish(roots, container_id, bindings, ipv4=None, ipv6=None, container_name=""):
    """Publish exactly these ports of a container; those that it had published before and are not named are closed.

    :returns: tuple of :class:`PortBinding` with every host port chosen. A port chosen before is kept.
    :raises Conflict: a host port is taken.
    """
    store = NetworkStore(roots)
    with roots.lock("networks"):
        before = store.published(container_id)
        if not bindings:
            _close(roots, store, before, forget=True)
            return ()
        check_free(roots, bindings, container_id)
        chosen = _choose(roots, container_id, bindings, before)
        after = Published(container_id=container_id, container_name=container_name, ipv4_address=ipv4, ipv6_address=ipv6, ports=chosen)
        if after != before:
            store.save_published(after)
        try:
            nftables.sync(roots)
        except BaseException:
            _restore(store, container_id, before)
            raise
        _forget_flows(before, after)
    return chosen


def _forget_flows(before, after):
    """Let UDP clients that go on sending find the way as it is now."""
    flows = [set(_udp_flows(entry)) if entry is not None and entry.active else set() for entry in (before, after)]
    changed = flows[0] ^ flows[1]
    if changed:
        from .firewall import conntrack  # pylint: disable=import-outside-toplevel

        conntrack.forget_udp({port for port, _target in changed}, {address for _port, target in changed for address in target if address})


def _udp_flows(entry):
    """Yields (host port, where it leads to)."""
    for port in entry.ports:
        if port.protocol == "udp":
            yield port.host_port, (entry.ipv4_address, entry.ipv6_address)


def _restore(store, container_id, before):
    if before is None:
        store.remove_published(container_id)
    else:
        store.save_published(before)


def _choose(roots, container_id, bindings, before):
    """Replace every host port 0 by a free one, the one of last time if it is free still."""
    if all(binding.host_port for binding in bindings):
        return tuple(bindings)
    holders = held(roots, container_id)
    taken = {(holder.protocol, holder.host_port) for holder in holders}
    taken |= {(binding.protocol, binding.host_port) for binding in bindings if binding.host_port}
    last = {}
    for binding in before.ports if before is not None else ():
        last.setdefault((binding.container_port, binding.protocol, binding.host_ip), binding.host_port)
    chosen = []
    for binding in bindings:
        if not binding.host_port:
            port = last.get((binding.container_port, binding.protocol, binding.host_ip))
            if port is None or (binding.protocol, port) in taken:
                port = _free(binding.protocol, taken)
            taken.add((binding.protocol, port))
            binding = binding.replace(host_port=port)
        chosen.append(binding)
    return tuple(chosen)


def _free(protocol, taken):
    for port in range(AUTOMATIC_FIRST, AUTOMATIC_LAST + 1):
        if (protocol, port) not in taken:
            return port
    raise Conflict("no free %s port is left between %d and %d" % (protocol, AUTOMATIC_FIRST, AUTOMATIC_LAST), "name a host port")


def unpublish(roots, container_id, forget=True):
    """Close the published ports of a container. None is success.

    :param forget: False remembers which ports were chosen, for the next start.
    """
    store = NetworkStore(roots)
    with roots.lock("networks"):
        _close(roots, store, store.published(container_id), forget)


def _close(roots, store, entry, forget):
    if entry is None:
        return
    if entry.active:
        store.save_published(entry.replace(active=False))
    nftables.sync(roots)
    _forget_flows(entry, None)
    # last, so that a kill before it leaves a record that says there is something to close
    if forget:
        store.remove_published(entry.container_id)


def published(roots, container_id):
    """The :class:`Published` of a container, or None."""
    return NetworkStore(roots).published(container_id)
