# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks: desired and observed -> plan."""

from __future__ import annotations

import dataclasses
from typing import Optional, Tuple

from ..errors import Conflict, NotFound
from ..net import network as networks
from ..net.store import NetworkStore
from ..plan import Action, Plan
from ..spec.network import OPTION_MASQUERADE, Network, NetworkSpec

PRESENT = "present"
ABSENT = "absent"


@dataclasses.dataclass(frozen=True)
class DesiredNetwork:
    """What a task asks for.

    :param connected: names of the containers that shall be in the network; None leaves them alone.
    :param appends: containers that are in the network and not named stay in it.
    :param force: containers may lose their network for a moment, or (absent) for good.
    """

    spec: NetworkSpec
    state: str = PRESENT
    connected: Optional[Tuple[str, ...]] = None
    appends: bool = False
    force: bool = False


@dataclasses.dataclass(frozen=True)
class Member:
    """A container that is in the network, or shall be. ``running``: it has a network namespace now. ``joined``: it is in the network."""

    container_id: str
    name: str
    running: bool
    joined: bool


@dataclasses.dataclass(frozen=True)
class ObservedNetwork:
    """What is there.

    :param network: the stored :class:`Network`, or None. ``resolved``: what the desired spec leads to, or None where it is to be absent.
    :param drift: what the kernel lacks of it.
    :param members: every :class:`Member`, those that are only asked for among them.
    """

    network: Optional[Network] = None
    resolved: Optional[Network] = None
    drift: Tuple[str, ...] = ()
    members: Tuple[Member, ...] = ()


def observe(roots, desired):
    """Read what is there of a network, and what the desired spec leads to on this host.

    :raises NotFound: a container of ``connected`` does not exist. Conflict: the subnet is taken.
    """
    store = NetworkStore(roots)
    networks.check_name(desired.spec.name)
    network = store.get(desired.spec.name)
    resolved = None
    drift = ()
    if desired.state == PRESENT:
        resolved = networks.resolve(roots, desired.spec, network)
        drift = tuple(networks.observe(roots, network)) if network is not None else ()
    return ObservedNetwork(network, resolved, drift, tuple(_members(roots, store, desired, network)))


def _members(roots, store, desired, network):
    endpoints = store.endpoints(network.name) if network is not None else []
    joined = [each for each in endpoints if not networks.is_orphan(roots, store, each)]
    for endpoint in joined:
        running = store.namespace_of(endpoint.container_id) is not None
        yield Member(endpoint.container_id, endpoint.container_name, running, True)
    if desired.state != PRESENT or not desired.connected:
        return
    from ..runtime.container import ContainerStore  # pylint: disable=import-outside-toplevel

    there = {endpoint.container_id for endpoint in joined}
    for name in desired.connected:
        container = ContainerStore(roots).find(name)
        if container is None:
            raise NotFound("connected: there is no container %s" % name, "make the container first, or take it off the list")
        mode = getattr(container.spec, "network_mode", "bridge")
        if mode != "bridge":
            raise Conflict("connected: container %s has network_mode %s and can be in no network" % (name, mode), "take it off the list")
        if container.id not in there:
            there.add(container.id)
            yield Member(container.id, container.name, store.namespace_of(container.id) is not None, False)


# -- the plan ----------------------------------------------------------------------------------------------------------------------------

# What a change of each field needs: nothing but the record and the firewall, or a new network.
IN_PLACE = ("labels", "mtu")
OPTIONS_IN_PLACE = (OPTION_MASQUERADE,)
COMPARED = ("driver", "driver_options", "enable_ipv6", "ipam_driver", "ipam_driver_options", "pools", "internal", "labels", "link", "mtu")


def plan_network(desired, observed):
    """:class:`Plan` that brings ``observed`` to ``desired``.

    :raises Conflict: it would take the network from containers that run, and ``force`` is not set.
    """
    if desired.state == ABSENT:
        return _plan_absent(desired, observed)
    if observed.network is None:
        plan = Plan([CreateNetwork(observed.resolved, desired.spec)], {"exists": False}, {"exists": True, **_facts(observed.resolved)})
    else:
        plan = _plan_present(desired, observed)
    return plan + _plan_members(desired, observed)


def _plan_absent(desired, observed):
    if observed.network is None:
        return Plan()
    running = [member.name for member in observed.members if member.running]
    if running and not desired.force:
        raise Conflict("network %s is in use by container %s" % (desired.spec.name, ", ".join(running)),
                       "stop or disconnect it first, or set force: true to take the network away from it")
    return Plan([RemoveNetwork(desired.spec.name, tuple(running))], {"exists": True, **_facts(observed.network)}, {"exists": False})


def _plan_present(desired, observed):
    changed = [key for key in COMPARED if getattr(observed.network, key) != getattr(observed.resolved, key)]
    if not changed:
        if observed.drift:
            return Plan([RepairNetwork(observed.network, observed.drift)], {"drift": list(observed.drift)}, {"drift": []})
        return Plan()
    before, after = _facts(observed.network, changed), _facts(observed.resolved, changed)
    if all(_changes_in_place(observed, key) for key in changed):
        return Plan([UpdateNetwork(observed.resolved, tuple(changed))], before, after)
    members = tuple(member for member in observed.members if member.joined)
    if members and not desired.force:
        raise Conflict("network %s has another %s than it should, and container %s is in it" % (
            desired.spec.name, ", ".join(changed), ", ".join(member.name for member in members)),
            "set force: true to make the network anew and connect the containers again, or remove them first")
    return Plan([RecreateNetwork(observed.network, observed.resolved, tuple(changed), members)], before, after)


def _changes_in_place(observed, key):
    if key == "driver_options":
        one, other = observed.network.driver_options, observed.resolved.driver_options
        return all(option in OPTIONS_IN_PLACE for option in set(one) | set(other) if one.get(option) != other.get(option))
    return key in IN_PLACE and not (key == "mtu" and any(member.joined for member in observed.members))


def _facts(network, keys=("driver", "pools", "internal", "enable_ipv6", "labels")):
    """Fields of a network as a diff shows them."""
    document = network.to_json()
    return {key: document.get(key) for key in keys}


def _plan_members(desired, observed):
    if desired.connected is None:
        return Plan()
    wanted = set(desired.connected)
    named = [member for member in observed.members if member.name in wanted or any(member.container_id.startswith(name) for name in wanted)]
    actions = [ConnectContainer(desired.spec.name, member) for member in named if not member.joined]
    leaving = () if desired.appends else [member for member in observed.members if member.joined and member not in named]
    actions += [DisconnectContainer(desired.spec.name, member) for member in leaving]
    if not actions:
        return Plan()
    before = sorted(member.name for member in observed.members if member.joined)
    after = sorted(member.name for member in observed.members if member in named or (member.joined and member not in leaving))
    return Plan(actions, {"connected": before}, {"connected": after})


# -- actions -----------------------------------------------------------------------------------------------------------------------------


def _subnets(network):
    return ", ".join(pool.subnet for pool in network.pools)


@dataclasses.dataclass(frozen=True)
class CreateNetwork(Action):
    network: Network
    spec: Optional[NetworkSpec] = dataclasses.field(default=None, repr=False, compare=False)

    def describe(self):
        return "create network %s (%s, %s)" % (self.network.name, self.network.driver, _subnets(self.network))

    def execute(self, roots):
        networks.create(roots, self.network, self.spec)


@dataclasses.dataclass(frozen=True)
class UpdateNetwork(Action):
    """Change what a running network can change."""

    network: Network
    changed: Tuple[str, ...]

    def describe(self):
        return "change %s of network %s" % (", ".join(self.changed), self.network.name)

    def execute(self, roots):
        networks.update(roots, self.network)


@dataclasses.dataclass(frozen=True)
class RecreateNetwork(Action):
    """Make a network anew under its name and ID; containers keep their addresses where these still fit."""

    before: Network
    after: Network
    changed: Tuple[str, ...]
    members: Tuple[Member, ...]

    def describe(self):
        text = "make network %s anew with another %s" % (self.after.name, ", ".join(self.changed))
        if self.members:
            text += ", and connect %s again" % ", ".join(member.name for member in self.members)
        return text

    def execute(self, roots):
        networks.recreate(roots, self.after)
        _refresh(roots, self.after.name)


@dataclasses.dataclass(frozen=True)
class RepairNetwork(Action):
    network: Network
    findings: Tuple[str, ...]

    def describe(self):
        return "repair network %s: %s" % (self.network.name, "; ".join(self.findings))

    def execute(self, roots):
        networks.repair(roots, self.network)


@dataclasses.dataclass(frozen=True)
class RemoveNetwork(Action):
    name: str
    members: Tuple[str, ...] = ()

    def describe(self):
        text = "remove network %s" % self.name
        return text + (", which takes it from container %s" % ", ".join(self.members) if self.members else "")

    def execute(self, roots):
        others = [endpoint.container_id for endpoint in NetworkStore(roots).endpoints(self.name)]
        networks.remove(roots, self.name)
        from ..net import names  # pylint: disable=import-outside-toplevel

        names.refresh(roots, leavers=others)


@dataclasses.dataclass(frozen=True)
class ConnectContainer(Action):
    network: str
    member: Member

    def describe(self):
        later = "" if self.member.running else " (it gets its link when it starts)"
        return "connect container %s to network %s%s" % (self.member.name, self.network, later)

    def execute(self, roots):
        from ..net import attach  # pylint: disable=import-outside-toplevel

        path = NetworkStore(roots).namespace_of(self.member.container_id)
        there = attach.endpoints_of(roots, self.member.container_id)
        request = attach.AttachRequest(
            network=self.network, container_id=self.member.container_id, container_name=self.member.name, netns=path or "",
            ifname=attach.free_ifname(roots, self.member.container_id), hostname=there[0].hostname if there else None)
        if path is None:
            attach.reserve(roots, request)
        else:
            attach.attach(roots, request)
            _refresh(roots, self.network)


@dataclasses.dataclass(frozen=True)
class DisconnectContainer(Action):
    network: str
    member: Member

    def describe(self):
        return "disconnect container %s from network %s" % (self.member.name, self.network)

    def execute(self, roots):
        from ..net import attach  # pylint: disable=import-outside-toplevel

        attach.detach(roots, self.member.container_id, self.network, release=True)


def _refresh(roots, network):
    from ..net import names  # pylint: disable=import-outside-toplevel

    names.refresh(roots, network)
