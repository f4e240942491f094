# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OCI image layout of a state root: ``oci-layout``, ``index.json`` and the blobs.

index.json has one descriptor for every reference (annotation org.opencontainers.image.ref.name, the canonical reference) and one
without a name for an image that lost its last one. Writers hold the lock ``images``; readers need none, because the file is replaced whole.
"""

from __future__ import annotations

import os

from .. import state
from ..errors import EngineError
from ..spec.image import OCI_INDEX, REF_NAME, Descriptor, Index
from .cas import BlobStore
from .verify import check_index

LAYOUT_VERSION = "1.0.0"


class Layout:
    """An OCI image layout at ``root``."""

    def __init__(self, root):
        self.root = root
        self.blobs = BlobStore(root)
        self._index = os.path.join(root, "index.json")

    def manifests(self):
        """The descriptors of index.json (list); an empty layout has none."""
        data = state.read_json(self._index)
        if data is None:
            return []
        if not isinstance(data, dict):
            raise EngineError("%s is damaged" % self._index, "restore it, or remove the directory %s and pull the images again" % self.root)
        return list(Index.from_json(check_index(data, self._index)).manifests)

    def save(self, manifests):
        """Replace index.json. The caller holds the lock."""
        marker = os.path.join(self.root, "oci-layout")
        if not os.path.exists(marker):
            state.write_json(marker, {"imageLayoutVersion": LAYOUT_VERSION}, 0o644)
        state.write_json(self._index, Index(tuple(manifests), media_type=OCI_INDEX).to_json(), 0o644)


def reference_of(descriptor):
    """The canonical reference of an index entry, or None for an image without name."""
    return (descriptor.annotations or {}).get(REF_NAME)


def named(descriptor, reference):
    """The descriptor as an index entry for a reference (None: without name)."""
    others = {key: value for key, value in (descriptor.annotations or {}).items() if key != REF_NAME}
    if reference is not None:
        others[REF_NAME] = reference
    return Descriptor(descriptor.media_type, descriptor.digest, descriptor.size, annotations=others or None, platform=descriptor.platform)
