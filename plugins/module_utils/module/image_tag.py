# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``image_tag``."""

from __future__ import annotations

from ..engine.errors import InvalidValue, NotFound
from ..engine.image.store import ImageStore
from ..engine.reconcile.image import plan_tag
from .image import inspected, is_id, reference_of, resolve
from .run import Outcome

ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "tag": {"type": "str", "default": "latest"},
    "repository": {"type": "list", "elements": "str", "required": True},
    "existing_images": {"type": "str", "default": "overwrite", "choices": ["keep", "overwrite"]},
}


def handle(params, roots, check_mode):
    """See module/run.py."""
    store = ImageStore(roots)
    image, reference = resolve(store, params["name"], params["tag"])
    if image is None:
        raise NotFound("image %s is not on this host" % (reference.familiar if reference else params["name"]),
                       "pull, load or import it first")
    holders = {}
    for text in params["repository"]:
        if is_id(text):
            raise InvalidValue("repository", text, "is an image ID", "give a name and a tag")
        target = reference_of(text, option="repository")
        if target.digest:
            raise InvalidValue("repository", text, "has a digest, which is no name to give", "give a tag")
        holder = store.find(target.canonical)
        holders[target] = holder.id if holder else None
    plan = plan_tag(image, holders, params["existing_images"] == "keep")

    def result():
        return {"image": inspected(roots, image.id), "tagged_images": [action.reference.familiar for action in plan.actions]}

    return Outcome(result, plan)
