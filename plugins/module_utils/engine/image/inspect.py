# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The document that ``docker image inspect`` shows for an image."""

from __future__ import annotations

from ..spec.reference import Reference


def inspect(store, image):
    """The inspect document (dict) of an image.

    :param store: the :class:`~store.ImageStore` that holds it.
    """
    references = [Reference.parse(text) for text in image.references]
    layers = store.layers
    records = [layers.record(chain_id) for chain_id in layers.chain_ids(image)]
    # the unpacked size where the layer is unpacked, as Docker counts; the size of its blob otherwise
    size = sum(record["size"] if record else blob.size for record, blob in zip(records, image.manifest.layers))
    config = store.config_document(image.manifest)
    paths = layers.paths(image)
    data = {"UpperDir": paths[-1]} if paths else {}
    if len(paths) > 1:
        data["LowerDir"] = ":".join(reversed(paths[:-1]))
    return {
        "Id": image.id,
        "RepoTags": sorted(reference.familiar for reference in references if reference.tag and not reference.digest),
        "RepoDigests": sorted(reference.familiar for reference in references if reference.digest),
        "Parent": "",
        "Comment": (image.config.history[-1].comment or "") if image.config.history else "",
        "Created": image.config.created or "",
        "DockerVersion": config.get("docker_version") or "",
        "Author": image.config.author or "",
        "Config": config.get("config") or {},
        "Architecture": image.config.architecture,
        "Variant": image.config.variant or "",
        "Os": image.config.os,
        "Size": size,
        "GraphDriver": {"Data": data, "Name": "overlay2"},
        "RootFS": {"Type": "layers", "Layers": list(image.config.diff_ids)},
        "Metadata": {"LastTagTime": ""},
        "Descriptor": {"mediaType": image.manifest.media_type or "", "digest": image.manifest_digest,
                       "size": len(store.blobs.read(image.manifest_digest))},
    }
