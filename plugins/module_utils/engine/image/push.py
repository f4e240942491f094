# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Push an image: what the registry has already is left out or mounted from another of its repositories, several blobs at once, the
manifest last.
"""

from __future__ import annotations

import dataclasses
import os
from typing import Tuple

from ..errors import Corrupt, NotFound
from ..spec.image import OCI_MANIFEST
from ..spec.reference import Reference
from .registry import Registry
from .store import ImageStore
from .upload import upload

BLOBS_AT_ONCE = 3
_READ = 256 << 10


@dataclasses.dataclass(frozen=True)
class PushResult:
    """The manifest's digest, whether the registry had something else before, and the digests of the blobs that were sent.

    :ivar mounted: digests of those that the registry took from another repository.
    """

    digest: str
    changed: bool
    uploaded: Tuple[str, ...] = ()
    mounted: Tuple[str, ...] = ()


def would_change(roots, image, reference, options=None):
    """Whether the registry has another manifest under the reference, or none."""
    with Registry(reference.registry, options, repository=reference.repository) as registry:
        return not _is_there(registry, reference, image)


def push(roots, image, reference, options=None):
    """Send an image of the store to a registry under a reference.

    :param image: :class:`~spec.image.Image`. :param reference: Reference or str; it need not be one of the image's own.
    :returns: :class:`PushResult`.
    """
    reference = reference if isinstance(reference, Reference) else Reference.parse(reference)
    store = ImageStore(roots)
    store.check_complete(image.manifest_digest)
    with Registry(reference.registry, options, repository=reference.repository) as registry:
        if _is_there(registry, reference, image):
            result = PushResult(image.manifest_digest, False)
        else:
            uploaded, mounted = _send_blobs(store, registry, reference, image)
            media_type = image.manifest.media_type or _media_type(store, image)
            registry.put_manifest(reference, store.blobs.read(image.manifest_digest), media_type)
            result = PushResult(image.manifest_digest, True, uploaded, mounted)
    # the image is known by this digest there from now on; only names of its own get the note
    if reference.canonical in image.references:
        store.tag(image, reference.with_digest(image.manifest_digest))
    return result


def _is_there(registry, reference, image):
    try:
        return registry.head(reference).digest == image.manifest_digest
    except NotFound:
        return False


def _media_type(store, image):
    for entry in store.layout.manifests():
        if entry.digest == image.manifest_digest:
            return entry.media_type
    return OCI_MANIFEST


def _send_blobs(store, registry, reference, image):
    from concurrent.futures import ThreadPoolExecutor

    blobs = {blob.digest: blob for blob in image.manifest.layers + (image.manifest.config,)}
    sources = _repositories(store, reference)
    with ThreadPoolExecutor(BLOBS_AT_ONCE, "blob") as pool:
        futures = {digest: pool.submit(_send, store, registry, reference, blob, sources.get(digest)) for digest, blob in blobs.items()}
        try:
            done = {digest: future.result() for digest, future in futures.items()}
        except BaseException:
            for future in futures.values():
                future.cancel()
            raise
    return tuple(digest for digest in done if done[digest]), tuple(digest for digest in done if done[digest] is False)


def _repositories(store, reference):
    """{digest: another repository of the same registry that should have the blob}, by the names that images of this host have there."""
    found = {}
    for image in store.list():
        names = [Reference.parse(name) for name in image.references]
        others = [each.repository for each in names
                  if each.digest and each.registry == reference.registry and each.repository != reference.repository]
        if others:
            for blob in image.manifest.layers + (image.manifest.config,):
                found.setdefault(blob.digest, min(others))
    return found


def _send(store, registry, reference, blob, source):
    """True: it was uploaded; False: mounted; None: it was there."""
    if registry.has_blob(reference, blob):
        return None
    path = store.blobs.path(blob.digest)

    def part(offset, length):
        return _read_part(path, offset, length, blob)

    return upload(registry, reference, blob, part, source)


def _read_part(path, offset, length, blob):
    """That part of a blob's file. The registry checks the digest of what it gets."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while length:
            data = os.pread(fd, min(length, _READ), offset)
            if not data:
                raise Corrupt("blob %s in the image store is shorter than it should be" % blob.digest, "pull or load the image again")
            offset += len(data)
            length -= len(data)
            yield data
    finally:
        os.close(fd)
