# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's changes as a new image. The same changes on the same image, with the same options, give the same image ID."""

from __future__ import annotations

import copy
import dataclasses
import time
from typing import Optional

from ..build.changes import merge_env
from ..build.lines import LineChanges
from ..errors import NotFound
from ..image import create
from ..image.store import ImageStore
from ..image.sweep import sweep
from ..image.verify import digest_of_bytes
from ..plan import Action, Plan
from ..runtime import commit
from ..runtime.container import ContainerStore
from ..spec.reference import Reference

_LOCK_SECONDS = 300
_ATTEMPTS = 5
NANO = 10 ** 9


@dataclasses.dataclass(frozen=True)
class CommitRequest:
    """``reference``: the image's name, or None for an image without one. ``changes``: see build/lines.py."""

    container: str
    reference: Optional[Reference]
    changes: LineChanges
    message: str = ""
    author: str = ""
    pause: bool = True


@dataclasses.dataclass(frozen=True)
class CommitObserved:
    """``present``: ID of the image that has the name (without one: of the image to be, if it is here); ``coming``: of the image to be."""

    name: str
    present: Optional[str]
    coming: str


def observe(roots, request):
    """What a commit would make now. Nothing is stored, and nothing is paused for it.

    :raises NotFound: no such container, or its image is gone.
    """
    container = ContainerStore(roots).get(request.container)
    store = ImageStore(roots)
    for attempt in range(_ATTEMPTS):
        try:
            pieces, newest = commit.layer(container)
            diff_id = None if pieces is None else create.diff_id_of(pieces)
            break
        except FileNotFoundError:
            # it runs, and removed a file between our listing and our reading
            if attempt == _ATTEMPTS - 1:
                raise
    base = base_image(store, container)
    coming = digest_of_bytes(create.encode(config_of(store, base, container, request, diff_id, newest)))
    holder = store.find(coming if request.reference is None else request.reference.canonical)
    return CommitObserved(container.name, holder.id if holder is not None else None, coming)


def base_image(store, container):
    """The image that the container is made from.

    :raises NotFound: it is gone.
    """
    image = store.find(container.record.image_id)
    if image is None:
        raise NotFound("image %s, which container %s is made from, is not on this host" % (container.record.image_id, container.name),
                       "pull or load it again, or use container_export")
    return image


def plan_commit(request, observed):
    """The :class:`Plan` of a :class:`CommitRequest`."""
    if observed.present == observed.coming:
        return Plan()
    return Plan([CommitContainer(observed.name, request)], {"id": observed.present}, {"id": observed.coming})


@dataclasses.dataclass(frozen=True)
class CommitContainer(Action):
    """Make the image. ``done`` receives its ID."""

    name: str
    request: CommitRequest = dataclasses.field(compare=False)
    done: list = dataclasses.field(default_factory=list, compare=False)

    def describe(self):
        target = self.request.reference.familiar if self.request.reference is not None else "an image without name"
        return "commit container %s as %s" % (self.name, target)

    def execute(self, roots):
        store, request, fresh = ImageStore(roots), self.request, []
        sweep(roots)
        try:
            with roots.lock("container-" + self.name, _LOCK_SECONDS), store.leased():
                container = ContainerStore(roots).get(self.name)
                base = base_image(store, container)
                with store.leased([base.manifest_digest, base.id, *(layer.digest for layer in base.manifest.layers)]):
                    self.done.append(self._commit(store, container, base, request, fresh))
        except BaseException:
            store.discard(fresh)
            raise

    @staticmethod
    def _commit(store, container, base, request, fresh):
        layers, diff_id = list(base.manifest.layers), None
        with commit.paused(container, request.pause):
            pieces, newest = commit.layer(container)
            if pieces is not None:
                layer = create.store_layer(store.blobs, pieces)
                fresh += [layer.descriptor.digest] if layer.fresh else []
                layers.append(layer.descriptor)
                diff_id = layer.diff_id
        config = config_of(store, base, container, request, diff_id, newest)
        descriptor = create.store_image(store.blobs, config, layers, fresh)
        image = store.load(descriptor.digest, ())
        chain = store.layers.chain_ids(image)
        fresh += chain
        with store.leased(chain):
            store.layers.ensure(image)
            return store.add(descriptor, [request.reference.canonical] if request.reference is not None else [])[0].id


def config_of(store, base, container, request, diff_id, newest):
    """The configuration (dict) of the image to be. Its time is that of the newest change: a clock would make each commit another image."""
    config = copy.deepcopy(store.config_document(base.manifest))
    for key in ("container", "container_config", "id", "parent"):
        config.pop(key, None)
    config["config"] = request.changes.apply(container_config(config.get("config") or {}, container.spec))
    created = timestamp(newest) if diff_id else config.get("created") or create.EPOCH
    config["created"] = created
    if request.author:
        config["author"] = request.author
    entry = {"created": created, "created_by": " ".join(container_arguments(config["config"]))}
    if request.author:
        entry["author"] = request.author
    if request.message:
        entry["comment"] = request.message
    if diff_id is None:
        entry["empty_layer"] = True
    else:
        config["rootfs"]["diff_ids"] = [*config["rootfs"]["diff_ids"], diff_id]
    config["history"] = [*(config.get("history") or []), entry]
    return config


def container_arguments(config):
    """What a container of a ``config`` object runs."""
    return [*(config.get("Entrypoint") or []), *(config.get("Cmd") or [])]


def container_config(config, spec):
    """The ``config`` object (dict) of an image with what a container was asked to have otherwise, as ``docker commit`` takes it over."""
    after = {key: value for key, value in config.items() if key != "OnBuild"}
    if spec.entrypoint is not None:
        after["Entrypoint"] = list(spec.entrypoint)
        after.pop("Cmd", None)
    if spec.command is not None:
        after["Cmd"] = list(spec.command)
    if spec.env:
        after["Env"] = merge_env(after.get("Env") or [], list(spec.env.items()))
    if spec.labels:
        after["Labels"] = {**(after.get("Labels") or {}), **spec.labels}
    for key, value in (("User", spec.user), ("WorkingDir", spec.working_dir), ("StopSignal", spec.stop_signal)):
        if value is not None:
            after[key] = value
    ports = ["%d/%s" % (port.container_port, port.protocol) for port in spec.ports] + list(spec.exposed_ports)
    if ports:
        after["ExposedPorts"] = dict(sorted({**(after.get("ExposedPorts") or {}), **{port: {} for port in ports}}.items()))
    check = spec.healthcheck
    if check is not None and check.test:
        after["Healthcheck"] = {"Test": list(check.test), "Interval": int(check.interval * NANO), "Timeout": int(check.timeout * NANO),
                                "StartPeriod": int(check.start_period * NANO), "Retries": check.retries}
    return after


def timestamp(nanoseconds):
    """RFC 3339 in UTC with nanoseconds."""
    seconds, rest = divmod(max(0, nanoseconds), NANO)
    return "%s.%09dZ" % (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)), rest)
