# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prune for real: what it says is what it does, and it takes nothing that somebody is about to use."""

from __future__ import annotations

import dataclasses
import fcntl
import os
import random
import signal
import time
import traceback

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine import state
from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import NotFound
from ansible_collections.agentless.containers.plugins.module_utils.engine.image import archive, export, garbage, pull, push
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.changes import Changes
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.layering import LayerContent, LayerFile
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.store import ImageStore
from ansible_collections.agentless.containers.plugins.module_utils.engine.layer.store import chain_ids
from ansible_collections.agentless.containers.plugins.module_utils.engine.reconcile import image_create, prune, prune_inventory
from ansible_collections.agentless.containers.plugins.module_utils.engine.reconcile.image_export import collect
from ansible_collections.agentless.containers.plugins.module_utils.engine.reconcile.prune_filters import Filters
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.reference import Reference
from ansible_collections.agentless.containers.plugins.module_utils.engine.volume.store import VolumeStore

from .conftest import make_image, make_layer

EVERYTHING = prune.Desired(True, images=True, images_filters=Filters(dangling=False), networks=True, volumes=True,
                           volumes_filters=Filters(all=True), builder_cache=True)
IMAGES = prune.Desired(images=True, images_filters=Filters(dangling=False))
ORPHANS = prune.Desired(images=True)
NOISE = os.urandom(200000)


def run(roots, desired):
    """Look, then prune; what was told and what was done must be the same. Returns the summary."""
    plan = prune.plan_prune(desired, prune_inventory.observe(roots, desired))
    told = prune.summary(plan, False)
    before = used_space(roots)
    plan.execute(roots)
    done = prune.summary(plan, True)
    assert done == told
    # directories and layer.json are not counted as content
    assert before - used_space(roots) >= done["images_space_reclaimed"]
    assert not prune.plan_prune(desired, prune_inventory.observe(roots, desired)), "nothing is left to prune"
    return done


def used_space(roots):
    total = 0
    for place in (roots.images, roots.layers):
        for top, unused, names in os.walk(place):
            total += sum(os.lstat(os.path.join(top, name)).st_size for name in names)
    return total


def ensure(roots, image):
    ImageStore(roots).layers.ensure(image)
    return image


class TestWhatGoes:
    def test_images_and_orphans(self, roots):
        kept = ensure(roots, make_image(roots, "kept", make_layer({"base": b"1"}), make_layer({"k": b"2"})))
        gone = ensure(roots, make_image(roots, "gone", make_layer({"base": b"1"}), make_layer({"g": NOISE})))
        ImageStore(roots).untag("docker.io/library/gone:latest")
        orphan = ImageStore(roots).blobs.put(b"an orphan")
        done = run(roots, ORPHANS)
        top = ImageStore(roots).layers.chain_ids(gone)[1]
        assert done["images"] == [{"Deleted": gone.id}, {"Deleted": top}] and done["images_space_reclaimed"] > 2 * len(NOISE)
        store = ImageStore(roots)
        assert [image.id for image in store.list()] == [kept.id] and not store.blobs.has(orphan) and store.layers.missing(kept) == []
        done = run(roots, IMAGES)
        assert done["images"][:2] == [{"Untagged": "kept:latest"}, {"Deleted": kept.id}]
        assert store.blobs.list() == [] and os.listdir(roots.layers) == []

    def test_what_a_broken_pull_left(self, roots):
        store = ImageStore(roots)
        state.make_directory(store.blobs.partial)
        for name, size in (("a" * 64, 300), ("new-dead", 20)):
            with open(os.path.join(store.blobs.partial, name), "wb") as stream:
                stream.write(bytes(size))
        os.makedirs(os.path.join(roots.layers, ".partial-" + "b" * 64, "diff"))
        assert run(roots, ORPHANS)["images_space_reclaimed"] == 320
        assert os.listdir(store.blobs.partial) == [] and os.listdir(roots.layers) == []

    def test_the_build_cache(self, roots):
        store = ImageStore(roots)
        image = ensure(roots, make_image(roots, "built", make_layer({"base": b"1"}), make_layer({"b": NOISE})))
        base, top = store.layers.chain_ids(image)
        record = {"key": "k", "parent": base, "layers": [
            {"chain_id": top, "diff_id": image.config.diff_ids[1], "digest": image.manifest.layers[1].digest}]}
        state.write_json(os.path.join(garbage.cache_directory(roots), "key.json"), record)
        mounts = os.path.join(roots.state, "build", "mounts")
        for name in ("free", "used"):
            os.makedirs(os.path.join(mounts, name, "content"))
            with open(os.path.join(mounts, name, "content", "file"), "wb") as stream:
                stream.write(bytes(77))
        store.remove(image)
        assert store.layers.has(base) and store.layers.has(top), "the cache still needs them"
        fd = os.open(os.path.join(mounts, "used"), os.O_RDONLY)
        try:
            fcntl.flock(fd, fcntl.LOCK_SH)
            done = run(roots, prune.Desired(builder_cache=True))
        finally:
            os.close(fd)
        assert sorted(done["builder_cache_caches_deleted"]) == ["free", "key"] and os.listdir(mounts) == ["used"]
        assert done["builder_cache_space_reclaimed"] > 2 * len(NOISE) + 77 and os.listdir(roots.layers) == []

    def test_nothing_while_a_build_runs(self, roots):
        make_image(roots, "web", make_layer({"a": b"1"}))
        directory = os.path.join(roots.layers, ".build-1")
        os.makedirs(directory)
        fd = os.open(directory, os.O_RDONLY)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            assert not prune.plan_prune(IMAGES, prune_inventory.observe(roots, IMAGES))
        finally:
            os.close(fd)
        assert prune.plan_prune(IMAGES, prune_inventory.observe(roots, IMAGES))

    def test_containers_networks_and_volumes(self, machine):
        from ansible_collections.agentless.containers.plugins.module_utils.engine.linux import netns
        from ansible_collections.agentless.containers.plugins.module_utils.engine.net import network
        from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.network import NetworkSpec

        roots = machine.roots
        with netns.entered(machine.path):
            for name in ("used", "unused"):
                spec = NetworkSpec(name=name)
                network.create(roots, network.resolve(roots, spec), spec)
        machine.converge(name="running", image="busybox", command=["sleep", "1000"], stop_timeout=0, networks=[{"name": "used"}],
                         volumes=["kept:/data", "/anonymous"])
        machine.converge(name="stopped", image="busybox", command=["sh", "-c", "echo 12345 >/written"], state="started", stop_timeout=0,
                         volumes=["lost:/data"])
        while machine.container("stopped").state().status == "running":
            time.sleep(0.02)
        VolumeStore(roots).ensure("free")
        stopped = machine.container("stopped").id
        with netns.entered(machine.path):
            done = run(roots, dataclasses.replace(EVERYTHING, networks_filters=Filters()))
        assert done["containers"] == [stopped] and done["containers_space_reclaimed"] == 6
        assert done["networks"] == ["unused"] and done["volumes"] == ["free", "lost"]
        assert done["images"] == [] and ImageStore(roots).find("busybox") is not None
        assert machine.container("running").state().status == "running" and machine.container("stopped") is None
        machine.converge(name="running", state="absent")
        with netns.entered(machine.path):
            network.remove(roots, "used")

    def test_what_came_into_use_meanwhile_stays(self, machine):
        roots = machine.roots
        VolumeStore(roots).ensure("data")
        plan = prune.plan_prune(EVERYTHING, prune_inventory.observe(roots, EVERYTHING))
        assert {"remove image busybox:latest", "remove volume data and its content"} <= set(plan.describe())
        machine.converge(name="web", image="busybox", command=["sleep", "1000"], stop_timeout=0, volumes=["data:/data"])
        plan.execute(roots)
        answer = prune.summary(plan, True)
        assert answer["images"] == [] and answer["volumes"] == [] and answer["containers"] == []
        assert machine.converge(name="web", image="busybox", command=["sleep", "1000"], stop_timeout=0, volumes=["data:/data"])[0] is False


class Beside:
    """A process that calls a function over and over until it is told to stop; its failure is the test's."""

    def __init__(self, tmp_path, name, work):
        self.log = tmp_path / (name + ".log")
        self.end = tmp_path / (name + ".end")
        self.pid = os.fork()
        if self.pid == 0:
            count, status = 0, 0
            try:
                while not self.end.exists():
                    work(count)
                    count += 1
                self.log.write_text(str(count))
            except BaseException:
                self.log.write_text(traceback.format_exc())
                status = 1
            finally:
                os._exit(status)

    def stop(self):
        """Returns how many times the function ran."""
        self.end.touch()
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        assert status == 0, self.log.read_text()
        return int(self.log.read_text())


@pytest.fixture
def beside(tmp_path):
    """Starts :class:`Beside` processes and ends them."""
    started = []

    def start(name, work):
        started.append(Beside(tmp_path, name, work))
        return started[-1]

    yield start
    for each in started:
        each.end.touch()


def prune_all(roots, desired):
    plan = prune.plan_prune(desired, prune_inventory.observe(roots, desired))
    plan.execute(roots)


class TestBesideOthers:
    """Each pulls, loads, makes and removes images while another process prunes in a loop."""

    def check(self, roots):
        store = ImageStore(roots)
        for image in store.list():
            store.check_complete(image.manifest_digest)
            assert store.layers.missing(image) == []

    def test_pulls(self, docker_registry, roots, other_roots, beside):
        names = []
        for number in range(3):
            names.append("%s/prune:%d" % (docker_registry.address, number))
            layers = [make_layer({"shared%d" % index: NOISE[index:]}) for index in range(3)]
            push.push(roots, make_image(roots, names[-1], *layers, make_layer({"own": b"%d" % number})), names[-1])
        pruner = beside("prune", lambda count: prune_all(other_roots, IMAGES if count % 2 else ORPHANS))
        pulled = 0
        deadline = time.monotonic() + 4
        while time.monotonic() < deadline:
            image = pull.pull(other_roots, names[pulled % 3]).image
            assert len(chain_ids(image.config.diff_ids)) == 4
            pulled += 1
        assert pruner.stop() > 5 and pulled > 5
        self.check(other_roots)

    def test_two_pulls_of_the_same_layers_and_removals(self, docker_registry, roots, other_roots, beside):
        name = "%s/twice:1" % docker_registry.address
        layers = [make_layer({"f%d" % index: NOISE[index:]}) for index in range(4)]
        push.push(roots, make_image(roots, name, *layers), name)

        def pull_and_remove(unused_count):
            image = pull.pull(other_roots, name).image
            ImageStore(other_roots).remove(image)

        workers = [beside("one", pull_and_remove), beside("two", pull_and_remove),
                   beside("prune", lambda unused_count: prune_all(other_roots, ORPHANS))]
        time.sleep(3)
        assert [worker.stop() > 3 for worker in workers] == [True, True, True]
        image = pull.pull(other_roots, name).image
        assert ImageStore(other_roots).layers.missing(image) == []
        self.check(other_roots)
        ImageStore(other_roots).remove(image)
        prune_all(other_roots, ORPHANS)
        assert ImageStore(other_roots).blobs.list() == [] and os.listdir(other_roots.layers) == []

    def test_loads_and_new_images(self, roots, other_roots, beside, tmp_path):
        path = str(tmp_path / "a.tar")
        image = make_image(roots, "web:1", make_layer({"a": NOISE}), make_layer({"b": NOISE[1:]}))
        export.export(ImageStore(roots), collect([(image, "docker.io/library/web:1")]), path)
        pruner = beside("prune", lambda count: prune_all(other_roots, IMAGES if count % 2 else ORPHANS))
        deadline = time.monotonic() + 4
        count = 0
        while time.monotonic() < deadline:
            loaded = archive.load(ImageStore(other_roots), path, archive.platform_of_host())
            assert [each.id for each in loaded] == [image.id]
            content = LayerContent((LayerFile("/f", content=b"%d" % count),))
            request = image_create.LayerRequest(None, content, archive.platform_of_host(), Changes())
            plan = image_create.reconcile(other_roots, Reference.parse("made:1"), request, "create", False)[0]
            plan.execute(other_roots)
            count += 1
        assert pruner.stop() > 5 and count > 5
        self.check(other_roots)

    def test_containers_in_the_making(self, machine, beside):
        roots = machine.roots

        def work(count):
            prune_all(roots, IMAGES)
            # a container needs a moment between its image's making and its own
            time.sleep(0.01 * (count % 8))

        pruner = beside("prune", work)
        store = ImageStore(roots)
        made = 0
        for number in range(60):
            if made == 15:
                break
            image = make_image(roots, "made:%d" % number, make_layer({"f": b"%d" % number}))
            try:
                machine.converge(name="c%d" % number, image="made:%d" % number, command=["/x"], state="present", pull="never")
            except NotFound:
                # it was pruned before the container was made
                continue
            made += 1
            container = machine.container("c%d" % number)
            assert all(os.path.isdir(path) for path in store.layers.paths(image)), "the container's layers are gone"
            machine.converge(name=container.name, state="absent")
        assert pruner.stop() > 5 and made


class TestKilled:
    """A kill at any point leaves what the next run takes away."""

    def test_prune(self, roots):
        chance = random.Random(5)
        kept = ensure(roots, make_image(roots, "kept:1", make_layer({"base": NOISE}), make_layer({"k": b"1"})))
        store = ImageStore(roots)
        caught = 0
        for number in range(12):
            layers = [make_layer({"f%d-%d-%d" % (number, index, each): b"x" for each in range(150)}) for index in range(3)]
            image = ensure(roots, make_image(roots, "gone:%d" % number, make_layer({"base": NOISE}), *layers))
            store.untag(Reference.parse("gone:%d" % number).canonical)
            pid = os.fork()
            if pid == 0:
                try:
                    prune_all(roots, ORPHANS)
                finally:
                    os._exit(0)
            time.sleep(chance.uniform(0.001, 0.05))
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            caught += any(name.startswith(".gone-") for name in os.listdir(roots.layers))
            store.check_complete(kept.manifest_digest)
            assert store.layers.missing(kept) == []
            found = store.find(image.id)
            if found is not None:
                store.check_complete(found.manifest_digest)
        assert caught, "no kill came while something was half removed: the test shows nothing"
        run(roots, ORPHANS)
        assert sorted(os.listdir(roots.layers)) == sorted(chain_id[7:] for chain_id in store.layers.chain_ids(kept))
        assert len(store.blobs.list()) == 4 and [image.id for image in store.list()] == [kept.id]

    def test_export(self, roots, tmp_path):
        chance = random.Random(6)
        image = make_image(roots, "web:1", *[make_layer({"f%d" % index: NOISE}) for index in range(6)])
        wanted = collect([(image, "docker.io/library/web:1")])
        target = tmp_path / "out"
        target.mkdir()
        for kind, name in ((export.DOCKER, "a.tar"), (export.LAYOUT, "layout")):
            path = str(target / name)
            export.export(ImageStore(roots), wanted, path, kind)
            for unused in range(12):
                pid = os.fork()
                if pid == 0:
                    try:
                        export.export(ImageStore(roots), wanted, path, kind)
                    finally:
                        os._exit(0)
                time.sleep(chance.uniform(0.001, 0.06))
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                # what was there is there, or for an instant between two renames has another name
                if os.path.exists(path):
                    assert [each.id for each in archive.scan(path, archive.platform_of_host())] == [image.id]
                else:
                    export.export(ImageStore(roots), wanted, path, kind)
            export.export(ImageStore(roots), wanted, path, kind)
        assert sorted(os.listdir(target)) == ["a.tar", "layout"], "the next export takes away what killed ones left"
        prune_all(roots, ORPHANS)
        assert ImageStore(roots).find("web:1") is not None and os.listdir(os.path.join(roots.images, ".leases")) == []
