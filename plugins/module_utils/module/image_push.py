# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``image_push``."""

from __future__ import annotations

from ..engine.errors import InvalidValue, NotFound
from ..engine.image.store import ImageStore
from ..engine.reconcile.image import observe_push, plan_push
from .argspec import REGISTRY
from .image import inspected, is_id, reference_of, registry_options
from .run import Outcome

ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "tag": {"type": "str", "default": "latest"},
    **REGISTRY,
}


def handle(params, roots, check_mode):
    """See module/run.py."""
    if is_id(params["name"]):
        raise InvalidValue("name", params["name"], "is an image ID, which says nothing about a registry", "tag the image, and push the tag")
    reference = reference_of(params["name"], params["tag"])
    if reference.digest:
        raise InvalidValue("name", params["name"], "has a digest, which cannot be pushed to", "give a tag")
    image = ImageStore(roots).find(reference.canonical)
    if image is None:
        raise NotFound("image %s is not on this host" % reference.familiar, "tag an image with this name first")
    options = registry_options(params)
    plan = plan_push(image, reference, observe_push(reference, options), options)
    return Outcome(lambda: {"image": inspected(roots, reference), "digest": image.manifest_digest}, plan)
