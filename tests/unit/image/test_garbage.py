# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is garbage and what is not: images, containers, the build cache, leases and running builds each keep what they use."""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine import state
from ansible_collections.agentless.containers.plugins.module_utils.engine.image import create, garbage, lease
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.changes import Changes
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.store import ImageStore
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.sweep import drop_downloads, remains, sweep
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.image import OCI_LAYER, Descriptor, Platform
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.reference import Reference


@pytest.fixture
def roots(tmp_path):
    return state.Roots(str(tmp_path / "state"))


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def make(roots, name, *layers):
    """An image whose layers count as unpacked."""
    store = ImageStore(roots)
    blobs = [Descriptor(OCI_LAYER, store.blobs.put(data), len(data)) for data in layers]
    config = create.child_config(create.new_config(Platform("amd64", "linux")), Changes(cmd=("x",)), [blob.digest for blob in blobs])
    image = store.add(create.store_image(store.blobs, config, blobs), [Reference.parse(name).canonical])[0]
    parent = None
    for chain_id in store.layers.chain_ids(image):
        unpack(roots, chain_id, parent)
        parent = chain_id
    return image


def unpack(roots, chain_id, parent=None, size=1000):
    directory = os.path.join(roots.layers, chain_id.partition(":")[2])
    os.makedirs(os.path.join(directory, "diff"), exist_ok=True)
    state.write_json(os.path.join(directory, "layer.json"), {"diff_id": chain_id, "parent": parent, "size": size, "entries": 1})


def collected(store, candidates=None):
    found = garbage.collect(store, candidates)
    return [digest for digest, unused in found.blobs], [chain_id for chain_id, unused in found.chains]


def test_nothing_of_an_image_is_garbage(roots):
    make(roots, "web", b"1", b"2")
    assert not garbage.collect(ImageStore(roots))


def test_orphans_go_with_what_they_take(roots):
    store = ImageStore(roots)
    image = make(roots, "web", b"1")
    orphan = store.blobs.put(b"orphan")
    chain_id = "sha256:" + "a" * 64
    unpack(roots, chain_id, size=500)
    found = garbage.collect(store)
    assert found == garbage.Collected(((orphan, 6),), ((chain_id, 500),)) and found.size == 506
    assert os.listdir(roots.layers) == [store.layers.chain_ids(image)[0].partition(":")[2]]
    assert not garbage.collect(store)


def test_shared_layers_stay_until_the_last_image_goes(roots):
    store = ImageStore(roots)
    one, two = make(roots, "one", b"base", b"1"), make(roots, "two", b"base", b"2")
    base, top = store.layers.chain_ids(one)
    assert store.remove(one) == [one.id, top]
    assert store.layers.has(base) and store.blobs.has(digest_of(b"base")) and not store.blobs.has(digest_of(b"1"))
    assert store.remove(two) == [two.id, store.layers.chain_ids(two)[1], base]
    assert store.blobs.list() == [] and os.listdir(roots.layers) == []


def test_a_container_keeps_its_layers(roots):
    store = ImageStore(roots)
    image = make(roots, "web", b"1", b"2")
    lower = os.path.join(roots.containers, "c" * 64, "lower")
    os.makedirs(lower)
    for index, path in enumerate(reversed(store.layers.paths(image))):
        os.symlink(path, os.path.join(lower, str(index)))
    store.remove(image)
    assert store.layers.list() == sorted(store.layers.chain_ids(image)) and store.blobs.list() == []
    assert garbage.of_containers(roots, ["c" * 64]) == garbage.Used()


def test_the_build_cache_keeps_its_layers_and_those_below(roots):
    store = ImageStore(roots)
    image = make(roots, "web", b"1", b"2")
    base, top = store.layers.chain_ids(image)
    record = {"key": "k", "layers": [{"chain_id": top, "diff_id": digest_of(b"2"), "digest": digest_of(b"2")}]}
    state.write_json(os.path.join(roots.state, "build", "cache", "k.json"), record)
    state.write_bytes(os.path.join(roots.state, "build", "cache", "damaged.json"), b"{")
    store.remove(image)
    assert store.layers.list() == sorted([base, top]) and store.blobs.list() == [digest_of(b"2")]
    assert garbage.of_cache(roots, ["k"]) == garbage.Used()


def test_a_lease_keeps_what_is_in_the_making(roots):
    store, other = ImageStore(roots), ImageStore(roots)
    chain_id, parent = "sha256:" + "a" * 64, "sha256:" + "b" * 64
    with store.leased([chain_id]):
        unpack(roots, parent)
        unpack(roots, chain_id, parent)
        put = store.blobs.put(b"put")
        with store.blobs.writer() as writer:
            writer.write(b"written")
            written, unused = writer.commit()
        with store.leased([digest_of(b"nested")]):
            pass
        orphan = other.blobs.put(b"orphan")
        assert collected(other) == ([orphan], [])
        assert {put, written} <= set(store.blobs.list())
        with roots.lock("images"):
            assert lease.leased(roots) == {chain_id, put, written, digest_of(b"nested")}
    assert os.listdir(lease.directory(roots)) == []
    assert collected(other) == (sorted([put, written]), [chain_id, parent])


def test_a_dead_holders_lease_counts_no_more(roots):
    store = ImageStore(roots)
    os.makedirs(lease.directory(roots))
    put = store.blobs.put(b"x")
    with open(os.path.join(lease.directory(roots), "dead"), "w", encoding="ascii") as stream:
        stream.write(put + "\n")
    assert collected(store) == ([put], []) and os.listdir(lease.directory(roots)) == []


def test_who_leases_waits_for_the_collector(roots):
    """A digest that is entered while the collector works must be looked for afterwards, not before."""
    store = ImageStore(roots)
    entered = threading.Event()

    def enter():
        with store.leased(["sha256:" + "1" * 64]):
            entered.set()

    with roots.lock("images"):
        thread = threading.Thread(target=enter)
        thread.start()
        assert not entered.wait(0.1)
    thread.join(5)
    assert entered.is_set()


def test_a_running_build_keeps_everything(roots):
    store = ImageStore(roots)
    orphan = store.blobs.put(b"x")
    os.makedirs(os.path.join(roots.layers, ".build-dead"))
    directory = os.path.join(roots.layers, ".build-1")
    os.makedirs(directory)
    fd = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        assert garbage.builds_running(roots) and not garbage.collect(store) and store.blobs.has(orphan)
    finally:
        os.close(fd)
    assert not garbage.builds_running(roots) and collected(store) == ([orphan], [])


def test_candidates_only(roots):
    store = ImageStore(roots)
    one, two = store.blobs.put(b"1"), store.blobs.put(b"2")
    store.discard([one, digest_of(b"not there")])
    store.discard([])
    assert store.blobs.list() == [two]


def test_an_image_that_lost_its_documents_stops_nobody(roots):
    store = ImageStore(roots)
    kept, lost = make(roots, "kept", b"1"), make(roots, "lost", b"2")
    store.blobs.remove(lost.manifest_digest)
    assert collected(store) == (sorted([lost.id, digest_of(b"2")]), store.layers.chain_ids(lost))
    store.check_complete(kept.manifest_digest)


def test_remains_of_killed_runs(roots):
    store = ImageStore(roots)
    os.makedirs(store.blobs.partial)
    os.makedirs(os.path.join(roots.layers, ".gone-1", "diff"))
    for path in (os.path.join(store.blobs.partial, "1" * 64), os.path.join(store.blobs.partial, "2" * 64),
                 os.path.join(store.blobs.partial, "new-1"), os.path.join(roots.layers, ".gone-1", "diff", "file")):
        with open(path, "wb") as stream:
            stream.write(b"12345")
    with store.leased(["sha256:" + "2" * 64]):
        sizes = {os.path.basename(path): size for path, size in remains(roots)}
        assert sizes == {"1" * 64: 5, "new-1": 5, ".gone-1": 5}
        assert sweep(roots) == ["new-1", ".gone-1"] and drop_downloads(roots) == ["1" * 64]
        assert os.listdir(store.blobs.partial) == ["2" * 64] and remains(roots) == []
