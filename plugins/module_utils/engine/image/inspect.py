# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The document that ``docker image inspect`` shows for an image, and what ``docker history`` shows of it."""

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
    sizes = [record["size"] if record else blob.size for record, blob in zip(records, image.manifest.layers)]
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
        "Size": sum(sizes),
        "GraphDriver": {"Data": data, "Name": "overlay2"},
        "RootFS": {"Type": "layers", "Layers": list(image.config.diff_ids)},
        "Metadata": {"LastTagTime": ""},
        "Descriptor": {"mediaType": image.manifest.media_type or "", "digest": image.manifest_digest,
                       "size": len(store.blobs.read(image.manifest_digest))},
        "History": history(image, sizes),
    }


def history(image, sizes):
    """The list that ``docker history`` shows, newest first.

    Only the newest entry has an ID, because an image has no parents here.

    :param sizes: bytes of the layers, lowest first.
    """
    found, left = [], list(sizes)
    for entry in image.config.history:
        size = 0 if entry.empty_layer or not left else left.pop(0)
        found.append({"Id": "<missing>", "Created": entry.created or "", "CreatedBy": entry.created_by or "",
                      "Comment": entry.comment or "", "EmptyLayer": bool(entry.empty_layer), "Size": size, "Tags": None})
    if found:
        references = [Reference.parse(text) for text in image.references]
        tags = sorted(reference.familiar for reference in references if reference.tag and not reference.digest)
        found[-1].update(Id=image.id, Tags=tags or None)
    return found[::-1]
