# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""COPY and ADD into a real tree: where things land, and with which owners, modes, times, attributes and links."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import types

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.build.checksum import Memo
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.copy import materialize, place
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.ignorefile import Ignore
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.select import checkout, downloaded, inline, promised, select
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.view import SourceError

CAPABILITY = bytes.fromhex("0100000200040000000000000000000000000000")
WHEN = 1234567890123456789


class Trees:
    """A context and the root of an image, below a directory of the host."""

    def __init__(self, path):
        self.host, self.context, self.image = path, path / "context", path / "image"
        self.context.mkdir()
        self.image.mkdir()
        os.chmod(self.image, 0o755)

    def file(self, path, content="", mode=0o644, where=None):
        path = (where or self.context) / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content or path.name)
        os.chmod(path, mode)
        os.utime(path, ns=(WHEN, WHEN))
        return path

    def copy(self, sources, destination, select_with=None, **options):
        return place(select(str(self.context), sources, **(select_with or {})), str(self.image), destination, **options)

    def names(self):
        """Sorted paths in the image; directories end with a slash, links show where they lead."""
        found = []
        for parent, directories, files in os.walk(self.image):
            for name in directories + files:
                path = os.path.join(parent, name)
                shown = os.path.relpath(path, self.image)
                if os.path.islink(path):
                    shown += " -> " + os.readlink(path)
                elif os.path.isdir(path):
                    shown += "/"
                found.append(shown)
        return sorted(found)


@pytest.fixture(name="trees")
def _trees(tmp_path):
    return Trees(tmp_path)


def mode_of(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def owner_of(path):
    status = os.lstat(path)
    return status.st_uid, status.st_gid


# --- where things land

@pytest.mark.parametrize("sources, destination, names", [
    (["a"], "/x", ["x"]), (["a"], "/x/", ["x/", "x/a"]), (["a"], "/x/y", ["x/", "x/y"]), (["a"], "/", ["a"]), (["a"], ".", ["a"]),
    (["a"], "x/.", ["x/", "x/a"]), (["a", "d/b"], "/x/", ["x/", "x/a", "x/b"]), (["d"], "/x", ["x/", "x/b", "x/e/", "x/e/c"]),
    (["d"], "/", ["b", "e/", "e/c"]), (["d/"], "x/y/", ["x/", "x/y/", "x/y/b", "x/y/e/", "x/y/e/c"]),
    (["*"], "/x/", ["x/", "x/a", "x/b", "x/e/", "x/e/c"]),
    (["d/e"], "//x//", ["x/", "x/c"]), (["a"], "/../x", ["x"]), (["nothing*"], "/x", []),
])
def test_where_it_lands(trees, sources, destination, names):
    trees.file("a")
    trees.file("d/b")
    trees.file("d/e/c")
    trees.copy(sources, destination)
    assert trees.names() == names


def test_a_relative_destination_starts_at_the_working_directory(trees):
    trees.file("a")
    trees.copy(["a"], "x/", work_dir="/srv/app")
    trees.copy(["a"], "./y", work_dir="/srv/app")
    assert trees.names() == ["srv/", "srv/app/", "srv/app/x/", "srv/app/x/a", "srv/app/y"]


def test_a_directory_of_the_image_takes_files_in_without_a_slash(trees):
    trees.file("a")
    trees.file("b")
    (trees.image / "x").mkdir()
    trees.copy(["a", "b"], "/x")
    assert trees.names() == ["x/", "x/a", "x/b"]


def test_several_files_under_one_name_are_refused(trees):
    trees.file("a")
    trees.file("b")
    with pytest.raises(SourceError) as caught:
        trees.copy(["a", "b"], "/x")
    assert "no directory" in str(caught.value)
    with pytest.raises(SourceError):
        trees.copy(["?"], "/y")


def test_a_file_replaces_a_file_and_a_link_but_no_directory(trees):
    trees.file("d/a", "new")
    trees.file("a", "old", where=trees.image)
    trees.copy(["d"], "/")
    assert (trees.image / "a").read_text() == "new"
    (trees.image / "a").unlink()
    trees.file("kept", "kept", where=trees.image)
    os.symlink("kept", trees.image / "a")
    trees.copy(["d"], "/")
    assert (trees.image / "a").read_text() == "new"
    assert (trees.image / "kept").read_text() == "kept"
    (trees.image / "a").unlink()
    (trees.image / "a").mkdir()
    with pytest.raises(SourceError):
        trees.copy(["d"], "/")


def test_a_directory_replaces_nothing(trees):
    trees.file("d/a/b")
    trees.file("a", where=trees.image)
    with pytest.raises(SourceError):
        trees.copy(["d"], "/")
    with pytest.raises(SourceError):
        trees.copy(["d"], "/a")
    with pytest.raises(SourceError):
        trees.copy(["d/a/b"], "/a/")
    with pytest.raises(SourceError):
        trees.copy(["d/a/b"], "/a/c")


# --- attributes

def test_modes_times_and_owners(trees):
    trees.file("d/run", mode=0o4750)
    os.mkdir(trees.context / "d" / "sub", 0o700)
    os.chmod(trees.context / "d" / "sub", 0o2711)
    os.symlink("run", trees.context / "d" / "link")
    for name in ("run", "sub", "link"):
        os.chown(trees.context / "d" / name, 5, 6, follow_symlinks=False)
    os.chmod(trees.context / "d" / "run", 0o4750)
    os.utime(trees.context / "d" / "link", ns=(WHEN, WHEN), follow_symlinks=False)
    os.chmod(trees.context / "d" / "sub", 0o2711)
    os.utime(trees.context / "d" / "sub", ns=(WHEN, WHEN))
    trees.copy(["d"], "/x")
    for name, mode in (("run", 0o4750), ("sub", 0o2711), ("link", 0o777)):
        assert mode_of(trees.image / "x" / name) == mode
        assert os.lstat(trees.image / "x" / name).st_mtime_ns == WHEN
        assert owner_of(trees.image / "x" / name) == (0, 0)
    assert mode_of(trees.image / "x") == 0o755
    trees.copy(["d"], "/y", {"keep_owners": True})
    assert {owner_of(trees.image / "y" / name) for name in ("run", "sub", "link")} == {(5, 6)}
    assert mode_of(trees.image / "y" / "run") == 0o4750
    trees.copy(["d"], "/z", {"keep_owners": True}, owner=(7, 8))
    assert {owner_of(trees.image / name) for name in ("z", "z/run", "z/sub", "z/link")} == {(7, 8)}


def test_directories_on_the_way_are_made_alike_whatever_the_umask(trees):
    trees.file("a")
    old = os.umask(0o077)
    try:
        trees.copy(["a"], "/x/y/z", owner=(7, 8))
        trees.copy(["a"], "/v/w/")
    finally:
        os.umask(old)
    assert {mode_of(trees.image / name) for name in ("x", "x/y", "v", "v/w")} == {0o755}
    assert {owner_of(trees.image / name) for name in ("x", "x/y", "x/y/z")} == {(7, 8)}
    assert {owner_of(trees.image / name) for name in ("v", "v/w", "v/w/a")} == {(0, 0)}
    assert mode_of(trees.image / "x/y/z") == 0o644


def test_merging_keeps_the_destination_and_overwrites_what_lies_below(trees):
    trees.file("d/sub/a")
    os.chmod(trees.context / "d", 0o700)
    os.chmod(trees.context / "d" / "sub", 0o750)
    (trees.image / "x" / "sub").mkdir(parents=True)
    os.chmod(trees.image / "x", 0o1777)
    os.chown(trees.image / "x", 3, 4)
    os.chown(trees.image / "x" / "sub", 3, 4)
    trees.file("x/sub/old", where=trees.image)
    trees.copy(["d"], "/x")
    assert mode_of(trees.image / "x") == 0o1777
    assert owner_of(trees.image / "x") == (3, 4)
    assert mode_of(trees.image / "x" / "sub") == 0o750
    assert owner_of(trees.image / "x" / "sub") == (0, 0)
    assert trees.names() == ["x/", "x/sub/", "x/sub/a", "x/sub/old"]


def test_chmod(trees):
    trees.file("d/run", mode=0o700)
    trees.file("d/data", mode=0o600)
    os.symlink("run", trees.context / "d" / "link")
    trees.copy(["d"], "/x", chmod="0640")
    assert {mode_of(trees.image / "x" / name) for name in ("run", "data")} == {0o640}
    # as BuildKit does it, also for directories on the way, whose set-user-ID bit it forgets
    assert mode_of(trees.image / "x") == 0o640
    trees.copy(["d/run"], "/v/w", chmod="4711")
    assert (mode_of(trees.image / "v"), mode_of(trees.image / "v/w")) == (0o711, 0o4711)
    trees.copy(["d"], "/y", chmod="go=u,go-w")
    assert mode_of(trees.image / "y") == 0o755
    assert (mode_of(trees.image / "y/run"), mode_of(trees.image / "y/data")) == (0o755, 0o644)
    assert os.readlink(trees.image / "y/link") == "run"
    place(inline("EOF", b"text"), str(trees.image), "/z", chmod="u+x")
    assert mode_of(trees.image / "z") == 0o744


def test_all_times_can_be_one(trees):
    trees.file("d/sub/a")
    os.symlink("a", trees.context / "d" / "link")
    trees.copy(["d"], "/x/y", mtime=5000000000)
    place(inline("EOF", b"text"), str(trees.image), "/u/", mtime=5000000000)
    trees.copy(["d/sub/a"], "/v/w/x", mtime=5000000000)
    for name in ("v", "v/w", "v/w/x", "x", "x/y", "x/y/sub", "x/y/sub/a", "x/y/link", "u", "u/EOF"):
        assert os.lstat(trees.image / name).st_mtime_ns == 5000000000


def test_extended_attributes(trees):
    path = trees.file("d/a")
    os.setxattr(path, "user.note", b"\0x")
    os.setxattr(path, "security.capability", CAPABILITY)
    os.mkdir(trees.context / "d" / "sub")
    os.setxattr(trees.context / "d" / "sub", "trusted.x", b"y")
    os.setxattr(path, "trusted.overlay.opaque", b"y")
    selection = select(str(trees.context), ["d"])
    before = selection.digest()
    place(selection, str(trees.image), "/x", owner=(1, 1))
    copied = trees.image / "x" / "a"
    assert sorted(os.listxattr(copied)) == ["security.capability", "user.note"]
    assert os.getxattr(copied, "user.note") == b"\0x"
    assert os.getxattr(copied, "security.capability") == CAPABILITY
    assert os.getxattr(trees.image / "x" / "sub", "trusted.x") == b"y"
    os.setxattr(path, "user.note", b"z")
    assert select(str(trees.context), ["d"]).digest() != before


def test_hard_links_stay_within_one_source(trees):
    trees.file("d/a", "x" * 100000)
    (trees.context / "d" / "sub").mkdir()
    os.link(trees.context / "d" / "a", trees.context / "d" / "sub" / "b")
    os.link(trees.context / "d" / "a", trees.context / "other")
    trees.copy(["d", "other"], "/x/")
    inode = os.stat(trees.image / "x" / "a").st_ino
    assert os.stat(trees.image / "x" / "sub" / "b").st_ino == inode
    assert os.stat(trees.image / "x" / "other").st_ino != inode
    trees.copy(["d"], "/x/")
    assert os.stat(trees.image / "x" / "a").st_ino == os.stat(trees.image / "x" / "sub" / "b").st_ino
    linked = select(str(trees.context), ["d"]).digest()
    (trees.context / "d" / "sub" / "b").unlink()
    trees.file("d/sub/b", "x" * 100000)
    assert select(str(trees.context), ["d"]).digest() != linked


def test_devices_pipes_and_sockets(trees):
    (trees.context / "d").mkdir()
    os.mknod(trees.context / "d" / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod(trees.context / "d" / "disk", stat.S_IFBLK | 0o660, os.makedev(7, 0))
    os.mkfifo(trees.context / "d" / "pipe")
    os.chmod(trees.context / "d" / "null", 0o622)
    listening = socket.socket(socket.AF_UNIX)
    with listening:
        listening.bind(str(trees.context / "d" / "socket"))
        trees.copy(["d"], "/", owner=(1, 2))
    null, disk, pipe, stub = (os.lstat(trees.image / name) for name in ("null", "disk", "pipe", "socket"))
    assert (null.st_mode, null.st_rdev, null.st_uid) == (stat.S_IFCHR | 0o622, os.makedev(1, 3), 1)
    assert stat.S_ISBLK(disk.st_mode)
    assert disk.st_rdev == os.makedev(7, 0)
    assert stat.S_ISFIFO(pipe.st_mode)
    assert stat.S_ISREG(stub.st_mode)
    assert stub.st_size == 0
    os.mknod(trees.context / "d" / "gone", stat.S_IFCHR, os.makedev(0, 0))
    with pytest.raises(SourceError):
        trees.copy(["d"], "/")


def test_holes_stay_holes(trees):
    path = trees.context / "sparse"
    with open(path, "wb") as stream:
        stream.seek(64 << 20)
        stream.write(b"end")
        stream.seek(1 << 20)
        stream.write(b"middle")
        stream.truncate(80 << 20)
    trees.copy(["sparse"], "/")
    copied = trees.image / "sparse"
    assert os.stat(copied).st_size == 80 << 20
    assert os.stat(copied).st_blocks * 512 < 1 << 20
    with open(path, "rb") as one, open(copied, "rb") as other:
        while True:
            data = one.read(1 << 20)
            assert other.read(1 << 20) == data
            if not data:
                break


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 3 << 20])
def test_contents_of_any_size(trees, size):
    data = os.urandom(size)
    (trees.context / "a").write_bytes(data)
    placed = trees.copy(["a"], "/")
    assert (trees.image / "a").read_bytes() == data
    assert (placed.files, placed.size, placed.changed) == (1, size, ())


# --- flags

def test_parents_make_directories_like_those_of_the_source(trees):
    trees.file("a/b/c")
    trees.file("a/b/other")
    os.chmod(trees.context / "a", 0o711)
    os.chmod(trees.context / "a" / "b", 0o700)
    trees.copy(["a/b/c"], "/x/", {"parents": True})
    assert trees.names() == ["x/", "x/a/", "x/a/b/", "x/a/b/c"]
    assert (mode_of(trees.image / "x"), mode_of(trees.image / "x/a"), mode_of(trees.image / "x/a/b")) == (0o755, 0o711, 0o700)
    os.chown(trees.image / "x/a", 5, 5)
    os.chmod(trees.image / "x/a", 0o777)
    trees.copy(["a/b/c"], "/x/", {"parents": True})
    # a directory that is only on the way keeps its owner
    assert (owner_of(trees.image / "x/a"), mode_of(trees.image / "x/a")) == ((5, 5), 0o711)


def test_exclude(trees):
    trees.file("d/a.txt")
    trees.file("d/sub/b.txt")
    trees.file("d/sub/c.md")
    trees.copy(["d"], "/", {"exclude": ["**/*.txt"]})
    assert trees.names() == ["sub/", "sub/c.md"]


def test_links_inside_directories_are_kept_and_links_as_sources_followed(trees):
    trees.file("real", "real")
    (trees.context / "d").mkdir()
    os.symlink("/etc/shadow", trees.context / "d" / "absolute")
    os.symlink("../../../x", trees.context / "d" / "up")
    os.symlink("real", trees.context / "link")
    os.symlink("d", trees.context / "dlink")
    trees.copy(["d"], "/1")
    trees.copy(["dlink", "link"], "/2/")
    assert trees.names() == ["1/", "1/absolute -> /etc/shadow", "1/up -> ../../../x", "2/", "2/absolute -> /etc/shadow", "2/link",
                             "2/up -> ../../../x"]
    assert (trees.image / "2" / "link").read_text() == "real"


def test_links_of_the_image_on_the_way_are_followed_inside_it(trees):
    trees.file("a")
    (trees.image / "usr/lib").mkdir(parents=True)
    os.symlink("usr/lib", trees.image / "lib")
    os.symlink("/usr/lib/new/name", trees.image / "final")
    os.symlink("/usr", trees.image / "rooted")
    trees.copy(["a"], "/lib/")
    trees.copy(["a"], "/rooted/lib/b")
    trees.copy(["a"], "/final")
    assert trees.names() == ["final -> /usr/lib/new/name", "lib -> usr/lib", "rooted -> /usr", "usr/", "usr/lib/", "usr/lib/a", "usr/lib/b",
                             "usr/lib/new/", "usr/lib/new/name"]


def test_here_documents_downloads_and_checkouts(trees, tmp_path):
    fetched = tmp_path / "download"
    fetched.write_text("fetched")
    os.chmod(fetched, 0o600)
    os.utime(fetched, ns=(WHEN, WHEN))
    tree = tmp_path / "repository"
    tree.mkdir()
    (tree / "README").write_text("read me")
    selection = inline("EOF", b"text\n") + downloaded("http://host/file.tar", str(fetched), "file.tar") + checkout("git@host:x", str(tree))
    placed = place(selection, str(trees.image), "/x/", keyword="ADD")
    assert trees.names() == ["x/", "x/EOF", "x/README", "x/file.tar"]
    assert (trees.image / "x/EOF").read_text() == "text\n"
    assert mode_of(trees.image / "x/EOF") == 0o644
    assert (mode_of(trees.image / "x/file.tar"), os.stat(trees.image / "x/file.tar").st_mtime_ns) == (0o600, WHEN)
    assert placed.files == 3


def test_a_promised_file_is_fetched_when_it_is_placed_only(trees, tmp_path):
    fetched = []

    def fetch():
        fetched.append(1)
        (tmp_path / "download").write_text("fetched")
        os.chmod(tmp_path / "download", 0o600)
        return str(tmp_path / "download")

    one, other = (promised("http://host/a", "a", "sha256:" + digit * 64, fetch) for digit in "01")
    assert one.digest() != other.digest()
    assert one.digest() == promised("http://mirror/a", "a", "sha256:" + "0" * 64, fetch).digest()
    assert not fetched
    place(one, str(trees.image), "/x/", keyword="ADD", owner=(1, 1))
    assert fetched == [1]
    assert (trees.image / "x/a").read_text() == "fetched"
    assert (mode_of(trees.image / "x/a"), owner_of(trees.image / "x/a")) == (0o600, (1, 1))


def test_a_materialised_context_lacks_what_is_left_out(trees):
    trees.file("a")
    trees.file("d/b")
    os.chown(trees.context / "a", 5, 5)
    context = types.SimpleNamespace(root=str(trees.context), ignore=Ignore(["d"]), keep_owners=False)
    materialize(context, str(trees.image))
    assert trees.names() == ["a"]
    assert owner_of(trees.image / "a") == (0, 0)


def test_a_file_that_was_written_to_since_it_was_hashed_is_named(trees):
    path = trees.file("d/a", "one")
    selection = select(str(trees.context), ["d"])
    selection.digest(Memo())
    path.write_text("other")
    assert place(selection, str(trees.image), "/").changed == ("a",)
    assert (trees.image / "a").read_text() == "other"


@pytest.mark.parametrize("source, destination", [("d", "/"), ("e", "/"), ("a", "/x/.wh.a"), ("a", "/.wh.x/"), ("d/.wh.gone", "/")])
def test_names_that_mean_a_deletion_are_refused(trees, source, destination):
    trees.file("a")
    trees.file("d/.wh.gone")
    trees.file("e/.wh.d/a")
    with pytest.raises(SourceError) as caught:
        trees.copy([source], destination)
    assert "deletion" in str(caught.value)


# --- random trees

NAMES = st.sampled_from(["a", "b", "c.txt", "é", "with space", "*"])
MODES = st.sampled_from([0o644, 0o600, 0o755, 0o4755, 0o2711, 0o1777, 0])
FILES = st.tuples(st.just("file"), st.binary(max_size=200), MODES)
LINKS = st.tuples(st.just("link"), st.sampled_from(["a", "../b", "/etc/shadow", "nowhere"]), st.just(0))
SAME = st.tuples(st.just("same"), st.just(""), st.just(0))
TREES = st.recursive(st.one_of(FILES, LINKS, SAME),
                     lambda inner: st.tuples(st.dictionaries(NAMES, inner, max_size=4), MODES), max_leaves=12)


def grow(path, tree, first):
    """Make a random tree; ``first`` holds the path of a file that others are hard links to."""
    if len(tree) == 2:
        os.mkdir(path)
        for name, inner in tree[0].items():
            grow(os.path.join(path, name), inner, first)
        os.chmod(path, tree[1])
        return
    kind, content, mode = tree
    if kind == "link":
        os.symlink(content, path)
    elif kind == "same" and first:
        os.link(first[0], path)
    else:
        with open(path, "wb") as stream:
            stream.write(content or b"")
        os.chmod(path, mode)
        if mode == 0o755:
            os.setxattr(path, "user.note", content)
        first.append(path)


@settings(max_examples=60)
@given(st.dictionaries(NAMES, TREES, max_size=4))
def test_what_is_placed_has_the_digest_of_what_was_selected(tmp_path_factory, tree):
    path = tmp_path_factory.mktemp("random")
    try:
        (path / "image").mkdir()
        grow(str(path / "context"), (tree, 0o755), [])
        selection = select(str(path / "context"), ["."])
        place(selection, str(path / "image"), "/x")
        assert select(str(path / "image"), ["x"]).digest() == selection.digest()
        place(selection, str(path / "image"), "/x/")
        assert select(str(path / "image"), ["x"], keep_owners=True).digest(owners=False) == selection.digest(Memo())
    finally:
        shutil.rmtree(path)
