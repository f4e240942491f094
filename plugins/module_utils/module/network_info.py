# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``network_info``: networks as they are."""

from __future__ import annotations

from ..engine.net.inspect import inspect
from ..engine.net.store import NetworkStore
from .run import Outcome

ARGUMENTS = {
    "name": {"type": "str", "aliases": ["network_name"]},
}


def handle(params, roots, check_mode):
    """See module/run.py."""
    store = NetworkStore(roots)

    def result():
        if params["name"] is None:
            networks = store.list()
            return {"exists": bool(networks), "network": None, "networks": [inspect(roots, network) for network in networks]}
        network = store.find(params["name"])
        document = inspect(roots, network) if network is not None else None
        return {"exists": network is not None, "network": document, "networks": [document] if document else []}

    return Outcome(result)
