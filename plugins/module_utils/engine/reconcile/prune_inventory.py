# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that a prune looks at, read without changing anything. Sizes are taken only of what the task may remove."""

from __future__ import annotations

import os

from .. import state
from ..errors import NotFound
from ..image import garbage
from ..image.lease import leased
from ..image.store import ImageStore
from ..image.sweep import remains, size_of
from ..net.store import NetworkStore
from ..runtime.container import ContainerStore
from ..spec.network import DEFAULT_NETWORK
from ..spec.reference import Reference
from ..volume.store import VolumeStore
from .prune import STOPPED, CacheItem, ContainerItem, ImageItem, Inventory, NetworkItem, VolumeItem
from .prune_actions import mounts_directory
from .prune_filters import timestamp

_ANONYMOUS = "com.docker.volume.anonymous"


def observe(roots, desired):
    """The :class:`~prune.Inventory`. What ``desired`` does not touch is left out where nothing else depends on it."""
    containers = tuple(_containers(roots, desired))
    content = desired.images or desired.builder_cache
    return Inventory(
        containers=containers,
        networks=tuple(_networks(roots)) if desired.networks else (),
        volumes=tuple(_volumes(roots, containers)) if desired.volumes else (),
        cache=tuple(_cache(roots)) if content else (),
        remains=tuple(remains(roots)) if desired.images else (),
        **(_content(roots) if content else {}))


def _containers(roots, desired):
    """A container whose record cannot be read makes the whole prune fail: nobody knows what it uses."""
    store = ContainerStore(roots)
    for identity in store.ids():
        container = store.find(identity)
        if container is not None:
            yield _container(roots, desired, container)


def _container(roots, desired, container):
    status = container.state().status if container.is_complete() else "running"
    size = size_of(container.path("upper")) if desired.containers and status in STOPPED else 0
    volumes = tuple(mount["source"] for mount in container.record.mounts if mount.get("type") == "volume" and mount.get("source"))
    return ContainerItem(
        container.id, container.name, status, timestamp(container.record.created) or 0.0, dict(container.spec.labels),
        container.record.image_id, garbage.of_container(roots, container.id).chains, volumes,
        tuple(each.name for each in container.spec.networks), size)


def _content(roots):
    store = ImageStore(roots)
    with roots.lock("images"):
        images, held, building = tuple(_images(store)), frozenset(leased(roots)), garbage.builds_running(roots)
        blobs, chains, parents = {}, {}, {}
        for digest in store.blobs.list():
            blobs[digest] = os.path.getsize(store.blobs.path(digest))
        for chain_id in store.layers.list():
            record = garbage.layer_record(store, chain_id)
            chains[chain_id], parents[chain_id] = record.get("size") or 0, record.get("parent")
    return {"images": images, "leased": held, "building": building, "blobs": blobs, "chains": chains, "parents": parents}


def _images(store):
    entries = store.layout.manifests()
    for digest in dict.fromkeys(entry.digest for entry in entries):
        try:
            image = store.load(digest, entries)
        except NotFound:
            continue
        references = [Reference.parse(text) for text in image.references]
        tags = tuple(each.canonical for each in references if each.tag and not each.digest)
        yield ImageItem(image, tags, timestamp(image.config.created) or 0.0, dict(image.config.config.labels or {}),
                        garbage.of_image(store, image))


def _networks(roots):
    from ..net import network

    store = NetworkStore(roots)
    for each in store.list():
        members = tuple(endpoint.container_id for endpoint in store.endpoints(each.name) if not network.is_orphan(roots, store, endpoint))
        yield NetworkItem(each.name, timestamp(each.created) or 0.0, dict(each.labels), members, each.name == DEFAULT_NETWORK)


def _volumes(roots, containers):
    for volume in VolumeStore(roots).list():
        anonymous = _ANONYMOUS in volume.labels or (len(volume.name) == 64 and not volume.name.strip("0123456789abcdef"))
        data = os.path.join(roots.volumes, volume.name, "_data")
        users = tuple(each.id for each in containers if volume.name in each.volumes)
        yield VolumeItem(volume.name, timestamp(volume.created) or 0.0, dict(volume.labels), anonymous, size_of(data), users)


def _cache(roots):
    for name in garbage.cache_records(roots):
        try:
            last_used = os.stat(os.path.join(garbage.cache_directory(roots), name + ".json")).st_mtime
        except FileNotFoundError:
            continue
        yield CacheItem(name, last_used, used=garbage.of_record(roots, name))
    for name in state.listed(mounts_directory(roots)):
        path = os.path.join(mounts_directory(roots), name)
        if not garbage.is_locked(path, shared=True):
            yield CacheItem(name, os.stat(path).st_mtime, size_of(path), mount=True)
