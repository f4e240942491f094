# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``container_commit``."""

from __future__ import annotations

from ..engine.build import lines
from ..engine.image.changes import Changes
from ..engine.reconcile.container_commit import CommitRequest, observe, plan_commit
from .image import inspected, named_reference
from .run import Outcome

ARGUMENTS = {
    "container": {"type": "str", "required": True, "aliases": ["name"]},
    "repository": {"type": "str"},
    "tag": {"type": "str", "default": "latest"},
    "changes": {"type": "list", "elements": "str"},
    "comment": {"type": "str"},
    "author": {"type": "str"},
    "pause": {"type": "bool", "default": True},
}


def handle(params, roots, check_mode):
    """See module/run.py."""
    reference = None if params["repository"] is None else named_reference(params["repository"], params["tag"], "repository")
    request = CommitRequest(params["container"].lstrip("/"), reference, lines.read(params["changes"] or (), Changes()),
                            params["comment"] or "", params["author"] or "", params["pause"])
    observed = observe(roots, request)
    plan = plan_commit(request, observed)

    def result():
        image_id = observed.coming
        for action in plan.actions:
            image_id = action.done[0] if action.done else image_id
        return {"id": image_id, "image": inspected(roots, image_id)}

    return Outcome(result, plan)
