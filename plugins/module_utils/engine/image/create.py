# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""New images out of layers and configuration: the documents are made so that the same input gives the same image ID on every host."""

from __future__ import annotations

import copy
import dataclasses
import json

from ..layer import bounds, compress, stream
from ..spec.image import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, Descriptor, Manifest
from .verify import digest_of_bytes

# a fixed time, because an image that says when it was made is another image each time
EPOCH = "1970-01-01T00:00:00Z"
INPUTS = "containers.agentless.inputs"


@dataclasses.dataclass(frozen=True)
class Layer:
    """A layer's blob and the digest of its uncompressed content; ``fresh``: the blob was not there before."""

    descriptor: Descriptor
    diff_id: str
    fresh: bool = False


def encode(value):
    """The JSON bytes of a document, the same for the same value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def new_config(platform):
    """The configuration (dict) of an image without layers."""
    config = {"architecture": platform.architecture, "os": platform.os, "created": EPOCH, "config": {},
              "rootfs": {"type": "layers", "diff_ids": []}, "history": []}
    if platform.variant:
        config["variant"] = platform.variant
    return config


def child_config(base, changes, diff_ids=(), created_by="", comment=""):
    """A configuration with more layers and changed defaults; what this engine does not know of the base stays.

    :param base: dict. :param changes: :class:`~changes.Changes`. :param diff_ids: of the new layers.
    """
    config = copy.deepcopy(base)
    for key in ("container", "container_config", "id", "parent"):
        config.pop(key, None)
    config["config"] = changes.apply(config.get("config") or {})
    config["rootfs"]["diff_ids"] = list(config["rootfs"]["diff_ids"]) + list(diff_ids)
    history = list(config.get("history") or [])
    for unused in diff_ids:
        entry = {"created": EPOCH, "created_by": created_by}
        if comment:
            entry["comment"] = comment
        history.append(entry)
    if changes and not diff_ids:
        history.append({"created": EPOCH, "created_by": created_by, "empty_layer": True})
    config["history"] = history
    config["created"] = EPOCH if not base.get("rootfs", {}).get("diff_ids") else base.get("created") or EPOCH
    return config


def store_image(blobs, config, layers, fresh=None):
    """Write configuration and manifest; returns the manifest's Descriptor. The layers' blobs are there already.

    :param config: dict. :param layers: Descriptors, lowest first. :param fresh: list that gets the digests of what was not there before.
    """
    def put(data):
        if fresh is not None and not blobs.has(digest_of_bytes(data)):
            fresh.append(digest_of_bytes(data))
        return blobs.put(data)

    data = encode(config)
    manifest = Manifest(Descriptor(OCI_CONFIG, put(data), len(data)), tuple(plain(layer) for layer in layers), OCI_MANIFEST)
    data = encode(manifest.to_json())
    return Descriptor(OCI_MANIFEST, put(data), len(data))


def plain(layer):
    """A layer's descriptor with an OCI media type (Docker's own types belong into Docker's manifests only)."""
    suffix = ""
    if layer.media_type.endswith(("gzip", ".gz")):
        suffix = "+gzip"
    elif layer.media_type.endswith("zstd"):
        suffix = "+zstd"
    return Descriptor(OCI_LAYER + suffix, layer.digest, layer.size)


def store_layer(blobs, chunks):
    """Store a tar stream as a layer: gzip and zstd as they are, anything else as gzip. Returns a :class:`Layer`."""
    chunks = iter(chunks)
    head = next(chunks, b"")
    kind = stream.compression(head)
    whole = stream.chain(head, chunks)
    with blobs.writer() as writer:
        if kind in ("gzip", "zstd"):
            plain_content = stream.Hashing(bounds.decompressed(_tee(whole, writer), blobs.partial))
            for unused in stream.threaded(plain_content):
                pass
        else:
            plain_content = stream.Hashing(bounds.decompressed(whole, blobs.partial))
            for piece in compress.gzip(stream.threaded(plain_content)):
                writer.write(piece)
            kind = "gzip"
        digest, size = writer.commit()
    return Layer(Descriptor("%s+%s" % (OCI_LAYER, kind), digest, size), plain_content.digest(), not writer.existed)


def diff_id_of(chunks):
    """The digest of a tar stream without its compression."""
    content = stream.Hashing(stream.decompress(chunks))
    for unused in stream.threaded(content):
        pass
    return content.digest()


def _tee(chunks, writer):
    for chunk in chunks:
        writer.write(chunk)
        yield chunk
