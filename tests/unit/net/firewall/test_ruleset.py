# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Elements of the table, their text, and reading them back from a listing."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.net.firewall import ruleset
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.network import Network, Pool, PortBinding, Published

NET = Network(id="a", name="net", created="", link="ag-1", enable_ipv6=True,
              pools=(Pool("10.1.0.0/24", "10.1.0.1"), Pool("fd00::/64", "fd00::1")))


def published(*bindings, ipv4="10.1.0.2", ipv6="fd00::2"):
    return Published(container_id="c", ipv4_address=ipv4, ipv6_address=ipv6, ports=tuple(bindings))


def test_a_network():
    values = ruleset.elements([NET], [])
    assert values["bridges"] == ['"ag-1"']
    assert values["same"] == ['"ag-1" . "ag-1"']
    assert values["internal"] == []
    assert (values["subnets4"], values["subnets6"]) == (["10.1.0.0/24"], ["fd00::/64"])
    assert (values["masquerade4"], values["masquerade6"]) == (["10.1.0.0/24"], ["fd00::/64"])


def test_an_internal_network_is_not_masqueraded():
    values = ruleset.elements([NET.replace(internal=True)], [])
    assert values["internal"] == ['"ag-1"']
    assert values["masquerade4"] == values["masquerade6"] == []


def test_options():
    options = {"com.docker.network.bridge.enable_ip_masquerade": "false", "com.docker.network.bridge.enable_icc": "False"}
    values = ruleset.elements([NET.replace(driver_options=options)], [])
    assert values["same"] == values["masquerade4"] == []


def test_ports_by_address():
    values = ruleset.elements([NET], [published(
        PortBinding(80, "tcp", "", 8080), PortBinding(81, "udp", "0.0.0.0", 8081), PortBinding(82, "tcp", "::", 8082),
        PortBinding(83, "tcp", "192.0.2.1", 8083), PortBinding(84, "sctp", "2001:db8::1", 8084))])
    assert values["any4"] == ["17 . 8081 : 10.1.0.2 . 81", "6 . 8080 : 10.1.0.2 . 80"]
    assert values["any6"] == ["6 . 8080 : fd00::2 . 80", "6 . 8082 : fd00::2 . 82"]
    assert values["host4"] == ["6 . 192.0.2.1 . 8083 : 10.1.0.2 . 83"]
    assert values["host6"] == ["132 . 2001:db8::1 . 8084 : fd00::2 . 84"]


def test_no_ipv6_address_no_ipv6_port():
    values = ruleset.elements([NET], [published(PortBinding(80, "tcp", "", 8080), PortBinding(80, "tcp", "::1", 8081), ipv6=None)])
    assert values["any6"] == values["host6"] == []


def test_difference_is_one_text():
    one = ruleset.elements([NET], [published(PortBinding(80, "tcp", "", 8080))])
    other = ruleset.elements([NET], [published(PortBinding(80, "tcp", "", 8081))])
    assert ruleset.difference("t", one, one) == ""
    assert ruleset.difference("t", one, other).splitlines() == [
        "delete element inet t any4 { 6 . 8080 : 10.1.0.2 . 80 }", "delete element inet t any6 { 6 . 8080 : fd00::2 . 80 }",
        "add element inet t any4 { 6 . 8081 : 10.1.0.2 . 80 }", "add element inet t any6 { 6 . 8081 : fd00::2 . 80 }"]


@given(st.lists(st.sampled_from("abcde")), st.lists(st.sampled_from("abcde")))
def test_difference_leads_from_one_to_the_other(before, after):
    text = ruleset.difference("t", {"bridges": before}, {"bridges": after})
    has = set(before)
    for line in text.splitlines():
        verb, values = line.split()[0], set(line[line.index("{") + 1:line.index("}")].replace(",", " ").split())
        assert values <= has if verb == "delete" else not values & has
        has = has - values if verb == "delete" else has | values
    assert has == set(after)


def test_the_table_is_replaced_in_one_text():
    text = ruleset.table("t", ruleset.elements([NET], []))
    assert text.startswith("table inet t {}\ndelete table inet t\ntable inet t {\n")
    assert 'set bridges { type ifname; elements = { "ag-1" }; }' in text
    assert text.count("{") == text.count("}")


def test_a_listing_is_read_back():
    """As nft 1.0 shows it: protocols by name, prefixes and concatenations as objects."""
    listing = json.loads("""{"nftables": [{"metainfo": {"version": "1.0.6"}}, {"table": {"family": "inet", "name": "t", "handle": 1}},
        {"set": {"family": "inet", "name": "bridges", "table": "t", "type": "ifname", "handle": 4, "elem": ["ag-1"]}},
        {"set": {"family": "inet", "name": "same", "table": "t", "type": ["ifname", "ifname"], "handle": 5,
            "elem": [{"concat": ["ag-1", "ag-1"]}]}},
        {"set": {"family": "inet", "name": "subnets4", "table": "t", "type": "ipv4_addr", "handle": 6, "flags": ["interval"],
            "elem": [{"prefix": {"addr": "10.1.0.0", "len": 24}}]}},
        {"set": {"family": "inet", "name": "internal", "table": "t", "type": "ifname", "handle": 7}},
        {"map": {"family": "inet", "name": "any4", "table": "t", "type": ["inet_proto", "inet_service"], "handle": 8,
            "map": "ipv4_addr . inet_service", "elem": [[{"concat": ["tcp", 8080]}, {"concat": ["10.1.0.2", 80]}]]}},
        {"rule": {"family": "inet", "table": "t", "chain": "output", "handle": 11, "expr": [{"accept": null}]}}]}""")
    rules, found = ruleset.read_listing(listing)
    values = ruleset.elements([NET.replace(pools=NET.pools[:1])], [published(PortBinding(80, "tcp", "", 8080), ipv6=None)])
    assert found == {name: values[name] for name in found}
    assert "handle" not in json.dumps(rules)
    assert "elem" not in json.dumps(rules)
