# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which image a reference leads to, and no more: what a task asks that finds its container as it should be.

:class:`~store.ImageStore` tells the same with everything else about the image; its documents take longer to import than to read.
"""

from __future__ import annotations

import os

from ..state import read_json

REF_NAME = "org.opencontainers.image.ref.name"


def image_id(roots, reference):
    """The ID (``sha256:...``) of the image that a canonical reference, or an ID, leads to; None where it is not here.

    :raises EngineError: the store is damaged.
    """
    index = read_json(os.path.join(roots.images, "index.json"), {})
    entries = index.get("manifests") if isinstance(index, dict) else None
    for entry in entries or () if isinstance(entries, list) else ():
        if (entry.get("annotations") or {}).get(REF_NAME) == reference:
            manifest = read_json(os.path.join(roots.images, "blobs", *entry["digest"].split(":", 1)), {})
            if isinstance(manifest, dict) and manifest.get("config"):
                return manifest["config"]["digest"]
            break
    # an ID, or something that the store knows how to complain about
    from .store import ImageStore  # pylint: disable=import-outside-toplevel

    image = ImageStore(roots).find(reference)
    return None if image is None else image.id
