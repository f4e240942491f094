# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``image_info``."""

from __future__ import annotations

from ..engine.image.store import ImageStore
from .image import resolve
from .run import Outcome

ARGUMENTS = {
    "name": {"type": "list", "elements": "str"},
}


def handle(params, roots, check_mode):
    """See module/run.py."""
    store = ImageStore(roots)
    if params["name"] is None:
        images = store.list()
    else:
        found = [resolve(store, name)[0] for name in params["name"]]
        images = list({image.id: image for image in found if image is not None}.values())
    return Outcome(lambda: {"images": [store.inspect(image) for image in images]})
