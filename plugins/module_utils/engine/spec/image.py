# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents of the OCI image specification: descriptors, manifests, indexes and image configurations.

Attribute names are the specification's in snake_case; :meth:`from_json` and :meth:`to_json` are the edge.
"""

from __future__ import annotations

# pylint: disable=invalid-field-call  # it does not see that document.py's decorator makes a dataclass
import dataclasses
from typing import Any, Dict, Optional, Tuple

from .document import Document, document

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
INDEX_TYPES = (OCI_INDEX, DOCKER_INDEX)
MANIFEST_TYPES = (OCI_MANIFEST, DOCKER_MANIFEST)

REF_NAME = "org.opencontainers.image.ref.name"


@document
class Platform(Document):
    """What an image runs on: ``linux/arm64/v8`` is os, architecture and variant."""

    architecture: str = ""
    os: str = ""
    variant: Optional[str] = None
    os_version: Optional[str] = None

    KEYS = {"os_version": "os.version"}

    def __str__(self):
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


@document
class Descriptor(Document):
    """A pointer to content: its type, digest and size in bytes."""

    media_type: str
    digest: str
    size: int
    urls: Optional[Tuple[str, ...]] = None
    annotations: Optional[Dict[str, str]] = None
    platform: Optional[Platform] = None

    KEYS = {"media_type": "mediaType"}
    NESTED = {"platform": Platform}

    @property
    def hex(self):
        """The digest without its algorithm."""
        return self.digest.partition(":")[2]


@document
class Manifest(Document):
    """One image for one platform: a configuration and its layers, lowest first."""

    config: Descriptor
    layers: Tuple[Descriptor, ...] = ()
    media_type: Optional[str] = None
    annotations: Optional[Dict[str, str]] = None
    schema_version: int = 2

    KEYS = {"media_type": "mediaType", "schema_version": "schemaVersion"}
    NESTED = {"config": Descriptor, "layers": Descriptor}


@document
class Index(Document):
    """A list of manifests, one for each platform (or, as index.json of a layout, one for each image)."""

    manifests: Tuple[Descriptor, ...] = ()
    media_type: Optional[str] = None
    annotations: Optional[Dict[str, str]] = None
    schema_version: int = 2

    KEYS = {"media_type": "mediaType", "schema_version": "schemaVersion"}
    NESTED = {"manifests": Descriptor}


@document
class Healthcheck(Document):
    """A health check as Docker's images carry it. Times are nanoseconds.

    ``test`` is ``["CMD", ...]``, ``["CMD-SHELL", line]`` or ``["NONE"]``.
    """

    test: Optional[Tuple[str, ...]] = None
    interval: Optional[int] = None
    timeout: Optional[int] = None
    start_period: Optional[int] = None
    start_interval: Optional[int] = None
    retries: Optional[int] = None

    KEYS = {"test": "Test", "interval": "Interval", "timeout": "Timeout", "start_period": "StartPeriod", "start_interval": "StartInterval",
            "retries": "Retries"}


@document
class ContainerDefaults(Document):
    """The ``config`` object of an image configuration: what a container of the image runs unless told otherwise.

    ``exposed_ports`` and ``volumes`` are dicts whose keys count (``{"80/tcp": {}}``), as in the specification.
    """

    user: Optional[str] = None
    exposed_ports: Optional[Dict[str, Any]] = None
    env: Optional[Tuple[str, ...]] = None
    entrypoint: Optional[Tuple[str, ...]] = None
    cmd: Optional[Tuple[str, ...]] = None
    healthcheck: Optional[Healthcheck] = None
    volumes: Optional[Dict[str, Any]] = None
    working_dir: Optional[str] = None
    labels: Optional[Dict[str, str]] = None
    stop_signal: Optional[str] = None
    shell: Optional[Tuple[str, ...]] = None
    on_build: Optional[Tuple[str, ...]] = None

    KEYS = {"user": "User", "exposed_ports": "ExposedPorts", "env": "Env", "entrypoint": "Entrypoint", "cmd": "Cmd",
            "healthcheck": "Healthcheck", "volumes": "Volumes", "working_dir": "WorkingDir", "labels": "Labels",
            "stop_signal": "StopSignal", "shell": "Shell", "on_build": "OnBuild"}
    NESTED = {"healthcheck": Healthcheck}


@document
class Rootfs(Document):
    """Digests of the uncompressed layers, lowest first."""

    diff_ids: Tuple[str, ...] = ()
    type: str = "layers"


@document
class History(Document):
    """How a layer came to be."""

    created: Optional[str] = None
    created_by: Optional[str] = None
    comment: Optional[str] = None
    author: Optional[str] = None
    empty_layer: Optional[bool] = None


@document
class ImageConfig(Document):
    """The configuration of an image; the sha256 of its JSON is the image's ID."""

    architecture: str = ""
    os: str = "linux"
    variant: Optional[str] = None
    created: Optional[str] = None
    author: Optional[str] = None
    config: ContainerDefaults = dataclasses.field(default_factory=ContainerDefaults)
    rootfs: Rootfs = dataclasses.field(default_factory=Rootfs)
    history: Tuple[History, ...] = ()

    NESTED = {"config": ContainerDefaults, "rootfs": Rootfs, "history": History}

    @property
    def diff_ids(self):
        return self.rootfs.diff_ids

    @property
    def platform(self):
        return Platform(self.architecture, self.os, self.variant)


@dataclasses.dataclass(frozen=True)
class Image:
    """An image of the local store.

    :param id: ``sha256:`` and the digest of the configuration.
    :param references: canonical references (tags and digests) that lead to it.
    :param size: bytes of configuration and layers as they are stored.
    """

    id: str
    manifest_digest: str
    config: ImageConfig
    manifest: Manifest
    references: Tuple[str, ...] = ()
    size: int = 0

    @property
    def short_id(self):
        """The 12 digits that Docker shows."""
        return self.id.partition(":")[2][:12]


_ARCHITECTURES = {"x86_64": ("amd64", None), "amd64": ("amd64", None), "aarch64": ("arm64", None), "arm64": ("arm64", None),
                  "armv7l": ("arm", "v7"), "armv6l": ("arm", "v6"), "armv8l": ("arm", "v7"), "i686": ("386", None), "i386": ("386", None),
                  "ppc64le": ("ppc64le", None), "s390x": ("s390x", None), "riscv64": ("riscv64", None), "loongarch64": ("loong64", None)}


def platform_of(machine):
    """The platform of a host by its ``uname -m``."""
    architecture, variant = _ARCHITECTURES.get(machine, (machine, None))
    return Platform(architecture, "linux", variant)


def parse_platform(text):
    """``linux/arm64/v8``, ``arm64`` or ``linux/amd64`` as a Platform; None where the text is not one."""
    parts = text.lower().split("/")
    if not 1 <= len(parts) <= 3 or not all(parts):
        return None
    if len(parts) == 1:
        parts = ["linux", parts[0]]
    architecture, variant = _ARCHITECTURES.get(parts[1], (parts[1], None))
    return Platform(architecture, parts[0], parts[2] if len(parts) == 3 else variant)


def choose(descriptors, wanted):
    """The descriptor of an index that fits a platform best, or None.

    An exact variant wins; then no variant on either side; an arm host takes a lower variant (v7 runs v6), arm64 with v8 is plain arm64.
    """
    best, best_score = None, 0
    for descriptor in descriptors:
        score = _fitness(descriptor.platform, wanted)
        if score > best_score:
            best, best_score = descriptor, score
    return best


def _fitness(offered, wanted):
    if offered is None or offered.os != wanted.os or offered.architecture != wanted.architecture:
        return 0
    mine, theirs = _variant(wanted), _variant(offered)
    if mine == theirs:
        return 100
    if theirs == 0:
        return 50
    if wanted.architecture == "arm" and mine and theirs < mine:
        return 50 + theirs
    return 1 if mine == 0 else 0


def _variant(platform):
    text = platform.variant or ""
    if platform.architecture == "arm64" and text in ("", "v8"):
        return 0
    return int(text[1:]) if text[:1] == "v" and text[1:].isdigit() else 0
