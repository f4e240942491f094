# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a registry has under a reference to the manifest of one image: platforms are chosen here, and what is no image is refused."""

from __future__ import annotations

import dataclasses
import os

from ..errors import Corrupt, EngineError, InvalidValue, NotFound
from ..spec.image import (
    DOCKER_CONFIG,
    INDEX_TYPES,
    MANIFEST_TYPES,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Index,
    Manifest,
    choose,
    parse_platform,
    platform_of,
)
from .verify import check_index, check_manifest, document

# the last one is what the first clients that wrote schema 2 called it
CONFIG_TYPES = (OCI_CONFIG, DOCKER_CONFIG, "application/octet-stream")
_SCHEMA1 = ("application/vnd.docker.distribution.manifest.v1+json", "application/vnd.docker.distribution.manifest.v1+prettyjws")
_UNTOLD = ("", "application/json", "application/octet-stream", "text/plain")
_DEPTH = 3
_KEPT = 16
_KEPT_SIZE = 256 << 10
_kept = {}


def wanted_platform(text):
    """The Platform that an option names; this host's for None."""
    if text is None:
        return platform_of(os.uname().machine)
    platform = parse_platform(text)
    if platform is None:
        raise InvalidValue("platform", text, "is not a platform", "write it as linux/amd64 or linux/arm64/v8")
    return platform


def is_of(image, wanted):
    """Whether a local image is of a platform. Where it is not, only the registry tells whether it has a better one."""
    return choose([Descriptor("", "", 0, platform=image.config.platform)], wanted) is not None


def identified(remote, reference):
    """A Remote with its type, which its document tells where the registry says nothing of use (simple file servers).

    :raises Corrupt: header and document tell different types: no two programs would agree on what this is (CVE-2021-41190).
    """
    value = document(remote.data, reference.familiar)
    inside = value.get("mediaType")
    parts = [key for key in ("manifests", "layers", "fsLayers") if key in value]
    if remote.media_type in _UNTOLD:
        guessed = {"manifests": OCI_INDEX, "layers": OCI_MANIFEST, "fsLayers": _SCHEMA1[0]}.get(parts[0] if parts else None)
        remote = dataclasses.replace(remote, media_type=inside if isinstance(inside, str) else guessed or remote.media_type)
    elif inside is not None and inside != remote.media_type:
        raise Corrupt("%s is of type %s in the registry's words and of type %s in its own" % (
            reference.familiar, remote.media_type, inside), "the registry is damaged or was tampered with")
    if len(parts) > 1:
        raise Corrupt("%s is an image and an index at once" % reference.familiar, "it was made to deceive, or by a broken program")
    return remote


def fetched(source, reference, digest):
    """The manifest or index of a digest: a Remote with its data. What was fetched once (to plan) is not fetched again (to act): each
    counts as a pull at Docker Hub.
    """
    key = (reference.name, digest)
    found = _kept.get(key)
    if found is None:
        found = identified(source.manifest(reference, digest), reference)
        if len(_kept) >= _KEPT:
            _kept.clear()
        if len(found.data) <= _KEPT_SIZE:
            _kept[key] = found
    return found


def check_type(remote, reference):
    """Refuse what by its type alone can be no image.

    :raises EngineError: says what it is.
    """
    if remote.media_type in _UNTOLD and remote.data is None:
        return
    if remote.media_type in _SCHEMA1:
        raise EngineError("image %s has a manifest of schema 1, a format that is no longer in use" % reference.familiar,
                          "pull and push it with an old Docker, or build it anew")
    if remote.media_type not in INDEX_TYPES + MANIFEST_TYPES:
        raise EngineError("%s is no image: it has the type %s" % (reference.familiar, remote.media_type),
                          "only OCI images and Docker images of schema 2 can be pulled")


def select(source, reference, remote, wanted):
    """The manifest for a platform: a Remote with its data.

    :param remote: what is under the reference. :param wanted: Platform.
    :raises NotFound: there is nothing for the platform; the message lists the others.
    """
    check_type(remote, reference)
    remote = fetched(source, reference, remote.digest) if remote.data is None else identified(remote, reference)
    for unused in range(_DEPTH):
        check_type(remote, reference)
        if remote.media_type not in INDEX_TYPES:
            return remote
        remote = fetched(source, reference, _choose(remote, reference, wanted).digest)
    check_type(remote, reference)
    if remote.media_type in INDEX_TYPES:
        raise Corrupt("image %s is an index of indexes of indexes" % reference.familiar)
    return remote


def _choose(remote, reference, wanted):
    index = parsed(Index, check_index(document(remote.data, reference.familiar), reference.familiar), reference)
    candidates = [each for each in index.manifests if each.media_type in MANIFEST_TYPES + INDEX_TYPES]
    chosen = choose(candidates, wanted)
    if chosen is None and len(candidates) == 1 and candidates[0].platform is None:
        chosen = candidates[0]
    if chosen is None:
        offered = sorted({str(each.platform) for each in candidates if each.platform and each.platform.os != "unknown"})
        raise NotFound("image %s has nothing for platform %s, only for %s" % (reference.familiar, wanted, ", ".join(offered) or "none"),
                       "set platform to one of these")
    return chosen


def manifest_of(remote, reference):
    """The :class:`Manifest` of an image.

    :raises EngineError: it is an artifact (a signature, a chart, an SBOM) and no image.
    """
    value = document(remote.data, reference.familiar)
    if value.get("schemaVersion") == 1:
        check_type(type(remote)(remote.digest, _SCHEMA1[0]), reference)
    value = check_manifest(value, reference.familiar)
    config_type = value["config"]["mediaType"]
    if config_type not in CONFIG_TYPES:
        raise EngineError("%s is no image but an artifact of type %s" % (reference.familiar, value.get("artifactType") or config_type),
                          "image_search with name tells more about it")
    for layer in value["layers"]:
        if layer["mediaType"].endswith("+encrypted"):
            raise EngineError("image %s has encrypted layers" % reference.familiar, "decrypt it with skopeo copy first")
    return parsed(Manifest, value, reference)


def parsed(kind, value, reference):
    """A document of the registry as its dataclass."""
    try:
        return kind.from_json(value)
    except (TypeError, AttributeError, ValueError) as error:
        raise Corrupt("a document of image %s is malformed: %s" % (reference.familiar, error)) from error
