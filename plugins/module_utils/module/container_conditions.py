# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold before a plan of module container begins: what would fail half way is refused while the old container is still there."""

from __future__ import annotations

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
    if not check_mode and (not observed.exists or spec.networks != observed.record.spec.networks):
        _check_networks(roots, spec)
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
    if mode == "container" and name:
        from ..engine.runtime.container import ContainerStore

        if ContainerStore(roots).find(name) is None:
            raise InvalidValue("network_mode", spec.network_mode, "names a container that does not exist",
                               "make that container first: its network namespace is shared")


def _check_networks(roots, spec):
    from ..engine.net.store import NetworkStore

    store = NetworkStore(roots)
    for attachment in spec.networks:
        if attachment.name != "bridge" and store.find(attachment.name) is None:
            known = ", ".join(each.name for each in store.list()) or "none"
            raise InvalidValue("networks", attachment.name, "is no network of this host",
                               "make it with module network; there are: %s" % known)


def _check_limits(roots, spec):
    from ..engine.cgroup.manager import open_manager

    missing = open_manager(roots, "check").unsupported(spec.resources)
    # swap that only follows from a memory limit is no wish of anybody
    missing = [name for name in missing if name != "memory_swap_max"]
    if missing:
        raise Unsupported("%s: this host's kernel cannot limit it (no such control group file)" % ", ".join(missing),
                          "leave the option out, or enable the controller")
