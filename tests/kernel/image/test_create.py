# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images made here: the same inputs give the same image, and a kill at any point leaves what the next run repairs."""

from __future__ import annotations

import io
import os
import random
import signal
import tarfile
import time

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Corrupt, InvalidValue
from ansible_collections.agentless.containers.plugins.module_utils.engine.image import archive, layering
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.cas import BlobStore
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.changes import Changes
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.store import ImageStore
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.sweep import sweep
from ansible_collections.agentless.containers.plugins.module_utils.engine.layer.apply import remove_tree
from ansible_collections.agentless.containers.plugins.module_utils.engine.reconcile import image_create
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.image import platform_of
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.reference import Reference
from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots

from .conftest import make_image, make_layer

NOISE = random.Random(9).randbytes(400000)
PLATFORM = platform_of(os.uname().machine)
NAME = Reference.parse("localhost:5000/made:1")


def run(roots, request, check_mode=False):
    """One run of a module: (actions, image ID)."""
    plan, image_id = image_create.reconcile(roots, NAME, request, "create", check_mode)
    if not check_mode:
        plan.execute(roots)
    return plan.describe(), image_id


def left_over(roots):
    """What is half made below a state root."""
    found = []
    for directory in (roots.layers, BlobStore(roots.images).partial):
        if os.path.isdir(directory):
            found += [name for name in os.listdir(directory) if name.startswith((".", "new-"))]
    return found


def layer_request(base=None, **content):
    files = tuple(layering.LayerFile("/d%d/f%d" % (number % 5, number), content=NOISE[:9000 + number]) for number in range(60))
    return image_create.LayerRequest(base, layering.LayerContent(files, **content), PLATFORM, Changes(cmd=("x",)))


def test_the_same_on_every_host(roots, other_roots):
    first = run(roots, layer_request())
    time.sleep(0.01)
    assert first == run(other_roots, layer_request()) and first[0] == ["create image localhost:5000/made:1"]
    assert run(roots, layer_request()) == ([], first[1]) and run(roots, layer_request(), True) == ([], first[1])
    assert left_over(roots) == []


def test_check_mode_knows_the_id_and_stores_nothing(roots):
    looked = run(roots, layer_request(), True)
    assert ImageStore(roots).list() == [] and BlobStore(roots.images).list() == [] and left_over(roots) == []
    assert run(roots, layer_request()) == looked


def host_tree(path):
    """A directory of the host with something of everything that a layer takes."""
    (path / "sub" / "deep").mkdir(parents=True)
    (path / "sub" / "deep" / "script").write_bytes(b"#!/bin/sh\n")
    (path / "sub" / "deep" / "script").chmod(0o4755)
    (path / "secret").write_bytes(b"s")
    (path / "secret").chmod(0o600)
    (path / "link").symlink_to("sub/deep/script")
    (path / "sub").chmod(0o750)
    path.chmod(0o711)
    return str(path)


def tree_request(directory, hard="/srv/app/secret"):
    files = (*layering.tree_of("/srv/app", directory, uid=5, gid=6), layering.LayerFile("/again", layering.HARD, None, hard))
    return image_create.LayerRequest(None, layering.LayerContent(files), PLATFORM, Changes())


def test_a_directory_of_the_host(roots, other_roots, tmp_path):
    """Names, contents and modes count; times, owners and the place do not."""
    one, two = host_tree(tmp_path / "one"), host_tree(tmp_path / "two")
    os.chown(os.path.join(two, "secret"), 77, 88)
    os.utime(os.path.join(two, "sub"), (1, 1))
    assert run(roots, tree_request(one)) == run(other_roots, tree_request(two))
    assert run(roots, tree_request(two)) == ([], run(roots, tree_request(one))[1])
    store = ImageStore(roots)
    root = store.layers.paths(store.get(NAME.canonical))[0]
    found = {}
    for top, directories, names in os.walk(root):
        for name in directories + names:
            status = os.lstat(os.path.join(top, name))
            found[os.path.relpath(os.path.join(top, name), root)] = (oct(status.st_mode), status.st_uid, status.st_gid, status.st_mtime_ns)
    assert found.pop("srv")[1:3] == (0, 0)
    assert found == {
        "srv/app": ("0o40711", 5, 6, 0), "srv/app/sub": ("0o40750", 5, 6, 0), "srv/app/sub/deep": ("0o40755", 5, 6, 0),
        "srv/app/sub/deep/script": ("0o104755", 5, 6, 0), "srv/app/secret": ("0o100600", 5, 6, 0),
        "srv/app/link": ("0o120777", 5, 6, 0), "again": ("0o100600", 5, 6, 0)}
    assert os.path.samefile(os.path.join(root, "again"), os.path.join(root, "srv/app/secret"))
    os.chmod(os.path.join(two, "secret"), 0o640)
    assert run(roots, tree_request(two))[0] == ["create image localhost:5000/made:1"]


def test_what_no_directory_may_hold(roots, tmp_path):
    with pytest.raises(InvalidValue, match="is not a directory of the host"):
        layering.tree_of("/x", str(tmp_path / "none"))
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(InvalidValue, match="is neither file, directory nor link"):
        layering.tree_of("/x", str(tmp_path))
    os.unlink(tmp_path / "fifo")
    (tmp_path / ".wh.x").touch()
    with pytest.raises(InvalidValue, match="has a name with which layers mark what is removed"):
        layering.tree_of("/x", str(tmp_path))
    (tmp_path / ".wh.x").unlink()
    with pytest.raises(Corrupt, match=r"files: /again: .*hard link to 'not/there'"):
        run(roots, tree_request(str(tmp_path), "/not/there"))
    assert left_over(roots) == [] and BlobStore(roots.images).list() == []


def test_a_bad_archive_leaves_no_document(roots, tmp_path):
    path = tmp_path / "bad.tar"
    path.write_bytes(b"no tar " * 200)
    request = image_create.ImportRequest(str(path), PLATFORM, Changes())
    with pytest.raises(Corrupt, match=r"src: .*bad\.tar"):
        run(roots, request)
    assert ImageStore(roots).blobs.list() == []


def test_an_image_that_was_pulled_is_recognised(roots, monkeypatch):
    unused, image_id = run(roots, layer_request())
    store = ImageStore(roots)
    entry = store.entry(NAME)
    store.untag(NAME.canonical)
    store.remove(store.get(image_id))
    run(roots, layer_request())
    store.layout.save([entry.replace(annotations={"org.opencontainers.image.ref.name": NAME.canonical})])
    blobs = sorted(BlobStore(roots.images).list())
    assert run(roots, layer_request()) == ([], image_id)
    assert sorted(BlobStore(roots.images).list()) == blobs
    monkeypatch.setattr(image_create.LayerRequest, "build", None)
    assert run(roots, layer_request()) == ([], image_id), "the second time its inputs are known"


def test_killed_at_many_points(roots, tmp_path):
    base = make_image(roots, "base", make_layer({"etc": b"x"}))
    rootfs = tmp_path / "rootfs.tar"
    rootfs.write_bytes(make_layer({"f%d" % number: NOISE[number:] for number in range(10)}))
    requests = [layer_request(base, removals=("/etc",)), image_create.ImportRequest(str(rootfs), PLATFORM, Changes())]
    chance = random.Random(11)
    caught = 0
    for number in range(40):
        pid = os.fork()
        if pid == 0:
            try:
                run(roots, requests[number % 2])
            finally:
                os._exit(0)
        time.sleep(chance.uniform(0.001, 0.06))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        caught += bool(left_over(roots))
        store = ImageStore(roots)
        for image in store.list():
            store.check_complete(image.manifest_digest)
            assert store.layers.missing(image) == [] or image.id == base.id
    assert caught, "no kill came while something was half made: the test shows nothing"
    for request in requests:
        unused, image_id = run(roots, request)
        image = ImageStore(roots).get(NAME.canonical)
        assert image.id == image_id and ImageStore(roots).layers.missing(image) == []
    sweep(roots)
    assert left_over(roots) == []


def test_sweep_leaves_what_somebody_works_on(roots):
    store = ImageStore(roots)
    os.makedirs(os.path.join(roots.layers, ".stage-dead", "diff"))
    os.makedirs(os.path.join(roots.layers, ".partial-" + "1" * 64))
    os.makedirs(os.path.join(roots.layers, ".gone-" + "2" * 64))
    with store.blobs.writer() as writer, layering.changeset(roots, layering.LayerContent(), []):
        with store.layers.staging("sha256:" + "3" * 64, "sha256:" + "3" * 64, []) as staging:
            with pytest.raises(Corrupt):
                staging.fill([make_layer({"a": b"1"})])
            with open(os.path.join(store.blobs.partial, "new-dead"), "wb"):
                pass
            assert sweep(roots) == ["new-dead", ".stage-dead", ".partial-" + "1" * 64, ".gone-" + "2" * 64]
            assert len(left_over(roots)) == 3
        writer.write(b"still there")
        writer.commit()
    assert left_over(roots) == []


def docker_archive(path, config, layers, names):
    import hashlib
    import json

    config = json.dumps(config).encode()
    files = {"c.json": config, **{"%d/layer.tar" % number: layer for number, layer in enumerate(layers)}, "manifest.json": json.dumps([
        {"Config": "c.json", "RepoTags": names, "Layers": ["%d/layer.tar" % number for number in range(len(layers))]}]).encode()}
    with tarfile.open(path, "w") as out:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            out.addfile(info, io.BytesIO(content))
    return "sha256:" + hashlib.sha256(config).hexdigest()


def test_load_refuses_and_keeps_what_others_need(roots, tmp_path):
    import hashlib

    good, bad = make_layer({"good": NOISE * 20}), make_layer({"../bad": b"x"})
    config = {"os": "linux", "architecture": PLATFORM.architecture, "rootfs": {
        "type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest() for layer in (good, bad)]}}
    path = str(tmp_path / "a.tar")
    docker_archive(path, config, [good, bad], ["web"])
    kept = BlobStore(roots.images)
    kept.put(good)
    with pytest.raises(Corrupt, match="leads out of"):
        archive.load(ImageStore(roots), path, PLATFORM)
    assert BlobStore(roots.images).list() == ["sha256:" + hashlib.sha256(good).hexdigest()] and left_over(roots) == []
    assert ImageStore(roots).list() == []


def test_load_leaves_no_layers_of_an_image_before_the_bad_one(roots, tmp_path):
    import hashlib
    import json

    good, bad = make_layer({"good": b"1"}), make_layer({"../bad": b"x"})
    members = {"good.tar": good, "bad.tar": bad}
    listed = []
    for name, content in list(members.items()):
        config = json.dumps({"os": "linux", "architecture": PLATFORM.architecture, "rootfs": {
            "type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(content).hexdigest()]}}).encode()
        members[name + ".json"] = config
        listed.append({"Config": name + ".json", "RepoTags": [name + ":1"], "Layers": [name]})
    members["manifest.json"] = json.dumps(listed).encode()
    with tarfile.open(tmp_path / "a.tar", "w") as out:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            out.addfile(info, io.BytesIO(content))
    with pytest.raises(Corrupt, match="leads out of"):
        archive.load(ImageStore(roots), str(tmp_path / "a.tar"), PLATFORM)
    assert BlobStore(roots.images).list() == [] and os.listdir(roots.layers) == [] and ImageStore(roots).list() == []


def test_removal_of_a_tree_follows_no_link(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    doomed = tmp_path / "doomed"
    doomed.mkdir()
    (doomed / "link").symlink_to(outside)
    (tmp_path / "alias").symlink_to(doomed)
    remove_tree(str(tmp_path / "alias"))
    assert doomed.is_dir()
    remove_tree(str(doomed))
    assert not doomed.exists() and (outside / "kept").read_text() == "x"
    remove_tree(str(doomed))


def test_lock_names_are_those_of_the_store(tmp_path):
    """sweep() and the layer store must mean the same lock."""
    roots = Roots(str(tmp_path / "state"))
    store = ImageStore(roots).layers
    with store.staging("sha256:" + "a" * 64, "sha256:" + "a" * 64, []):
        assert os.listdir(os.path.join(roots.state, "locks")) == ["layer-%s.lock" % ("a" * 24)]
