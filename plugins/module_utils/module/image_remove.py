# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``image_remove``."""

from __future__ import annotations

from ..engine.image.store import ImageStore
from ..engine.reconcile.image import plan_remove
from .image import resolve
from .run import Outcome

ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "tag": {"type": "str", "default": "latest"},
    "force": {"type": "bool", "default": False},
}


def handle(params, roots, check_mode):
    """See module/run.py."""
    store = ImageStore(roots)
    image, reference = resolve(store, params["name"], params["tag"])
    document = store.inspect(image) if image is not None else {}
    removal = plan_remove(image, reference, store.users(image) if image is not None else (), params["force"])
    return Outcome(lambda: {"image": document, "untagged": sorted(removal.untagged), "deleted": list(removal.deleted)}, removal.plan)
