# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dockerfiles and images that want more than their own file system."""

from __future__ import annotations

import copy
import os

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.build import run
from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import EngineError
from ansible_collections.agentless.containers.plugins.module_utils.engine.image import create
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.store import ImageStore
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.image import OCI_CONFIG, OCI_MANIFEST, Descriptor, Manifest
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.reference import Reference


@pytest.fixture(name="outside")
def _outside(tmp_path):
    """A directory of the host that no build may change."""
    directory = tmp_path / "outside"
    directory.mkdir()
    (directory / "file").write_text("of the host")
    (directory / "empty").mkdir()
    before = [(path, path.lstat()) for path in (directory, directory / "file", directory / "empty")]
    yield directory
    assert sorted(os.listdir(directory)) == ["empty", "file"]
    for path, status in before:
        after = path.lstat()
        assert (after.st_mode, after.st_uid, after.st_mtime_ns, after.st_ino) == (
            status.st_mode, status.st_uid, status.st_mtime_ns, status.st_ino)


def test_links_planted_for_the_next_steps_mounts_copies_and_directories(builder, outside):
    up = "../" * 30
    built = builder.build("FROM busybox\nRUN rm -rf /var; ln -s %s /var; ln -s %s /up; ln -s %s/file /f\n"
                          "WORKDIR /var/made\nCOPY Dockerfile /up/copied\nCOPY Dockerfile /f/\n"
                          "RUN --mount=type=cache,target=/var/c --mount=type=tmpfs,target=/up/t --mount=type=bind,target=/var/b "
                          "--mount=type=secret,id=s,target=/up/s cat /var/s && ls /up/b\n"
                          % (outside, up + str(outside), outside), secrets={"s": b"inside"})
    assert "insideDockerfile" in built.log.splitlines()


def test_directories_swapped_for_links_under_a_mount_point(builder, outside):
    up = "../" * 30
    target = "/a/empty"
    for link in (up + str(outside), str(outside)):
        builder.build("FROM busybox\nRUN --mount=type=cache,target=%s mv /a /b && ln -s %s /a\n" % (target, link), epoch=1)
    stubs = {"a": os.lstat(outside), "a/empty": os.lstat(outside / "empty"), "a/file": os.lstat(outside / "file")}
    # even where numbers of inodes are guessed: what is behind a link is nobody's mount point
    upper = outside.parent / "upper"
    upper.mkdir()
    os.symlink(outside, upper / "a")
    run._remove_stubs(str(upper), stubs, [str(outside)])


def test_a_cache_mount_with_links_in_it(builder, outside):
    builder.build("FROM busybox\nRUN --mount=type=cache,id=x,target=/q ln -s %s /q/l; ln -s %s%s/file /q/m\n" % (
        outside, "../" * 30, outside))
    for name in ("l", "m"):
        with pytest.raises(EngineError, match="no such file or directory"):
            builder.build("FROM busybox\nRUN --mount=type=cache,id=x,source=%s,target=/q echo x > /q/new\n" % name)


def _hostile(builder, **config):
    store = ImageStore(builder.machine.roots)
    base = store.find("busybox")
    document = copy.deepcopy(store.config_document(base.manifest))
    document["config"] = {**(document.get("config") or {}), **config}
    data = create.encode(document)
    described = Descriptor(OCI_CONFIG, store.blobs.put(data), len(data))
    data = create.encode(Manifest(described, base.manifest.layers, OCI_MANIFEST).to_json())
    store.add(Descriptor(OCI_MANIFEST, store.blobs.put(data), len(data)), [Reference.parse("hostile").canonical])


@pytest.mark.parametrize("config", [
    {"WorkingDir": 5}, {"User": 0}, {"Env": "A=b"}, {"Env": [1]}, {"OnBuild": [["RUN"]]}, {"Labels": ["a"]}])
def test_a_base_whose_configuration_has_other_types(builder, config):
    with pytest.raises(EngineError, match="malformed"):
        _hostile(builder, **config)
        builder.build("FROM hostile\nRUN true\n")


@pytest.mark.parametrize(("config", "reason"), [
    ({"Env": ["A=b\0c"]}, "null byte"), ({"User": "99999999999999"}, "names a user"), ({"User": "../x:/etc"}, "names a user"),
    ({"OnBuild": ["RUN --security=insecure id"]}, "is not allowed"), ({"OnBuild": ["FROM x"]}, "cannot be a trigger")])
def test_a_base_whose_configuration_asks_for_more(builder, config, reason):
    _hostile(builder, **config)
    with pytest.raises(EngineError, match=reason):
        builder.build("FROM hostile\nRUN true\n")


def test_a_working_directory_that_climbs_out(builder, outside):
    _hostile(builder, WorkingDir="../" * 30 + str(outside))
    assert str(outside) in builder.build("FROM hostile\nRUN pwd; echo > made\n").log


def test_an_image_of_cache_from_says_nothing_to_builds_that_do_not_ask_it(builder):
    text = "FROM busybox\nRUN echo a > /a\nRUN echo b > /b\n"
    first = builder.build(text, name="app:1", epoch=1)
    cache = os.path.join(builder.machine.roots.state, "build", "cache")
    for record in os.listdir(cache):
        os.unlink(os.path.join(cache, record))
    # another Dockerfile uses the first of its two steps
    assert builder.dry("FROM busybox\nRUN echo a > /a\n", cache_from=("app:1",), epoch=1).ran == [] and os.listdir(cache) == []
    assert builder.build("FROM busybox\nRUN echo a > /a\n", cache_from=("app:1",), epoch=1).ran == []
    assert len(os.listdir(cache)) == 1
    assert builder.dry(text, cache_from=("app:1",), epoch=1).id == first.image.id
    assert [step.text for step in builder.dry(text, epoch=1).ran] == ["RUN echo b > /b"]
