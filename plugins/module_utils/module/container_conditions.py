# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold before a plan of module container begins: what would fail half way is refused while the old container is still there."""

from __future__ import annotations

import os

from ..engine.errors import InvalidValue, NotFound, Unsupported
from ..engine.reconcile import container_actions as actions


def check(roots, spec, observed, plan, check_mode):
    """Raise an EngineError that names option and value.

    :param check_mode: other objects may be missing then: a task before this one would have made them.
    """
    creates = _has(plan, actions.CreateContainer)
    if creates:
        _check_host(spec)
    if creates and not check_mode:
        if observed.image_id is None and not _has(plan, actions.PullImage):
            raise NotFound("image: %r is not on this host" % spec.image, "pull it, or let this task do so with pull: missing")
        _check_joined(roots, spec)
        _check_mounts(spec)
        if not _has(plan, actions.PullImage):
            _check_process(roots, spec)
    if not check_mode and (not observed.exists or spec.networks != observed.record.spec.networks):
        _check_networks(roots, spec, observed.record.id if observed.exists else None)
    if spec.ports and (not observed.exists or spec.ports != observed.record.spec.ports):
        from ..engine.net import ports

        ports.check_free(roots, spec.ports, observed.record.id if observed.exists else None)
    _check_limits(roots, spec)


def _has(plan, kind):
    return any(isinstance(step, kind) for step in plan.actions)


def _check_host(spec):
    if spec.devices or spec.sysctls:
        from ..engine.runtime import bundle

        bundle.check(spec)


def _check_joined(roots, spec):
    mode, unused_sep, name = spec.network_mode.partition(":")
    while mode == "container" and name:
        from ..engine.runtime.container import ContainerStore

        other = ContainerStore(roots).find(name)
        if spec.name in (name, other.name if other is not None else None):
            raise InvalidValue("network_mode", spec.network_mode, "leads back to container %s itself" % spec.name,
                               "name another container, one that has a network of its own")
        if other is None:
            raise InvalidValue("network_mode", spec.network_mode, "names a container that does not exist",
                               "make that container first: its network namespace is shared")
        mode, unused_sep, name = other.spec.network_mode.partition(":")


def _check_mounts(spec):
    for mount in spec.mounts:
        if mount.type == "bind" and not mount.create_source and not os.path.lexists(mount.source):
            raise InvalidValue("mounts", mount.source, "does not exist on the host", "make it first, or set create_mountpoint: true")


def _check_process(roots, spec):
    """Whether there is a command, and whether the image knows user and groups."""
    from ..engine.image.store import ImageStore
    from ..engine.runtime import bundle

    image = ImageStore(roots).get(spec.image)
    config = image.config.config
    bundle.arguments(spec, config)
    user = spec.user if spec.user is not None else config.user
    if user or spec.groups:
        from ..engine.layer.store import LayerStore
        from ..engine.rootfs.overlay import read_branches
        from ..engine.runtime import identity

        layers = LayerStore(roots).ensure(image)[::-1]
        identity.resolve(user, lambda path: read_branches(layers, path), spec.groups)


def _check_networks(roots, spec, container_id):
    from ..engine.net.store import NetworkStore

    store = NetworkStore(roots)
    for attachment in spec.networks:
        if attachment.name != "bridge" and store.find(attachment.name) is None:
            known = ", ".join(each.name for each in store.list()) or "none"
            raise InvalidValue("networks", attachment.name, "is no network of this host",
                               "make it with module network; there are: %s" % known)
        if attachment.ipv4_address or attachment.ipv6_address:
            _check_addresses(store, attachment, container_id)


def _check_addresses(store, attachment, container_id):
    from ..engine.net import ipam

    network = store.find(attachment.name) or store.ensure_default()
    used = {address: "container %s" % endpoint.container_name
            for endpoint in store.endpoints(network.name) if endpoint.container_id != container_id
            for address, unused_length, unused_gateway in endpoint.addresses()}
    for version, wanted in ((4, attachment.ipv4_address), (6, attachment.ipv6_address)):
        option, pool = "networks.ipv%d_address" % version, network.pool(version)
        if wanted and pool is None:
            raise InvalidValue(option, wanted, "cannot be had: network %s has no IPv%d subnet" % (network.name, version))
        if wanted:
            ipam.choose_address(network.name, pool, used, wanted, option)


def _check_limits(roots, spec):
    from ..engine.cgroup.manager import open_manager

    missing = open_manager(roots, "check").unsupported(spec.resources)
    # swap that only follows from a memory limit is no wish of anybody
    missing = [name for name in missing if name != "memory_swap_max"]
    if missing:
        raise Unsupported("%s: this host's kernel cannot limit it (no such control group file)" % ", ".join(missing),
                          "leave the option out, or enable the controller")
