# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a build: the image's documents; and its beginning: what other images know of its steps.

Every layer's descriptor in the manifest carries the key of the step that made it, as an annotation, and the manifest those of the steps
that made none. Such an image, wherever it was pulled from, fills the cache of another host (``cache_from``).
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import time

from ..errors import EngineError
from ..image import create, pull
from ..image.store import ImageStore
from ..spec.image import OCI_CONFIG, OCI_MANIFEST, Descriptor, Manifest
from ..spec.reference import Reference
from ..state import digest_of
from .chain import Tip
from .origin import Start
from .records import Record, Stored
from .settings import RAN, WOULD_RUN

STEP = "containers.agentless.step"
WITHOUT_LAYER = "containers.agentless.steps-without-layer"
OTHERS_LAYERS = 127


class Outcome:
    """What came of it.

    :param id: the image's ID; None where a dry run cannot tell. :param descriptor: of its manifest; None in a dry run.
    :param steps: list of :class:`~settings.Step`. :param pulls: references of base images that were (or would be) pulled.
    """

    def __init__(self, image_id, descriptor, steps, pulls):
        self.id = image_id
        self.descriptor = descriptor
        self.steps = steps
        self.pulls = pulls
        self.seconds = 0.0

    @property
    def ran(self):
        """The steps that ran, or would run."""
        return [step for step in self.steps if step.status in (RAN, WOULD_RUN)]


def rfc3339(nanoseconds):
    """A time as images write it."""
    whole, rest = divmod(nanoseconds, 10**9)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + (".%09dZ" % rest if rest else "Z")


def make(build, target, steps):
    """The Outcome of a build whose target stage is done."""
    if target.tip is None or any(step.status == WOULD_RUN for step in steps):
        return Outcome(None, None, steps, build.bases.pulls)
    tip = target.tip
    config = _config(build, target)
    if build.settings.squash:
        tip = _squashed(build, target, config)
        if tip is None:
            return Outcome(None, None, steps, build.bases.pulls)
    layers = tip.layers()
    if len(layers) > OTHERS_LAYERS and not build.dry:
        build.warnings.append("the image has %d layers: docker takes no more than %d" % (len(layers), OTHERS_LAYERS))
    config["rootfs"] = {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}
    if build.dry:
        return Outcome("sha256:" + hashlib.sha256(create.encode(config)).hexdigest(), None, steps, build.bases.pulls)
    store = ImageStore(build.roots)
    data = create.encode(config)
    described = Descriptor(OCI_CONFIG, store.blobs.put(data), len(data))
    notes = {WITHOUT_LAYER: json.dumps(target.without_layer)} if target.without_layer and not build.settings.squash else None
    manifest = Manifest(described, tuple(_annotated(build, piece) for piece in tip.pieces), OCI_MANIFEST, notes)
    data = create.encode(manifest.to_json())
    return Outcome(described.digest, Descriptor(OCI_MANIFEST, store.blobs.put(data), len(data)), steps, build.bases.pulls)


def _config(build, target):
    config = copy.deepcopy(target.config)
    for key in ("container", "container_config", "id", "parent", "docker_version"):
        config.pop(key, None)
    if build.settings.labels:
        config["config"]["Labels"] = {**(config["config"].get("Labels") or {}), **build.settings.labels}
    if not config.get("architecture"):
        # else it is what the base is, also where --platform of FROM says another than the build's
        config.update(architecture=build.platform.architecture, os=build.platform.os)
        if build.platform.variant:
            config["variant"] = build.platform.variant
    config["created"] = rfc3339(build.settings.epoch * 10**9) if build.settings.epoch is not None else target.created or build.epoch_text()
    return config


def _annotated(build, piece):
    stored = piece.stored()
    descriptor = create.plain(stored.descriptor)
    key = build.keys.get(piece)
    known = stored.descriptor.annotations
    if key is None:
        return descriptor.replace(annotations=known) if known and STEP in known else descriptor
    return descriptor.replace(annotations={STEP: key})


def import_cache(build):
    """Take what the images of ``cache_from`` say for cache records. One that can't be had is a warning; a dry run fetches none."""
    store = ImageStore(build.roots)
    for name in build.settings.cache_from:
        try:
            image = store.find(name)
            if build.dry and (image is None or build.finisher.of_unpacked(image) is None):
                continue
            if image is None:
                image = pull.pull(build.roots, Reference.parse(name, "cache_from"), build.settings.registry, build.settings.platform).image
            _import(build, store, image)
        except EngineError as error:
            build.warnings.append("cache_from: %s: %s" % (name, error))


def _import(build, store, image):
    build.finisher.of_image(image)
    chain = store.layers.chain_ids(image)
    below = ""
    created = iter(entry.created for entry in image.config.history if not entry.empty_layer)
    for chain_id, diff_id, descriptor in zip(chain, image.config.diff_ids, image.manifest.layers):
        made = next(created, None)
        key = (descriptor.annotations or {}).get(STEP)
        if key and build.records.find(key, below) is None:
            stored = Stored(chain_id, diff_id, descriptor.digest, descriptor)
            build.records.borrow(Record(key, key, below, (stored,), made or build.epoch_text()))
        below = chain_id
    for count, key, made in _without_layer(image.manifest, len(chain)):
        below = chain[count - 1] if count else ""
        if build.records.find(key, below) is None:
            build.records.save(Record(key, key, below, (), made))


def _without_layer(manifest, layers):
    """The notes of a manifest about steps without a layer; nothing of what is not as we write it."""
    try:
        found = json.loads((manifest.annotations or {}).get(WITHOUT_LAYER, "[]"))
        return [(count, key, made) for count, key, made in found
                if isinstance(count, int) and 0 <= count <= layers and isinstance(key, str) and isinstance(made, str)]
    except (ValueError, TypeError):
        return []


def start_of_directory(build, context):
    """The Start of a named context that is a directory: its files are the only layer."""
    from .copying import copy_directory, digest_of_directory

    config = create.new_config(build.platform)
    key = digest_of(["context", build.settings.epoch, digest_of_directory(context, build.memo)])
    record = build.records.find(key, "")
    if record is not None:
        tip = build.finisher.of_record(Tip(), record)
    elif build.dry:
        return Start(config, None, "unknown")
    else:
        directory = os.path.join(build.workspace.directory_for("context-root"), "upper")
        os.mkdir(directory)
        os.chmod(directory, 0o755)
        copy_directory(context, directory)
        tip = build.finisher.add(Tip(), directory, Record(key, key, created=build.now()))
    return Start(config, tip, "base:" + tip.chain_id())


def _squashed(build, target, config):
    """The Tip whose new layers are one; the history says so. None in a dry run that finds no such layer."""
    fresh = [piece for piece in target.tip.pieces if piece in build.keys]
    if len(fresh) < 2:
        return target.tip
    base = Tip(piece for piece in target.tip.pieces if piece not in build.keys)
    key = digest_of(["squash", build.settings.epoch, [piece.stored().diff_id for piece in fresh]])
    record = build.records.find(key, base.chain_id())
    if record is None and build.dry:
        return None
    for entry in config["history"]:
        if not entry.get("empty_layer") and entry.get("comment") == "agentless":
            entry["empty_layer"] = True
    config["history"].append({"created": target.created, "created_by": "squash", "comment": "agentless: %d layers" % len(fresh)})
    if record is not None:
        return build.finisher.of_record(base, record)
    return build.finisher.add(base, _one_layer(build, target, fresh), Record(key, key, created=target.created, instruction="squash"))


def _one_layer(build, target, fresh):
    """A directory with the changes of all ``fresh`` layers."""
    from .run import lay_out, present
    from .squash import squash

    directory = build.workspace.directory_for("squash")
    lay_out(directory, [target.tip.pieces[-1].path])
    directory = os.path.join(directory, "upper")
    squash([present(piece.path) for piece in fresh], directory)
    return directory
