# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``network``: from parameters to the network reconciler."""

from __future__ import annotations

from ..engine.net.inspect import inspect
from ..engine.net.ipam import parse_pools
from ..engine.net.store import NetworkStore
from ..engine.reconcile.network import DesiredNetwork, observe, plan_network
from ..engine.spec.network import NetworkSpec
from .run import Outcome

ARGUMENTS = {
    "name": {"type": "str", "required": True, "aliases": ["network_name"]},
    "state": {"type": "str", "default": "present", "choices": ["absent", "present"]},
    "driver": {"type": "str"},
    "driver_options": {"type": "dict"},
    "enable_ipv6": {"type": "bool"},
    "ipam_driver": {"type": "str"},
    "ipam_driver_options": {"type": "dict"},
    "ipam_config": {"type": "list", "elements": "dict", "options": {
        "subnet": {"type": "str"},
        "iprange": {"type": "str"},
        "gateway": {"type": "str"},
        "aux_addresses": {"type": "dict"},
    }},
    "internal": {"type": "bool"},
    "labels": {"type": "dict"},
    "connected": {"type": "list", "elements": "str", "aliases": ["containers"]},
    "appends": {"type": "bool", "default": False, "aliases": ["incremental"]},
    "force": {"type": "bool", "default": False},
}


def handle(params, roots, check_mode):
    """See module/run.py."""
    desired = DesiredNetwork(
        spec=_spec(params), state=params["state"], connected=None if params["connected"] is None else tuple(params["connected"]),
        appends=params["appends"], force=params["force"])
    observed = observe(roots, desired)
    plan = plan_network(desired, observed)

    def result():
        if check_mode and observed.resolved is not None:
            document = inspect(roots, observed.resolved)
            # a network that is not made has no identity yet
            return {"network": document if observed.network is not None else dict(document, Id="", Created="")}
        network = NetworkStore(roots).get(desired.spec.name)
        return {"network": inspect(roots, network) if network is not None and desired.state == "present" else {}}

    return Outcome(result, plan)


def _spec(params):
    configs = params["ipam_config"]
    pools = None if configs is None else parse_pools(
        [dict(config, aux_addresses=_strings(config.get("aux_addresses"))) for config in configs])
    return NetworkSpec(
        name=params["name"], driver=params["driver"], driver_options=_strings(params["driver_options"]), enable_ipv6=params["enable_ipv6"],
        ipam_driver=params["ipam_driver"], ipam_driver_options=_strings(params["ipam_driver_options"]), pools=pools,
        internal=params["internal"], labels=_strings(params["labels"]))


def _strings(values):
    """Keys and values of a YAML dict as Docker has them: text."""
    if values is None:
        return None
    return {str(key): _text(value) for key, value in values.items()}


def _text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
