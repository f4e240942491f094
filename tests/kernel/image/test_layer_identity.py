# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random trees with every oddity that a file system takes: tree -> layer -> apply is the identity, and so are changes on a base.

Trees are made and compared here by plain system calls on byte names, without the code under test.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import struct
import tempfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.layer import apply, compress, diff, stream
from ansible_collections.agentless.containers.plugins.module_utils.engine.linux import calls

NANO = 10**9
NONE = 0xFFFFFFFF


@contextlib.contextmanager
def directories(*names):
    """Fresh directories, removed afterwards however deep they are."""
    top = os.fsencode(tempfile.mkdtemp(prefix="layer-"))
    try:
        for name in names:
            os.mkdir(os.path.join(top, name), 0o755)
        yield [os.path.join(top, name) for name in names]
    finally:
        shutil.rmtree(top)


# --- what a tree may hold

ODD = [b"\xff\xfe", b"new\nline", b" ", b"-rf", b"n" * 255, b"*", b"a=b", b"\x1b[2J", b"...", b"wh.", b"\xc3\xa4", b"\\", b"12 path=x"]
NAMES = st.one_of(st.sampled_from(ODD), st.binary(min_size=1, max_size=40)).filter(
    lambda name: name not in (b".", b"..") and b"/" not in name and b"\0" not in name and not name.startswith(b".wh."))
OWNERS = st.one_of(st.integers(0, 2000), st.integers(2**21 - 1, 2**32 - 2))
TIMES = st.one_of(st.integers(0, 2**31 * NANO), st.integers(-(2**31) * NANO, 2**33 * NANO + 1))
PERMISSIONS = st.integers(0, 7)
XATTRS = st.dictionaries(st.sampled_from(["user.a", "user.a=b", "user.\u00e9\n", "trusted.c"]), st.binary(max_size=60), max_size=2)
CAPABILITY = st.builds(lambda low, high: struct.pack("<5I", 0x02000001, low, 0, high, 0), st.integers(0, 2**32 - 1), st.integers(0, 255))


@st.composite
def lists(draw):
    """The kernel's form of an access control list."""
    entries = [(1, draw(PERMISSIONS), NONE)]
    entries += [(2, draw(PERMISSIONS), number) for number in sorted(draw(st.sets(OWNERS, max_size=2)))]
    entries += [(4, draw(PERMISSIONS), NONE), (16, draw(PERMISSIONS), NONE), (32, draw(PERMISSIONS), NONE)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


PARTS = st.lists(st.tuples(st.one_of(st.just(0), st.integers(0, 400000), st.just(1 << 20)), st.binary(max_size=600)), max_size=4)
ATTRIBUTES = st.fixed_dictionaries({"mode": st.integers(0, 0o7777), "uid": OWNERS, "gid": OWNERS, "mtime": TIMES})
LEAF = st.one_of(
    st.tuples(st.just("file"), PARTS, ATTRIBUTES, XATTRS, st.none() | CAPABILITY, st.none() | lists()),
    st.tuples(st.just("symlink"), st.binary(min_size=1, max_size=200).filter(lambda target: b"\0" not in target), ATTRIBUTES),
    st.tuples(st.just("node"), st.sampled_from([stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK]), st.integers(1, 4000), ATTRIBUTES),
    st.tuples(st.just("again")))
TREES = st.recursive(
    st.dictionaries(NAMES, LEAF, max_size=4),
    lambda inner: st.dictionaries(NAMES, st.one_of(LEAF, st.tuples(
        st.just("directory"), inner, ATTRIBUTES, XATTRS, st.none() | lists(), st.none() | lists())), max_size=4),
    max_leaves=12)


class Maker:
    """Makes a tree."""

    def __init__(self):
        self.last = None

    def fill(self, path, tree):
        for name, value in tree.items():
            getattr(self, value[0])(os.path.join(path, name), *value[1:])

    def file(self, path, parts, attributes, xattrs, capability, acl):
        with open(path, "wb") as output:
            for gap, data in parts:
                output.seek(gap, os.SEEK_CUR)
                output.write(data)
            output.truncate(output.tell())
        self._dress(path, attributes, {**xattrs, **({"security.capability": capability} if capability else {}),
                                       **({"system.posix_acl_access": acl} if acl else {})})
        self.last = path

    def symlink(self, path, target, attributes):
        os.symlink(target, path)
        os.chown(path, attributes["uid"], attributes["gid"], follow_symlinks=False)
        os.setxattr(path, "trusted.link", b"1", follow_symlinks=False)
        os.utime(path, ns=(0, attributes["mtime"]), follow_symlinks=False)
        self.last = path

    def node(self, path, kind, number, attributes):
        os.mknod(path, kind | 0o600, os.makedev(number, number * 7) if kind != stat.S_IFIFO else 0)
        self._dress(path, attributes, {"trusted.node": b""})
        self.last = path

    def again(self, path):
        if self.last is not None:
            os.link(self.last, path, follow_symlinks=False)

    def directory(self, path, tree, attributes, xattrs, acl, default):
        os.mkdir(path)
        self.fill(path, tree)
        self._dress(path, attributes, {**xattrs, **({"system.posix_acl_access": acl} if acl else {}),
                                       **({"system.posix_acl_default": default} if default else {})})

    def _dress(self, path, attributes, xattrs):
        os.chown(path, attributes["uid"], attributes["gid"])
        os.chmod(path, attributes["mode"])
        for name, value in xattrs.items():
            os.setxattr(path, name, value)
        os.utime(path, ns=(0, attributes["mtime"]))


def snapshot(top, links=True):
    """All that can be seen of a tree: {relative path: facts}; ``links``: with the names that a file has in common with others."""
    facts, inodes = {}, {}
    for directory, subdirectories, files in os.walk(top):
        for name in subdirectories + files:
            path = os.path.join(directory, name)
            relative, status = os.path.relpath(path, top), os.lstat(path)
            kind = stat.S_IFMT(status.st_mode)
            inodes.setdefault(status.st_ino, set()).add(relative)
            content = None
            if kind == stat.S_IFREG:
                with open(path, "rb") as source:
                    content = hashlib.sha256(source.read()).hexdigest(), status.st_size
            elif kind == stat.S_IFLNK:
                content = os.readlink(path)
            elif kind in (stat.S_IFCHR, stat.S_IFBLK):
                content = status.st_rdev
            facts[relative] = [status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns, content, {
                name: os.getxattr(path, name, follow_symlinks=False) for name in os.listxattr(path, follow_symlinks=False)
                if not name.startswith("trusted.overlay.")}]
    if links:
        for same in inodes.values():
            for relative in same:
                facts[relative].append(sorted(same))
    return facts


@pytest.mark.fast
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(TREES, st.sampled_from(compress.KINDS))
def test_tree_to_layer_to_tree(tree, kind):
    with directories(b"one", b"two") as (one, two):
        Maker().fill(one, tree)
        plain = b"".join(diff.changeset(one))
        assert b"".join(diff.changeset(one)) == plain
        blob = b"".join(compress.compress([plain], kind))
        apply.apply(stream.decompress([blob]), two)
        assert snapshot(two) == snapshot(one)
        assert b"".join(diff.changeset(two)) == plain, "the layer of the layer is the same layer"


# --- changes on a base

SHORT = st.sampled_from([b"a", b"b", b"c", b"\xff", b"d\n"])
PATHS = st.lists(SHORT, min_size=1, max_size=3).map(b"/".join)
CHANGES = st.lists(st.one_of(
    st.tuples(st.just("write"), PATHS, st.binary(max_size=20)),
    st.tuples(st.just("remove"), PATHS),
    st.tuples(st.just("mkdir"), PATHS),
    st.tuples(st.just("chmod"), PATHS, st.integers(0, 0o7777)),
    st.tuples(st.just("setxattr"), PATHS, st.binary(max_size=20)),
    st.tuples(st.just("symlink"), PATHS, SHORT),
    st.tuples(st.just("link"), PATHS, PATHS),
    st.tuples(st.just("rename"), PATHS, PATHS)), max_size=14)


def change(top, steps):
    for verb, path, *rest in steps:
        path = os.path.join(top, path)
        try:
            if verb == "write":
                with open(path, "wb") as output:
                    output.write(rest[0])
            elif verb == "remove":
                shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
            elif verb == "mkdir":
                os.mkdir(path)
            elif verb == "chmod":
                os.chmod(path, rest[0])
            elif verb == "setxattr":
                os.setxattr(path, "user.k", rest[0])
            elif verb == "symlink":
                os.symlink(rest[0], path)
            else:
                getattr(os, verb)(path, os.path.join(top, rest[0]))
        except (OSError, shutil.Error):
            continue


@contextlib.contextmanager
def overlay(merged, *options):
    calls.mount("overlay", merged, "overlay", 0, b",".join((*options, b"redirect_dir=off,metacopy=off")))
    try:
        yield
    finally:
        calls.umount2(merged)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CHANGES, CHANGES)
def test_changes_to_layer_to_changes(first, second):
    with directories(b"base", b"upper", b"work", b"layer", b"merged") as (base, upper, work, layer, merged):
        change(base, first)
        with overlay(merged, b"lowerdir=" + base, b"upperdir=" + upper, b"workdir=" + work):
            change(merged, second)
            wanted = snapshot(merged, links=False)
        pieces = diff.changeset(upper)
        applied = apply.apply(stream.decompress(compress.gzip(pieces)), layer)
        assert applied.implied == ()
        with overlay(merged, b"lowerdir=" + layer + b":" + base):
            assert snapshot(merged, links=False) == wanted
        assert b"".join(diff.changeset(layer)) == b"".join(diff.changeset(upper))


# --- holes

def test_holes_stay_holes_and_content_stays(tmp_path):
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    for path in (one, two, three):
        path.mkdir()
    with open(one / "disk", "wb") as output:
        output.seek(40 << 20)
        output.write(b"middle")
        output.truncate(90 << 20)
    plain = b"".join(diff.changeset(str(one)))
    apply.apply([plain], str(two))
    assert os.stat(two / "disk").st_size == 90 << 20 and os.stat(two / "disk").st_blocks * 512 < 1 << 20
    with open(two / "disk", "rb") as content:
        content.seek(40 << 20)
        assert content.read(6) == b"middle"
    # the layer depends on the content only, not on where the file system has holes
    with open(three / "disk", "wb") as output:
        output.write(bytes(40 << 20) + b"middle" + bytes((50 << 20) - 6))
    shutil.copystat(one / "disk", three / "disk")
    assert hashlib.sha256(b"".join(diff.changeset(str(three)))).digest() == hashlib.sha256(plain).digest()


def test_sparse_members_become_holes(tmp_path):
    import subprocess

    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    with open(one / "disk", "wb") as output:
        output.write(b"begin")
        output.truncate(1 << 40)
    archive = subprocess.run(["tar", "--sparse", "-C", str(one), "-cf", "-", "disk"], check=True, capture_output=True).stdout
    applied = apply.apply([archive], str(two))
    status = os.stat(two / "disk")
    assert status.st_size == 1 << 40 and status.st_blocks * 512 < 1 << 20 and applied.size < 1 << 20
    with open(two / "disk", "rb") as content:
        assert content.read(7) == b"begin\0\0"


def test_files_in_a_directory_with_a_default_list_do_not_inherit_it(tmp_path):
    entries = ((1, 7, NONE), (2, 7, 1000), (4, 5, NONE), (16, 7, NONE), (32, 0, NONE))
    default = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    one, two = tmp_path / "one", tmp_path / "two"
    (one / "d").mkdir(parents=True)
    (one / "d" / "f").write_bytes(b"x")
    (one / "d" / "e").mkdir()
    os.setxattr(one / "d", "system.posix_acl_default", default)
    two.mkdir()
    apply.apply(diff.changeset(str(one)), str(two))
    assert os.listxattr(two / "d" / "f") == [] and os.listxattr(two / "d" / "e") == []
    assert os.getxattr(two / "d", "system.posix_acl_default") == default
