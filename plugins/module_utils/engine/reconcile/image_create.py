# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reconcilers of images that are made here: an archive loaded, a root file system imported, a layer put on a base."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from typing import Dict, Optional, Tuple

from .. import state
from ..errors import NotFound
from ..image import archive, create, layering
from ..image.changes import Changes
from ..image.layout import named
from ..image.lease import Lease
from ..image.store import ImageStore
from ..image.sweep import sweep
from ..layer import stream
from ..plan import Action, Plan
from ..spec.image import Descriptor, Platform
from ..spec.reference import Reference

# --- load


@dataclasses.dataclass(frozen=True)
class LoadArchive(Action):
    """Bring the images of an archive into the store."""

    path: str
    platform: Platform
    names: Tuple[str, ...]

    def describe(self):
        return "load %s from %s" % (", ".join(self.names), self.path)

    def execute(self, roots):
        sweep(roots)
        with layering.blame("path", self.path):
            archive.load(ImageStore(roots), self.path, self.platform)


def observe_load(roots, archived):
    """What the store has of an archive's images: dict canonical reference (or ID of a nameless one) -> image ID or None."""
    store = ImageStore(roots)
    observed = {}
    for each in archived:
        for name in each.references or (each.id,):
            image = store.find(name)
            observed[name] = image.id if image is not None and _is_complete(store, image) else None
    return observed


def plan_load(path, archived, observed, platform):
    """:param archived: list of :class:`~image.archive.Archived`."""
    wanted = {name: each.id for each in archived for name in each.references or (each.id,)}
    differing = sorted(name for name, image_id in wanted.items() if observed.get(name) != image_id)
    if not differing:
        return Plan()
    names = tuple(sorted(familiar(name) for name in wanted))
    return Plan([LoadArchive(path, platform, names)], {familiar(name): observed.get(name) for name in differing},
                {familiar(name): wanted[name] for name in differing})


def familiar(name):
    """A canonical reference as people write it; an ID stays."""
    return name if name.startswith("sha256:") else Reference.parse(name).familiar


def _is_complete(store, image):
    try:
        store.check_complete(image.manifest_digest)
    except NotFound:
        return False
    return True


# --- import and layer

@dataclasses.dataclass(frozen=True)
class Built:
    """An image that is ready to be made.

    :param config: its configuration. :param layers: descriptors, lowest first (empty in check mode). :param fresh: digests of blobs that
        were stored for it and that nothing else needs.
    :param inputs: hash of all that went into it. :param lease: keeps the blobs until :meth:`release`.
    """

    config: Dict[str, object]
    layers: Tuple[Descriptor, ...]
    inputs: str
    fresh: Tuple[str, ...] = ()
    lease: Optional[Lease] = dataclasses.field(default=None, repr=False, compare=False)

    def release(self):
        """The image is in the index, or is not going to be."""
        if self.lease is not None:
            self.lease.close()

    @property
    def id(self):
        return "sha256:" + hashlib.sha256(create.encode(self.config)).hexdigest()


@dataclasses.dataclass(frozen=True)
class CreateImage(Action):
    """Write an image's documents, unpack its layers, and give it a name."""

    reference: Reference
    built: Built = dataclasses.field(compare=False)
    how: str = "create"
    src: Optional[str] = None

    def describe(self):
        return "%s image %s" % (self.how, self.reference.familiar)

    def execute(self, roots):
        store = ImageStore(roots)
        sweep(roots)
        fresh = list(self.built.fresh)
        try:
            with store.leased(layer.digest for layer in self.built.layers):
                descriptor = create.store_image(store.blobs, self.built.config, self.built.layers, fresh)
                image = store.load(descriptor.digest, [])
                chain = store.layers.chain_ids(image)
                fresh += chain
                with layering.blame("src", self.src) if self.src else contextlib.nullcontext(), store.leased(chain):
                    store.layers.ensure(image)
                store.add(dataclasses.replace(descriptor, annotations={create.INPUTS: self.built.inputs}), [self.reference.canonical])
        except BaseException:
            self.built.release()
            store.discard(fresh)
            raise
        self.built.release()


@dataclasses.dataclass(frozen=True)
class CreateObserved:
    """The image that has the name: its ID, and the hash of what it was made of, if it was made here."""

    id: Optional[str] = None
    inputs: Optional[str] = None


def observe_create(roots, reference):
    """The present holder of a name; an incomplete image counts as none."""
    store = ImageStore(roots)
    image = store.find(reference.canonical)
    if image is None or not _is_complete(store, image):
        return CreateObserved()
    entry = store.entry(reference)
    return CreateObserved(image.id, (entry.annotations or {}).get(create.INPUTS) if entry is not None else None)


def plan_create(reference, observed, built, how, src=None):
    """The plan that makes ``reference`` lead to ``built``. ``src``: the file to blame if its content is bad."""
    if observed.id == built.id:
        return Plan()
    return Plan([CreateImage(reference, built, how, src)], {"id": observed.id}, {"id": built.id})


def settle(roots, reference, built):
    """The image is there already though its inputs were not known (it was pulled, say): note them, keep nothing twice."""
    store = ImageStore(roots)
    built.release()
    store.discard(built.fresh)
    entry = store.entry(reference)
    if entry is not None:
        annotations = {**(entry.annotations or {}), create.INPUTS: built.inputs}
        store.add(named(dataclasses.replace(entry, annotations=annotations), None), [reference.canonical])


@dataclasses.dataclass(frozen=True)
class ImportRequest:
    """A root file system on the host that becomes a one-layer image."""

    src: str
    platform: Platform
    changes: Changes
    comment: str = ""

    def inputs(self):
        """The hash of all that goes into the image."""
        return state.digest_of({"kind": "import", "src": layering.file_digest(self.src, "src"), "platform": str(self.platform),
                                "changes": self.changes.to_json(), "comment": self.comment})

    def build(self, store, inputs, keep):
        """The :class:`Built`; its layer's blob is stored if ``keep``."""
        source = layering.read_source(self.src, "src")
        layer = None
        with layering.blame("src", self.src):
            if keep:
                layer = create.store_layer(store.blobs, source)
                diff_id = layer.diff_id
            else:
                diff_id = create.diff_id_of(source)
        config = create.child_config(create.new_config(self.platform), self.changes, [diff_id], "image_import", self.comment)
        return _built(store, config, (), layer, inputs)


@dataclasses.dataclass(frozen=True)
class LayerRequest:
    """A changeset, and changed defaults, on top of a base (an Image, or None)."""

    base: object
    content: layering.LayerContent
    platform: Platform
    changes: Changes

    def inputs(self):
        """The hash of all that goes into the image."""
        return state.digest_of({"kind": "layer", "base": self.base.id if self.base else None, "content": self.content.inputs(),
                                "platform": str(self.platform), "changes": self.changes.to_json()})

    def build(self, store, inputs, keep):
        """The :class:`Built`; its layer's blob is stored if ``keep``."""
        base, below, lowers = create.new_config(self.platform), (), []
        if self.base is not None:
            base, below = store.config_document(self.base.manifest), self.base.manifest.layers
            if store.blobs.lease is not None:
                store.blobs.lease.add(layer.digest for layer in below)
            lowers = store.layers.ensure(self.base)[::-1]
        layer, diff_ids = None, []
        if self.content:
            with layering.changeset(store.roots, self.content, lowers) as pieces, contextlib.closing(pieces):
                if keep:
                    layer = create.store_layer(store.blobs, pieces)
                    diff_ids = [layer.diff_id]
                else:
                    plain = stream.Hashing(pieces)
                    for unused in plain:
                        pass
                    diff_ids = [plain.digest()]
        return _built(store, create.child_config(base, self.changes, diff_ids, "image_layer"), below, layer, inputs)


def _built(store, config, below, layer, inputs):
    if layer is None:
        return Built(config, tuple(below), inputs, lease=store.blobs.lease)
    return Built(config, (*below, layer.descriptor), inputs, (layer.descriptor.digest,) if layer.fresh else (), store.blobs.lease)


def reconcile(roots, reference, request, how, check_mode):
    """(Plan, ID of the image to be) of an :class:`ImportRequest` or a :class:`LayerRequest`.

    Equal inputs are the quick way to "nothing to do"; different ones are built and compared by the image's ID, in check mode, too.
    """
    observed = observe_create(roots, reference)
    inputs = request.inputs()
    if observed.id is not None and observed.inputs == inputs:
        return Plan(), observed.id
    store = ImageStore(roots)
    if check_mode:
        built = request.build(store, inputs, False)
    else:
        built = _leased_build(store, request, inputs)
    plan = plan_create(reference, observed, built, how, getattr(request, "src", None))
    if not plan and not check_mode:
        settle(roots, reference, built)
    return plan, built.id


def _leased_build(store, request, inputs):
    """Build with a lease that lasts until the plan is executed."""
    store.blobs.lease = Lease(store.roots).open()
    try:
        return request.build(store, inputs, True)
    except BaseException:
        store.blobs.lease.close()
        raise
