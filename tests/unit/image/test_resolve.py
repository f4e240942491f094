# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which manifest of an image is for a platform, and what is no image."""

from __future__ import annotations

import dataclasses
import json

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Corrupt, EngineError, InvalidValue, NotFound
from ansible_collections.agentless.containers.plugins.module_utils.engine.image import resolve
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.registry import Remote
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.verify import digest_of_bytes
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.image import (
    DOCKER_CONFIG,
    DOCKER_INDEX,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
)
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.reference import Reference

WEB = Reference.parse("web:1")
LAYER = {"mediaType": OCI_LAYER + "+gzip", "digest": "sha256:" + "1" * 64, "size": 1}


class Source:
    """What a registry has, by digest; counts what is asked for."""

    def __init__(self):
        self.there, self.asked = {}, []

    def put(self, value, media_type=OCI_MANIFEST):
        data = json.dumps(value).encode()
        remote = Remote(digest_of_bytes(data), media_type, data)
        self.there[remote.digest] = remote
        return remote

    def image(self, name, config_type=OCI_CONFIG, media_type=OCI_MANIFEST, **more):
        config = {"mediaType": config_type, "digest": digest_of_bytes(name.encode()), "size": 1}
        return self.put(dict({"schemaVersion": 2, "config": config, "layers": [LAYER]}, **more), media_type)

    def index(self, *entries, media_type=OCI_INDEX):
        manifests = [{"mediaType": remote.media_type, "digest": remote.digest, "size": len(remote.data), "platform": platform}
                     for remote, platform in entries]
        return self.put({"schemaVersion": 2, "manifests": manifests}, media_type)

    def manifest(self, reference, digest):
        self.asked.append(digest)
        return self.there[digest]


@pytest.fixture
def source():
    resolve._kept.clear()
    return Source()


def platform(text):
    parts = text.split("/")
    return dict(zip(("os", "architecture", "variant"), parts))


def selected(source, remote, wanted):
    return resolve.select(source, WEB, Remote(remote.digest, remote.media_type), resolve.wanted_platform(wanted)).digest


@pytest.mark.parametrize("offered, wanted, expected", [
    (["linux/amd64", "linux/arm64/v8", "linux/arm/v7"], "linux/arm64", 1), (["linux/amd64", "linux/arm64"], "arm64/v8", None),
    (["linux/amd64", "linux/arm64"], "linux/arm64/v8", 1), (["linux/arm/v5", "linux/arm/v6", "linux/arm/v7"], "linux/arm/v6", 1),
    (["linux/arm/v5", "linux/arm/v6"], "linux/arm/v7", 1), (["linux/arm/v7"], "linux/arm/v6", None),
    (["linux/arm", "linux/arm/v6"], "linux/arm/v7", 1),
    (["linux/amd64", "linux/amd64/v2", "linux/amd64/v3"], "linux/amd64", 0), (["linux/amd64", "linux/amd64/v3"], "linux/amd64/v3", 1),
    (["windows/amd64"], "linux/amd64", None), (["linux/386"], "linux/i386", 0), (["linux/amd64", "linux/amd64"], "x86_64", 0),
])
def test_platforms(source, offered, wanted, expected):
    images = [source.image(text + str(number)) for number, text in enumerate(offered)]
    index = source.index(*[(image, platform(text)) for image, text in zip(images, offered)])
    if expected is None:
        with pytest.raises(NotFound, match="has nothing for platform"):
            selected(source, index, wanted)
    else:
        assert selected(source, index, wanted) == images[expected].digest


@pytest.mark.parametrize("index_type, manifest_type", [
    (OCI_INDEX, OCI_MANIFEST), (DOCKER_INDEX, DOCKER_MANIFEST), (OCI_INDEX, DOCKER_MANIFEST)])
def test_types_of_docker_and_of_oci(source, index_type, manifest_type):
    image = source.image("x", DOCKER_CONFIG, manifest_type)
    index = source.index((image, platform("linux/amd64")), media_type=index_type)
    assert selected(source, index, "linux/amd64") == selected(source, image, "linux/amd64") == image.digest
    assert resolve.manifest_of(image, WEB).layers[0].digest == LAYER["digest"]


def test_attestations_are_no_platform(source):
    image, attestation = source.image("x"), source.image("y")
    index = source.index((image, platform("linux/amd64")), (attestation, platform("unknown/unknown")))
    assert selected(source, index, "amd64") == image.digest
    with pytest.raises(NotFound, match=r"only for linux/amd64$"):
        selected(source, index, "arm64")


def test_an_index_in_an_index(source):
    image = source.image("x")
    inner = source.index((image, platform("linux/amd64")))
    assert selected(source, source.index((inner, platform("linux/amd64"))), "amd64") == image.digest
    for unused in range(4):
        inner = source.index((inner, platform("linux/amd64")))
    with pytest.raises(Corrupt, match="index of indexes"):
        selected(source, inner, "amd64")


def test_one_entry_without_a_platform(source):
    image = source.image("x")
    assert selected(source, source.index((image, None)), "riscv64") == image.digest


def test_a_document_is_fetched_once(source):
    image = source.image("x")
    index = source.index((image, platform("linux/amd64")))
    for unused in range(3):
        selected(source, index, "amd64")
    assert source.asked == [index.digest, image.digest]


@pytest.mark.parametrize("media_type", ["application/vnd.docker.distribution.manifest.v1+json",
                                        "application/vnd.docker.distribution.manifest.v1+prettyjws"])
def test_schema_1(source, media_type):
    with pytest.raises(EngineError, match="image web:1 has a manifest of schema 1") as caught:
        selected(source, source.put({"schemaVersion": 1}, media_type), "amd64")
    assert caught.value.hint


def test_schema_1_under_another_type(source):
    with pytest.raises(EngineError, match="schema 1"):
        resolve.manifest_of(source.put({"schemaVersion": 1, "fsLayers": []}), WEB)


@pytest.mark.parametrize("config_type, more, said", [
    ("application/vnd.cncf.helm.config.v1+json", {}, "application/vnd.cncf.helm.config.v1+json"),
    ("application/vnd.oci.empty.v1+json", {"artifactType": "application/spdx+json"}, "application/spdx+json"),
    ("application/vnd.docker.plugin.v1+json", {}, "application/vnd.docker.plugin.v1+json"),
])
def test_artifacts(source, config_type, more, said):
    with pytest.raises(EngineError, match="web:1 is no image but an artifact of type") as caught:
        resolve.manifest_of(source.image("x", config_type, **more), WEB)
    assert said in str(caught.value) and "image_search" in caught.value.hint


def test_other_types(source):
    with pytest.raises(EngineError, match="web:1 is no image: it has the type text/html"):
        selected(source, source.put({}, "text/html"), "amd64")


@pytest.mark.parametrize("said", ["", "application/json", "application/octet-stream", "text/plain"])
def test_a_server_that_does_not_tell_types(source, said):
    image = source.image("x")
    index = source.index((image, platform("linux/amd64")))
    for remote in (image, index):
        source.there[remote.digest] = dataclasses.replace(remote, media_type=said)
    assert selected(source, source.there[index.digest], "amd64") == image.digest
    with pytest.raises(EngineError, match="schema 1"):
        selected(source, source.put({"schemaVersion": 1, "fsLayers": []}, said), "amd64")
    with pytest.raises(EngineError, match="is no image"):
        selected(source, source.put({"some": "thing"}, said), "amd64")


def test_two_types_at_once(source):
    image = source.image("x")
    both = dict(json.loads(image.data), manifests=[])
    with pytest.raises(Corrupt, match="an image and an index at once"):
        selected(source, source.put(both), "amd64")
    with pytest.raises(Corrupt, match="in the registry's words"):
        selected(source, source.put(dict(json.loads(image.data), mediaType=OCI_INDEX)), "amd64")


def test_encrypted_layers(source):
    with pytest.raises(EngineError, match="has encrypted layers"):
        resolve.manifest_of(source.image("x", layers=[dict(LAYER, mediaType=LAYER["mediaType"] + "+encrypted")]), WEB)


def test_the_first_writers_of_schema_2(source):
    assert resolve.manifest_of(source.image("x", "application/octet-stream", DOCKER_MANIFEST), WEB).config.size == 1


@pytest.mark.parametrize("text", ["a/b/c/d", "", "/", "linux/"])
def test_no_platform(text):
    with pytest.raises(InvalidValue, match="platform: "):
        resolve.wanted_platform(text)
