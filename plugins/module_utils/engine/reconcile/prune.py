# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in nobody's use goes: stopped containers, images, networks, volumes, the build cache, blobs and layers that nothing refers to.

The plan is made of an inventory (prune_inventory.py): each step counts with what the steps before it take away. Each action looks once
more, under the lock of its kind, and leaves what came into use meanwhile.
"""

from __future__ import annotations

import dataclasses
from typing import Tuple

from ..image.garbage import NOTHING, Collected, Used
from ..plan import Plan
from . import prune_actions as actions
from .prune_filters import ANY, Filters

STOPPED = ("created", "exited", "dead")


@dataclasses.dataclass(frozen=True)
class Desired:
    """What is to be pruned. ``cache_keep``: bytes of the build cache that stay, the most recently used first."""

    containers: bool = False
    containers_filters: Filters = ANY
    images: bool = False
    images_filters: Filters = ANY
    networks: bool = False
    networks_filters: Filters = ANY
    volumes: bool = False
    volumes_filters: Filters = ANY
    builder_cache: bool = False
    builder_cache_filters: Filters = ANY
    cache_keep: int = 0


@dataclasses.dataclass(frozen=True)
class ContainerItem:
    """``volumes`` are names; ``size`` is that of the writable layer."""

    id: str
    name: str
    status: str
    created: float
    labels: dict
    image_id: str
    chains: frozenset = frozenset()
    volumes: Tuple[str, ...] = ()
    networks: Tuple[str, ...] = ()
    size: int = 0


@dataclasses.dataclass(frozen=True)
class ImageItem:
    """``image``: the :class:`~spec.image.Image`."""

    image: object
    tags: Tuple[str, ...]
    created: float
    labels: dict
    used: Used = NOTHING


@dataclasses.dataclass(frozen=True)
class NetworkItem:
    """``members``: IDs of the containers (and builds) that have a place in it."""

    name: str
    created: float
    labels: dict
    members: Tuple[str, ...] = ()
    predefined: bool = False


@dataclasses.dataclass(frozen=True)
class VolumeItem:
    """``users``: IDs of the containers that mount it."""

    name: str
    created: float
    labels: dict
    anonymous: bool = False
    size: int = 0
    users: Tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class CacheItem:
    """A record of the build cache, or (``mount``) the directory of a cache mount. ``last_used``: seconds since 1970."""

    name: str
    last_used: float
    size: int = 0
    used: Used = NOTHING
    mount: bool = False


@dataclasses.dataclass(frozen=True)
class Inventory:
    """All that a prune looks at.

    :param leased: what somebody is about to refer to. :param building: a build runs, so images and their content stay.
    :param blobs: digest -> bytes. :param chains: chain ID -> bytes. :param parents: chain ID -> that of the layer below.
    :param remains: (path, bytes) of what killed runs left.
    """

    containers: Tuple[ContainerItem, ...] = ()
    images: Tuple[ImageItem, ...] = ()
    networks: Tuple[NetworkItem, ...] = ()
    volumes: Tuple[VolumeItem, ...] = ()
    cache: Tuple[CacheItem, ...] = ()
    leased: frozenset = frozenset()
    building: bool = False
    blobs: dict = dataclasses.field(default_factory=dict)
    chains: dict = dataclasses.field(default_factory=dict)
    parents: dict = dataclasses.field(default_factory=dict)
    remains: Tuple[Tuple[str, int], ...] = ()


def plan_prune(desired, inventory):
    """The :class:`Plan`; its actions know what they take (see prune_actions.py)."""
    steps = []
    gone = _containers(desired, inventory)
    steps += [actions.PruneContainer(each.id, each.name, each.size) for each in gone]
    stopped = {each.id for each in gone}
    images = _images(desired, inventory, stopped)
    steps += [actions.PruneImage(each.image.id, each.image.references, each.image) for each in images]
    steps += [actions.PruneNetwork(each.name) for each in _networks(desired, inventory, stopped)]
    steps += [actions.PruneVolume(each.name, each.size) for each in _volumes(desired, inventory, stopped)]
    cache = _cache(desired, inventory)
    steps += [actions.PruneCacheMount(each.name, each.size) if each.mount else actions.PruneCacheRecord(each.name, each.used)
              for each in cache]
    if desired.images or desired.builder_cache:
        steps += _garbage(desired, inventory, stopped, images, cache)
    return Plan(steps, {}, {})


def _containers(desired, inventory):
    if not desired.containers:
        return []
    return [each for each in inventory.containers
            if each.status in STOPPED and desired.containers_filters.takes(each.created, each.labels)]


def _images(desired, inventory, stopped):
    if not desired.images or inventory.building:
        return []
    filters = desired.images_filters
    needed = {each.image_id for each in inventory.containers if each.id not in stopped}
    return [each for each in inventory.images
            if each.image.id not in needed and not (filters.dangling and each.tags) and filters.takes(each.created, each.labels)
            and not {each.image.id, each.image.manifest_digest} & inventory.leased]


def _networks(desired, inventory, stopped):
    if not desired.networks:
        return []
    wanted = {name for each in inventory.containers if each.id not in stopped for name in each.networks}
    return [each for each in inventory.networks
            if not each.predefined and each.name not in wanted and not set(each.members) - stopped
            and desired.networks_filters.takes(each.created, each.labels)]


def _volumes(desired, inventory, stopped):
    if not desired.volumes:
        return []
    filters = desired.volumes_filters
    return [each for each in inventory.volumes
            if (each.anonymous or filters.all) and not set(each.users) - stopped and filters.takes(each.created, each.labels)]


def _cache(desired, inventory):
    if not desired.builder_cache:
        return []
    filters = desired.builder_cache_filters
    taken, kept = [], 0
    for each in sorted(inventory.cache, key=lambda item: (-item.last_used, item.name)):
        if filters.ids and not any(each.name.startswith(prefix) for prefix in filters.ids):
            continue
        size = each.size + sum(inventory.blobs.get(digest, 0) for digest in each.used.blobs) + \
            sum(inventory.chains.get(chain_id, 0) for chain_id in each.used.chains)
        if kept + size <= desired.cache_keep:
            kept += size
        elif filters.takes(each.last_used, {}):
            taken.append(each)
    return taken


def _garbage(desired, inventory, stopped, images, cache):
    """Blobs and layers that nothing is going to need any more, and what killed runs left."""
    if inventory.building:
        return []
    used = Used(inventory.leased, inventory.leased)
    for each in inventory.images:
        if each not in images:
            used |= each.used
    for each in inventory.containers:
        if each.id not in stopped:
            used |= Used(frozenset(), each.chains)
    of_cache = Used()
    for each in inventory.cache:
        if each in cache:
            of_cache |= each.used
        else:
            used |= each.used
    chains = set(used.chains)
    for chain_id in used.chains:
        while inventory.parents.get(chain_id):
            chain_id = inventory.parents[chain_id]
            chains.add(chain_id)
    found = Collected(tuple(item for item in sorted(inventory.blobs.items()) if item[0] not in used.blobs),
                      tuple(item for item in sorted(inventory.chains.items()) if item[0] not in chains))
    remains = inventory.remains if desired.images else ()
    if not found and not remains:
        return []
    return [actions.CollectGarbage(found, tuple(remains), of_cache)]


def summary(plan, done):
    """The return values of module prune, in docker_prune's words.

    :param done: whether the plan was executed: then what counts is what was really removed.
    """
    steps = [step for step in plan.actions if not done or step.done]
    of = {kind: [step for step in steps if isinstance(step, kind)] for kind in (
        actions.PruneContainer, actions.PruneImage, actions.PruneNetwork, actions.PruneVolume, actions.PruneCacheRecord,
        actions.PruneCacheMount)}
    images = []
    for step in of[actions.PruneImage]:
        images += [{"Untagged": name} for name in step.names] + [{"Deleted": step.id}]
    of_images, of_cache = 0, sum(step.size for step in of[actions.PruneCacheMount])
    for step in steps:
        if isinstance(step, actions.CollectGarbage):
            images += [{"Deleted": chain_id} for chain_id, unused in step.result(done).chains if chain_id not in step.of_cache.chains]
            of_images += step.size_of_images(done)
            of_cache += step.size_of_cache(done)
    return {
        "containers": [step.id for step in of[actions.PruneContainer]],
        "containers_space_reclaimed": sum(step.size for step in of[actions.PruneContainer]),
        "images": images,
        "images_space_reclaimed": of_images,
        "networks": [step.name for step in of[actions.PruneNetwork]],
        "volumes": [step.name for step in of[actions.PruneVolume]],
        "volumes_space_reclaimed": sum(step.size for step in of[actions.PruneVolume]),
        "builder_cache_caches_deleted": [step.name for step in of[actions.PruneCacheRecord] + of[actions.PruneCacheMount]],
        "builder_cache_space_reclaimed": of_cache,
    }
