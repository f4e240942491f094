# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers: unpack, change, make a changeset again; overlayfs is the judge of what whiteouts mean."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.image.cas import BlobStore
from ansible_collections.agentless.containers.plugins.module_utils.engine.layer import apply, diff, tar, whiteout, write
from ansible_collections.agentless.containers.plugins.module_utils.engine.layer.store import LayerStore, adopt, chain_ids
from ansible_collections.agentless.containers.plugins.module_utils.engine.linux import calls
from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots

NANO = 10**9


def archive(entries):
    return b"".join(write.header(head) + content + write.padding(len(content)) for head, content in entries) + write.END


def file(name, content=b"", **values):
    return write.make_entry(name, tar.REGULAR, size=len(content), **values), content


def other(name, kind, **values):
    return write.make_entry(name, kind, **values), b""


@pytest.fixture
def layer(tmp_path):
    path = tmp_path / "layer"
    path.mkdir(mode=0o755)
    return path


@contextlib.contextmanager
def overlay(tmp_path, *lowers):
    """The union of layers (topmost first) and a fresh upper directory: yields (merged, upper)."""
    names = {}
    for name in ("upper", "work", "merged"):
        names[name] = str(tmp_path / name)
        os.mkdir(names[name])
    calls.mount("overlay", names["merged"], "overlay", 0,
                "lowerdir=%s,upperdir=%s,workdir=%s" % (":".join(map(str, lowers)), names["upper"], names["work"]))
    try:
        yield names["merged"], names["upper"]
    finally:
        calls.umount2(names["merged"])
        for name in names.values():
            apply.remove_tree(name)


NAMES = st.text("abcdefgh.\u00e9 -", min_size=1, max_size=8).filter(lambda name: name not in (".", ".."))
TIMES = st.integers(0, 2**31 * NANO)
OWNERS = st.integers(0, 2**31)
ATTRIBUTES = st.fixed_dictionaries({"mode": st.integers(0, 0o7777), "uid": OWNERS, "gid": OWNERS, "mtime": TIMES})
XATTRS = st.dictionaries(st.sampled_from(["user.a", "user.b", "trusted.c"]), st.binary(max_size=20), max_size=2)


def trees():
    """Dicts: name -> ("file", content, attributes, xattrs) and so on, nested for directories."""
    leaf = st.one_of(
        st.tuples(st.just("file"), st.binary(max_size=1200), ATTRIBUTES, XATTRS),
        st.tuples(st.just("symlink"), NAMES, ATTRIBUTES),
        st.tuples(st.just("fifo"), ATTRIBUTES),
        st.tuples(st.just("char"), st.integers(1, 200), ATTRIBUTES),
        st.tuples(st.just("gone")),
        st.tuples(st.just("again")))
    return st.recursive(
        st.dictionaries(NAMES, leaf, max_size=4),
        lambda inner: st.dictionaries(NAMES, st.one_of(leaf, st.tuples(st.just("dir"), inner, ATTRIBUTES, st.booleans())), max_size=4),
        max_leaves=12)


def entries_of(tree, prefix="", seen=None):
    """The entries of a changeset in the order of diff.changeset."""
    seen = {} if seen is None else seen
    answer = []
    for name in sorted(tree, key=os.fsencode):
        value, path = tree[name], prefix + name
        if name.startswith(whiteout.PREFIX):
            continue
        if value[0] == "dir":
            answer.append(other(path, tar.DIRECTORY, **value[2]))
            if value[3]:
                answer.append(file(path + "/" + whiteout.OPAQUE, mode=0))
            answer += entries_of(value[1], path + "/", seen)
        elif value[0] == "file":
            answer.append(file(path, value[1], xattrs=value[3] or None, **value[2]))
            seen.setdefault("file", (path, value[2]))
        elif value[0] == "symlink":
            answer.append(other(path, tar.SYMLINK, link=value[1], **{**value[2], "mode": 0o777}))
        elif value[0] == "fifo":
            answer.append(other(path, tar.FIFO, **value[1]))
        elif value[0] == "char":
            answer.append(other(path, tar.CHARACTER, device=(value[1], 3), **value[2]))
        elif value[0] == "gone":
            answer.append(file(prefix + whiteout.PREFIX + name, mode=0))
        elif value[0] == "again" and "file" in seen:
            first, attributes = seen["file"]
            answer.append(other(path, tar.HARDLINK, link=first, **attributes))
    return answer


@settings(max_examples=60)
@given(trees())
def test_archive_to_directory_to_archive_is_the_identity(tree):
    wanted = archive(entries_of(tree))
    directory = tempfile.mkdtemp(prefix="layer-")
    try:
        apply.apply([wanted], directory)
        assert b"".join(diff.changeset(directory)) == wanted
    finally:
        shutil.rmtree(directory)


def test_attributes_arrive(layer):
    applied = apply.apply([archive([
        other("./", tar.DIRECTORY, mode=0o751, uid=3, mtime=NANO),
        other("d", tar.DIRECTORY, mode=0o1777, mtime=5 * NANO + 1),
        file("d/s", b"set", mode=0o6755, uid=1000, gid=1001, mtime=7, xattrs={"user.k": b"v"}),
        other("d/l", tar.SYMLINK, link="/nowhere", uid=5, mtime=9 * NANO),
        other("null", tar.CHARACTER, device=(1, 3), mode=0o666),
        file("implied/f", b""),
    ])], str(layer))
    status = os.stat(layer / "d" / "s")
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, status.st_mtime_ns) == (0o6755, 1000, 1001, 7)
    assert os.getxattr(layer / "d" / "s", "user.k") == b"v"
    assert os.stat(layer / "d").st_mtime_ns == 5 * NANO + 1 and stat.S_IMODE(os.stat(layer / "d").st_mode) == 0o1777
    assert (stat.S_IMODE(os.stat(layer).st_mode), os.stat(layer).st_uid, os.stat(layer).st_mtime_ns) == (0o751, 3, NANO)
    assert os.lstat(layer / "d" / "l").st_uid == 5 and os.lstat(layer / "d" / "l").st_mtime_ns == 9 * NANO
    assert os.stat(layer / "null").st_rdev == os.makedev(1, 3) and stat.S_IMODE(os.stat(layer / "null").st_mode) == 0o666
    assert applied.implied == ("implied",) and applied.size == 3 and applied.entries == 6


def test_overlayfs_sees_the_deletions(tmp_path, layer):
    base = tmp_path / "base"
    base.mkdir()
    below = [file("gone", b"1"), file("kept", b"1"), file("dir/old", b"1"), file("tree/a/b", b"1"), file("swap/x", b"1")]
    apply.apply([archive(below)], str(base))
    apply.apply([archive([
        file(".wh.gone"), file("dir/new", b"2"), file("dir/.wh..wh..opq"), file(".wh.tree"), file("swap", b"now a file"),
        file(".wh..wh.plnk/1.2", b"aufs"),
    ])], str(layer))
    with overlay(tmp_path, layer, base) as (merged, unused):
        assert sorted(os.listdir(merged)) == ["dir", "kept", "swap"]
        assert os.listdir(os.path.join(merged, "dir")) == ["new"]
        with open(os.path.join(merged, "swap"), "rb") as stream:
            assert stream.read() == b"now a file"


@pytest.mark.parametrize("order", [0, 1])
def test_whiteout_and_new_content_in_one_layer(tmp_path, layer, order):
    """A deletion speaks of the layers below, whichever comes first in the archive."""
    base = tmp_path / "base"
    base.mkdir()
    apply.apply([archive([file("d/old", b"1"), file("f", b"1")])], str(base))
    parts = [[file(".wh.d"), file(".wh.f")], [other("d", tar.DIRECTORY, mode=0o755), file("d/new", b"2"), file("f", b"2")]]
    apply.apply([archive(parts[order] + parts[1 - order])], str(layer))
    with overlay(tmp_path, layer, base) as (merged, unused):
        assert sorted(os.listdir(merged)) == ["d", "f"] and os.listdir(os.path.join(merged, "d")) == ["new"]
        with open(os.path.join(merged, "f"), "rb") as stream:
            assert stream.read() == b"2"


def test_whiteout_then_a_file_below_without_its_directory(tmp_path, layer):
    base = tmp_path / "base"
    base.mkdir()
    apply.apply([archive([file("d/old", b"1")])], str(base))
    apply.apply([archive([file(".wh.d"), file("d/new", b"2")])], str(layer))
    with overlay(tmp_path, layer, base) as (merged, unused):
        assert os.listdir(os.path.join(merged, "d")) == ["new"]


def test_what_a_container_changes_becomes_a_layer(tmp_path, layer):
    base = tmp_path / "base"
    base.mkdir()
    apply.apply([archive([file("a", b"1"), file("d/x", b"1"), file("d/y", b"1"), file("e/z", b"1")])], str(base))
    with overlay(tmp_path, base) as (merged, upper):
        os.unlink(os.path.join(merged, "a"))
        os.unlink(os.path.join(merged, "d", "x"))
        shutil.rmtree(os.path.join(merged, "e"))
        os.mkdir(os.path.join(merged, "e"))
        with open(os.path.join(merged, "e", "new"), "wb") as stream:
            stream.write(b"2")
        os.link(os.path.join(merged, "e", "new"), os.path.join(merged, "hard"))
        changeset = b"".join(diff.changeset(upper))
        assert b"".join(diff.changeset(upper)) == changeset
    names = [entry.name for entry in tar.TarReader([changeset])]
    assert names == [".wh.a", "d/", "d/.wh.x", "e/", "e/.wh..wh..opq", "e/new", "hard"]
    apply.apply([changeset], str(layer))
    with overlay(tmp_path, layer, base) as (merged, unused):
        assert sorted(os.listdir(merged)) == ["d", "e", "hard"]
        assert os.listdir(os.path.join(merged, "d")) == ["y"] and os.listdir(os.path.join(merged, "e")) == ["new"]
        assert os.stat(os.path.join(merged, "hard")).st_nlink == 2


def test_links_that_stay_inside_are_followed(layer):
    apply.apply([archive([other("usr/lib", tar.DIRECTORY, mode=0o755), other("lib", tar.SYMLINK, link="usr/lib"),
                          other("abs", tar.SYMLINK, link="/usr/lib"), file("lib/a", b"1"), file("abs/b", b"2"),
                          other("hard", tar.HARDLINK, link="lib/a")])], str(layer))
    assert sorted(os.listdir(layer / "usr" / "lib")) == ["a", "b"] and os.stat(layer / "hard").st_nlink == 2


def test_later_members_win(layer):
    apply.apply([archive([
        file("x", b"1"), other("x", tar.DIRECTORY, mode=0o755), file("x/y", b"2"), file("x", b"3"), other("x", tar.SYMLINK, link="z"),
        other("x", tar.FIFO), file("x", b"4"), file("h", b"5"), other("x", tar.HARDLINK, link="h"), other("h", tar.HARDLINK, link="h"),
    ])], str(layer))
    assert (layer / "x").read_bytes() == b"5" and os.stat(layer / "x").st_nlink == 2


def test_implied_directories_take_the_attributes_below(tmp_path, layer):
    low, middle = tmp_path / "low", tmp_path / "middle"
    for path, entries in ((low, [other("tmp", tar.DIRECTORY, mode=0o1777, uid=4, mtime=NANO), other("opt", tar.DIRECTORY, mode=0o700)]),
                          (middle, [file(".wh.opt"), file("other", b"")])):
        path.mkdir()
        apply.apply([archive(entries)], str(path))
    applied = apply.apply([archive([file("tmp/f", b""), file("opt/f", b""), file("new/f", b"")])], str(layer))
    adopt(str(layer), applied.implied, [str(middle), str(low)])
    status = os.stat(layer / "tmp")
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_mtime_ns) == (0o1777, 4, NANO)
    assert stat.S_IMODE(os.stat(layer / "opt").st_mode) == 0o755, "what the layer between deleted says nothing any more"
    assert stat.S_IMODE(os.stat(layer / "new").st_mode) == 0o755


def test_layer_store_repairs_what_a_kill_left(tmp_path):
    roots = Roots(str(tmp_path / "state"))
    store, blobs = LayerStore(roots), BlobStore(roots.images)
    data = archive([file("a", b"1")])
    diff_id = blobs.put(data)
    chain_id = chain_ids([diff_id])[0]
    left = os.path.join(roots.layers, ".partial-" + chain_id.partition(":")[2], "diff", "half")
    os.makedirs(left)
    with store.staging(chain_id, diff_id, []) as staging:
        staging.fill(blobs.chunks(diff_id))
        assert not store.has(chain_id)
        staging.publish()
    assert os.listdir(store.path(chain_id)) == ["a"] and os.listdir(roots.layers) == [chain_id.partition(":")[2]]
    assert store.record(chain_id)["size"] == 1
    with store.staging(chain_id, diff_id, []) as staging:
        assert staging is None
    assert stat.S_IMODE(os.stat(os.path.dirname(store.path(chain_id))).st_mode) == 0o700
    assert store.remove(chain_id) and not store.remove(chain_id) and os.listdir(roots.layers) == []


def test_wrong_diff_id_leaves_nothing(tmp_path):
    from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Corrupt

    roots = Roots(str(tmp_path / "state"))
    store = LayerStore(roots)
    wrong = "sha256:" + "0" * 64
    with pytest.raises(Corrupt, match=wrong), store.staging(wrong, wrong, []) as staging:
        staging.fill([archive([file("a", b"1")])])
    assert os.listdir(roots.layers) == []


def stored(roots, *layers):
    """An image of these tar streams in the store, not unpacked."""
    from ansible_collections.agentless.containers.plugins.module_utils.engine.image import create
    from ansible_collections.agentless.containers.plugins.module_utils.engine.image.changes import Changes
    from ansible_collections.agentless.containers.plugins.module_utils.engine.image.store import ImageStore
    from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.image import platform_of

    store = ImageStore(roots)
    made = [create.store_layer(store.blobs, [layer]) for layer in layers]
    config = create.child_config(create.new_config(platform_of("x86_64")), Changes(), [layer.diff_id for layer in made])
    return store.add(create.store_image(store.blobs, config, [layer.descriptor for layer in made]), ["localhost/many:1"])[0]


def test_layers_of_an_image_are_unpacked_beside_each_other(tmp_path):
    roots = Roots(str(tmp_path / "state"))
    layers = [archive([other("d", tar.DIRECTORY, mode=0o1777, uid=5), file("d/0", b"0")])]
    layers += [archive([file("d/%d" % number, b"x" * number), file("d/.wh.%d" % (number - 1))]) for number in range(1, 7)]
    image = stored(roots, *layers)
    store = LayerStore(roots)
    for path in store.paths(image):
        apply.remove_tree(os.path.dirname(path))
    paths = store.ensure(image)
    assert [sorted(os.listdir(os.path.join(path, "d"))) for path in paths] == [["0"]] + [[str(n - 1), str(n)] for n in range(1, 7)]
    found = [os.stat(os.path.join(path, "d")) for path in paths]
    assert {(stat.S_IMODE(status.st_mode), status.st_uid) for status in found} == {(0o1777, 5)}
    assert store.missing(image) == [] and store.ensure(image) == paths
    assert not [name for name in os.listdir(roots.layers) if name.startswith(".")]


def test_one_damaged_layer_among_many(tmp_path):
    """What lies below it stays; nothing that lies above it appears, and nothing is left half made."""
    from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Corrupt

    roots = Roots(str(tmp_path / "state"))
    image = stored(roots, *(archive([file("f%d" % number, os.urandom(100000))]) for number in range(6)))
    store, blobs = LayerStore(roots), BlobStore(roots.images)
    for path in store.paths(image):
        apply.remove_tree(os.path.dirname(path))
    with open(blobs.path(image.manifest.layers[2].digest), "r+b") as damaged:
        damaged.seek(50000)
        damaged.write(b"damaged")
    with pytest.raises(Corrupt):
        store.ensure(image)
    assert store.missing(image) == store.chain_ids(image)[2:]
    assert not [name for name in os.listdir(roots.layers) if name.startswith(".")]
