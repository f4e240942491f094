# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``container_diff``."""

from __future__ import annotations

from ..engine.layer.branches import ADDED, CHANGED, DELETED
from ..engine.runtime import commit
from ..engine.runtime.container import ContainerStore
from .run import Outcome

ARGUMENTS = {
    "container": {"type": "str", "required": True, "aliases": ["name"]},
}
_NAMES = {ADDED: "added", CHANGED: "changed_paths", DELETED: "deleted"}


def handle(params, roots, check_mode):
    """See module/run.py. Only reads."""
    container = ContainerStore(roots).get(params["container"].lstrip("/"))
    found, unused_same = commit.changes(container)
    answer = {"changes": [{"kind": change.kind, "path": "/" + change.path} for change in found]}
    for kind, name in _NAMES.items():
        answer[name] = ["/" + change.path for change in found if change.kind == kind]
    return Outcome(lambda: answer)
