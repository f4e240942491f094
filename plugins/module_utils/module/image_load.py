# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``image_load``."""

from __future__ import annotations

from ..engine.image.archive import platform_of_host, scan
from ..engine.image.layering import blame
from ..engine.image.store import ImageStore
from ..engine.reconcile.image_create import familiar, observe_load, plan_load
from .run import Outcome

ARGUMENTS = {
    "path": {"type": "path", "required": True},
}


def handle(params, roots, check_mode):
    """See module/run.py."""
    platform = platform_of_host()
    with blame("path", params["path"]):
        archived = scan(params["path"], platform)
    plan = plan_load(params["path"], archived, observe_load(roots, archived), platform)

    def result():
        store = ImageStore(roots)
        images = [store.find(each.id) for each in archived]
        names = sorted(familiar(name) for each in archived for name in each.references or (each.id,))
        return {"image_names": names, "images": [store.inspect(image) for image in images if image is not None]}

    return Outcome(result, plan)
