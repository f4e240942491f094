# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``volume_info``: one volume, as it is."""

from __future__ import annotations

from ..engine.spec.volume import check_name
from ..engine.volume.store import VolumeStore
from .run import Outcome

ARGUMENTS = {
    "name": {"type": "str", "required": True, "aliases": ["volume_name"]},
}


def handle(params, roots, check_mode):
    """See module/run.py."""
    name = check_name(params["name"], "name")
    store = VolumeStore(roots)

    def result():
        volume = store.get(name)
        if volume is None:
            return {"exists": False, "volume": None, "containers": []}
        return {"exists": True, "volume": volume.inspect(), "containers": store.users(name)}

    return Outcome(result)
