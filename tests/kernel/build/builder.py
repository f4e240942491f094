# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build Dockerfiles on a test's machine, in this process, and look at what came of it."""

from __future__ import annotations

import dataclasses
import io
import tarfile

from ansible_collections.agentless.containers.plugins.module_utils.engine.build.settings import Settings
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.solve import Build
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.cas import BlobStore
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.store import ImageStore
from ansible_collections.agentless.containers.plugins.module_utils.engine.layer import stream
from ansible_collections.agentless.containers.plugins.module_utils.engine.linux import netns
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.reference import Reference


@dataclasses.dataclass
class Built:
    """What a build gave: the Outcome, the Image, the output of its steps, its warnings."""

    outcome: object
    image: object
    log: str
    warnings: list

    @property
    def ran(self):
        """The instructions that ran."""
        return [step.text for step in self.outcome.steps if step.status == "ran"]

    @property
    def cached(self):
        return [step.text for step in self.outcome.steps if step.status == "cached"]

    @property
    def config(self):
        return self.image.config.config


class Builder:
    """:param machine: see conftest.py. ``context`` is a directory (pathlib) for the files of the build."""

    def __init__(self, machine, context):
        self.machine = machine
        self.context = context
        context.mkdir()

    def put(self, name, content):
        path = self.context / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def entered(self):
        """The machine's network namespace, as a context manager."""
        return netns.entered(self.machine.path)

    def settings(self, text=None, **options):
        if text is not None:
            self.put("Dockerfile", text)
        options.setdefault("network", "none")
        options.setdefault("source", str(self.context))
        return Settings(**options)

    def dry(self, text=None, **options):
        """The Outcome of a dry run."""
        with netns.entered(self.machine.path), Build(self.machine.roots, self.settings(text, **options)) as build:
            return build.dry_run()

    def build(self, text=None, name=None, report=None, **options):
        """A Built; ``name`` tags it, ``report`` is told of each step."""
        with netns.entered(self.machine.path), Build(self.machine.roots, self.settings(text, **options), report) as build:
            outcome = build.run()
            store = ImageStore(self.machine.roots)
            references = [Reference.parse(name).canonical] if name else []
            image = store.add(outcome.descriptor, references)[0]
            return Built(outcome, image, build.log_text(), build.warnings)

    def layer(self, image, index=-1):
        """dict: name -> tarfile.TarInfo of one layer."""
        blobs = BlobStore(self.machine.roots.images)
        data = b"".join(stream.decompress(blobs.chunks(image.manifest.layers[index].digest)))
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            return {member.name: member for member in archive}

    def content(self, image, path):
        """bytes of a file in the topmost layer that has it."""
        blobs = BlobStore(self.machine.roots.images)
        for layer in reversed(image.manifest.layers):
            data = b"".join(stream.decompress(blobs.chunks(layer.digest)))
            with tarfile.open(fileobj=io.BytesIO(data)) as archive:
                for member in archive:
                    if member.name == path.strip("/") and member.isreg():
                        return archive.extractfile(member).read()
        return None
