# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for networks: desired and observed in, actions out."""

from __future__ import annotations

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Conflict
from ansible_collections.agentless.containers.plugins.module_utils.engine.reconcile.network import (
    ConnectContainer,
    CreateNetwork,
    DesiredNetwork,
    DisconnectContainer,
    Member,
    ObservedNetwork,
    RecreateNetwork,
    RemoveNetwork,
    RepairNetwork,
    UpdateNetwork,
    plan_network,
)
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.network import Network, NetworkSpec, Pool

NET = Network(id="0" * 64, name="net", created="2026-01-01T00:00:00Z", link="ag-0", pools=(Pool("10.1.0.0/24", "10.1.0.1"),))
OTHER_SUBNET = NET.replace(pools=(Pool("10.2.0.0/24", "10.2.0.1"),))
ONE = Member("1" * 64, "one", True, True)
TWO = Member("2" * 64, "two", True, False)
ASLEEP = Member("3" * 64, "asleep", False, True)


def desired(**options):
    return DesiredNetwork(NetworkSpec(name="net"), **options)


def plan(want, network=NET, resolved=NET, drift=(), members=()):
    return plan_network(want, ObservedNetwork(network, resolved, drift, tuple(members)))


def test_nothing_to_do():
    assert not plan(desired())
    assert not plan(desired(), members=[ONE, ASLEEP])
    assert not plan(desired(state="absent"), network=None, resolved=None)
    assert not plan(desired(connected=("one",)), members=[ONE])
    assert not plan(desired(connected=()), members=[])


def test_force_alone_is_no_change():
    assert not plan(desired(force=True), members=[ONE])


def test_create():
    made = plan(desired(), network=None)
    assert made.actions == (CreateNetwork(NET),)
    assert made.describe() == ["create network net (bridge, 10.1.0.0/24)"]
    assert made.before == {"exists": False}
    assert made.after["pools"] == [{"subnet": "10.1.0.0/24", "gateway": "10.1.0.1", "aux_addresses": {}}]


def test_repair():
    assert plan(desired(), drift=("bridge ag-0 is missing",)).describe() == ["repair network net: bridge ag-0 is missing"]
    assert plan(desired(), drift=("x",)).actions == (RepairNetwork(NET, ("x",)),)


@pytest.mark.parametrize("changes, field", [
    ({"labels": {"a": "b"}}, "labels"),
    ({"driver_options": {"com.docker.network.bridge.enable_ip_masquerade": "false"}}, "driver_options"),
])
def test_changed_in_place_under_containers(changes, field):
    after = NET.replace(**changes)
    made = plan(desired(), resolved=after, members=[ONE])
    assert made.actions == (UpdateNetwork(after, (field,)),)
    assert made.describe() == ["change %s of network net" % field]
    assert (list(made.before), list(made.after)) == ([field], [field])


@pytest.mark.parametrize("changes", [
    {"pools": OTHER_SUBNET.pools}, {"internal": True}, {"enable_ipv6": True}, {"link": "br7"},
    {"driver_options": {"com.docker.network.bridge.enable_icc": "false"}},
])
def test_changed_by_making_it_anew(changes):
    after = NET.replace(**changes)
    made = plan(desired(), resolved=after)
    assert made.actions == (RecreateNetwork(NET, after, tuple(changes), ()),)
    with pytest.raises(Conflict) as caught:
        plan(desired(), resolved=after, members=[ONE, ASLEEP])
    assert "network net has another %s" % next(iter(changes)) in str(caught.value)
    assert "container one, asleep is in it" in str(caught.value)
    assert "force: true" in caught.value.hint
    forced = plan(desired(force=True), resolved=after, members=[ONE, ASLEEP])
    assert forced.actions == (RecreateNetwork(NET, after, tuple(changes), (ONE, ASLEEP)),)
    assert forced.describe()[0].endswith("and connect one, asleep again")


def test_labels_that_change_beside_a_subnet_go_with_it():
    after = OTHER_SUBNET.replace(labels={"a": "b"})
    assert plan(desired(), resolved=after).actions == (RecreateNetwork(NET, after, ("pools", "labels"), ()),)


def test_remove():
    assert plan(desired(state="absent"), resolved=None, members=[ASLEEP]).actions == (RemoveNetwork("net", ()),)
    with pytest.raises(Conflict, match="network net is in use by container one"):
        plan(desired(state="absent"), resolved=None, members=[ONE, ASLEEP])
    forced = plan(desired(state="absent", force=True), resolved=None, members=[ONE, ASLEEP])
    assert forced.describe() == ["remove network net, which takes it from container one"]


def test_connected():
    made = plan(desired(connected=("one", "two")), members=[ONE, TWO])
    assert made.actions == (ConnectContainer("net", TWO),)
    assert (made.before, made.after) == ({"connected": ["one"]}, {"connected": ["one", "two"]})
    made = plan(desired(connected=("two",)), members=[ONE, TWO])
    assert made.actions == (ConnectContainer("net", TWO), DisconnectContainer("net", ONE))
    made = plan(desired(connected=("two",), appends=True), members=[ONE, TWO])
    assert made.actions == (ConnectContainer("net", TWO),)
    made = plan(desired(connected=()), members=[ONE])
    assert made.actions == (DisconnectContainer("net", ONE),)


def test_connected_by_id():
    assert not plan(desired(connected=("1" * 12,)), members=[ONE])


def test_connected_to_a_new_network():
    made = plan(desired(connected=("two",)), network=None, members=[TWO])
    assert made.actions == (CreateNetwork(NET), ConnectContainer("net", TWO))


def test_a_stopped_container_is_connected_later():
    asleep = Member("3" * 64, "asleep", False, False)
    assert plan(desired(connected=("asleep",)), members=[asleep]).describe() == [
        "connect container asleep to network net (it gets its link when it starts)"]
