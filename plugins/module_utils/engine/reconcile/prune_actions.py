# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a prune. Each makes sure under its lock that nobody came to use the thing; ``done`` is filled if it was removed."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
from typing import Tuple

from .. import state
from ..errors import Conflict, TimedOut
from ..image import garbage
from ..image.garbage import NOTHING, Collected, Used
from ..image.store import ImageStore
from ..plan import Action
from ..spec.reference import Reference

_LOCK_SECONDS = 10


@dataclasses.dataclass(frozen=True)
class PruneContainer(Action):
    """Remove a container that does not run. Its volumes stay, anonymous ones as well, until the volumes are pruned."""

    id: str
    name: str
    size: int = 0
    done: list = dataclasses.field(default_factory=list, repr=False, compare=False)

    def describe(self):
        return "remove container %s (%s)" % (self.name, self.id[:12])

    def execute(self, roots):
        from ..runtime import delete
        from ..runtime.container import ContainerStore

        # somebody who works on it for long is going to use it
        with contextlib.suppress(TimedOut), roots.lock("container-" + self.name, _LOCK_SECONDS):
            container = ContainerStore(roots).find(self.name)
            if container is not None and container.id == self.id and container.state().status in ("created", "exited", "dead"):
                delete.delete(container)
                self.done.append(self.id)


@dataclasses.dataclass(frozen=True)
class PruneImage(Action):
    """Take an image out of the index. Its content is collected by the last step."""

    id: str
    references: Tuple[str, ...]
    image: object = dataclasses.field(repr=False, compare=False)
    done: list = dataclasses.field(default_factory=list, repr=False, compare=False)

    @property
    def names(self):
        """Its names as people write them."""
        return sorted(Reference.parse(text).familiar for text in self.references)

    def describe(self):
        return "remove image %s" % (", ".join(self.names) or self.id.partition(":")[2][:12])

    def execute(self, roots):
        from ..image.lease import leased

        store = ImageStore(roots)

        def stays(image):
            held = leased(roots)
            return (set(image.references) != set(self.references) or store.users(image) or garbage.builds_running(roots)
                    or image.id in held or image.manifest_digest in held)

        if store.forget(self.image, stays):
            self.done.append(self.id)


@dataclasses.dataclass(frozen=True)
class PruneNetwork(Action):
    """Remove a network that no container has a place in."""

    name: str
    done: list = dataclasses.field(default_factory=list, repr=False, compare=False)

    def describe(self):
        return "remove network %s" % self.name

    def execute(self, roots):
        from ..net import network
        from ..net.store import NetworkStore

        store = NetworkStore(roots)
        if store.get(self.name) is None or any(not network.is_orphan(roots, store, each) for each in store.endpoints(self.name)):
            return
        network.remove(roots, self.name)
        self.done.append(self.name)


@dataclasses.dataclass(frozen=True)
class PruneVolume(Action):
    """Remove a volume that no container mounts, with its content."""

    name: str
    size: int = 0
    done: list = dataclasses.field(default_factory=list, repr=False, compare=False)

    def describe(self):
        return "remove volume %s and its content" % self.name

    def execute(self, roots):
        from ..volume.store import VolumeStore

        with contextlib.suppress(Conflict):
            VolumeStore(roots).remove(self.name)
            self.done.append(self.name)


@dataclasses.dataclass(frozen=True)
class PruneCacheRecord(Action):
    """Forget what a step of a build made. A build that runs keeps the layers that it has found until its end."""

    name: str
    used: Used = dataclasses.field(default=NOTHING, repr=False, compare=False)
    done: list = dataclasses.field(default_factory=list, repr=False, compare=False)

    def describe(self):
        return "remove build cache record %s" % self.name[:12]

    def execute(self, roots):
        if state.remove_file(os.path.join(garbage.cache_directory(roots), self.name + ".json")):
            self.done.append(self.name)


@dataclasses.dataclass(frozen=True)
class PruneCacheMount(Action):
    """Remove the directory of a cache mount that no build has locked."""

    name: str
    size: int = 0
    done: list = dataclasses.field(default_factory=list, repr=False, compare=False)

    def describe(self):
        return "remove cache mount %s" % self.name[:12]

    def execute(self, roots):
        from ..layer.apply import remove_tree

        path = os.path.join(mounts_directory(roots), self.name)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove_tree(path)
            self.done.append(self.name)
        except BlockingIOError:
            return
        finally:
            os.close(fd)


def mounts_directory(roots):
    """Where a build keeps its cache mounts."""
    return os.path.join(roots.state, "build", "mounts")


@dataclasses.dataclass(frozen=True)
class CollectGarbage(Action):
    """Remove blobs and layers that nothing needs, and what killed runs left.

    :param found: what that is by the plan. :param of_cache: what pruned records of the build cache named: it counts as theirs.
    """

    found: Collected
    remains: Tuple[Tuple[str, int], ...] = ()
    of_cache: Used = dataclasses.field(default=NOTHING, repr=False, compare=False)
    done: list = dataclasses.field(default_factory=list, repr=False, compare=False)

    def describe(self):
        parts = []
        for kind, names in (("layer", [chain_id.partition(":")[2][:12] for chain_id, unused in self.found.chains]),
                            ("blob", [digest.partition(":")[2][:12] for digest, unused in self.found.blobs]),
                            ("remains of killed runs", [os.path.basename(path) for path, unused in self.remains])):
            if names:
                plural = "s" if len(names) > 1 and kind != "remains of killed runs" else ""
                parts.append("%s%s %s" % (kind, plural, ", ".join(names)))
        return "collect %s" % "; ".join(parts)

    def execute(self, roots):
        from ..image.sweep import drop_downloads, sweep

        removed = ()
        if self.remains:
            names = set(sweep(roots)) | set(drop_downloads(roots))
            removed = tuple(item for item in self.remains if os.path.basename(item[0]) in names)
        collected = garbage.collect(ImageStore(roots))
        if collected or removed:
            self.done.append((collected, removed))

    def result(self, done):
        """The :class:`Collected` of blobs and layers: planned, or really removed."""
        return self.done[0][0] if done else self.found

    def size_of_cache(self, done):
        """Bytes that pruned records of the build cache had."""
        found = self.result(done)
        return sum(size for digest, size in found.blobs if digest in self.of_cache.blobs) + \
            sum(size for chain_id, size in found.chains if chain_id in self.of_cache.chains)

    def size_of_images(self, done):
        """All other bytes."""
        remains = self.done[0][1] if done else self.remains
        return self.result(done).size - self.size_of_cache(done) + sum(size for unused, size in remains)
