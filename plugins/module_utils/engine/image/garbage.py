# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which blobs and layers are needed, and the removal of the others.

Counted are the images of the index, the layers that containers are mounted on, the records of the build cache, and leases (lease.py) of
whoever is pulling, loading or committing right now. While a build runs (a locked ``layers/.build-*``) nothing is collected at all: what it
made so far may have no name yet.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import secrets
from typing import FrozenSet, Tuple

from .. import state
from ..errors import EngineError, NotFound
from ..layer.apply import remove_tree
from .lease import leased

BUILD = ".build-"


@dataclasses.dataclass(frozen=True)
class Used:
    """Digests of blobs and chain IDs of layers that must stay."""

    blobs: FrozenSet[str] = frozenset()
    chains: FrozenSet[str] = frozenset()

    def __or__(self, other):
        return Used(self.blobs | other.blobs, self.chains | other.chains)


NOTHING = Used()


@dataclasses.dataclass(frozen=True)
class Collected:
    """What was removed, or would be: (digest, bytes) of blobs, (chain ID, bytes) of layers."""

    blobs: Tuple[Tuple[str, int], ...] = ()
    chains: Tuple[Tuple[str, int], ...] = ()

    def __bool__(self):
        return bool(self.blobs or self.chains)

    @property
    def size(self):
        """Bytes that this gives back."""
        return sum(size for unused, size in self.blobs + self.chains)


# --- what is used

def of_image(store, image):
    """What one image needs."""
    blobs = {image.manifest_digest, image.id, *(layer.digest for layer in image.manifest.layers)}
    return Used(frozenset(blobs), frozenset(store.layers.chain_ids(image)))


def of_images(store, without=()):
    """What the images of the index need.

    :param without: manifest digests of images that do not count. An image whose documents are gone cannot be used and needs nothing.
    """
    found = Used()
    for digest in dict.fromkeys(entry.digest for entry in store.layout.manifests()):
        if digest not in without:
            with contextlib.suppress(NotFound):
                found |= of_image(store, store.load(digest, ()))
    return found


def of_containers(roots, without=()):
    """The layers that containers are mounted on, by the links that each container keeps.

    :param without: IDs of containers that do not count.
    """
    found = Used()
    for container in state.listed(roots.containers):
        if container not in without:
            found |= of_container(roots, container)
    return found


def of_container(roots, identity):
    """The layers that one container is mounted on."""
    chains = set()
    lower = os.path.join(roots.containers, identity, "lower")
    for link in state.listed(lower) if os.path.isdir(lower) else ():
        with contextlib.suppress(OSError):
            target = os.readlink(os.path.join(lower, link))
            chains.add("sha256:" + os.path.basename(os.path.dirname(os.path.normpath(target))))
    return Used(frozenset(), frozenset(chains))


def of_cache(roots, without=()):
    """What the records of the build cache name.

    :param without: names of records (without ``.json``) that do not count.
    """
    found = Used()
    for name in cache_records(roots):
        if name not in without:
            found |= of_record(roots, name)
    return found


def of_record(roots, name):
    """What one record of the build cache names."""
    record = read_record(roots, name)
    blobs, chains = set(), {record["parent"]} if record.get("parent") else set()
    for layer in record.get("layers") or ():
        blobs.add(layer.get("digest"))
        chains.add(layer.get("chain_id"))
    return Used(frozenset(blobs), frozenset(chains))


def cache_directory(roots):
    """Where a build keeps its records."""
    return os.path.join(roots.state, "build", "cache")


def cache_records(roots):
    """Names of the build cache's records (list)."""
    return [name[:-5] for name in state.listed(cache_directory(roots)) if name.endswith(".json") and not name.startswith(".")]


def read_record(roots, name):
    """A record (dict); a damaged one is empty: no build can use it either."""
    try:
        record = state.read_json(os.path.join(cache_directory(roots), name + ".json"), {})
    except EngineError:
        return {}
    return record if isinstance(record, dict) else {}


def with_parents(store, used):
    """``used`` with the layers below those that it has, as each unpacked layer's own record names them."""
    chains, todo = set(used.chains), list(used.chains)
    while todo:
        record = layer_record(store, todo.pop())
        parent = record.get("parent")
        if parent and parent not in chains:
            chains.add(parent)
            todo.append(parent)
    return Used(used.blobs, frozenset(chains))


def everything(store, without_images=(), without_containers=(), without_records=()):
    """All that is :class:`Used`, leases among it. The caller holds the lock ``images``, or only wants to tell what would be removed."""
    roots = store.roots
    found = of_images(store, without_images) | of_containers(roots, without_containers) | of_cache(roots, without_records)
    held = frozenset(leased(roots))
    return with_parents(store, found | Used(held, held))


def builds_running(roots):
    """Whether somebody holds the lock of a build's working directory."""
    return any(name.startswith(BUILD) and is_locked(os.path.join(roots.layers, name)) for name in state.listed(roots.layers))


def is_locked(path, shared=False):
    """Whether another process (or another descriptor) holds an flock(2) on a file or directory.

    :param shared: a shared lock counts, too. Two that look for it at the same time may take each other for holders.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, (fcntl.LOCK_EX if shared else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(fd)


# --- removal

def unused(store, used, candidates=None):
    """The :class:`Collected` of all blobs and layers, or of ``candidates`` (digests and chain IDs), that are not in ``used``."""
    blobs, chains = [], []
    for digest in sorted(store.blobs.list()):
        if digest not in used.blobs and (candidates is None or digest in candidates):
            with contextlib.suppress(FileNotFoundError):
                blobs.append((digest, os.stat(store.blobs.path(digest)).st_size))
    for chain_id in store.layers.list():
        if chain_id not in used.chains and (candidates is None or chain_id in candidates):
            chains.append((chain_id, layer_record(store, chain_id).get("size") or 0))
    return Collected(tuple(blobs), tuple(chains))


def collect(store, candidates=None):
    """Remove blobs and layers that nothing needs.

    :param candidates: digests and chain IDs to look at; None for all.
    :returns: :class:`Collected`.
    """
    doomed = []
    with store.roots.lock("images"):
        if builds_running(store.roots):
            return Collected()
        found = unused(store, everything(store), candidates)
        for digest, unused_size in found.blobs:
            store.blobs.remove(digest)
        for chain_id, unused_size in found.chains:
            doomed += _doom(store, chain_id)
    # the names are gone, the rest needs no lock
    for path, fd in doomed:
        try:
            remove_tree(path)
        finally:
            os.close(fd)
    return found


def _doom(store, chain_id):
    """Take a layer's name away; the new one is locked, so that sweep() leaves it to us."""
    path = os.path.join(store.layers.root, ".gone-%s-%s" % (chain_id.partition(":")[2][:12], secrets.token_hex(4)))
    try:
        fd = os.open(store.layers.directory(chain_id), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return []
    fcntl.flock(fd, fcntl.LOCK_EX)
    os.rename(store.layers.directory(chain_id), path)
    return [(path, fd)]


def layer_record(store, chain_id):
    """The record (dict) of an unpacked layer; empty where there is none that can be read."""
    try:
        return store.layers.record(chain_id) or {}
    except EngineError:
        return {}
