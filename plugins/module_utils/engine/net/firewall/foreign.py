# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Firewall rules of others that stop our containers' traffic.

In nftables a drop in any table is final: what ours accepts, another one's chain at the forward hook can still drop (Docker and ufw set the
policy of FORWARD so). That cannot be overridden, only seen and told.
"""

from __future__ import annotations

import json
import os
from typing import NamedTuple

from ...errors import EngineError, Unsupported
from . import nftables

BRIDGES = "ag-*"
"""The bridges of networks that do not name theirs."""

_TRANSPARENT = frozenset(["counter", "log", "limit"])


class BlockingRule(NamedTuple):
    """``table`` as "ip filter", ``chain``, ``reason`` for people, ``line``: the shell line that lets our bridges through until a reboot."""

    table: str
    chain: str
    reason: str
    line: str

    def __str__(self):
        return "chain %s of table %s %s; our bridges get through with: %s" % (self.chain, self.table, self.reason, self.line)


def blocking_rules(proc="/proc"):
    """List of :class:`BlockingRule`; empty where nothing stands in the way, or where nft is not installed."""
    try:
        listing = json.loads(nftables.run(["-j", "list", "ruleset"], ""))
    except (Unsupported, ValueError):
        return []
    return in_listing(listing) + _legacy(proc)


def in_listing(listing):
    """The blocking rules of what ``nft -j list ruleset`` showed."""
    items = listing.get("nftables", ())
    rules = [item["rule"] for item in items if "rule" in item]
    names = {(item["chain"]["family"], item["chain"]["table"], item["chain"]["name"]) for item in items if "chain" in item}
    found = []
    for item in items:
        chain = item.get("chain", {})
        if chain.get("hook") != "forward" or chain.get("type") != "filter" or chain["family"] not in ("ip", "ip6", "inet"):
            continue
        if chain["table"].startswith("agentless"):
            continue
        table = (chain["family"], chain["table"])
        ours = [rule for rule in rules if (rule["family"], rule["table"]) == table]
        reason = _reason(chain, ours)
        if reason and not _lets_through(ours):
            found.append(BlockingRule("%s %s" % table, chain["name"], reason, _line(chain, names)))
    return found


def _reason(chain, rules):
    """Why a packet that no rule accepts does not get through the chain; None if it does."""
    for rule in rules:
        if rule["chain"] == chain["name"]:
            verdict = [part for part in rule["expr"] if not _TRANSPARENT & set(part)]
            if len(verdict) == 1 and _is_drop(verdict[0]):
                return "ends with a rule that drops"
            if len(verdict) == 1 and "accept" in verdict[0]:
                return None
    return "has the policy drop" if chain.get("policy") == "drop" else None


def _is_drop(part):
    return "drop" in part or "reject" in part or (isinstance(part.get("xt"), dict) and part["xt"].get("name") == "REJECT")


def _lets_through(rules):
    """Whether somewhere in the table both directions of our bridges are accepted."""
    accepted = set()
    for rule in rules:
        if any("accept" in part for part in rule["expr"]):
            for part in rule["expr"]:
                match = part.get("match")
                if isinstance(match, dict) and match.get("right") == BRIDGES and isinstance(match.get("left"), dict):
                    accepted.add(match["left"].get("meta", {}).get("key"))
    return {"iifname", "oifname"} <= accepted


def _line(chain, names):
    family, table, name = chain["family"], chain["table"], chain["name"]
    if (family, table) == ("ip", "filter") and name == "FORWARD":
        target = "DOCKER-USER" if (family, table, "DOCKER-USER") in names else "FORWARD"
        return _iptables("iptables", target)
    if (family, table) == ("ip6", "filter") and name == "FORWARD":
        return _iptables("ip6tables", "FORWARD")
    lines = ("nft insert rule %s %s %s %s '\"%s\"' accept" % (family, table, name, key, BRIDGES) for key in ("iifname", "oifname"))
    return " && ".join(lines)


def _iptables(command, target):
    return " && ".join("%s -I %s %s ag-+ -j ACCEPT" % (command, target, option) for option in ("-i", "-o"))


def _legacy(proc):
    """The same for iptables' own kernel interface, which nft does not show."""
    try:
        with open(os.path.join(proc, "thread-self/net/ip_tables_names")) as stream:
            if "filter" not in stream.read().split():
                return []
        text = nftables.run(["-S", "FORWARD"], "", program="iptables-legacy")
    except (OSError, EngineError):
        return []
    lines = text.splitlines()
    through = all("-A FORWARD %s ag-+ -j ACCEPT" % option in lines for option in ("-i", "-o"))
    if "-P FORWARD DROP" not in lines or through:
        return []
    return [BlockingRule("filter (iptables-legacy)", "FORWARD", "has the policy drop", _iptables("iptables-legacy", "FORWARD"))]
