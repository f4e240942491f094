# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The build cache: which layer a step made, by the hash of all that could change it.

``<state>/build/cache/<hash of key and parent>.json``: builds that ran the same step at the same time on layers of their own each find what
they made. A record is used only while its layer and its blob are there, on top of the very layers that it was
made on. ``layers`` in it is what the garbage collector keeps.
"""

from __future__ import annotations

import contextlib
import os
from typing import Optional, Tuple

from .. import state
from ..image.cas import BlobStore
from ..layer.store import LayerStore
from ..spec.document import Document, document
from ..spec.image import Descriptor


@document
class Stored(Document):
    """A finished layer: where it lies by its chain ID, and the blob that holds it."""

    NESTED = {"descriptor": Descriptor}
    chain_id: str
    diff_id: str
    digest: str
    descriptor: Descriptor


@document
class Record(Document):
    """One step.

    :param step: the key that the steps behind it are counted from; the same under whichever key it was found.
    :param parent: chain ID of what it was made on; empty for nothing.
    :param layers: the layer that it made; none if it changed no file.
    :param created: RFC 3339.
    """

    NESTED = {"layers": Stored}
    key: str
    step: str
    parent: str = ""
    layers: Tuple[Stored, ...] = ()
    created: str = ""
    instruction: Optional[str] = None


class Records:
    """The cache below a state root."""

    def __init__(self, roots):
        self.directory = os.path.join(roots.state, "build", "cache")
        self._layers = LayerStore(roots)
        self._blobs = BlobStore(roots.images)
        self._borrowed = {}

    def find(self, key, parent):
        """The Record of a step on top of the chain ``parent``, or None. Finding one counts as its use."""
        path = self._path(key, parent)
        value = state.read_json(path)
        record = Record.from_json(value) if value is not None else self._borrowed.get((key, parent))
        if record is None or record.parent != parent:
            return None
        for layer in record.layers:
            if not self._layers.has(layer.chain_id) or not self._blobs.has(layer.digest, layer.descriptor.size):
                return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return record

    def borrow(self, record):
        """Know a record in this build only, until it was used: what an image says of its layers is believed by those who asked for it."""
        self._borrowed[record.key, record.parent] = record

    def keep(self, record):
        """Save a record that was borrowed and then used."""
        if self._borrowed.pop((record.key, record.parent), None) is not None:
            self.save(record)

    def save(self, record):
        state.write_json(self._path(record.key, record.parent), record.to_json(), durable=False)

    def _path(self, key, parent):
        return os.path.join(self.directory, state.digest_of([key, parent]) + ".json")
