# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The blob store, the index and the image store, without privilege: nothing is unpacked here."""

from __future__ import annotations

import hashlib
import json
import os

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Conflict, Corrupt, InvalidValue, NotFound
from ansible_collections.agentless.containers.plugins.module_utils.engine.image import create
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.cas import BlobStore, Partial
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.changes import Changes
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.store import ImageStore
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.verify import (
    check_config,
    check_descriptor,
    check_digest,
    check_manifest,
    document,
)
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.image import OCI_LAYER, Descriptor, Platform
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.reference import Reference
from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots


@pytest.fixture
def roots(tmp_path):
    return Roots(str(tmp_path / "state"))


def make(roots, *names, cmd=("x",), layers=(b"layer",)):
    store = ImageStore(roots)
    blobs = [Descriptor(OCI_LAYER, store.blobs.put(data), len(data)) for data in layers]
    config = create.child_config(create.new_config(Platform("amd64", "linux")), Changes(cmd=cmd), [blob.digest for blob in blobs])
    return store.add(create.store_image(store.blobs, config, blobs), [Reference.parse(name).canonical for name in names])[0]


class TestBlobs:
    def test_content_by_digest(self, tmp_path):
        blobs = BlobStore(str(tmp_path))
        digest = blobs.put(b"hello")
        assert digest == "sha256:" + hashlib.sha256(b"hello").hexdigest() and blobs.read(digest) == b"hello"
        assert blobs.has(digest, 5) and not blobs.has(digest, 6) and b"".join(blobs.chunks(digest)) == b"hello"
        assert blobs.ingest([b"hel", b"lo"]) == (digest, 5) and blobs.list() == [digest]
        assert blobs.remove(digest) and not blobs.remove(digest)
        with pytest.raises(NotFound, match=digest):
            blobs.read(digest)

    @pytest.mark.parametrize("digest, size", [("sha256:" + "0" * 64, None), (None, 4)])
    def test_other_content_than_promised_is_not_stored(self, tmp_path, digest, size):
        blobs = BlobStore(str(tmp_path))
        with pytest.raises(Corrupt):
            blobs.ingest([b"hello"], digest, size)
        assert blobs.list() == [] and os.listdir(blobs.partial) == []

    def test_an_error_while_writing_leaves_nothing(self, tmp_path):
        blobs = BlobStore(str(tmp_path))

        def broken():
            yield b"half"
            raise OSError(5, "broken")

        with pytest.raises(OSError):
            blobs.ingest(broken())
        assert blobs.list() == [] and os.listdir(blobs.partial) == []

    def test_damage_is_noticed(self, tmp_path):
        blobs = BlobStore(str(tmp_path))
        digest = blobs.put(b"hello")
        with open(blobs.path(digest), "wb") as stream:
            stream.write(b"hullo")
        with pytest.raises(Corrupt, match=digest):
            blobs.read(digest)
        with pytest.raises(Corrupt, match=digest):
            list(blobs.chunks(digest))

    @pytest.mark.parametrize("digest", ["sha256:../../etc/passwd", "", None, "sha256:" + "A" * 64, "md5:" + "0" * 32,
                                        "sha256:" + "0" * 63 + "/"])
    def test_a_malformed_digest_never_becomes_a_path(self, tmp_path, digest):
        with pytest.raises(Corrupt):
            BlobStore(str(tmp_path)).path(digest)

    def test_partial(self, tmp_path):
        blobs = BlobStore(str(tmp_path))
        descriptor = Descriptor("x", "sha256:" + hashlib.sha256(b"hello").hexdigest(), 5)
        with Partial(blobs, descriptor) as partial:
            partial.append(b"hel")
        with Partial(blobs, descriptor) as partial:
            assert partial.size == 3 and b"".join(partial.existing()) == b"hel"
            partial.append(b"lo")
            partial.commit()
        assert blobs.read(descriptor.digest) == b"hello" and os.listdir(blobs.partial) == []
        with open(os.path.join(blobs.partial, descriptor.hex), "wb") as stream:
            stream.write(b"much too long")
        with Partial(blobs, descriptor) as partial:
            assert partial.size == 0
        assert os.listdir(blobs.partial) == []


class TestDocuments:
    @pytest.mark.parametrize("value", [{}, {"size": -1, "digest": "x"}, {"size": True}, None, [],
                                       {"size": 1, "digest": "sha256:" + "0" * 64}, {"size": 1, "digest": "../x", "mediaType": "x"}])
    def test_descriptors(self, value):
        with pytest.raises(Corrupt):
            check_descriptor(value, "x")

    @pytest.mark.parametrize("value", [{}, {"schemaVersion": 1, "layers": []}, {"schemaVersion": 2, "layers": {}},
                                       {"schemaVersion": 2, "layers": [], "config": None}])
    def test_manifests(self, value):
        with pytest.raises(Corrupt):
            check_manifest(value, "x")

    @pytest.mark.parametrize("value", [{}, {"rootfs": []}, {"rootfs": {"diff_ids": ["x"]}}, {"rootfs": {"diff_ids": []}},
                                       {"rootfs": {"diff_ids": ["sha256:" + "0" * 64]}, "config": "x"}])
    def test_configurations(self, value):
        with pytest.raises(Corrupt):
            check_config(value, "x", 1)

    @pytest.mark.parametrize("data", [b"", b"[]", b"nonsense", b"[" * 100000])
    def test_json(self, data):
        with pytest.raises(Corrupt):
            document(data, "x")

    def test_digests(self):
        assert check_digest("sha256:" + "0" * 64) == ("sha256", "0" * 64)


class TestImages:
    def test_finding(self, roots):
        image, store = make(roots, "web:1", "localhost:5000/web"), ImageStore(roots)
        digits = image.id[7:]
        for text in ("web:1", "docker.io/library/web:1", "localhost:5000/web", image.id, digits, digits[:12], "sha256:" + digits[:8],
                     image.manifest_digest, digits[:4]):
            assert store.find(text) == image, text
        for text in ("web", "web:2", "0" * 64, "sha256:" + "0" * 64):
            assert store.find(text) is None
        with pytest.raises(NotFound, match="image web:2 is not on this host"):
            store.get("web:2")
        for text in ("", "UP", "a:b:c"):
            with pytest.raises(InvalidValue):
                store.find(text)

    def test_a_name_wins_over_a_short_id(self, roots):
        first = make(roots, "web")
        second = make(roots, first.id[7:13], cmd=("y",))
        assert ImageStore(roots).find(first.id[7:13]) == second

    def test_short_id_of_several(self, roots, monkeypatch):
        store = ImageStore(roots)
        made = {}
        for number in range(2000):
            image_id = "sha256:" + hashlib.sha256(b"%d" % number).hexdigest()
            if image_id[7:11] in made:
                break
            made[image_id[7:11]] = number
        entries = [Descriptor("m", "sha256:%064d" % each, 1) for each in (made[image_id[7:11]], number)]

        class Stub:
            def __init__(self, digest):
                self.config = Descriptor("c", "sha256:" + hashlib.sha256(b"%d" % int(digest[7:])).hexdigest(), 1)

        monkeypatch.setattr(store, "_manifest", Stub)
        with pytest.raises(Conflict, match="image ID %s is ambiguous" % image_id[7:11]):
            store._find_digest(entries, image_id[7:11])

    def test_names_move(self, roots):
        first, store = make(roots, "web"), ImageStore(roots)
        second = make(roots, "web", cmd=("y",))
        assert store.find("web") == second
        assert store.get(first.id).references == (), "the old image stays without a name"
        assert store.tag(store.get(first.id), Reference.parse("web")) and not store.tag(store.get(first.id), Reference.parse("web"))
        assert store.find("web").id == first.id and len(store.list()) == 2
        assert store.untag("docker.io/library/web:latest") and not store.untag("docker.io/library/web:latest")
        assert [image.references for image in store.list()] == [(), ()]

    def test_removal_keeps_what_others_need(self, roots):
        first, second, store = make(roots, "a", layers=(b"1", b"2")), make(roots, "b", layers=(b"1", b"3")), ImageStore(roots)
        assert store.remove(first) == [first.id]
        assert store.find("a") is None and store.get("b") == second
        store.check_complete(second.manifest_digest)
        assert not store.blobs.has("sha256:" + hashlib.sha256(b"2").hexdigest())
        store.remove(second)
        assert store.blobs.list() == [] and store.list() == []

    def test_layers_of_containers_are_in_use(self, roots):
        image, store = make(roots, "a"), ImageStore(roots)
        chain_id = store.layers.chain_ids(image)[0]
        lower = os.path.join(roots.containers, "c1", "lower")
        os.makedirs(lower)
        os.symlink(store.layers.path(chain_id), os.path.join(lower, "0"))
        os.makedirs(store.layers.path(chain_id))
        with open(os.path.join(roots.containers, "c1", "container.json"), "w", encoding="utf-8") as stream:
            json.dump({"image_id": image.id, "name": "web"}, stream)
        assert store.chains_in_use() == {chain_id} and store.users(image) == ["web"]
        store.remove(image)
        assert store.layers.has(chain_id)

    def test_missing_blob(self, roots):
        image, store = make(roots, "a"), ImageStore(roots)
        store.blobs.remove(image.manifest.layers[0].digest)
        with pytest.raises(NotFound, match=image.manifest.layers[0].digest):
            store.check_complete(image.manifest_digest)

    def test_the_layout_is_an_oci_layout(self, roots):
        image = make(roots, "localhost:5000/web:1")
        with open(os.path.join(roots.images, "oci-layout"), encoding="utf-8") as stream:
            assert json.load(stream) == {"imageLayoutVersion": "1.0.0"}
        with open(os.path.join(roots.images, "index.json"), encoding="utf-8") as stream:
            index = json.load(stream)
        assert index["schemaVersion"] == 2
        assert [(each["digest"], each["annotations"]["org.opencontainers.image.ref.name"]) for each in index["manifests"]] == [
            (image.manifest_digest, "localhost:5000/web:1")]

    def test_inspect(self, roots):
        image, store = make(roots, "web", "x@sha256:" + "1" * 64), ImageStore(roots)
        found = store.inspect(image)
        assert (found["Id"], found["RepoTags"], found["RepoDigests"]) == (image.id, ["web:latest"], ["x@sha256:" + "1" * 64])
        assert found["Config"] == {"Cmd": ["x"]} and found["Size"] == 5 and found["Os"] == "linux"
        assert found["RootFS"] == {"Type": "layers", "Layers": list(image.config.diff_ids)}

    def test_history(self, roots):
        store = ImageStore(roots)
        blobs = [Descriptor(OCI_LAYER, store.blobs.put(data), len(data)) for data in (b"12345", b"123")]
        config = create.child_config(create.new_config(Platform("amd64", "linux")), Changes(), [blob.digest for blob in blobs])
        config["history"] = [{"created": "2026-01-01T00:00:00Z", "created_by": "one"}, {"created_by": "none", "empty_layer": True},
                             {"created_by": "two", "comment": "why"}]
        image = store.add(create.store_image(store.blobs, config, blobs), ["docker.io/library/web:1"])[0]
        found = store.inspect(image)["History"]
        assert [(each["CreatedBy"], each["Size"], each["EmptyLayer"], each["Comment"]) for each in found] == [
            ("two", 3, False, "why"), ("none", 0, True, ""), ("one", 5, False, "")]
        assert [(each["Id"], each["Tags"]) for each in found] == [(image.id, ["web:1"]), ("<missing>", None), ("<missing>", None)]
        assert found[2]["Created"] == "2026-01-01T00:00:00Z"

    def test_a_child_keeps_what_is_not_known(self):
        base = {"architecture": "amd64", "os": "linux", "config": {"Hostname": "h", "Cmd": ["a"]}, "os.features": ["x"],
                "created": "2026-01-01T00:00:00Z", "container": "gone", "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "1" * 64]}}
        child = create.child_config(base, Changes(user="u"), ["sha256:" + "2" * 64], "by")
        assert child["os.features"] == ["x"] and "container" not in child and child["created"] == base["created"]
        assert child["config"] == {"Hostname": "h", "Cmd": ["a"], "User": "u"}
        assert child["rootfs"]["diff_ids"] == ["sha256:" + "1" * 64, "sha256:" + "2" * 64]
        assert base["rootfs"]["diff_ids"] == ["sha256:" + "1" * 64]


def test_an_image_that_goes_while_it_is_read(roots, monkeypatch):
    store = ImageStore(roots)
    kept, going = make(roots, "kept"), make(roots, "going", cmd=("y",))
    stale = store.layout.manifests()
    store.layout.save([entry for entry in stale if entry.digest == kept.manifest_digest])
    store.blobs.remove(going.manifest_digest)
    answers = [stale]
    read = store.layout.manifests
    monkeypatch.setattr(store.layout, "manifests", lambda: answers.pop() if answers else read())
    assert [image.id for image in store.list()] == [kept.id]
    answers.append(stale)
    assert store.find("going") is None
    assert store.find("kept").id == kept.id
    # an index that stays as it is has lost a blob
    store.blobs.remove(kept.manifest_digest)
    with pytest.raises(NotFound, match=kept.manifest_digest):
        store.list()


def test_documents_that_are_new_are_told(roots):
    store = ImageStore(roots)
    config = create.new_config(Platform("amd64", "linux"))
    fresh, again = [], []
    descriptor = create.store_image(store.blobs, config, [], fresh)
    assert sorted(fresh) == sorted(store.blobs.list()) and descriptor.digest in fresh
    create.store_image(store.blobs, config, [], again)
    assert again == []
