# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subnets and addresses."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Conflict, EngineError, InvalidValue
from ansible_collections.agentless.containers.plugins.module_utils.engine.net import ipam
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.network import Pool

SUBNET4 = st.builds(lambda number, length: str(ipaddress.ip_network((number, length), strict=False)),
                    st.integers(min_value=0x0A000000, max_value=0x0AFFFFFF), st.integers(min_value=9, max_value=30))
SUBNET6 = st.builds(lambda number, length: str(ipaddress.ip_network(((0xFD << 120) | number, length), strict=False)),
                    st.integers(min_value=0, max_value=(1 << 120) - 1), st.integers(min_value=9, max_value=126))
SUBNET = st.one_of(SUBNET4, SUBNET6)


def parse(**config):
    return ipam.parse_pools([config])[0]


def test_everything_given():
    pool = parse(subnet="10.1.0.0/24", gateway="10.1.0.254", iprange="10.1.0.128/25", aux_addresses={"b": "10.1.0.3", "a": "10.1.0.2"})
    assert pool == Pool("10.1.0.0/24", "10.1.0.254", "10.1.0.128/25", {"a": "10.1.0.2", "b": "10.1.0.3"})
    assert (pool.version, pool.prefix_length) == (4, 24)


def test_ipv6_is_made_canonical():
    assert parse(subnet="FD00:0:0:1::/64", gateway="fd00:0:0:1:0:0:0:1") == Pool("fd00:0:0:1::/64", "fd00:0:0:1::1")


@pytest.mark.parametrize("config, option, reason", [
    ({}, "ipam_config[0].subnet", "is missing"),
    ({"subnet": "10.1.0.0"}, "ipam_config[0].subnet", "has no room"),
    ({"subnet": "10.1.0.1/24"}, "ipam_config[0].subnet", "is not a subnet"),
    ({"subnet": "ten"}, "ipam_config[0].subnet", "is not a subnet"),
    ({"subnet": "10.1.0.0/33"}, "ipam_config[0].subnet", "is not a subnet"),
    ({"subnet": "10.1.0.0/31"}, "ipam_config[0].subnet", "has no room"),
    ({"subnet": "10.1.0.0/24", "gateway": "10.2.0.1"}, "ipam_config[0].gateway", "is not in the subnet 10.1.0.0/24"),
    ({"subnet": "10.1.0.0/24", "gateway": "fd00::1"}, "ipam_config[0].gateway", "is not in the subnet"),
    ({"subnet": "10.1.0.0/24", "gateway": "10.1.0.0"}, "ipam_config[0].gateway", "network or broadcast"),
    ({"subnet": "10.1.0.0/24", "gateway": "10.1.0.255"}, "ipam_config[0].gateway", "network or broadcast"),
    ({"subnet": "10.1.0.0/24", "gateway": "x"}, "ipam_config[0].gateway", "is not an IP address"),
    ({"subnet": "10.1.0.0/24", "iprange": "10.1.1.0/25"}, "ipam_config[0].iprange", "is not in the subnet"),
    ({"subnet": "10.1.0.0/24", "iprange": "10.0.0.0/8"}, "ipam_config[0].iprange", "is not in the subnet"),
    ({"subnet": "10.1.0.0/24", "iprange": "much"}, "ipam_config[0].iprange", "is not a range"),
    ({"subnet": "10.1.0.0/24", "aux_addresses": {"printer": "10.3.0.1"}}, "ipam_config[0].aux_addresses.printer", "is not in the subnet"),
])
def test_errors_name_option_and_value(config, option, reason):
    with pytest.raises(InvalidValue) as caught:
        ipam.parse_pools([config])
    assert str(caught.value).startswith(option + ": ")
    assert reason in str(caught.value)


@pytest.mark.parametrize("subnet", ["0.0.0.0/0", "0.1.0.0/16", "127.9.0.0/16", "224.0.0.0/24", "255.255.255.0/24", "fe80::/64",
                                    "ff02::/64", "::/64"])
def test_subnets_that_no_host_can_be_in(subnet):
    with pytest.raises(InvalidValue, match="has addresses that no host can have"):
        parse(subnet=subnet)


def test_host_bits_get_a_suggestion():
    with pytest.raises(InvalidValue) as caught:
        ipam.parse_pools([{"subnet": "10.1.0.1/24"}])
    assert caught.value.hint == "did you mean 10.1.0.0/24"


def test_two_subnets_of_one_version():
    with pytest.raises(InvalidValue, match="second IPv4 subnet"):
        ipam.parse_pools([{"subnet": "10.1.0.0/24"}, {"subnet": "10.2.0.0/24"}])


@given(st.dictionaries(st.sampled_from(["subnet", "gateway", "iprange"]), st.text(max_size=30)))
def test_any_text_is_parsed_or_refused(config):
    try:
        pools = ipam.parse_pools([config])
    except InvalidValue:
        return
    assert ipaddress.ip_network(pools[0].subnet)


@given(SUBNET)
def test_gateway_is_a_usable_address(subnet):
    pool = ipam.with_gateway(Pool(subnet))
    network = ipaddress.ip_network(subnet)
    gateway = ipaddress.ip_address(pool.gateway)
    assert gateway in network
    assert gateway not in (network.network_address, network.broadcast_address)
    assert ipam.with_gateway(pool) == pool


def test_gateway_steps_aside():
    assert ipam.with_gateway(Pool("10.1.0.0/24", aux_addresses={"a": "10.1.0.1"})).gateway == "10.1.0.2"


@given(SUBNET, SUBNET)
def test_overlap_is_what_ipaddress_says(one, other):
    first, second = ipaddress.ip_network(one), ipaddress.ip_network(other)
    expected = first.version == second.version and first.overlaps(second)
    try:
        ipam.check_overlap("ipam_config", Pool(one), [(other, "network other")])
    except Conflict as error:
        assert expected
        assert one in str(error) and other in str(error) and "network other" in str(error)
    else:
        assert not expected


def test_a_default_route_overlaps_with_nothing():
    ipam.check_overlap("ipam_config", Pool("10.1.0.0/24"), [("0.0.0.0/0", "a route"), ("::/0", "a route")])
    assert ipam.choose_subnet([("0.0.0.0/0", "a route")])
    halves = [("0.0.0.0/1", "a tunnel"), ("128.0.0.0/1", "a tunnel"), ("::/1", "a tunnel"), ("8000::/1", "a tunnel")]
    ipam.check_overlap("ipam_config", Pool("10.1.0.0/24"), halves)
    assert ipam.choose_subnet(halves) == ipam.choose_subnet([]) and ipam.choose_subnet6("net", halves) == ipam.choose_subnet6("net", [])


@given(st.lists(st.sampled_from(["10.89.0.0/20", "10.89.16.0/24", "10.88.0.0/14", "10.90.0.0/15", "192.168.0.0/16", "fd00::/8"])))
def test_chosen_subnet_is_free(blocks):
    subnet = ipaddress.ip_network(ipam.choose_subnet([(block, "x") for block in blocks]))
    assert subnet.version == 4
    assert not any(subnet.overlaps(ipaddress.ip_network(block)) for block in blocks if ":" not in block)


def test_no_subnet_left():
    with pytest.raises(Conflict, match="no free subnet"):
        ipam.choose_subnet([("10.0.0.0/8", "vpn"), ("172.16.0.0/12", "vpn"), ("192.168.0.0/16", "vpn")])


def test_chosen_ipv6_subnet_is_the_same_again_and_steps_aside():
    first = ipam.choose_subnet6("net", [])
    assert ipam.choose_subnet6("net", []) == first
    assert ipam.choose_subnet6("other", []) != first
    second = ipam.choose_subnet6("net", [(first, "x")])
    assert second != first
    assert all(ipaddress.ip_network(each).prefixlen == 64 and each.startswith("fd") for each in (first, second))


@given(st.one_of(SUBNET4, SUBNET6), st.integers(min_value=0, max_value=20))
def test_addresses_are_never_given_twice(subnet, count):
    pool = ipam.with_gateway(Pool(subnet))
    used = {}
    try:
        for number in range(count):
            address = ipam.choose_address("net", pool, used)
            assert address not in used
            assert address != pool.gateway
            assert ipaddress.ip_address(address) in ipaddress.ip_network(subnet)
            used[address] = "container %d" % number
    except Conflict as error:
        assert "has no free address left" in str(error)
        assert len(used) == ipaddress.ip_network(subnet).num_addresses - (3 if pool.version == 4 else 2)


def test_range_and_auxiliary_addresses():
    pool = Pool("10.1.0.0/24", "10.1.0.1", "10.1.0.252/30", {"a": "10.1.0.253"})
    used = {}
    got = []
    for _turn in range(2):
        got.append(ipam.choose_address("net", pool, used))
        used[got[-1]] = "container x"
    assert got == ["10.1.0.252", "10.1.0.254"]
    with pytest.raises(Conflict, match=r"10\.1\.0\.252/30"):
        ipam.choose_address("net", pool, used)
    assert ipam.choose_address("net", pool, used, "10.1.0.77") == "10.1.0.77"


@pytest.mark.parametrize("wanted, says", [
    ("10.1.0.1", "belongs to the gateway"), ("10.1.0.9", "belongs to container web"), ("10.1.0.7", "the auxiliary address printer"),
    ("10.2.0.1", "is not in the subnet"), ("10.1.0.255", "broadcast"), ("nine", "is not an IP address"),
])
def test_a_wanted_address_that_cannot_be_had(wanted, says):
    pool = Pool("10.1.0.0/24", "10.1.0.1", None, {"printer": "10.1.0.7"})
    with pytest.raises(EngineError, match=says) as caught:
        ipam.choose_address("net", pool, {"10.1.0.9": "container web"}, wanted, "ipv4_address")
    assert "ipv4_address" in str(caught.value)


def test_mac_address_is_local_and_follows_the_address():
    assert ipam.mac_address("10.1.0.2", "x") == "02:42:0a:01:00:02"
    assert ipam.mac_address(None, "x") != ipam.mac_address(None, "y")
    assert int(ipam.mac_address(None, "x")[:2], 16) & 3 == 2
