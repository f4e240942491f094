# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a spec to a network: every choice, without touching anything. The host's addresses and routes are given by the test."""

from __future__ import annotations

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine import state
from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Conflict, InvalidValue
from ansible_collections.agentless.containers.plugins.module_utils.engine.net import network
from ansible_collections.agentless.containers.plugins.module_utils.engine.net.store import NetworkStore
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.network import NetworkSpec, Pool

MTU = "com.docker.network.driver.mtu"
BRIDGE = "com.docker.network.bridge.name"


class Links:
    """In place of a netlink socket: a host with one address, and no way out."""

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        return None

    def links(self):
        return [network.netlink.Link(2, "eth0", "", 0, True, 1500, "")]

    def addresses(self):
        return [network.netlink.Address(2, "192.0.2.2", 24), network.netlink.Address(2, "fe80::1", 64)]

    def routes(self):
        return [network.netlink.Route("default", "192.0.2.1", 0, 254), network.netlink.Route("10.90.0.0/16", None, 2, 254)]


@pytest.fixture
def roots(tmp_path, monkeypatch):
    monkeypatch.setattr(network.netlink, "Netlink", Links)
    return state.Roots(str(tmp_path / "state"), run=str(tmp_path / "run"))


def resolve(roots, existing=None, **options):
    return network.resolve(roots, NetworkSpec(name="net", **options), existing)


def test_a_bridge_name_that_somebody_else_has(roots):
    with pytest.raises(Conflict, match="eth0 is an interface of the host"):
        resolve(roots, driver_options={BRIDGE: "eth0"})
    NetworkStore(roots).save(resolve(roots, driver_options={BRIDGE: "br-shop"}).replace(name="shop"))
    with pytest.raises(Conflict, match="br-shop is network shop"):
        resolve(roots, driver_options={BRIDGE: "br-shop"})
    own = resolve(roots, driver_options={BRIDGE: "br-own"})
    assert resolve(roots, own, driver_options={BRIDGE: "br-own"}) == own
    with pytest.raises(Conflict, match="br-shop is network shop"):
        resolve(roots, own, driver_options={BRIDGE: "br-shop"})


def test_all_left_to_the_engine(roots):
    made = resolve(roots)
    assert made.pools == (Pool("10.89.0.0/20", "10.89.0.1"),)
    assert (made.driver, made.mtu, made.internal, made.labels) == ("bridge", 1500, False, {})
    assert made.link == "ag-" + made.id[:12]
    assert len(made.link) == 15


def test_stored_and_read_back(roots):
    made = resolve(roots, enable_ipv6=True, labels={"a": "b"}, pools=(Pool("10.1.0.0/24", None, "10.1.0.128/25", {"p": "10.1.0.1"}),))
    NetworkStore(roots).save(made)
    assert NetworkStore(roots).get("net") == made
    assert NetworkStore(roots).find(made.id[:12]) == made
    assert made.pools[0].gateway == "10.1.0.2"
    assert made.pools[1].subnet.startswith("fd")


def test_what_is_not_named_stays(roots):
    made = resolve(roots, enable_ipv6=True, labels={"a": "b"}, driver_options={MTU: "1400"}, pools=(Pool("10.1.0.0/24", "10.1.0.9"),))
    assert resolve(roots, made) == made
    assert resolve(roots, made, pools=(Pool("10.1.0.0/24", "10.1.0.9"),)) == made
    assert resolve(roots, made, labels={}).replace(labels=made.labels) == made


def test_what_is_named_counts(roots):
    made = resolve(roots, enable_ipv6=True)
    without = resolve(roots, made, enable_ipv6=False)
    assert [pool.version for pool in without.pools] == [4]
    assert resolve(roots, without, enable_ipv6=True).pools == made.pools
    assert resolve(roots, made, pools=(Pool("10.7.0.0/24"),)).pools == (Pool("10.7.0.0/24", "10.7.0.1"), made.pools[1])


def test_its_own_subnet_is_no_overlap(roots):
    made = resolve(roots, pools=(Pool("10.1.0.0/24"),))
    NetworkStore(roots).save(made)
    assert resolve(roots, made, pools=(Pool("10.1.0.0/25"),)).pools[0].subnet == "10.1.0.0/25"


@pytest.mark.parametrize("subnet, owner", [
    ("192.0.2.0/28", "192.0.2.2/24 of interface eth0"), ("10.90.7.0/24", "the host's route over eth0"),
])
def test_overlap_names_both(roots, subnet, owner):
    with pytest.raises(Conflict) as caught:
        resolve(roots, pools=(Pool(subnet),))
    assert subnet in str(caught.value)
    assert owner in str(caught.value)


@pytest.mark.parametrize("options, says", [
    ({"driver": "macvlan"}, "driver: 'macvlan' is not a network driver"),
    ({"driver_options": {"colour": "blue"}}, "driver_options: 'colour' is not an option of driver bridge"),
    ({"driver_options": {MTU: "big"}}, "is not a number"),
    ({"driver_options": {MTU: "12"}}, "is not an MTU"),
    ({"driver_options": {MTU: "\u00b2"}}, "is not a number"),
    ({"driver_options": {MTU: "1000"}, "enable_ipv6": True}, "is too small for IPv6"),
    ({"driver_options": {BRIDGE: "much-too-long-name"}}, "is not a name for an interface"),
    ({"driver_options": {"com.docker.network.bridge.enable_icc": "maybe"}}, "is not true or false"),
    ({"ipam_driver": "dhcp"}, "ipam_driver: 'dhcp' is not an address driver"),
    ({"pools": (Pool("fd00::/64"),)}, "enable_ipv6 is not set"),
])
def test_refused(roots, options, says):
    with pytest.raises(InvalidValue) as caught:
        resolve(roots, **options)
    assert says in str(caught.value)


@pytest.mark.parametrize("name", ["", "a b", "-a", "host", "none", "default", "a/b", "..", "a\n", "x" * 129])
def test_names(roots, name):
    with pytest.raises(InvalidValue, match="name: "):
        network.resolve(roots, NetworkSpec(name=name))
    assert NetworkStore(roots).get(name) is None
