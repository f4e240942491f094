# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exported archives and layouts: what is in them, the same bytes each time, and when they are written again."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import pathlib
import stat
import tarfile

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Conflict, Corrupt, InvalidValue, NotFound
from ansible_collections.agentless.containers.plugins.module_utils.engine.image import create, export
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.archive import platform_of_host, survey
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.changes import Changes
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.store import ImageStore
from ansible_collections.agentless.containers.plugins.module_utils.engine.layer import tar, write
from ansible_collections.agentless.containers.plugins.module_utils.engine.reconcile import image_export
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.image import (
    DOCKER_CONFIG,
    DOCKER_MANIFEST,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
)
from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots

WEB, TEAM = "docker.io/library/web:1", "localhost:5000/team/web:2"
KINDS = [export.DOCKER, export.OCI, export.LAYOUT]


@pytest.fixture
def store(tmp_path):
    return ImageStore(Roots(str(tmp_path / "state")))


def layer(name, content=b"x" * 1000):
    return write.header(write.make_entry(name, tar.REGULAR, size=len(content))) + content + write.padding(len(content)) + write.END


def make(store, names, *layers, cmd="sh"):
    stored = [create.store_layer(store.blobs, [each]) for each in layers]
    config = create.child_config(create.new_config(platform_of_host()), Changes(cmd=(cmd,)), [each.diff_id for each in stored])
    return store.add(create.store_image(store.blobs, config, [each.descriptor for each in stored]), names)[0]


@pytest.fixture
def images(store):
    """Two images with a layer in common."""
    base = layer("base")
    one, two = make(store, [WEB, TEAM], base, layer("one")), make(store, [], base, layer("["))
    return image_export.collect([(one, WEB), (two, None), (one, TEAM), (one, WEB)])


def members(path):
    with tarfile.open(path) as archive:
        return {member.name: archive.extractfile(member).read() if member.isfile() else None for member in archive}


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def test_collected_once(images):
    assert sorted(each.references for each in images) == [(), (WEB, TEAM)]
    assert [each.image.id for each in images] == sorted(each.image.id for each in images)
    with pytest.raises(Exception, match="names is empty"):
        image_export.collect([])


def test_docker_archive(store, images, tmp_path):
    path = str(tmp_path / "a.tar")
    export.export(store, images, path)
    found = members(path)
    listed = {item["Config"]: item for item in json.loads(found["manifest.json"])}
    assert len(found) == 2 + 3 + 2, "two configurations, three layers, two lists"
    for each in images:
        item = listed[each.image.id[7:] + ".json"]
        assert sha256(found[item["Config"]]) == each.image.id[7:]
        assert ["sha256:" + sha256(found[name]) for name in item["Layers"]] == list(each.image.config.diff_ids)
        assert item["RepoTags"] == ([WEB, TEAM] if each.references else None)
    top = next(each for each in images if each.references).image.config.diff_ids[-1][7:]
    assert json.loads(found["repositories"]) == {"docker.io/library/web": {"1": top}, "localhost:5000/team/web": {"2": top}}
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600 and sorted(os.listdir(tmp_path)) == ["a.tar", "state"]


@pytest.mark.parametrize("kind", [export.OCI, export.LAYOUT])
def test_oci(store, images, tmp_path, kind):
    path = str(tmp_path / "out")
    export.export(store, images, path, kind)
    if kind == export.OCI:
        found = {name: data for name, data in members(path).items() if data is not None}
    else:
        found = {os.path.relpath(os.path.join(top, name), path): pathlib.Path(top, name).read_bytes()
                 for top, unused, names in os.walk(path) for name in names}
    assert json.loads(found.pop("oci-layout")) == {"imageLayoutVersion": "1.0.0"}
    index = json.loads(found.pop("index.json"))
    assert len(found) == 2 + 2 + 3 and all(name == "blobs/sha256/" + sha256(data) for name, data in found.items())
    names = [(item["digest"], (item.get("annotations") or {}).get("org.opencontainers.image.ref.name")) for item in index["manifests"]]
    assert sorted(names, key=str) == sorted(
        [(each.image.manifest_digest, name) for each in images for name in each.references or (None,)], key=str)
    assert {item["mediaType"] for item in index["manifests"]} == {OCI_MANIFEST}
    assert {item["platform"]["architecture"] for item in index["manifests"]} == {platform_of_host().architecture}


@pytest.mark.parametrize("kind, compression", [(kind, "none") for kind in KINDS] + [(export.DOCKER, "gzip"), (export.OCI, "gzip")])
def test_life(store, images, tmp_path, kind, compression):
    """What was written is recognized, and the same bytes come out of another store."""
    path = str(tmp_path / "out")
    desired = image_export.DesiredExport(path, images, kind, compression)
    plan = image_export.plan_export(desired, image_export.observe(path))
    short = next(each.image.short_id for each in images if not each.references)
    assert plan.describe() == ["export %s, localhost:5000/team/web:2, web:1 to %s (%s)" % (short, path, kind)]
    plan.execute(store.roots)
    assert not image_export.plan_export(desired, image_export.observe(path))
    assert image_export.plan_export(image_export.DesiredExport(path, images, kind, compression, True), image_export.observe(path))
    if kind != export.LAYOUT:
        before = pathlib.Path(path).read_bytes()
        assert (before[:2] == b"\x1f\x8b") == (compression == "gzip")
        os.chmod(path, 0o640)
        plan.execute(store.roots)
        assert pathlib.Path(path).read_bytes() == before and stat.S_IMODE(os.stat(path).st_mode) == 0o640
    fewer = image_export.DesiredExport(path, images[:1], kind, compression, True)
    image_export.plan_export(fewer, image_export.observe(path)).execute(store.roots)
    assert [each.id for each in survey(path, platform_of_host())[0]] == [images[0].image.id]
    assert not image_export.plan_export(image_export.DesiredExport(path, images[:1], kind, compression), image_export.observe(path))
    assert sorted(os.listdir(tmp_path)) == ["out", "state"]


def test_another_form_is_another_archive(store, images, tmp_path):
    path = str(tmp_path / "out")
    export.export(store, images, path, export.DOCKER)
    for kind, compression, changed in ((export.DOCKER, "none", False), (export.OCI, "none", True), (export.DOCKER, "gzip", True)):
        desired = image_export.DesiredExport(path, images, kind, compression)
        assert bool(image_export.plan_export(desired, image_export.observe(path))) == changed
    renamed = tuple(export.Exported(each.image, ()) for each in images)
    assert image_export.plan_export(image_export.DesiredExport(path, renamed), image_export.observe(path))


def test_what_is_damaged_is_written_again(store, images, tmp_path):
    path = str(tmp_path / "out")
    desired = image_export.DesiredExport(path, images)
    for content in (b"", b"no archive", gzip.compress(b"x" * 100)[:20]):
        with open(path, "wb") as stream:
            stream.write(content)
        assert image_export.plan_export(desired, image_export.observe(path))
    export.export(store, images, path)
    with open(path, "r+b") as stream:
        stream.truncate(os.path.getsize(path) // 2)
    assert image_export.plan_export(desired, image_export.observe(path))


def test_docker_manifests_become_oci_manifests(store, tmp_path):
    """umoci and others take no other media types in a layout; the image's ID is the same."""
    stored = create.store_layer(store.blobs, [layer("a")])
    config = create.encode(create.child_config(create.new_config(platform_of_host()), Changes(), [stored.diff_id]))
    blob = Descriptor("application/vnd.docker.image.rootfs.diff.tar.gzip", stored.descriptor.digest, stored.descriptor.size)
    manifest = Manifest(Descriptor(DOCKER_CONFIG, store.blobs.put(config), len(config)), (blob,), DOCKER_MANIFEST)
    data = create.encode(manifest.to_json())
    image = store.add(Descriptor(DOCKER_MANIFEST, store.blobs.put(data), len(data)), [WEB])[0]
    path = str(tmp_path / "out")
    export.export(store, image_export.collect([(image, WEB)]), path, export.LAYOUT)
    index = json.loads(pathlib.Path(path, "index.json").read_bytes())
    document = json.loads(pathlib.Path(path, "blobs", "sha256", index["manifests"][0]["digest"][7:]).read_bytes())
    assert document["config"] == {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": image.id, "size": len(config)}
    assert [each["mediaType"] for each in document["layers"]] == ["application/vnd.oci.image.layer.v1.tar+gzip"]
    assert [each.id for each in survey(path, platform_of_host())[0]] == [image.id]


def test_places_that_are_refused(store, images, tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").write_text("x")
    (tmp_path / "empty").mkdir()

    def plan(name, kind, force=False):
        path = str(tmp_path / name)
        return image_export.plan_export(image_export.DesiredExport(path, images, kind, force=force), image_export.observe(path))

    with pytest.raises(InvalidValue, match="is a file"):
        plan("file", export.LAYOUT)
    with pytest.raises(InvalidValue, match="is a directory"):
        plan("full", export.OCI)
    with pytest.raises(InvalidValue, match="lies in a directory that does not exist"):
        plan("none/x", export.OCI)
    for force in (False, True):
        with pytest.raises(Conflict, match="is a directory and no OCI layout"):
            plan("full", export.LAYOUT, force)
    assert plan("empty", export.LAYOUT)
    export.export(store, images, str(tmp_path / "empty"), export.LAYOUT)
    other = image_export.collect([(make(store, [], layer("other")), "docker.io/library/other:1")])
    desired = image_export.DesiredExport(str(tmp_path / "empty"), other, export.LAYOUT)
    with pytest.raises(Conflict, match=r"also has .*web:1"):
        image_export.plan_export(desired, image_export.observe(desired.path))


def test_nothing_is_left_of_a_failure(store, images, tmp_path):
    path = str(tmp_path / "out")
    with open(path, "wb") as stream:
        stream.write(b"before")
    blob = store.blobs.path(images[0].image.manifest.layers[-1].digest)
    with open(blob, "r+b") as stream:
        stream.seek(-9, io.SEEK_END)
        stream.write(b"\xff")
    for kind, place in ((export.DOCKER, "out"), (export.OCI, "out"), (export.LAYOUT, "layout")):
        with pytest.raises(Corrupt):
            export.export(store, images, str(tmp_path / place), kind)
    os.unlink(blob)
    with pytest.raises(NotFound):
        export.export(store, images, path)
    assert sorted(os.listdir(tmp_path)) == ["out", "state"] and pathlib.Path(path).read_bytes() == b"before"
