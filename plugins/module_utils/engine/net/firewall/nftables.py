# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's firewall for our networks: one table ``inet <namespace>``, changed as a whole or by elements, always in one transaction.

What it should hold follows from the records (networks, published ports). What was applied last is remembered in the volatile root, with
the kernel's transaction count, so that drift is seen without running nft(8) as long as nobody touched any rule.
"""

from __future__ import annotations

import json
import os

from ... import state
from ...errors import EngineError, Unsupported
from ..store import NetworkStore
from . import generation, ruleset


def sync(roots, leave_out=None):
    """Bring the table to what the records say. Nothing is run if it is there already.

    :param leave_out: name of a network that does not count, because it is about to be removed.
    """
    with roots.lock("firewall"):
        values, needed = _wanted(roots, leave_out)
        if not needed:
            _delete(roots)
            return
        applied = _applied(roots)
        if applied is not None:
            text = ruleset.difference(roots.namespace, applied["elements"], values)
            if not text or _change(roots, text, values, applied["rules"]):
                return
        _replace(roots, values)


def ensure(roots):
    """Make sure, cheaply, that the table is as it was applied last; repair it otherwise."""
    if _applied(roots) is None and drift(roots):
        sync(roots)


def present(roots):
    """Whether the table is there. Runs nothing."""
    return generation.has_table(roots.namespace)


def drift(roots):
    """list of str: how the kernel's table differs from what the records say. Lists the table only if something changed since we did."""
    values, needed = _wanted(roots)
    if not needed:
        return ["nftables table inet %s is left over" % roots.namespace] if present(roots) else []
    if not present(roots):
        return ["nftables table inet %s is missing" % roots.namespace]
    applied = _applied(roots)
    if applied is not None:
        return _compare(roots, applied["elements"], values)
    number = generation.current()
    remembered = _remembered(roots)
    rules, found = _list(roots)
    findings = _compare(roots, found, values)
    if remembered.get("rules") != state.digest_of(rules):
        findings.append("rules of nftables table inet %s were changed" % roots.namespace)
    if not findings:
        _remember(roots, number, values, remembered["rules"])
    return findings


def missing(roots, entry):
    """list of str: what the kernel's table lacks of one container's :class:`Published` or, with None, of itself."""
    applied = _applied(roots)
    if applied is None:
        return drift(roots)
    if entry is None:
        return []
    return [each for each in _compare(roots, applied["elements"], ruleset.elements((), (entry,))) if " lacks " in each]


def remove(roots):
    """Delete the table, whatever it holds."""
    with roots.lock("firewall"):
        _delete(roots)


def _wanted(roots, leave_out=None):
    store = NetworkStore(roots)
    networks = [network for network in store.list() if network.name != leave_out]
    return ruleset.elements(networks, store.open_ports()), bool(networks)


def _compare(roots, found, values):
    findings = []
    for name, wanted in values.items():
        has = set(found.get(name, ()))
        for verb, some in (("lacks", set(wanted) - has), ("has a stray", has - set(wanted))):
            findings += ["nftables %s of table inet %s %s %s" % (name, roots.namespace, verb, value) for value in sorted(some)]
    return findings


# -- what was applied last ---------------------------------------------------------------------------------------------------------------


def _path(roots):
    return os.path.join(roots.run, "firewall.json")


def _remembered(roots):
    """What was written by :func:`_remember` for this table, this network namespace and these rules; {} otherwise."""
    try:
        data = state.read_json(_path(roots), {})
    except EngineError:
        return {}
    same = data.get("namespace") == generation.namespace() and data.get("template") == _template()
    return data if same else {}


def _applied(roots):
    """The same, if no rule of the host was touched since; None otherwise."""
    data = _remembered(roots)
    if not data or data.get("generation") is None or data["generation"] != generation.current():
        return None
    return data


def _remember(roots, number, values, rules):
    state.write_json(_path(roots), {"namespace": generation.namespace(), "template": _template(), "generation": number, "rules": rules,
                                    "elements": values}, durable=False)


def _template():
    return state.digest_of([ruleset.SETS, ruleset.MAPS, ruleset.CHAINS])


# -- nft(8) ------------------------------------------------------------------------------------------------------------------------------


def _replace(roots, values):
    before = generation.current()
    run(["-f", "-"], ruleset.table(roots.namespace, values))
    rules, _found = _list(roots)
    _remember(roots, _if_ours(before), values, state.digest_of(rules))


def _change(roots, text, values, rules):
    """Change elements only. Returns False where that failed, so that the whole table is replaced."""
    before = generation.current()
    try:
        run(["-f", "-"], text)
    except Unsupported:
        raise
    except EngineError:
        return False
    _remember(roots, _if_ours(before), values, rules)
    return True


def _if_ours(before):
    """The transaction count, if the one since ``before`` was ours alone; None if another program changed rules at the same moment."""
    now = generation.current()
    return now if None not in (before, now) and now == before + 1 else None


def _delete(roots):
    if present(roots):
        run(["-f", "-"], "table inet %s {}\ndelete table inet %s\n" % (roots.namespace, roots.namespace))
    state.remove_file(_path(roots))


def _list(roots):
    output = run(["-j", "list", "table", "inet", roots.namespace], "")
    try:
        return ruleset.read_listing(json.loads(output))
    except ValueError as error:
        raise EngineError("nft listed table inet %s in a form that is not JSON: %s" % (roots.namespace, error)) from error


def run(arguments, text, program="nft"):
    """Run nft (or another program of the firewall) with ``text`` as its input; returns its output.

    :raises Unsupported: it is not installed. EngineError: it refused.
    """
    import subprocess  # pylint: disable=import-outside-toplevel

    environment = {"PATH": "/usr/sbin:/sbin:/usr/bin:/bin:" + os.environ.get("PATH", ""), "LC_ALL": "C"}
    try:
        # pylint: disable-next=ansible-bad-function
        answer = subprocess.run([program, *arguments], input=text.encode(), capture_output=True, env=environment, timeout=60, check=False)
    except FileNotFoundError as error:
        raise Unsupported("%s is not installed on this host" % program,
                          "apply role agentless.containers.host, or install the package nftables") from error
    if answer.returncode != 0:
        reason = answer.stderr.decode(errors="replace").strip().splitlines() or ["exit status %d" % answer.returncode]
        raise EngineError("%s %s failed: %s" % (program, " ".join(arguments), reason[0]),
                          "see whether the kernel has nf_tables with NAT: nft list ruleset")
    return answer.stdout.decode(errors="replace")
