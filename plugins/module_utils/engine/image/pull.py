# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pull an image: ask first, fetch what is missing, several layers at once, unpacking each in the same pass.

A layer's bytes go once through: received, written to the blob store, hashed (digest), decompressed, hashed (diff ID), unpacked. Only when
both digests are right does a blob or a layer get its name. What a broken pull left is continued by the next one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import threading
import time
from typing import Optional

from ..errors import Corrupt, NotFound
from ..layer import stream
from ..spec.image import MANIFEST_TYPES, OCI_MANIFEST, Descriptor, Image
from ..spec.reference import Reference
from .cas import Partial
from .mirrors import open_source
from .resolve import check_type, is_of, manifest_of, select, wanted_platform
from .store import ImageStore
from .transport import Broken, RegistryOptions
from .verify import check_config, document

LAYERS_AT_ONCE = 3
_ATTEMPTS = 5
_TAKEN_AWAY = 3

__all__ = ["Outlook", "PullResult", "RegistryOptions", "outlook", "pull", "remote_digest", "would_change"]


@dataclasses.dataclass(frozen=True)
class PullResult:
    """The image, and whether the reference leads to another one than before."""

    image: Image
    changed: bool


def remote_digest(roots, reference, options=None):
    """The digest that a registry has under a reference (HEAD; nothing is fetched).

    :raises NotFound: it has none.
    """
    reference = _reference(reference)
    with open_source(reference, options, roots) as registry:
        return registry.head(reference).digest


@dataclasses.dataclass(frozen=True)
class Outlook:
    """``present``: ID of the image that is here, or None; ``known``, ``coming``: digests under the reference, here and in the registry."""

    present: Optional[str]
    known: Optional[str]
    coming: str
    changed: bool


def outlook(roots, reference, options=None, platform=None):
    """What :func:`pull` would do, told by the digest alone: a HEAD request, which does not count as a pull. An :class:`Outlook`.

    A document is fetched only where the digest is the one that is here and the image is of another platform.
    """
    reference, wanted = _reference(reference), wanted_platform(platform)
    before = _intact(ImageStore(roots), reference)
    present = before.id if before is not None else None
    if before is not None and reference.digest and _fits(before, wanted, platform):
        return Outlook(present, reference.digest, reference.digest, False)
    with open_source(reference, options, roots) as registry:
        remote = registry.head(reference)
        check_type(remote, reference)
        if before is None or not _is_current(before, reference, remote.digest):
            return Outlook(present, before.manifest_digest if before is not None else None, remote.digest, True)
        changed = not is_of(before, wanted) and remote.media_type not in MANIFEST_TYPES and \
            manifest_of(select(registry, reference, remote, wanted), reference).config.digest != before.id
        return Outlook(present, remote.digest, remote.digest, changed)


def would_change(roots, reference, options=None, platform=None):
    """Whether :func:`pull` would bring another image than the one that the reference leads to now."""
    present, coming = preview(roots, reference, options, platform)
    return present != coming


def preview(roots, reference, options=None, platform=None):
    """What :func:`pull` would do, from HEAD and small documents only: (ID of the present image or None, ID of the image to come)."""
    reference, wanted = _reference(reference), wanted_platform(platform)
    before = _intact(ImageStore(roots), reference)
    present = before.id if before is not None else None
    if before is not None and reference.digest and _fits(before, wanted, platform):
        return present, present
    with open_source(reference, options, roots) as registry:
        remote = registry.head(reference)
        if before is not None and _is_current(before, reference, remote.digest) and is_of(before, wanted):
            return present, present
        return present, manifest_of(select(registry, reference, remote, wanted), reference).config.digest


def suits(image, platform):
    """Whether an image is of a platform (``linux/arm64``, or None for any)."""
    return _fits(image, wanted_platform(platform), platform)


def pull(roots, reference, options=None, platform=None):
    """Bring what a registry has under a reference into the image store, unpacked and ready to run.

    :param reference: Reference or str. :param options: RegistryOptions. :param platform: ``linux/arm64``; this host's where None.
    :returns: :class:`PullResult`.
    :raises NotFound, Denied, Unreachable, Corrupt: as the registry answers.
    """
    reference, wanted = _reference(reference), wanted_platform(platform)
    store = ImageStore(roots)
    before = _intact(store, reference)
    if before is not None and reference.digest and _fits(before, wanted, platform):
        store.layers.ensure(before)
        return PullResult(before, False)
    with open_source(reference, options, roots) as registry:
        remote = registry.head(reference)
        if before is not None and _is_current(before, reference, remote.digest) and is_of(before, wanted):
            store.layers.ensure(before)
            return PullResult(before, False)
        image = _fetch(store, registry, reference, remote, wanted)
    return PullResult(image, before is None or before.id != image.id)


def _reference(reference):
    return reference if isinstance(reference, Reference) else Reference.parse(reference)


def _fits(image, wanted, platform):
    """Whether a local image is of the platform that was asked for; without one any that came under the name is right."""
    return platform is None or is_of(image, wanted)


def _intact(store, reference):
    """The present image, if all of it is there."""
    image = store.find(reference.canonical)
    if image is not None:
        try:
            store.check_complete(image.manifest_digest)
        except NotFound:
            return None
    return image


def _is_current(image, reference, digest):
    return digest == image.manifest_digest or reference.with_digest(digest).canonical in image.references


def _fetch(store, registry, reference, remote, wanted):
    """Everything of one image, then its entries in the index."""
    chosen = select(registry, reference, remote, wanted)
    manifest = manifest_of(chosen, reference)
    data = _config(store, registry, reference, manifest)
    config = check_config(document(data, reference.familiar), "the configuration of " + reference.familiar, len(manifest.layers))
    descriptor = Descriptor(chosen.media_type or OCI_MANIFEST, chosen.digest, len(chosen.data))
    names = [reference.canonical, reference.with_digest(remote.digest).canonical]
    needed = [chosen.digest, manifest.config.digest, *(layer.digest for layer in manifest.layers), *_chain(config["rootfs"]["diff_ids"])]
    # from here on nobody collects what we find here or bring
    with store.leased(needed):
        for attempt in range(_TAKEN_AWAY):
            _fetch_layers(store, registry, reference, manifest, config["rootfs"]["diff_ids"])
            store.blobs.put(data)
            store.blobs.put(chosen.data)
            try:
                return store.add(descriptor, names)[0]
            except NotFound:
                # another pull met a damaged blob and took it away between our look and our claim
                if attempt == _TAKEN_AWAY - 1:
                    raise
    return None


def _config(store, registry, reference, manifest):
    if store.blobs.has(manifest.config.digest, manifest.config.size):
        try:
            return store.blobs.read(manifest.config.digest)
        except Corrupt:
            store.blobs.remove(manifest.config.digest)
    return registry.small_blob(reference, manifest.config)


class _Stopped(Exception):
    """Another layer failed; this one need not go on."""


def _fetch_layers(store, registry, reference, manifest, diff_ids):
    """Fetch and unpack the layers; each becomes visible after those below it."""
    from concurrent.futures import ThreadPoolExecutor

    from .sweep import sweep

    sweep(store.roots)
    chain = _chain(diff_ids)
    stop = threading.Event()
    todo = [index for index, layer in enumerate(manifest.layers)
            if not (store.blobs.has(layer.digest, layer.size) and store.layers.has(chain[index]))]
    if not todo:
        return
    with contextlib.ExitStack() as cleanup, ThreadPoolExecutor(min(LAYERS_AT_ONCE, len(todo)), "layer") as pool:
        jobs = [_Job(store, registry, reference, manifest.layers[index], chain[:index + 1], diff_ids[index], stop) for index in todo]
        for job in jobs:
            cleanup.callback(job.close)
        futures = [pool.submit(job.run) for job in jobs]
        try:
            for job, future in zip(jobs, futures):
                future.result()
                job.publish()
        except BaseException as error:
            stop.set()
            for future in futures:
                future.cancel()
            raise _first_cause(futures, error) from None


def _first_cause(futures, error):
    """The error to show: not the one of a layer that only stopped because another failed."""
    if not isinstance(error, _Stopped):
        return error
    for future in futures:
        found = future.exception() if not future.cancelled() else None
        if found is not None and not isinstance(found, _Stopped):
            return found
    return error


def _chain(diff_ids):
    from ..layer.store import chain_ids

    return chain_ids(diff_ids)


class _Job:
    """One layer: ``run`` in a worker thread, ``publish`` in order, ``close`` always."""

    def __init__(self, store, registry, reference, descriptor, chain, diff_id, stop):
        self._store = store
        self._registry = registry
        self._reference = reference
        self._descriptor = descriptor
        self._chain = chain
        self._diff_id = diff_id
        self._stop = stop
        self._stack = contextlib.ExitStack()
        self._staging = None

    def run(self):
        for last in (False, True):
            # what an earlier pull left, or a blob of the store, may be damaged: then once more from the registry
            local = self._has_local_content()
            try:
                self._run()
                return
            except Corrupt:
                self._discard_local_content()
                if last or not (local or self._registry.distrust()):
                    self._stop.set()
                    raise
            except BaseException:
                self._stop.set()
                raise

    def _run(self):
        chunks = fetch(self._registry, self._reference, self._store.blobs, self._descriptor, self._stop)
        if self._staging is None and not self._store.layers.has(self._chain[-1]):
            self._staging = self._stack.enter_context(
                self._store.layers.staging(self._chain[-1], self._diff_id, self._chain[:-1]))
        if self._staging is None:
            for unused in chunks:
                pass
            return
        with contextlib.closing(stream.threaded(chunks)) as pieces:
            try:
                self._staging.fill(_Unclosed(pieces))
            except Corrupt as error:
                # wrong bytes break the unpacking before their digest is known: if that is wrong it is the better thing to say
                for unused in pieces:
                    pass
                what = "layer %s of image %s" % (self._descriptor.digest, self._reference.familiar)
                raise Corrupt("%s: %s" % (what, error), error.hint) from error

    def _has_local_content(self):
        blobs = self._store.blobs
        return blobs.has(self._descriptor.digest) or os.path.exists(os.path.join(blobs.partial, self._descriptor.hex))

    def _discard_local_content(self):
        with Partial(self._store.blobs, self._descriptor) as partial:
            partial.reset()
        needed = {layer.digest for image in self._store.list() for layer in image.manifest.layers}
        if self._descriptor.digest not in needed or not self._is_sound():
            self._store.blobs.remove(self._descriptor.digest)

    def _is_sound(self):
        try:
            for unused in self._store.blobs.chunks(self._descriptor.digest):
                pass
        except (Corrupt, NotFound):
            return False
        return True

    def publish(self):
        if self._staging is not None:
            self._staging.publish()
        self.close()

    def close(self):
        self._staging = None
        self._stack.close()


class _Unclosed:
    """An iterator that a stage may leave before its end, and that somebody else goes on with."""

    def __init__(self, chunks):
        self._chunks = chunks

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._chunks)


def fetch(registry, reference, blobs, descriptor, stop=None):
    """Yield a blob's content from the store or the registry; when the end is reached it is checked and in the store."""
    with Partial(blobs, descriptor) as partial:
        if blobs.has(descriptor.digest, descriptor.size):
            yield from blobs.chunks(descriptor.digest)
            return
        content = hashlib.new(descriptor.digest.partition(":")[0])
        for chunk in partial.existing():
            content.update(chunk)
            yield chunk
        for chunk in _remaining(registry, reference, descriptor, partial, stop):
            content.update(chunk)
            partial.append(chunk)
            yield chunk
        if content.hexdigest() != descriptor.hex:
            partial.reset()
            raise Corrupt("registry %s sent layer %s of image %s with other content (digest %s)" % (
                registry.name, descriptor.digest, reference.familiar, content.hexdigest()), "the registry is damaged or was tampered with")
        partial.commit()


def _remaining(registry, reference, descriptor, partial, stop):
    """What is not there yet, asking again for the rest when a connection breaks."""
    broken, before = 0, partial.size
    while partial.size < descriptor.size:
        try:
            for chunk in registry.blob(reference, descriptor, partial.size):
                if stop is not None and stop.is_set():
                    raise _Stopped
                if partial.size + len(chunk) > descriptor.size:
                    raise Corrupt("registry %s sent more than the %d bytes of layer %s" % (
                        registry.name, descriptor.size, descriptor.digest), "the registry is damaged or was tampered with")
                yield chunk
            if partial.size < descriptor.size:
                raise Broken("registry %s ended layer %s early" % (registry.name, descriptor.digest), "try again")
        except Broken:
            broken = broken + 1 if partial.size == before else 1
            before = partial.size
            if broken >= _ATTEMPTS:
                raise
            time.sleep(0.2 * broken)
