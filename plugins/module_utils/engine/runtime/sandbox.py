# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network side of a container: its pinned namespace, its endpoints, its published ports, and the files that name things in it.

The namespace outlives a restart by policy, so a crash costs no network work; a stop gives it back and keeps the addresses reserved.
"""

from __future__ import annotations

import os

from ..errors import Collector, Conflict, NotFound
from ..linux import netns
from ..spec.network import DEFAULT_NETWORK
from ..state import write_bytes
from .container import ContainerStore

FILES = ("hosts", "resolv.conf", "hostname")


def namespace_path(container):
    """Path of the network namespace that the container joins, or None for the host's."""
    mode = container.spec.network_mode
    if mode == "host":
        return None
    if mode.startswith("container:"):
        other = ContainerStore(container.roots).find(mode.partition(":")[2])
        if other is None:
            raise NotFound("network_mode: there is no container %s" % mode.partition(":")[2], "create that container first")
        return namespace_path(other)
    return container.netns


def set_up(container):
    """Pin the namespace and attach every network; undone whole if a step fails.

    Safe to repeat: what a killed start left is taken away first.
    """
    from ..net import attach

    mode = container.spec.network_mode
    if mode.startswith("container:"):
        other = ContainerStore(container.roots).get(mode.partition(":")[2])
        if not netns.is_pinned(other.netns):
            raise Conflict("network_mode: container %s is not running" % other.name, "start it first")
    if mode == "host" or mode.startswith("container:"):
        write_files(container)
        return
    tear_down(container)
    netns.pin_new_netns(container.netns)
    try:
        write_files(container)
        attach.loopback_up(container.netns)
        if mode == "bridge":
            _attach_all(container)
    except BaseException:
        tear_down(container)
        raise


def attachments(spec):
    """The networks of a container in order; without any, the default network."""
    from ..spec.container import Attachment

    return spec.networks or (Attachment("bridge"),)


def _attach_all(container):
    from ..net import attach, names

    endpoints = [connect(container, attachment, "eth%d" % index, first=index == 0, refresh=False)
                 for index, attachment in enumerate(attachments(container.spec))]
    # networks that module network connected it to besides
    endpoints += attach.reattach(container.roots, container.id, container.netns, tuple(endpoint.network for endpoint in endpoints))
    publish(container)

    names.refresh(container.roots, *(endpoint.network for endpoint in endpoints))


def connect(container, attachment, ifname, first=False, refresh=True):
    """Attach one network to the pinned namespace. Returns its Endpoint."""
    from ..net import attach, names
    from ..net.store import NetworkStore

    if attachment.name == DEFAULT_NETWORK:
        NetworkStore(container.roots).ensure_default()

    request = attach.AttachRequest(
        network=attachment.name, container_id=container.id, container_name=container.name, netns=container.netns, ifname=ifname,
        hostname=container.spec.hostname or container.id[:12], aliases=attachment.aliases, ipv4_address=attachment.ipv4_address,
        ipv6_address=attachment.ipv6_address, mac_address=attachment.mac_address, default_route=first)
    endpoint = attach.attach(container.roots, request)
    if refresh:
        names.refresh(container.roots, attachment.name)
    return endpoint


def disconnect(container, network):
    """Detach one network for good."""
    from ..net import attach, names

    attach.detach(container.roots, container.id, network, release=True)
    names.refresh(container.roots, network)


def observe(container):
    """tuple of str: what the kernel lacks of the network of a running container. Starts no process and opens no socket."""
    if container.spec.network_mode != "bridge":
        return ()
    from ..net import attach

    faults = []
    endpoints = attach.endpoints_of(container.roots, container.id)
    there = {endpoint.network for endpoint in endpoints}
    for attachment in attachments(container.spec):
        if attachment.name not in there:
            faults.append("it is not in network %s" % attachment.name)
    for endpoint in endpoints:
        faults.extend(attach.observe(container.roots, endpoint))
    return tuple(faults)


def repair(container):
    """Make the network of a running container whole again."""
    from ..net import attach

    there = {endpoint.network: endpoint for endpoint in attach.endpoints_of(container.roots, container.id)}
    for attachment in attachments(container.spec):
        endpoint = there.get(attachment.name)
        if endpoint is None:
            connect(container, attachment, attach.free_ifname(container.roots, container.id), first=not there)
        else:
            connect(container, attachment, endpoint.ifname, first=endpoint.default_route)
    attach.reattach(container.roots, container.id, container.netns, tuple(attachment.name for attachment in attachments(container.spec)))
    publish(container)


def publish(container):
    """Make the published ports of the spec true, through a network that the world can reach."""
    from ..net import attach, ports

    way_in = attach.way_in(container.roots, container.id)
    if container.spec.ports and way_in is not None:
        ports.publish(container.roots, container.id, container.spec.ports, way_in.ipv4_address, way_in.ipv6_address, container.name)
    else:
        ports.unpublish(container.roots, container.id)


def tear_down(container):
    """Give everything back but the reserved addresses."""
    if container.spec.network_mode == "host" or container.spec.network_mode.startswith("container:"):
        return
    collector = Collector("network of container %s" % container.name)
    if container.spec.network_mode == "bridge":
        from ..net import attach

        with collector.step():
            attach.detach_all(container.roots, container.id, keep_leases=True, links=False)
    with collector.step():
        netns.unpin(container.netns)
    collector.finish()


def forget(container):
    """Give the reserved addresses back too."""
    if container.spec.network_mode == "bridge":
        from ..net import attach

        attach.detach_all(container.roots, container.id)


def write_files(container):
    """Write hosts, resolv.conf and hostname. They are bind-mounted, so they are changed in place, never replaced."""
    from ..net import names

    spec = container.spec
    hostname = spec.hostname or container.id[:12]
    on_host = spec.network_mode == "host"
    extra = tuple(spec.etc_hosts.items())
    _fill(container.path("hostname"), hostname + "\n")
    _fill(container.path("resolv.conf"),
          names.resolv_conf(container.roots, spec.dns_servers, spec.dns_search_domains, spec.dns_opts, own_loopback=on_host))
    if spec.network_mode == "bridge" and os.path.exists(container.path("hosts")):
        # the block of the networks' names is kept by net.names
        return
    if on_host:
        with open("/etc/hosts", encoding="utf-8", errors="surrogateescape") as stream:
            text = stream.read()
        _fill(container.path("hosts"), text.rstrip("\n") + "\n" + "".join("%s\t%s\n" % (address, name) for name, address in extra))
    else:
        _fill(container.path("hosts"), names.hosts_file(extra + ((hostname, "127.0.1.1"),) if spec.network_mode == "none" else extra))


def _fill(path, text):
    data = text.encode("utf-8", "surrogateescape")
    if not os.path.exists(path):
        write_bytes(path, data, 0o644)
        os.chmod(path, 0o644)
        return
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        if os.pread(fd, len(data) + 1, 0) != data:
            os.pwrite(fd, data, 0)
            os.ftruncate(fd, len(data))
    finally:
        os.close(fd)
