# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of a state root: find, tag, remove, and what ``inspect`` tells."""

from __future__ import annotations

import contextlib
import os
import re

from .. import state
from ..errors import Conflict, Corrupt, EngineError, InvalidValue, NotFound
from ..spec.image import Image, ImageConfig, Manifest
from ..spec.reference import Reference
from .layout import Layout, named, reference_of
from .verify import check_config, check_manifest, document

_ID_PREFIX = re.compile(r"(?:sha256:)?([0-9a-f]{4,64})")


class ImageStore:
    """Images by reference, ID or digest. Reading needs no lock; what changes index.json takes the lock ``images``."""

    def __init__(self, roots):
        self.roots = roots
        self.layout = Layout(roots.images)
        self.blobs = self.layout.blobs

    @property
    def layers(self):
        """The :class:`LayerStore` beside; imported late, because finding an image does not need it."""
        from ..layer.store import LayerStore  # pylint: disable=import-outside-toplevel

        return LayerStore(self.roots)

    # --- finding

    def find(self, name_or_id):
        """The image, or None: by reference, by full or short ID (four digits or more), by ``name@digest`` or manifest digest.

        :raises InvalidValue: neither a reference nor an ID. :raises Conflict: a short ID of several images.
        """
        def find(entries):
            digest = self._find_digest(entries, name_or_id)
            return None if digest is None else self.load(digest, entries)

        return self._read(find)

    def get(self, name_or_id):
        """Like :meth:`find`.

        :raises NotFound: there is none.
        """
        image = self.find(name_or_id)
        if image is None:
            raise NotFound("image %s is not on this host" % name_or_id, "pull, load or import it first")
        return image

    def list(self):
        """All images (list), each once, in the order of the index."""
        return self._read(lambda entries: [self.load(digest, entries) for digest in dict.fromkeys(entry.digest for entry in entries)])

    def _read(self, look):
        """``look(entries of the index)``, once more where an image that it met was removed by another process meanwhile."""
        entries = self.layout.manifests()
        while True:
            try:
                return look(entries)
            except NotFound:
                before, entries = entries, self.layout.manifests()
                if entries == before:
                    raise

    def _find_digest(self, entries, text):
        if not isinstance(text, str) or not text:
            raise InvalidValue("name", text, "is not an image reference or ID")
        match = _ID_PREFIX.fullmatch(text)
        if match is not None and (len(match.group(1)) == 64 or text.startswith("sha256:")):
            return self._by_id(entries, match.group(1), text)
        reference = self._parse(text, match)
        if reference is not None:
            wanted = reference.canonical
            for entry in entries:
                if reference_of(entry) == wanted:
                    return entry.digest
        return self._by_id(entries, match.group(1), text) if match is not None else None

    @staticmethod
    def _parse(text, match):
        try:
            return Reference.parse(text)
        except InvalidValue:
            if match is None:
                raise
            return None

    def _by_id(self, entries, prefix, text):
        found = {}
        for digest in dict.fromkeys(entry.digest for entry in entries):
            image_id = self._manifest(digest).config.digest
            if image_id.partition(":")[2].startswith(prefix) or digest == "sha256:" + prefix:
                found.setdefault(image_id, digest)
        if len(found) > 1:
            raise Conflict("image ID %s is ambiguous: %s" % (text, ", ".join(sorted(found))), "give more digits")
        return next(iter(found.values()), None)

    def entry(self, reference):
        """The index entry (Descriptor with its annotations) of a Reference, or None."""
        return next((entry for entry in self.layout.manifests() if reference_of(entry) == reference.canonical), None)

    def load(self, manifest_digest, entries=None):
        """The :class:`Image` of a manifest in the store.

        :param entries: the descriptors of index.json, if they are at hand.
        """
        if entries is None:
            entries = self.layout.manifests()
        manifest = self._manifest(manifest_digest)
        config = self.config_document(manifest)
        references = [reference_of(entry) for entry in entries if entry.digest == manifest_digest]
        size = manifest.config.size + sum(layer.size for layer in manifest.layers)
        return Image(manifest.config.digest, manifest_digest, _typed(ImageConfig, config, manifest.config.digest), manifest,
                     tuple(reference for reference in references if reference), size)

    def _manifest(self, digest):
        what = "manifest %s" % digest
        return _typed(Manifest, check_manifest(document(self.blobs.read(digest), what), what), digest)

    def config_document(self, manifest):
        """The configuration of a manifest as the dict that its JSON holds, with what this engine does not know."""
        what = "image configuration %s" % manifest.config.digest
        return check_config(document(self.blobs.read(manifest.config.digest), what), what, len(manifest.layers))

    # --- changing

    def add(self, descriptor, references=()):
        """Enter a manifest whose blobs are all there, under references (canonical), taking them from other images.

        :returns: (image, changed).
        :raises NotFound: a blob is gone (an image was removed at the same time): fetch again.
        """
        with self.roots.lock("images"):
            self.check_complete(descriptor.digest)
            entries = self.layout.manifests()
            after = _renamed(entries, descriptor, references)
            if after != entries:
                self.layout.save(after)
            return self.load(descriptor.digest, after), after != entries

    def check_complete(self, manifest_digest):
        """Raise NotFound if a blob of an image is missing. A layer may be there unpacked only."""
        manifest = self._manifest(manifest_digest)
        for blob in (manifest.config,) + manifest.layers:
            if not self.blobs.has(blob.digest, blob.size):
                raise NotFound("blob %s is not in the image store" % blob.digest, "pull or load the image again")

    def tag(self, image, reference):
        """Give an image one more reference (Reference), taking it from another image. Returns whether that changed anything."""
        with self.roots.lock("images"):
            entries = self.layout.manifests()
            descriptor = next((entry for entry in entries if entry.digest == image.manifest_digest), None)
            if descriptor is None:
                raise NotFound("image %s is not on this host" % image.id)
            after = _renamed(entries, descriptor, [reference.canonical])
            if after == entries:
                return False
            self.layout.save(after)
            return True

    def untag(self, reference):
        """Take a canonical reference away; the image stays, without name if that was its last. Returns whether it was there."""
        with self.roots.lock("images"):
            entries = self.layout.manifests()
            gone = [entry for entry in entries if reference_of(entry) == reference]
            if gone:
                self.layout.save(_without(entries, gone))
            return bool(gone)

    def remove(self, image):
        """Remove an image with all its references, and what no other image or container needs.

        :returns: list of what was deleted: the image ID and the chain IDs of layers, as Docker's ``Deleted`` lists them.
        """
        from . import garbage  # pylint: disable=import-outside-toplevel

        self.forget(image)
        chain = self.layers.chain_ids(image)
        gone = garbage.collect(self, garbage.of_image(self, image).blobs | set(chain)).chains
        return [image.id] + [chain_id for chain_id in reversed(chain) if chain_id in dict(gone)]

    def forget(self, image, unless=None):
        """Take an image out of the index; its content stays until it is collected.

        :param unless: function of the Image as it is now that tells, under the lock, that it must stay.
        :returns: whether it was there and is not any more.
        """
        with self.roots.lock("images"):
            entries = self.layout.manifests()
            after = [entry for entry in entries if entry.digest != image.manifest_digest]
            if after == entries or (unless is not None and unless(self.load(image.manifest_digest, entries))):
                return False
            self.layout.save(after)
            return True

    @contextlib.contextmanager
    def leased(self, digests=()):
        """Keep what is stored by this object, and ``digests`` (of blobs, and chain IDs), from being collected until the end of the block.

        For whoever makes an image: between the first blob and the entry in the index nothing refers to what is stored.
        """
        if self.blobs.lease is not None:
            self.blobs.lease.add(digests)
            yield
            return
        from .lease import Lease  # pylint: disable=import-outside-toplevel

        with Lease(self.roots) as held:
            held.add(digests)
            self.blobs.lease = held
            try:
                yield
            finally:
                self.blobs.lease = None

    def discard(self, digests):
        """Remove blobs that were stored in vain, unless somebody else needs them by now. The caller's own lease has ended."""
        digests = set(digests)
        if digests:
            from . import garbage  # pylint: disable=import-outside-toplevel

            garbage.collect(self, digests)

    def chains_in_use(self):
        """The chain IDs of the layers that containers are mounted on."""
        from . import garbage  # pylint: disable=import-outside-toplevel

        return set(garbage.of_containers(self.roots).chains)

    def users(self, image):
        """The names or IDs of the containers that are made from an image (list)."""
        found = []
        for container in state.listed(self.roots.containers):
            try:
                record = state.read_json(os.path.join(self.roots.containers, container, "container.json"), {})
            except EngineError:
                continue
            if isinstance(record, dict) and image.id in (record.get("image_id"), record.get("Image")):
                found.append(record.get("name") or container[:12])
        return sorted(found)

    # --- telling

    def inspect(self, image):
        """The image as ``docker image inspect`` shows it (dict)."""
        from .inspect import inspect

        return inspect(self, image)


def _typed(kind, value, digest):
    try:
        return kind.from_json(value)
    except (TypeError, AttributeError, ValueError) as error:
        raise Corrupt("document %s is malformed: %s" % (digest, error)) from error


def _renamed(entries, descriptor, references):
    """The index after ``references`` point to ``descriptor``."""
    wanted = list(dict.fromkeys(references))
    moved = [entry for entry in entries if reference_of(entry) in wanted and entry.digest != descriptor.digest]
    after = _without(entries, moved)
    if descriptor.annotations:
        # the same image again, with news about where it came from
        after = [named(descriptor, reference_of(entry)) if entry.digest == descriptor.digest and reference_of(entry) in wanted else entry
                 for entry in after]
    present = {reference_of(entry) for entry in after if entry.digest == descriptor.digest}
    after += [named(descriptor, reference) for reference in wanted if reference not in present]
    if not present and not wanted:
        after.append(named(descriptor, None))
    if wanted:
        after = [entry for entry in after if entry.digest != descriptor.digest or reference_of(entry) is not None]
    return after


def _without(entries, gone):
    """The index without some entries; an image that loses its last name stays without one."""
    after = [entry for entry in entries if entry not in gone]
    left = {entry.digest for entry in after}
    for entry in gone:
        if entry.digest not in left:
            left.add(entry.digest)
            after.append(named(entry, None))
    return after
