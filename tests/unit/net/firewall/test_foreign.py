# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of others that stop forwarded traffic."""

from __future__ import annotations

from ansible_collections.agentless.containers.plugins.module_utils.engine.net.firewall import foreign

NFT = "nft insert rule inet fw passing iifname '\"ag-*\"' accept && nft insert rule inet fw passing oifname '\"ag-*\"' accept"
DROP = {"drop": None}
ACCEPT = {"accept": None}


def chain(family="inet", table="fw", name="passing", policy="accept", **more):
    return {"chain": {"family": family, "table": table, "name": name, "type": "filter", "hook": "forward", "policy": policy, **more}}


def rule(*expr, family="inet", table="fw", name="passing"):
    return {"rule": {"family": family, "table": table, "chain": name, "handle": 1, "expr": list(expr)}}


def on(key, value):
    return {"match": {"op": "==", "left": {"meta": {"key": key}}, "right": value}}


def reasons(*items):
    return [(each.table, each.chain, each.reason, each.line) for each in foreign.in_listing({"nftables": list(items)})]


def test_nothing():
    assert reasons() == []
    assert reasons(chain(), rule(on("iifname", "eth0"), DROP)) == []


def test_policy():
    assert reasons(chain(policy="drop")) == [("inet fw", "passing", "has the policy drop", NFT)]


def test_last_rule():
    assert reasons(chain(), rule({"counter": {"packets": 1, "bytes": 2}}, DROP))[0][2] == "ends with a rule that drops"
    assert reasons(chain(), rule({"xt": {"type": "target", "name": "REJECT"}}))[0][2] == "ends with a rule that drops"
    assert reasons(chain(policy="drop"), rule(ACCEPT)) == []


def test_our_bridges_are_let_through():
    assert reasons(chain(policy="drop"), rule(on("iifname", "ag-*"), ACCEPT)) != []
    assert reasons(chain(policy="drop"), rule(on("iifname", "ag-*"), ACCEPT), rule(on("oifname", "ag-*"), ACCEPT)) == []


def test_docker_has_a_chain_for_it():
    docker = {"chain": {"family": "ip", "table": "filter", "name": "DOCKER-USER"}}
    line = reasons(chain("ip", "filter", "FORWARD", "drop"), docker)[0][3]
    assert line == "iptables -I DOCKER-USER -i ag-+ -j ACCEPT && iptables -I DOCKER-USER -o ag-+ -j ACCEPT"
    assert "iptables -I FORWARD" in reasons(chain("ip", "filter", "FORWARD", "drop"))[0][3]


def test_what_does_not_count():
    assert reasons(chain(policy="drop", hook="input"), chain(policy="drop", table="agentless"), chain(policy="drop", family="bridge"),
                   chain(policy="drop", type="route")) == []


def test_as_text():
    text = str(foreign.in_listing({"nftables": [chain(policy="drop")]})[0])
    assert text == "chain passing of table inet fw has the policy drop; our bridges get through with: " + NFT
