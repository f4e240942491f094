# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images to and from docker, podman, buildah, skopeo and umoci: whole file trees are compared, and configurations by their ID."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import file_tree
from image_peers import Docker, Podman, registry, run, umoci_tree

from ansible_collections.agentless.containers.plugins.module_utils.engine.image import archive, create, export, pull, push
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.changes import Changes
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.store import ImageStore
from ansible_collections.agentless.containers.plugins.module_utils.engine.layer import diff, stream
from ansible_collections.agentless.containers.plugins.module_utils.engine.reconcile.image_export import collect
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.reference import Reference
from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
PLATFORM = archive.platform_of_host()
NAME = {"odd": "docker.io/library/odd:1", "debian": "docker.io/library/debian:1"}
TOOLS = ("docker", "dockerd", "podman", "buildah", "skopeo", "umoci", "docker-registry")
pytestmark = [pytest.mark.root, pytest.mark.skipif(
    os.geteuid() != 0 or not all(shutil.which(tool) for tool in TOOLS), reason="needs root and the packages of scripts/setup_peers.sh")]


class Host:
    """A state root of ours."""

    def __init__(self, directory):
        self.directory = str(directory)
        self.roots = Roots(os.path.join(self.directory, "state"))
        self.store = ImageStore(self.roots)

    def make(self, name, archives):
        layers = [create.store_layer(self.store.blobs, stream.read_file(path)) for path in archives]
        config = create.child_config(create.new_config(PLATFORM), Changes(
            cmd=("/bin/tool",), entrypoint=("/entry", "with space"), env=(("A", "b c"),), labels=(("l", "\u00e4"),), workdir="/dir",
            user="1:2", exposed_ports=("80/tcp",), volumes=("/data",), stop_signal="SIGINT"),
            [layer.diff_id for layer in layers], "made by a test")
        return self.store.add(create.store_image(self.store.blobs, config, [layer.descriptor for layer in layers]), [name])[0]

    def tree(self, image):
        layers = self.store.layers.ensure(image)
        with file_tree.union(layers, os.path.join(self.directory, "mount-%d" % len(os.listdir(self.directory)))) as root:
            return file_tree.read(root)

    def load(self, path):
        return archive.load(self.store, str(path), PLATFORM)

    def export(self, image, name, path, kind, compression="none"):
        export.export(self.store, collect([(image, name)]), str(path), kind, compression)
        return str(path)


class World:
    """The images, what is to be in them, our host, and the peers."""

    def __init__(self, directory):
        self.directory = directory
        self.ours = Host(directory / "ours")
        self.images, self.trees = {}, {}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    directory = tmp_path_factory.mktemp("peers")
    (directory / "ours").mkdir()
    made = World(directory)
    base, second, expected = (directory / name for name in ("base", "second", "expected"))
    for each in (base, second):
        each.mkdir()
    file_tree.make_base(str(base))
    run("cp", "-a", str(base), str(expected))
    file_tree.change(str(expected))
    file_tree.make_change(str(second))
    for each in (base, second):
        file_tree.archive(str(each), "%s.tar" % each)
    made.images["odd"] = made.ours.make(NAME["odd"], ["%s.tar" % base, "%s.tar" % second])
    made.trees["odd"] = file_tree.read(str(expected))
    debian = directory / "debian"
    debian.mkdir()
    tar = CHECKOUT / ".cache" / "images" / "debian.tar"
    run("tar", "-xpf", str(tar), "--xattrs", "--xattrs-include=*", "--numeric-owner", "-C", str(debian))
    made.images["debian"] = made.ours.make(NAME["debian"], [str(tar)])
    made.trees["debian"] = file_tree.read(str(debian))
    with Docker(str(_new(directory / "docker"))) as made.docker, registry(str(_new(directory / "registry"))) as made.registry:
        made.podman = Podman(str(_new(directory / "podman")))
        yield made
        made.podman.remove_all()
        # containers/storage leaves a bind mount of its own directory
        for line in pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
            if line.split()[4].startswith(made.podman.directory):
                run("umount", line.split()[4])
    shutil.rmtree(directory)


def _new(path):
    path.mkdir()
    return path


@pytest.fixture(params=["odd", "debian"])
def which(request):
    return request.param


@pytest.fixture(autouse=True)
def _small(tmp_path):
    """pytest keeps the directories of three runs: a real image in each of them is too much."""
    yield
    for path in tmp_path.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


@pytest.fixture
def other(tmp_path):
    """A second host of ours, which has nothing."""
    return Host(tmp_path)


def same(world, which, tree, directory_times=True, leave=()):
    """Compare a tree with what is to be in an image."""
    expected = world.trees[which]
    if not directory_times:
        expected = {path: {key: value for key, value in entry.items() if key != "mtime" or entry["type"] != 0o040000}
                    for path, entry in expected.items()}
    assert file_tree.differences(expected, tree, leave) == []


def check_loaded(world, which, host, images, references=(None,)):
    assert [image.id for image in images] == [world.images[which].id]
    assert images[0].references == tuple(reference for reference in references if reference)
    same(world, which, host.tree(images[0]))


# --- ours

def test_our_own_unpacking(world, which):
    same(world, which, world.ours.tree(world.images[which]))


# --- their tools read what we write

def test_skopeo_and_umoci_read_the_state_root(world, which, tmp_path):
    source = "oci:%s:%s" % (world.ours.roots.images, NAME[which])
    config = json.loads(run("skopeo", "inspect", "--config", source))
    assert config["rootfs"]["diff_ids"] == list(world.images[which].config.diff_ids)
    run("skopeo", "copy", "--quiet", source, "oci:%s/copy:1" % tmp_path)
    same(world, which, umoci_tree(tmp_path / "copy", "1", str(tmp_path)), directory_times=False)


def test_umoci_reads_an_exported_layout(world, tmp_path):
    world.ours.export(world.images["odd"], NAME["odd"], tmp_path / "layout", export.LAYOUT)
    assert run("umoci", "ls", "--layout", str(tmp_path / "layout")).split() == [NAME["odd"]]
    index = tmp_path / "layout" / "index.json"
    # umoci lists a name with a slash and a colon, and cannot take it for an argument
    index.write_text(index.read_text().replace(NAME["odd"], "one"))
    same(world, "odd", umoci_tree(tmp_path / "layout", "one", str(tmp_path)), directory_times=False)


@pytest.mark.parametrize("which, compression", [("odd", "none"), ("odd", "gzip"), ("debian", "none")])
def test_docker_loads_our_archive(world, which, tmp_path, compression):
    path = world.ours.export(world.images[which], NAME[which], tmp_path / "a.tar", export.DOCKER, compression)
    assert Reference.parse(NAME[which]).familiar in world.docker.docker("load", "-i", path)
    assert world.docker.inspect(NAME[which])["Id"] == world.images[which].id
    same(world, which, world.docker.tree(NAME[which], str(tmp_path)))
    world.docker.docker("rmi", NAME[which])


@pytest.mark.parametrize("kind", [export.DOCKER, export.OCI])
def test_podman_loads_our_archives(world, which, tmp_path, kind):
    path = world.ours.export(world.images[which], NAME[which], tmp_path / "a.tar", kind)
    world.podman.podman("load", "-q", "-i", path)
    assert "sha256:" + world.podman.inspect(NAME[which])["Id"] == world.images[which].id
    same(world, which, world.podman.tree(NAME[which]))
    world.podman.remove_all()


def test_a_capability_of_a_file_with_two_names(world, other, tmp_path):
    """In a layer that the engine makes itself; see file_tree.py for what becomes of GNU tar's."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "one").write_bytes(b"program")
    os.setxattr(root / "one", "security.capability", file_tree.CAPABILITY)
    os.link(root / "one", root / "two")
    layer = create.store_layer(other.store.blobs, diff.changeset(str(root)))
    config = create.child_config(create.new_config(PLATFORM), Changes(), [layer.diff_id])
    image = other.store.add(create.store_image(other.store.blobs, config, [layer.descriptor]), ["docker.io/library/two:1"])[0]
    path = other.export(image, "docker.io/library/two:1", tmp_path / "a.tar", export.DOCKER)
    expected = file_tree.read(str(root))
    assert expected["two"]["xattrs"] and expected["two"]["links"] == ("one", "two")
    world.docker.docker("load", "-i", path)
    assert file_tree.differences(expected, world.docker.tree("two:1", str(tmp_path))) == []
    world.podman.podman("load", "-q", "-i", path)
    assert file_tree.differences(expected, world.podman.tree("docker.io/library/two:1")) == []
    assert file_tree.differences(expected, other.tree(image)) == []
    world.podman.remove_all()


@pytest.mark.parametrize("kind, transport", [(export.DOCKER, "docker-archive"), (export.OCI, "oci-archive"), (export.LAYOUT, "oci")])
def test_skopeo_inspects_what_we_export(world, tmp_path, kind, transport):
    path = world.ours.export(world.images["odd"], NAME["odd"], tmp_path / "a", kind)
    found = json.loads(run("skopeo", "inspect", "--config", "%s:%s:%s" % (transport, path, NAME["odd"])))
    assert found["config"]["Entrypoint"] == ["/entry", "with space"] and found["config"]["Labels"] == {"l": "\u00e4"}
    assert found["rootfs"]["diff_ids"] == list(world.images["odd"].config.diff_ids)


@pytest.fixture
def pushed(world, which):
    name = "%s/%s:1" % (world.registry, which)
    push.push(world.ours.roots, world.images[which], name)
    return name


def test_docker_pulls_what_we_pushed(world, which, pushed, tmp_path):
    world.docker.docker("pull", "-q", pushed)
    assert world.docker.inspect(pushed)["Id"] == world.images[which].id
    same(world, which, world.docker.tree(pushed, str(tmp_path)))


def test_podman_and_buildah_pull_what_we_pushed(world, which, pushed):
    world.podman.podman("pull", "-q", "--tls-verify=false", pushed)
    assert "sha256:" + world.podman.inspect(pushed)["Id"] == world.images[which].id
    same(world, which, world.podman.tree(pushed))
    world.podman.remove_all()
    if which == "odd":
        container = world.podman.buildah("from", "--tls-verify=false", pushed).strip()
        assert json.loads(world.podman.buildah("inspect", container))["FromImageID"] == world.images[which].id[7:]
        world.podman.buildah("rm", container)
        world.podman.remove_all()


def test_skopeo_copies_what_we_pushed(world, which, pushed, tmp_path):
    run("skopeo", "copy", "--quiet", "--src-tls-verify=false", "docker://" + pushed, "oci:%s/copy:1" % tmp_path)
    same(world, which, umoci_tree(tmp_path / "copy", "1", str(tmp_path)), directory_times=False)


# --- we read what their tools write

def test_we_load_docker_save(world, which, tmp_path, other):
    path = world.ours.export(world.images[which], NAME[which], tmp_path / "a.tar", export.DOCKER)
    world.docker.docker("load", "-i", path)
    world.docker.docker("save", "-o", str(tmp_path / "saved.tar"), NAME[which])
    check_loaded(world, which, other, other.load(tmp_path / "saved.tar"), [NAME[which]])
    world.docker.docker("rmi", NAME[which])


@pytest.mark.parametrize("which, form", [
    ("odd", "docker-archive"), ("odd", "oci-archive"), ("odd", "oci-dir"), ("odd", "docker-dir"), ("debian", "docker-archive"),
    ("debian", "oci-archive")])
def test_we_load_podman_save(world, which, tmp_path, other, form):
    path = world.ours.export(world.images[which], NAME[which], tmp_path / "a.tar", export.OCI)
    world.podman.podman("load", "-q", "-i", path)
    world.podman.podman("save", "-q", "--format", form, "-o", str(tmp_path / "saved"), NAME[which])
    images = other.load(tmp_path / "saved")
    # containers/image writes the configuration anew in Docker's or OCI's words: the same settings, another ID
    assert images[0].config.diff_ids == world.images[which].config.diff_ids
    assert images[0].config.config.entrypoint == ("/entry", "with space")
    same(world, which, other.tree(images[0]))
    if form.endswith("archive"):
        assert images[0].references == (NAME[which],)
    world.podman.remove_all()


@pytest.mark.parametrize("target", ["dir:%s", "oci:%s:one", "docker-archive:%s:odd:1", "oci-archive:%s:one"])
@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_we_load_what_skopeo_copies(world, tmp_path, other, target, compression):
    which = "odd"
    path = str(tmp_path / "copy")
    run("skopeo", "copy", "--quiet", "--dest-compress-format", compression, "--dest-compress-level", "3", "oci:%s:%s" % (
        world.ours.roots.images, NAME[which]), target % path)
    images = other.load(path)
    assert images[0].config.diff_ids == world.images[which].config.diff_ids
    same(world, which, other.tree(images[0]))


def test_zstd_of_a_real_image(world, tmp_path, other):
    path = str(tmp_path / "copy")
    run("skopeo", "copy", "--quiet", "--dest-compress", "--dest-compress-format", "zstd", "oci:%s:%s" % (
        world.ours.roots.images, NAME["debian"]), "dir:" + path)
    check_loaded(world, "debian", other, other.load(path))


def test_we_load_what_umoci_repacked(world, tmp_path, other):
    """A layout with a layer that umoci made: whiteouts, modes and attributes by its hand."""
    layout = str(tmp_path / "layout")
    run("skopeo", "copy", "--quiet", "oci:%s:%s" % (world.ours.roots.images, NAME["odd"]), "oci:%s:one" % layout)
    bundle = tmp_path / "bundle"
    run("umoci", "unpack", "--image", layout + ":one", str(bundle))
    root = bundle / "rootfs"
    shutil.rmtree(root / "dir")
    (root / "bin" / "same").unlink()
    (root / "repacked").write_bytes(b"by umoci")
    os.chown(root / "repacked", 2999999, 5)
    os.chmod(root / "repacked", 0o6755)
    os.setxattr(root / "repacked", "user.new", b"attribute")
    os.utime(root / "repacked", ns=(file_tree.STAMP, file_tree.STAMP))
    expected = file_tree.read(str(root), directory_times=False)
    run("umoci", "repack", "--image", layout + ":two", str(bundle))
    images = other.load(layout)
    assert sorted(len(image.config.diff_ids) for image in images) == [2, 3]
    repacked = next(image for image in images if len(image.config.diff_ids) == 3)
    found = other.tree(repacked)
    # what umoci writes anew has times of whole seconds, and bin/tool comes without its other name of the layer below
    for tree in (expected, found):
        for entry in tree.values():
            entry.pop("links", None)
            entry["mtime"] = entry["mtime"] // 10 ** 9 if entry["type"] != 0o040000 else None
    assert file_tree.differences(expected, found) == []


@pytest.mark.parametrize("target", ["oci-archive:%s/a:x", "docker-archive:%s/a:x:1", "oci:%s/a:x", "dir:%s/a"])
def test_we_load_what_buildah_pushes(world, tmp_path, other, target):
    built, tree = _built(world)
    world.podman.buildah("push", "-q", built, target % tmp_path)
    images = other.load(tmp_path / "a")
    found = other.tree(images[0])
    assert file_tree.differences(tree, found) == [] and "by-buildah" in found
    assert "BUILT=1" in images[0].config.config.env
    world.podman.remove_all()


def test_we_pull_what_buildah_and_docker_push(world, tmp_path, other):
    built, tree = _built(world)
    name = "%s/built:1" % world.registry
    for form in ("oci", "v2s2"):
        world.podman.buildah("push", "-q", "--tls-verify=false", "--format", form, built, "docker://" + name)
        image = pull.pull(other.roots, name).image
        assert file_tree.differences(tree, other.tree(image)) == [], form
    world.docker.docker("pull", "-q", name)
    world.docker.docker("tag", name, name + "-docker")
    world.docker.docker("push", "-q", name + "-docker")
    image = pull.pull(other.roots, name + "-docker").image
    assert world.docker.inspect(name)["Id"] == image.id
    assert file_tree.differences(tree, other.tree(image)) == []
    world.podman.remove_all()


def _built(world):
    """(name, tree) of an image that buildah makes on top of ours."""
    source = "oci:%s:%s" % (world.ours.roots.images, NAME["odd"])
    container = world.podman.buildah("from", source).strip()
    root = pathlib.Path(world.podman.buildah("mount", container).strip())
    shutil.rmtree(root / "opaque")
    (root / "opaque").mkdir()
    (root / "opaque" / "again").write_bytes(b"1")
    (root / "same-elsewhere").unlink()
    (root / "by-buildah").write_bytes(b"x" * 1000)
    os.chown(root / "by-buildah", 3000001, 7)
    os.setxattr(root / "by-buildah", "security.capability", file_tree.CAPABILITY)
    for path in ("opaque/again", "opaque", "by-buildah"):
        os.utime(root / path, ns=(file_tree.STAMP, file_tree.STAMP))
    world.podman.buildah("config", "--env", "BUILT=1", container)
    world.podman.buildah("umount", container)
    world.podman.buildah("commit", "-q", "--rm", container, "built:1")
    return "built:1", world.podman.tree("built:1")
